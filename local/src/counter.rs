//! A proxy in front of the embedded DynamoDB that adds up requests and the capacity that they consume.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    ops::Sub,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::forward;

/// What DynamoDB would bill.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bill {
    /// Requests of any kind.
    pub requests: u32,
    /// Read units.
    pub read: f64,
    /// Write units.
    pub written: f64,
}

impl Sub for Bill {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            read: self.read - before.read,
            written: self.written - before.written,
        }
    }
}

/// A running proxy.
#[derive(Clone)]
pub struct Counter {
    /// Where it listens.
    pub address: SocketAddr,
    bill: Arc<Mutex<Bill>>,
}

#[derive(Clone)]
struct Passage {
    client: reqwest::Client,
    behind: String,
    bill: Arc<Mutex<Bill>>,
}

impl Counter {
    /// Starts one in front of the DynamoDB at `behind`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(behind: SocketAddr) -> io::Result<Self> {
        let bill = Arc::new(Mutex::new(Bill::default()));
        let behind = format!("http://{behind}");
        let passage = Passage { client: reqwest::Client::new(), behind, bill: Arc::clone(&bill) };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(forward).with_state(passage);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, bill })
    }

    /// Everything since the start.
    #[must_use]
    pub fn so_far(&self) -> Bill {
        *self.bill.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes of something, and all that passes until then.
    pub async fn during<T>(&self, doing: impl Future<Output = T>) -> (T, Bill) {
        let before = self.so_far();
        let done = doing.await;
        (done, self.so_far() - before)
    }
}

async fn forward(State(passage): State<Passage>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let failed = |error: Box<dyn Error + Send + Sync>| {
        let mut response = Response::new(Body::from(error.to_string()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    };
    passage.pass(headers, body).await.unwrap_or_else(failed)
}

impl Passage {
    async fn pass(&self, headers: HeaderMap, body: Bytes) -> Result<Response<Body>, Box<dyn Error + Send + Sync>> {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let reads = ["GetItem", "BatchGetItem", "Query"].iter().any(|read| target.ends_with(&format!(".{read}")));
        let mut asked: Value = serde_json::from_slice(&body)?;
        if let Some(members) = asked.as_object_mut() {
            members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        }
        let answer = forward::post(&self.client, &self.behind, headers, asked.to_string()).await?;
        self.note(reads, &serde_json::from_slice(answer.body())?);
        Ok(answer.map(Body::from))
    }

    fn note(&self, reads: bool, answer: &Value) {
        let units = match answer.get("ConsumedCapacity") {
            Some(Value::Array(tables)) => tables.iter().map(units).sum(),
            Some(table) => units(table),
            None => 0.0,
        };
        let mut bill = self.bill.lock().unwrap_or_else(PoisonError::into_inner);
        bill.requests += 1;
        if reads {
            bill.read += units;
        } else {
            bill.written += units;
        }
    }
}

fn units(table: &Value) -> f64 {
    table.get("CapacityUnits").and_then(Value::as_f64).unwrap_or_default()
}
