//! The stack as `make run` starts it: its own process, killed and started again.

use std::path::Path;

use harness::{
    conversation::{Conversation, PASSWORD, Presence, Proof},
    local_stack::{Launch, LocalStack, command},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::Outcome;

/// A stack of today's build.
pub(crate) fn launch() -> Launch {
    Launch::of(Path::new(env!("CARGO_BIN_EXE_local")))
}

#[tokio::test]
async fn sessions_keys_and_users_survive_a_kill() -> Outcome {
    let mut stack = LocalStack::start(launch()).await?;
    let client = Conversation::with(&stack.url);
    let opened = client.register("ada", false).await?.session()?;
    let keys = &["key-of-16-characters"];
    let lost = client.refresh(&opened.refresh, keys).await?.session()?;

    stack.kill().await?;
    stack.run().await?;

    // The port is another one, so the access token names another issuer; the refresh token and its lost answer do not.
    let client = Conversation::with(&stack.url);
    let again = client.refresh(&opened.refresh, keys).await?.session()?;
    assert_eq!((&again.refresh, &again.id), (&lost.refresh, &opened.id));
    assert_ne!(again.access, opened.access);
    client.poll(&again.access, Presence::Nobody).await?.expect(200)?;
    client.connect(Proof::Password("ada", PASSWORD), false).await?.expect(201)?;
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
    let ended = command(&launch(), folder.path()).env("SESSION_IDLE_TIMEOUT", "8d").output().await?;
    assert_eq!(ended.status.code(), Some(1));
    let lines = String::from_utf8(ended.stdout)?;
    let line: Value = serde_json::from_str(lines.lines().last().ok_or("nothing was said")?)?;
    assert_eq!(line["message"], "SESSION_IDLE_TIMEOUT must be at most SESSION_ABSOLUTE_TIMEOUT");
    Ok(())
}

#[tokio::test]
async fn the_stack_stops_cleanly_when_it_is_asked_to() -> Outcome {
    for signal in ["-INT", "-TERM"] {
        let ended = LocalStack::start(launch()).await?.signal(signal).await?;
        assert_eq!(ended.code(), Some(0), "{signal}");
    }
    Ok(())
}
