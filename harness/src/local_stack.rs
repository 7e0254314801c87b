//! The local stack as `make run` starts it: a process of its own, killed and started again.

use std::{
    fs::{File, read_to_string},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use session::settings::Variables;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Outcome, clock::Clock};

/// How long a start and a line of output may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// What a stack is started with.
#[derive(Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Port of the API; 0 takes any that is free.
    pub port: u16,
    /// Another DynamoDB than the embedded one.
    pub dynamodb: Option<String>,
    /// All that it finds in its environment.
    pub environment: Variables,
    /// Its wall clock.
    pub clock: Clock,
}

impl Launch {
    /// A stack with an embedded DynamoDB, on ports that are free.
    #[must_use]
    pub fn of(program: &Path) -> Self {
        let (environment, clock) = (Variables::default(), Clock::Same);
        Self { program: program.to_owned(), port: 0, dynamodb: None, environment, clock }
    }
}

/// A stack with its data in a folder of its own.
pub struct LocalStack {
    /// What its next start uses.
    pub launch: Launch,
    /// The URL of the API.
    pub url: String,
    /// The URL of DynamoDB.
    pub dynamodb: String,
    child: Option<Child>,
    folder: TempDir,
    runs: u32,
}

impl LocalStack {
    /// Starts a stack and waits until it is ready.
    pub async fn start(launch: Launch) -> Outcome<Self> {
        let (url, dynamodb) = (String::new(), String::new());
        let mut stack = Self { launch, url, dynamodb, child: None, folder: TempDir::new()?, runs: 0 };
        stack.run().await?;
        Ok(stack)
    }

    /// Kills it without a word: connections to it are refused from now on.
    pub async fn kill(&mut self) -> Outcome {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Asks it to stop with a signal such as `-TERM`, and waits until it has.
    pub async fn signal(&mut self, signal: &str) -> Outcome<ExitStatus> {
        let mut child = self.child.take().ok_or("not running")?;
        let id = child.id().ok_or("not running")?.to_string();
        let asked = Command::new("kill").args([signal, &id]).status().await?;
        if !asked.success() {
            return Err(format!("kill: {asked}").into());
        }
        Ok(tokio::time::timeout(PATIENCE, child.wait()).await??)
    }

    /// Starts it again on what it left behind.
    pub async fn run(&mut self) -> Outcome {
        let path = self.output_of(self.runs);
        self.runs += 1;
        let written = File::create(&path)?;
        let child = command(&self.launch, self.folder.path())
            .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
            .stdout(Stdio::from(written.try_clone()?))
            .stderr(Stdio::from(written))
            .spawn()?;
        self.child = Some(child);
        let ready = within(|| {
            let text = read_to_string(&path)?;
            Ok(text.lines().find(|line| line.starts_with("ready: ")).map(str::to_owned))
        });
        let ready = ready.await?.ok_or_else(|| format!("not ready: {}", self.output().unwrap_or_default()))?;
        let mut addresses = ready.split_whitespace().filter(|word| word.starts_with("http://")).map(str::to_owned);
        (self.url, self.dynamodb) = addresses.next().zip(addresses.next()).ok_or("two addresses")?;
        Ok(())
    }

    /// All that its runs have written, once it has `text` in it: the audit log follows a moment later.
    pub async fn output_with(&self, text: &str) -> Outcome<String> {
        let found = within(|| Ok(Some(self.output()?).filter(|output| output.contains(text)))).await?;
        found.ok_or_else(|| format!("{text} is not written").into())
    }

    /// Everything that all runs have written.
    pub fn output(&self) -> Outcome<String> {
        let outputs = (0..self.runs).map(|run| read_to_string(self.output_of(run)));
        Ok(outputs.collect::<Result<String, _>>()?)
    }

    fn output_of(&self, run: u32) -> PathBuf {
        self.folder.path().join(format!("output-{run}"))
    }
}

/// The command that runs a stack with its data in a folder.
#[must_use]
pub fn command(launch: &Launch, folder: &Path) -> Command {
    let mut command = Command::new(&launch.program);
    command.args(["--port", &launch.port.to_string(), "--dynamodb-port", "0", "--data"]).arg(folder.join("data"));
    command.args(launch.dynamodb.iter().flat_map(|url| ["--dynamodb-endpoint", url]));
    command.env_clear().envs(launch.environment.iter()).envs(launch.clock.environment().iter());
    command.kill_on_drop(true);
    command
}

/// Looks again and again until something is found, for as long as a slow machine may take.
async fn within<T>(look: impl Fn() -> Outcome<Option<T>>) -> Outcome<Option<T>> {
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        let found = look()?;
        if found.is_some() || tokio::time::Instant::now() >= patience {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}
