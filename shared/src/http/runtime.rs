//! A function under the Lambda runtime: settings, logging, start, requests.

use std::convert::Infallible;

use lambda_http::{
    Body, LambdaEvent, Request, Response,
    lambda_runtime::{self, service_fn},
};
use serde_json::value::RawValue;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    http::{
        authorizer::{self, AuthorizerRequest, NoVerdict, Verdict},
        embedded_metrics,
        event::answer_event,
    },
    issuer::StartError,
    settings::Variables,
    unix_time::UnixMillis,
};

/// Starts a function and serves its requests until the environment is taken down.
///
/// # Errors
/// The runtime's own failure. A function that cannot start says why in one line and ends the process, so that the next
/// start begins afresh.
pub async fn run<A>(
    start: impl AsyncFnOnce(&Variables, UnixMillis) -> Result<A, StartError>,
    handle: impl AsyncFn(&A, Request) -> Response<Body>,
) -> Result<(), lambda_runtime::Error> {
    let app = started(start).await;
    let (app, handle) = (&app, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let handle = |request| Box::pin(handle(app, request));
        let answer = answer_event(&event.payload, &event.context.request_id, handle).await;
        embedded_metrics::flush(&event.context.request_id);
        Ok::<_, Infallible>(answer)
    }))
    .await
}

/// As [`run`], for a Lambda authorizer. Without a verdict the invocation fails, and API Gateway answers 500.
///
/// # Errors
/// As [`run`].
pub async fn run_authorizer<A>(
    start: impl AsyncFnOnce(&Variables, UnixMillis) -> Result<A, StartError>,
    handle: impl AsyncFn(&A, &AuthorizerRequest) -> Result<Verdict, NoVerdict>,
) -> Result<(), lambda_runtime::Error> {
    let app = started(start).await;
    let (app, handle) = (&app, &handle);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let judge = async |request: &AuthorizerRequest| Box::pin(handle(app, request)).await;
        let verdict = authorizer::answer_event(&event.payload, &event.context.request_id, judge).await;
        embedded_metrics::flush(&event.context.request_id);
        verdict
    }))
    .await
}

/// Logging, counting and what the function needs. One that cannot start says why and ends the process.
async fn started<A>(start: impl AsyncFnOnce(&Variables, UnixMillis) -> Result<A, StartError>) -> A {
    let variables = Variables::from_environment();
    start_logging(&variables, &[]);
    embedded_metrics::start();
    // Boxed, because the compiler gives up on futures as deep as the SDK's inside the runtime's. The environment is
    // dropped with it: it is not needed again, and holds credentials.
    match Box::pin(start(&variables, UnixMillis::now())).await {
        Ok(app) => app,
        Err(error) => {
            tracing::error!(event = "start_failed", "{error}");
            std::process::exit(1);
        }
    }
}

/// Writes one JSON line per event to standard output, with a timestamp: without one Lambda takes every line for INFO.
///
/// The level is Lambda's own setting, `AWS_LAMBDA_LOG_LEVEL`. Libraries never speak below WARN: at lower levels the
/// runtime and the SDK write whole requests. Those named `quiet` speak only of errors. A panic is one line too, without
/// its message, which may hold anything.
pub fn start_logging(variables: &Variables, quiet: &[&str]) {
    let level = variables.get("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let ours = ["session", "local"].map(|target| (target, level));
    let quiet = quiet.iter().map(|target| (*target, LevelFilter::ERROR));
    let targets = Targets::new().with_targets(ours).with_targets(quiet).with_default(level.min(LevelFilter::WARN));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // A second start in one process keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(event = "panic", place, "a handler panicked");
    }));
}
