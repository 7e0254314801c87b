//! A function in a process of its own under the Runtime API, as on Lambda, and what it costs.

use std::{
    error::Error,
    fs::{read_dir, read_to_string},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use local::{
    memory,
    runtime_api::{Answered, Posted, RuntimeApi},
};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use crate::{Outcome, variant::Variant};

/// A running function.
pub struct Function {
    child: Child,
    /// What it writes: why it ended, if it does.
    output: NamedTempFile,
    api: RuntimeApi,
    answered: usize,
}

/// How long a start took.
pub struct Start {
    /// From the start of the process until it asked for an event.
    pub init: Duration,
    /// From then until it had answered the event that lay ready.
    pub first: Duration,
}

impl Function {
    /// Starts a function for which an event lies ready, and waits for its answer.
    pub async fn start(variant: &Variant, event: &str) -> Outcome<(Self, Start)> {
        let api = RuntimeApi::start().await?;
        api.offer(event).await;
        let spawned = Instant::now();
        let mut function = Self::spawn(variant, api)?;
        let (answered, _) = function.answer(variant).await?;
        let init = answered.handed_out.duration_since(spawned);
        Ok((function, Start { init, first: answered.arrived.duration_since(answered.handed_out) }))
    }

    /// Starts a function and waits until it asks for an event.
    pub async fn idle(variant: &Variant) -> Outcome<Self> {
        let mut function = Self::spawn(variant, RuntimeApi::start().await?)?;
        function.asked(variant.name).await?;
        Ok(function)
    }

    fn spawn(variant: &Variant, api: RuntimeApi) -> Outcome<Self> {
        let (program, arguments) = variant.command.split_first().ok_or("no command")?;
        let output = NamedTempFile::new()?;
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(variant.environment.iter())
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .stdout(Stdio::from(output.reopen()?))
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, output, api, answered: 0 })
    }

    /// Waits until it has done with all it got, which is when it asks for more.
    async fn asked(&mut self, name: &str) -> Outcome {
        tokio::select! {
            () = self.api.asked(self.answered + 1) => Ok(()),
            ended = self.child.wait() => Err(gone(name, ended?, &self.output)),
        }
    }

    /// Hands it an event; how long it took, and what it answered.
    pub async fn invoke(&mut self, variant: &Variant, event: &str) -> Outcome<(Duration, Value)> {
        self.api.offer(event).await;
        let (answered, answer) = self.answer(variant).await?;
        Ok((answered.arrived.duration_since(answered.handed_out), answer))
    }

    async fn answer(&mut self, variant: &Variant) -> Outcome<(Answered, Value)> {
        let name = variant.name;
        let answered = tokio::select! {
            answered = self.api.answered() => answered.ok_or("the Runtime API is gone")?,
            ended = self.child.wait() => return Err(gone(name, ended?, &self.output)),
        };
        self.answered += 1;
        self.asked(name).await?;
        let answer: Value = match &answered.posted {
            Posted::Response(text) => serde_json::from_str(text)?,
            Posted::Error(error) => return Err(format!("{name} failed: {error}").into()),
        };
        match answer.get("statusCode").and_then(Value::as_u64) {
            Some(200..=299) => Ok((answered, answer)),
            _ => Err(format!("{name} refused: {answer}").into()),
        }
    }

    /// Time on a processor so far, of all its threads.
    pub fn processor_time(&self) -> Outcome<Duration> {
        let mut nanoseconds = 0;
        for thread in read_dir(format!("/proc/{}/task", self.id()?))? {
            let text = read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Most memory that it ever held, in bytes.
    pub fn peak_memory(&self) -> Outcome<u64> {
        Ok(memory::peak(self.id()?)?)
    }

    /// Ends the process.
    pub async fn stop(mut self) -> Outcome {
        Ok(self.child.kill().await?)
    }

    /// Asks the process to end, and waits until it has.
    pub async fn terminate(mut self) -> Outcome {
        let asked = Command::new("kill").args(["-TERM", &self.id()?.to_string()]).status().await?;
        self.child.wait().await?;
        if asked.success() { Ok(()) } else { Err(format!("kill: {asked}").into()) }
    }

    fn id(&self) -> Outcome<u32> {
        Ok(self.child.id().ok_or("not running")?)
    }
}

fn gone(name: &str, status: ExitStatus, output: &NamedTempFile) -> Box<dyn Error + Send + Sync> {
    let said = read_to_string(output.path()).unwrap_or_default();
    format!("{name} is gone, {status}: {said}").into()
}
