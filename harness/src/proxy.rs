//! A proxy in front of a DynamoDB: counts what passes, adds up what it costs, and breaks what it is told to.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{Outcome, bill::Bill, forward};

/// What the proxy does to a request in place of passing it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Refuses it as DynamoDB refuses too many.
    Throttle,
    /// Answers that a write met another transaction.
    Conflict,
    /// Answers with an error of DynamoDB's own.
    Fail,
    /// Passes it on this much later, whether or not anybody still waits for the answer.
    Delay(Duration),
    /// Begins an answer and closes the connection.
    Cut,
    /// Answers with something that is not one.
    Garble,
    /// Passes it on, and answers with an error although it was done.
    LoseAnswer,
}

/// Which requests are broken, counted from the moment this is told.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What happens to them.
    pub fault: Break,
    /// The first one; 1 is the next request.
    pub first: usize,
    /// Whether all after it are broken too.
    pub lasting: bool,
}

impl Plan {
    /// Every request is refused from now on.
    pub const OUTAGE: Self = Self { fault: Break::Fail, first: 1, lasting: true };
}

/// A running proxy.
#[derive(Clone)]
pub struct Proxy {
    /// The URL that it answers at.
    pub url: String,
    state: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// Requests since they were last taken; nothing where nobody takes them.
    requests: Option<Vec<(String, Bytes)>>,
    bill: Bill,
    plan: Option<Plan>,
    since_plan: usize,
}

#[derive(Clone)]
struct Passage {
    client: reqwest::Client,
    behind: String,
    state: Arc<Mutex<Seen>>,
}

impl Proxy {
    /// Starts a proxy in front of the DynamoDB at `behind` that keeps every request until it is taken.
    pub async fn start(behind: &str) -> Outcome<Self> {
        Self::serving(behind, Some(Vec::new())).await
    }

    /// Starts a proxy that only counts and bills, for more requests than can be kept.
    pub async fn counting(behind: &str) -> Outcome<Self> {
        Self::serving(behind, None).await
    }

    async fn serving(behind: &str, requests: Option<Vec<(String, Bytes)>>) -> Outcome<Self> {
        let state = Arc::new(Mutex::new(Seen { requests, ..Seen::default() }));
        let client = reqwest::Client::new();
        let passage = Passage { client, behind: behind.to_owned(), state: Arc::clone(&state) };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(forward).with_state(passage);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, state })
    }

    /// The operations that arrived since the last call, e.g. `GetItem`.
    #[expect(clippy::must_use_candidate, reason = "to forget what has passed is a use of it")]
    pub fn take(&self) -> Vec<String> {
        self.take_requests().into_iter().map(|(operation, _)| operation).collect()
    }

    /// The operations that arrived since the last call, with the bodies of the requests.
    pub fn take_requests(&self) -> Vec<(String, Bytes)> {
        lock(&self.state).requests.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Everything since the start.
    #[must_use]
    pub fn so_far(&self) -> Bill {
        lock(&self.state).bill
    }

    /// What comes of something, and the bill for all that passes until then.
    pub async fn during<T>(&self, doing: impl Future<Output = T>) -> (T, Bill) {
        let before = self.so_far();
        let done = doing.await;
        (done, self.so_far() - before)
    }

    /// Breaks requests from now on, or none any more.
    pub fn plan(&self, plan: Option<Plan>) {
        let mut seen = lock(&self.state);
        seen.plan = plan;
        seen.since_plan = 0;
    }
}

fn lock(state: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Passage {
    /// Notes a request; what to do to it, if anything.
    fn note(&self, operation: &str, body: &Bytes) -> Option<Break> {
        let mut seen = lock(&self.state);
        if let Some(requests) = &mut seen.requests {
            requests.push((operation.to_owned(), body.clone()));
        }
        seen.bill.requests += 1;
        seen.since_plan += 1;
        let plan = seen.plan?;
        let broken = seen.since_plan == plan.first || (plan.lasting && seen.since_plan > plan.first);
        broken.then_some(plan.fault)
    }

    async fn pass(&self, operation: &str, headers: HeaderMap, body: Bytes) -> Response<Body> {
        let answered = self.billed(operation, headers, body).await;
        answered.map_or_else(|_| error(StatusCode::BAD_GATEWAY, ""), |answer| answer.map(Body::from))
    }

    /// Passes a request on, with the question what it consumes.
    async fn billed(&self, operation: &str, headers: HeaderMap, body: Bytes) -> Outcome<Response<Bytes>> {
        let mut asked: Value = serde_json::from_slice(&body)?;
        if let Some(members) = asked.as_object_mut() {
            members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        }
        let answer = forward::post(&self.client, &self.behind, headers, asked.to_string()).await?;
        let units = Bill::of(operation, &serde_json::from_slice(answer.body())?);
        lock(&self.state).bill += Bill { requests: 0, ..units };
        Ok(answer)
    }
}

async fn forward(State(passage): State<Passage>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return error(StatusCode::BAD_REQUEST, "") };
    let fault = passage.note(&operation, &body);
    match fault {
        None => passage.pass(&operation, parts.headers, body).await,
        Some(Break::Throttle) => error(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException"),
        Some(Break::Conflict) if operation == "TransactWriteItems" => {
            error(StatusCode::BAD_REQUEST, "TransactionCanceledException")
        }
        Some(Break::Conflict) => error(StatusCode::BAD_REQUEST, "TransactionConflictException"),
        Some(Break::Fail) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Some(Break::Garble) => Response::new(Body::from("<html>not what you asked for</html>")),
        Some(Break::Cut) => {
            let half = [Ok(Bytes::from_static(b"{\"Item\":")), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
            Response::new(Body::from_stream(stream::iter(half)))
        }
        Some(Break::LoseAnswer) => {
            passage.pass(&operation, parts.headers, body).await;
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
        }
        Some(Break::Delay(delay)) => {
            // Apart from this connection, so that it happens although nobody waits any more.
            let late = tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                passage.pass(&operation, parts.headers, body).await
            });
            late.await.unwrap_or_else(|_| error(StatusCode::BAD_GATEWAY, ""))
        }
    }
}

fn error(status: StatusCode, kind: &str) -> Response<Body> {
    let body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"),
        "message": "planned",
        "CancellationReasons": [{ "Code": "None" }, { "Code": "TransactionConflict" }],
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
}
