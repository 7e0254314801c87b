//! The stack as `make run` starts it: its own process, killed and started again.

use std::{
    fs::{File, read_to_string},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Outcome;

/// A running stack with its data in a folder of its own.
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
    /// Where the API is.
    pub(crate) api: String,
    /// Where DynamoDB is.
    pub(crate) dynamodb: String,
    runs: u32,
}

impl Process {
    /// Starts a stack with an empty table.
    pub(crate) async fn start() -> Outcome<Self> {
        let folder = TempDir::new()?;
        let (child, api, dynamodb) = spawn(folder.path(), 0).await?;
        Ok(Self { child, folder, api, dynamodb, runs: 1 })
    }

    /// Kills it without a word, and starts it again on what it left behind.
    pub(crate) async fn kill_and_restart(&mut self) -> Outcome {
        self.child.kill().await?;
        (self.child, self.api, self.dynamodb) = spawn(self.folder.path(), self.runs).await?;
        self.runs += 1;
        Ok(())
    }

    /// What all runs have written, once it has `text` in it: the audit log follows a moment later.
    pub(crate) async fn output_with(&self, text: &str) -> Outcome<String> {
        for _ in 0..200 {
            let output = self.output()?;
            if output.contains(text) {
                return Ok(output);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{text} is not written within 10 s").into())
    }

    /// Everything that all runs have written.
    pub(crate) fn output(&self) -> Outcome<String> {
        let outputs = (0..self.runs).map(|run| read_to_string(output(self.folder.path(), run)));
        Ok(outputs.collect::<Result<String, _>>()?)
    }
}

fn output(folder: &Path, run: u32) -> PathBuf {
    folder.join(format!("output-{run}"))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(["--port", "0", "--dynamodb-port", "0", "--data"]).arg(folder).env_clear().kill_on_drop(true);
    command
}

async fn spawn(folder: &Path, run: u32) -> Outcome<(Child, String, String)> {
    let path = output(folder, run);
    let written = File::create(&path)?;
    let child = command(folder)
        .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
        .stdout(Stdio::from(written.try_clone()?))
        .stderr(Stdio::from(written))
        .spawn()?;
    for _ in 0..600 {
        let text = read_to_string(&path)?;
        if let Some(ready) = text.lines().find(|line| line.starts_with("ready: ")) {
            let mut addresses = ready.split_whitespace().filter(|word| word.starts_with("http://")).map(str::to_owned);
            let both = addresses.next().zip(addresses.next()).ok_or("two addresses")?;
            return Ok((child, both.0, both.1));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("not ready after 30 s: {}", read_to_string(&path)?).into())
}

#[tokio::test]
async fn sessions_keys_and_users_survive_a_kill() -> Outcome {
    let mut process = Process::start().await?;
    let client = reqwest::Client::new();
    let user = json!({ "username": "ada", "password": "correct horse", "transport": "body" });
    let opened: Value = client.post(format!("{}/register", process.api)).json(&user).send().await?.json().await?;
    let bearer = opened["accessToken"].as_str().ok_or("no access token")?;
    let token = json!({ "refreshToken": opened["refreshToken"] });
    let refresh = || client.post(format!("{}/refresh", process.api)).header("idempotency-key", "key-of-16-characters");
    let lost: Value = refresh().json(&token).send().await?.json().await?;

    process.kill_and_restart().await?;

    // The port is another one, so the access token names another issuer; the refresh token and its lost answer do not.
    let api = &process.api;
    let again = client.post(format!("{api}/refresh")).header("idempotency-key", "key-of-16-characters").json(&token);
    let again: Value = again.send().await?.json().await?;
    assert_eq!((&again["refreshToken"], &again["session"]["id"]), (&lost["refreshToken"], &opened["session"]["id"]));
    assert_ne!(again["accessToken"], bearer);
    let bearer = again["accessToken"].as_str().ok_or("no access token")?;
    let validated = client.post(format!("{api}/validate-session")).bearer_auth(bearer).send().await?;
    assert_eq!(validated.status(), StatusCode::OK);
    let user = json!({ "credential": { "kind": "password", "username": "ada", "password": "correct horse" } });
    let connected = client.post(format!("{api}/connect")).json(&user).send().await?;
    assert_eq!(connected.status(), StatusCode::CREATED);
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() -> Outcome {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let folder = TempDir::new()?;
    for option in ["--port", "--dynamodb-port"] {
        let mut args = vec!["--memory", "--port", "0", "--dynamodb-port", "0"];
        let port = port.to_string();
        let at = args.iter().position(|arg| *arg == option).ok_or("no such option")?;
        args[at + 1] = &port;
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        let ended = command.args(args).current_dir(folder.path()).env_clear().output().await?;
        assert_eq!(ended.status.code(), Some(1), "{option}");
        let lines = String::from_utf8(ended.stdout)?;
        assert_eq!(lines.lines().count(), 1, "{lines}");
        let line: Value = serde_json::from_str(&lines)?;
        assert_eq!(line["event"], "start_failed");
        let message = line["message"].as_str().ok_or("no message")?;
        assert!(message.contains(&port) && message.contains(option), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn a_policy_that_contradicts_itself_stops_the_start_naming_both_settings() -> Outcome {
    let folder = TempDir::new()?;
    let ended = command(folder.path()).env("SESSION_IDLE_TIMEOUT", "8d").output().await?;
    assert_eq!(ended.status.code(), Some(1));
    let lines = String::from_utf8(ended.stdout)?;
    let line: Value = serde_json::from_str(lines.lines().last().ok_or("nothing was said")?)?;
    assert_eq!(line["message"], "SESSION_IDLE_TIMEOUT must be at most SESSION_ABSOLUTE_TIMEOUT");
    Ok(())
}

#[tokio::test]
async fn the_stack_stops_cleanly_when_it_is_asked_to() -> Outcome {
    for signal in ["-INT", "-TERM"] {
        let mut process = Process::start().await?;
        let id = process.child.id().ok_or("not running")?.to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await?.success());
        let ended = tokio::time::timeout(Duration::from_secs(20), process.child.wait()).await??;
        assert_eq!(ended.code(), Some(0), "{signal}");
    }
    Ok(())
}
