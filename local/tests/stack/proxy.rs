//! A proxy in front of the embedded DynamoDB that counts what passes, and breaks what it is told to.

use std::{
    io,
    net::SocketAddr,
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
use local::forward;
use tokio::net::TcpListener;

use crate::Outcome;

/// What the proxy does to a request in place of passing it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Refuses it as DynamoDB refuses too many.
    Throttle,
    /// Answers that a write met another transaction.
    Conflict,
    /// Answers with an error of DynamoDB's own.
    Fail,
    /// Passes it on later than anybody waits for, answer or not.
    Delay,
    /// Begins an answer and closes the connection.
    Cut,
    /// Answers with something that is not one.
    Garble,
    /// Passes it on, and answers with an error although it was done.
    LoseAnswer,
}

/// Every way to break a request.
pub(crate) const BREAKS: [Break; 7] =
    [Break::Throttle, Break::Conflict, Break::Fail, Break::Delay, Break::Cut, Break::Garble, Break::LoseAnswer];

/// Longer than the store's time-out for one attempt.
const DELAY: Duration = Duration::from_millis(1_300);

/// Which requests are broken, counted from the moment this is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// What happens to them.
    pub(crate) fault: Break,
    /// The first one; 1 is the next request.
    pub(crate) first: usize,
    /// Whether all after it are broken too.
    pub(crate) lasting: bool,
}

/// A running proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<(String, Bytes)>,
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
    /// Starts a proxy in front of the DynamoDB at `behind`.
    pub(crate) async fn start(behind: String) -> Outcome<Self> {
        let state = Arc::new(Mutex::new(Seen::default()));
        let passage = Passage { client: reqwest::Client::new(), behind, state: Arc::clone(&state) };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(forward).with_state(passage);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, state })
    }

    /// The operations that arrived since the last call, e.g. `GetItem`.
    pub(crate) fn take(&self) -> Vec<String> {
        self.take_requests().into_iter().map(|(operation, _)| operation).collect()
    }

    /// The same with the bodies of the requests.
    pub(crate) fn take_requests(&self) -> Vec<(String, Bytes)> {
        std::mem::take(&mut lock(&self.state).requests)
    }

    /// Breaks requests from now on, or none any more.
    pub(crate) fn plan(&self, plan: Option<Plan>) {
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
        seen.requests.push((operation.to_owned(), body.clone()));
        seen.since_plan += 1;
        let plan = seen.plan?;
        let broken = seen.since_plan == plan.first || (plan.lasting && seen.since_plan > plan.first);
        broken.then_some(plan.fault)
    }

    async fn pass(&self, headers: HeaderMap, body: Bytes) -> Response<Body> {
        let answered = forward::post(&self.client, &self.behind, headers, body).await;
        answered.map_or_else(|_| error(StatusCode::BAD_GATEWAY, ""), |answer| answer.map(Body::from))
    }
}

async fn forward(State(passage): State<Passage>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return error(StatusCode::BAD_REQUEST, "") };
    let fault = passage.note(&operation, &body);
    match fault {
        None => passage.pass(parts.headers, body).await,
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
            passage.pass(parts.headers, body).await;
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
        }
        Some(Break::Delay) => {
            // Apart from this connection, so that it happens although nobody waits any more.
            let late = tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                passage.pass(parts.headers, body).await
            });
            late.await.unwrap_or_else(|_| error(StatusCode::BAD_GATEWAY, ""))
        }
    }
}

fn error(status: StatusCode, kind: &str) -> Response<Body> {
    let body = serde_json::json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"),
        "message": "planned",
        "CancellationReasons": [{ "Code": "None" }, { "Code": "TransactionConflict" }],
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
}
