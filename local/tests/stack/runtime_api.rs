//! Functions that run under the Runtime API as they do on Lambda.

use std::{path::PathBuf, process::Stdio};

use local::{
    memory,
    runtime_api::{Posted, RuntimeApi},
};
use serde_json::Value;
use session::settings::Variables;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

use crate::Outcome;

/// A function's own process.
pub(crate) struct Bootstrap {
    child: Child,
    api: RuntimeApi,
}

/// The binary of a function as tests use it, built now if it is not up to date. Everything is built together, as
/// `make test` does: a package built alone would choose other features, and with them every library anew.
async fn binary(function: &str) -> Outcome<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--workspace", "--all-targets"]);
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(built.await?.success(), "{function} cannot be built");
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_local"));
    Ok(folder.with_file_name(function))
}

impl Bootstrap {
    /// Starts a function with these settings in its environment.
    pub(crate) async fn start(function: &str, settings: &Variables) -> Outcome<Self> {
        Self::run(Command::new(binary(function).await?), function, settings).await
    }

    /// Starts a function by any command that ends in its binary.
    pub(crate) async fn run(mut command: Command, function: &str, settings: &Variables) -> Outcome<Self> {
        let api = RuntimeApi::start().await?;
        command.env_clear().envs(settings.iter()).env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ] {
            command.env(name, value);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true).spawn()?;
        Ok(Self { child, api })
    }

    /// Waits until the function has asked for its `count`-th event: 1 is the end of its start.
    pub(crate) async fn asked(&mut self, count: usize) -> Outcome {
        tokio::select! {
            () = self.api.asked(count) => Ok(()),
            ended = self.child.wait() => Err(format!("the function is gone: {ended:?}").into()),
        }
    }

    /// The most memory that the process ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> Outcome<u64> {
        Ok(memory::peak(self.child.id().ok_or("not running")?)?)
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> Outcome {
        let id = self.child.id().ok_or("not running")?.to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await?.success());
        self.child.wait().await?;
        Ok(())
    }

    /// Hands the function an event; what it posts is an answer in the gateway's form.
    pub(crate) async fn invoke(&mut self, event: &str) -> Outcome<Value> {
        self.api.offer(event).await;
        let answered = tokio::select! {
            answered = self.api.answered() => answered,
            ended = self.child.wait() => return Err(format!("the function is gone: {ended:?}").into()),
        };
        match answered.ok_or("the Runtime API is gone")?.posted {
            Posted::Response(answer) => Ok(serde_json::from_str(&answer)?),
            Posted::Error(error) => Err(format!("the invocation failed: {error}").into()),
        }
    }

    /// Stops the function; the JSON lines it wrote.
    pub(crate) async fn stop(mut self) -> Outcome<Vec<Value>> {
        self.child.start_kill()?;
        self.lines().await
    }

    /// Waits for a function that ends by itself; its exit code and the JSON lines it wrote.
    pub(crate) async fn ended(mut self) -> Outcome<(Option<i32>, Vec<Value>)> {
        let code = self.child.wait().await?.code();
        Ok((code, self.lines().await?))
    }

    async fn lines(&mut self) -> Outcome<Vec<Value>> {
        let mut text = String::new();
        self.child.stdout.take().ok_or("no output")?.read_to_string(&mut text).await?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}
