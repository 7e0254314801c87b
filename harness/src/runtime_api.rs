//! The Lambda Runtime API, as far as one function's process needs it.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{Response, StatusCode},
    routing::{get, post},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, watch},
};

/// What a function posted for an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// The answer.
    Response(String),
    /// The invocation failed.
    Error(String),
}

/// What a function posted, and when.
#[derive(Debug)]
pub(crate) struct Answered {
    /// What it posted.
    pub(crate) posted: Posted,
    /// When the event was handed out.
    pub(crate) handed_out: Instant,
    /// When it was posted.
    pub(crate) arrived: Instant,
}

/// A running Runtime API.
pub(crate) struct RuntimeApi {
    /// Where it listens: `AWS_LAMBDA_RUNTIME_API` of the function.
    pub(crate) address: SocketAddr,
    events: mpsc::Sender<String>,
    answers: mpsc::Receiver<Answered>,
    asked: watch::Receiver<usize>,
}

#[derive(Clone)]
struct Shared {
    events: Arc<Mutex<mpsc::Receiver<String>>>,
    handed_out: watch::Sender<Instant>,
    answers: mpsc::Sender<Answered>,
    asked: watch::Sender<usize>,
}

impl RuntimeApi {
    /// Starts one.
    pub(crate) async fn start() -> io::Result<Self> {
        let (events, received) = mpsc::channel(1);
        let (posted, answers) = mpsc::channel(1);
        let (asking, asked) = watch::channel(0);
        let (handed_out, _) = watch::channel(Instant::now());
        let shared = Shared { events: Arc::new(Mutex::new(received)), handed_out, answers: posted, asked: asking };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(posted_for))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, events, answers, asked })
    }

    /// Waits until the function has asked for its `count`-th event: 1 is the end of its start.
    pub(crate) async fn asked(&mut self, count: usize) {
        // It can be told for as long as this lives.
        let _ = self.asked.wait_for(|asked| *asked >= count).await;
    }

    /// Lays out an event, whether or not the function has asked for one yet.
    pub(crate) async fn offer(&self, event: &str) {
        // It is taken by a task that lives as long as the runtime.
        let _ = self.events.send(event.to_owned()).await;
    }

    /// Waits for what the function posts next.
    pub(crate) async fn answered(&mut self) -> Option<Answered> {
        self.answers.recv().await
    }
}

async fn next(State(api): State<Shared>) -> Response<Body> {
    api.asked.send_modify(|asked| *asked += 1);
    let Some(event) = api.events.lock().await.recv().await else {
        // Nobody will ask for anything again.
        return std::future::pending().await;
    };
    api.handed_out.send_replace(Instant::now());
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", "invocation-1"),
        ("lambda-runtime-deadline-ms", "9999999999999"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:test"),
        ("lambda-runtime-trace-id", "Root=1-6740a1b2-0123456789abcdef01234567"),
    ];
    let builder = headers.iter().fold(Response::builder(), |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::from(event)).unwrap_or_default()
}

async fn posted_for(State(api): State<Shared>, Path((_, kind)): Path<(String, String)>, body: Bytes) -> StatusCode {
    let arrived = Instant::now();
    let handed_out = *api.handed_out.borrow();
    let text = String::from_utf8_lossy(&body).into_owned();
    let posted = if kind == "response" { Posted::Response(text) } else { Posted::Error(text) };
    let sent = api.answers.send(Answered { posted, handed_out, arrived }).await;
    if sent.is_ok() { StatusCode::ACCEPTED } else { StatusCode::GONE }
}
