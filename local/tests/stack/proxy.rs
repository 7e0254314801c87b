//! A proxy in front of the embedded DynamoDB that counts what passes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Response, StatusCode},
};
use tokio::net::TcpListener;

use crate::Outcome;

/// A running proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    passed: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Passage {
    client: reqwest::Client,
    behind: String,
    passed: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy in front of the DynamoDB at `behind`.
    pub(crate) async fn start(behind: String) -> Outcome<Self> {
        let passed = Arc::new(Mutex::new(Vec::new()));
        let passage = Passage { client: reqwest::Client::new(), behind, passed: Arc::clone(&passed) };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(forward).with_state(passage);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, passed })
    }

    /// The operations that passed since the last call, e.g. `GetItem`.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.passed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn forward(State(passage): State<Passage>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    passage.passed.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
    let answered = async {
        let body = to_bytes(body, usize::MAX).await?;
        let answer = passage.client.post(&passage.behind).headers(parts.headers.clone()).body(body).send().await?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        Outcome::Ok(response.body(Body::from(answer.bytes().await?))?)
    };
    answered.await.unwrap_or_else(|_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::BAD_GATEWAY;
        failed
    })
}
