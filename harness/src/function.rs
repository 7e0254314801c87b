//! A function in a process of its own under the Runtime API, as on Lambda, and what it costs.

use std::{
    error::Error,
    fs::{read_dir, read_to_string},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use session::settings::Variables;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use crate::{
    Outcome, binaries,
    clock::Clock,
    runtime_api::{Answered, Posted, RuntimeApi},
};

/// A program that asks the Runtime API for events.
#[derive(Clone)]
pub struct Program {
    /// Its name in messages, and that of the function.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// All that it finds in its environment.
    pub environment: Variables,
    /// Its wall clock.
    pub clock: Clock,
}

/// A running function.
pub struct Function {
    name: String,
    child: Child,
    /// Its standard output: metrics and log lines, or why it ended.
    output: NamedTempFile,
    /// Its standard error, told when it ends too early.
    errors: NamedTempFile,
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

impl Program {
    /// The binary of a function as tests use it.
    pub async fn tested(name: &str, environment: &Variables) -> Outcome<Self> {
        Ok(Self::of(name, &binaries::tested(name).await?.to_string_lossy(), environment))
    }

    /// The binary of a function as it is deployed.
    pub async fn released(name: &str, environment: &Variables) -> Outcome<Self> {
        Ok(Self::of(name, &binaries::released(name).await?.to_string_lossy(), environment))
    }

    /// A program without arguments.
    #[must_use]
    pub fn of(name: &str, path: &str, environment: &Variables) -> Self {
        let command = vec![path.to_owned()];
        Self { name: name.to_owned(), command, environment: environment.clone(), clock: Clock::Same }
    }

    async fn spawn(&self) -> Outcome<Function> {
        let api = RuntimeApi::start().await?;
        let (program, arguments) = self.command.split_first().ok_or("no command")?;
        let (output, errors) = (NamedTempFile::new()?, NamedTempFile::new()?);
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_NAME", &self.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .envs(self.environment.iter())
            .envs(self.clock.environment().iter())
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .stdout(Stdio::from(output.reopen()?))
            .stderr(Stdio::from(errors.reopen()?))
            .kill_on_drop(true)
            .spawn()?;
        Ok(Function { name: self.name.clone(), child, output, errors, api, answered: 0 })
    }
}

impl Function {
    /// Starts a function of this project as tests build it.
    pub async fn start(name: &str, environment: &Variables) -> Outcome<Self> {
        Self::run(&Program::tested(name, environment).await?).await
    }

    /// Starts a program, and does not wait for it.
    pub async fn run(program: &Program) -> Outcome<Self> {
        program.spawn().await
    }

    /// Starts a program for which an event lies ready, and waits for its answer.
    pub async fn cold_start(program: &Program, event: &str) -> Outcome<(Self, Start, Value)> {
        let spawned = Instant::now();
        let mut function = program.spawn().await?;
        function.api.offer(event).await;
        let (answered, answer) = function.answer().await?;
        let init = answered.handed_out.duration_since(spawned);
        let first = answered.arrived.duration_since(answered.handed_out);
        Ok((function, Start { init, first }, answer))
    }

    /// Waits until it has done with all it got, which is when it asks for more: at first, the end of its start.
    pub async fn ready(&mut self) -> Outcome {
        tokio::select! {
            () = self.api.asked(self.answered + 1) => Ok(()),
            ended = self.child.wait() => Err(self.gone(ended?)),
        }
    }

    /// Hands it an event; its answer.
    pub async fn invoke(&mut self, event: &str) -> Outcome<Value> {
        Ok(self.timed(event).await?.1)
    }

    /// Hands it an event; how long it took, and its answer.
    pub async fn timed(&mut self, event: &str) -> Outcome<(Duration, Value)> {
        self.api.offer(event).await;
        let (answered, answer) = self.answer().await?;
        Ok((answered.arrived.duration_since(answered.handed_out), answer))
    }

    async fn answer(&mut self) -> Outcome<(Answered, Value)> {
        let answered = tokio::select! {
            answered = self.api.answered() => answered.ok_or("the Runtime API is gone")?,
            ended = self.child.wait() => return Err(self.gone(ended?)),
        };
        self.answered += 1;
        self.ready().await?;
        match &answered.posted {
            Posted::Response(text) => {
                let answer = serde_json::from_str(text)?;
                Ok((answered, answer))
            }
            Posted::Error(error) => Err(format!("{} failed: {error}", self.name).into()),
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

    /// The most memory that it ever had resident, in bytes (`VmHWM` in proc(5)).
    pub fn peak_memory(&self) -> Outcome<u64> {
        let status = read_to_string(format!("/proc/{}/status", self.id()?))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|peak| peak.trim_end_matches("kB").trim().parse::<u64>().ok());
        Ok(kibibytes.ok_or("the system does not tell")? * 1_024)
    }

    /// Ends the process; the JSON lines that it wrote.
    pub async fn stop(mut self) -> Outcome<Vec<Value>> {
        self.child.kill().await?;
        self.lines()
    }

    /// Asks the process to end, and waits until it has.
    pub async fn terminate(mut self) -> Outcome {
        let asked = Command::new("kill").args(["-TERM", &self.id()?.to_string()]).status().await?;
        self.child.wait().await?;
        if asked.success() { Ok(()) } else { Err(format!("kill: {asked}").into()) }
    }

    /// Waits for a function that ends by itself; its exit code and the JSON lines that it wrote.
    pub async fn ended(mut self) -> Outcome<(Option<i32>, Vec<Value>)> {
        let code = self.child.wait().await?.code();
        Ok((code, self.lines()?))
    }

    fn lines(&self) -> Outcome<Vec<Value>> {
        let text = read_to_string(self.output.path())?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    fn gone(&self, status: ExitStatus) -> Box<dyn Error + Send + Sync> {
        let said = [&self.output, &self.errors].map(|file| read_to_string(file.path()).unwrap_or_default());
        format!("{} is gone, {status}: {}", self.name, said.concat()).into()
    }

    fn id(&self) -> Outcome<u32> {
        Ok(self.child.id().ok_or("not running")?)
    }
}

/// The body of an answer in the gateway's form; null if it has none.
pub fn body(answer: &Value) -> Outcome<Value> {
    let text = answer["body"].as_str().filter(|text| !text.is_empty());
    Ok(text.map_or(Ok(Value::Null), serde_json::from_str)?)
}
