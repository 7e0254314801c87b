//! The demo page, and the misfortunes that it can bring about: everybody can see what a session survives.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode},
    routing::post,
};
use serde::Deserialize;
use tokio::time::Instant;
use tower_http::services::ServeDir;

use crate::gateway::Gateway;

/// The longest silence that a page may ask for.
const LONGEST_SILENCE: Duration = Duration::from_mins(10);

/// What goes wrong next.
#[derive(Debug, Default)]
pub(crate) struct Misfortunes {
    silent_until: Mutex<Option<Instant>>,
    lose_next_answer: AtomicBool,
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfortune {
    /// It is not even begun.
    Silence,
    /// It is done, and nobody hears of it.
    LostAnswer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Silence {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dropped {
    subject: String,
    id: String,
}

/// Bodies of what takes no arguments. JSON all the same: no page of another site can send that without being asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Misfortunes {
    /// What goes wrong with the request that has just come, if anything.
    pub(crate) fn strike(&self) -> Option<Misfortune> {
        let mut silent_until = self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        if silent_until.is_some_and(|until| Instant::now() < until) {
            return Some(Misfortune::Silence);
        }
        *silent_until = None;
        self.lose_next_answer.swap(false, Ordering::Relaxed).then_some(Misfortune::LostAnswer)
    }
}

/// What the page asks for.
pub(crate) fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/demo/cold-start", post(cold_start))
        .route("/demo/drop-session", post(drop_session))
        .route("/demo/lose-answer", post(lose_answer))
        .route("/demo/silence", post(silence))
}

/// A file of the page; nothing if there is no such file.
pub(crate) async fn file(page: &Path, request: Request) -> Option<Response<Body>> {
    let found = ServeDir::new(page).try_call(request).await.ok()?;
    let has_it = found.status().is_success() || found.status() == StatusCode::NOT_MODIFIED;
    has_it.then(|| found.map(Body::new))
}

/// Forgets everything that the functions hold in memory, as new execution environments would.
async fn cold_start(State(gateway): State<Arc<Gateway>>, Json(Nothing {}): Json<Nothing>) -> StatusCode {
    match gateway.restart().await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            tracing::error!(event = "cold_start_failed", "{error}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Takes a session out of the table behind the service's back.
async fn drop_session(State(gateway): State<Arc<Gateway>>, Json(dropped): Json<Dropped>) -> StatusCode {
    let Dropped { subject, id } = dropped;
    let (client, table): (&Client, &str) = gateway.table();
    let request = client
        .delete_item()
        .table_name(table)
        .key("pk", AttributeValue::S(format!("U#{subject}")))
        .key("sk", AttributeValue::S(format!("S#{id}")));
    if request.send().await.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn lose_answer(State(gateway): State<Arc<Gateway>>, Json(Nothing {}): Json<Nothing>) -> StatusCode {
    gateway.misfortunes.lose_next_answer.store(true, Ordering::Relaxed);
    StatusCode::NO_CONTENT
}

async fn silence(State(gateway): State<Arc<Gateway>>, Json(Silence { ms }): Json<Silence>) -> StatusCode {
    let until = Instant::now() + Duration::from_millis(ms).min(LONGEST_SILENCE);
    *gateway.misfortunes.silent_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    StatusCode::NO_CONTENT
}
