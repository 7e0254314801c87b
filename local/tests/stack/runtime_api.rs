//! The Lambda Runtime API, as far as a function needs it, and functions that run under it as they do on Lambda.

use std::{fs::read_to_string, net::SocketAddr, path::PathBuf, process::Stdio, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{Response, StatusCode},
    routing::{get, post},
};
use serde_json::Value;
use session::settings::Variables;
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc, watch},
};

use crate::Outcome;

/// A function's own process.
pub(crate) struct Bootstrap {
    child: Child,
    events: mpsc::Sender<String>,
    answers: mpsc::Receiver<Posted>,
    asked: watch::Receiver<usize>,
}

/// What a function posted to the Runtime API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// The answer to an event.
    Response(String),
    /// The invocation failed.
    Error(String),
}

#[derive(Clone)]
struct Api {
    events: Arc<Mutex<mpsc::Receiver<String>>>,
    answers: mpsc::Sender<Posted>,
    asked: watch::Sender<usize>,
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
        let (events, received) = mpsc::channel(1);
        let (posted, answers) = mpsc::channel(1);
        let (asking, asked) = watch::channel(0);
        let api = Api { events: Arc::new(Mutex::new(received)), answers: posted, asked: asking };
        let address = serve(api).await?;
        command.env_clear().envs(settings.iter()).env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ] {
            command.env(name, value);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true).spawn()?;
        Ok(Self { child, events, answers, asked })
    }

    /// Waits until the function has asked for its `count`-th event: 1 is the end of its start.
    pub(crate) async fn asked(&mut self, count: usize) -> Outcome {
        tokio::select! {
            asked = self.asked.wait_for(|asked| *asked >= count) => Ok(asked.map(drop)?),
            ended = self.child.wait() => Err(format!("the function is gone: {ended:?}").into()),
        }
    }

    /// The most memory that the process ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> Outcome<u64> {
        let id = self.child.id().ok_or("not running")?;
        let status = read_to_string(format!("/proc/{id}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
        Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
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
        self.events.send(event.to_owned()).await?;
        let posted = tokio::select! {
            posted = self.answers.recv() => posted,
            ended = self.child.wait() => return Err(format!("the function is gone: {ended:?}").into()),
        };
        match posted.ok_or("the Runtime API is gone")? {
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

async fn serve(api: Api) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(posted))
        .with_state(api);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn next(State(api): State<Api>) -> Response<Body> {
    api.asked.send_modify(|asked| *asked += 1);
    let Some(event) = api.events.lock().await.recv().await else {
        // Nobody will ask for anything again.
        return std::future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", "invocation-1"),
        ("lambda-runtime-deadline-ms", "9999999999999"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:test"),
        ("lambda-runtime-trace-id", "Root=1-6740a1b2-0123456789abcdef01234567"),
    ];
    let builder = headers.iter().fold(Response::builder(), |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::from(event)).unwrap_or_default()
}

async fn posted(State(api): State<Api>, Path((_, kind)): Path<(String, String)>, body: Bytes) -> StatusCode {
    let text = String::from_utf8_lossy(&body).into_owned();
    let posted = if kind == "response" { Posted::Response(text) } else { Posted::Error(text) };
    if api.answers.send(posted).await.is_ok() { StatusCode::ACCEPTED } else { StatusCode::GONE }
}
