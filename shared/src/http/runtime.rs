//! A function under the Lambda runtime: settings, logging, start, events.

use std::{convert::Infallible, error::Error, fmt::Display};

use lambda_http::{
    Body, LambdaEvent, Request, Response,
    lambda_runtime::{self, Diagnostic, service_fn},
};
use serde::Serialize;
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
    invocation::Invocation,
    issuer::StartError,
    report,
    settings::{SettingError, Variables},
    unix_time::UnixMillis,
};

/// The setting of the level: Lambda's own, made from the function's `ApplicationLogLevel`.
const LOG_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Starts a function and serves its requests until the environment is taken down.
///
/// # Errors
/// See [`serve`].
pub async fn run<A>(
    start: impl AsyncFnOnce(&Variables, UnixMillis) -> Result<A, StartError>,
    handle: impl AsyncFn(&A, Request) -> Response<Body>,
) -> Result<(), lambda_runtime::Error> {
    serve(start, async |app: &A, event: &RawValue, invocation: &Invocation<'_>| {
        Ok::<_, Infallible>(answer_event(event, invocation, |request| Box::pin(handle(app, request))).await)
    })
    .await
}

/// As [`run`], for a Lambda authorizer. Without a verdict the invocation fails, and API Gateway answers 500.
///
/// # Errors
/// See [`serve`].
pub async fn run_authorizer<A>(
    start: impl AsyncFnOnce(&Variables, UnixMillis) -> Result<A, StartError>,
    handle: impl AsyncFn(&A, &AuthorizerRequest) -> Result<Verdict, NoVerdict>,
) -> Result<(), lambda_runtime::Error> {
    serve(start, async |app: &A, event: &RawValue, invocation: &Invocation<'_>| {
        let judge = async |request: &AuthorizerRequest| Box::pin(handle(app, request)).await;
        authorizer::answer_event(event, invocation, judge).await
    })
    .await
}

/// Starts a function and answers its events, of whatever kind, until the environment is taken down.
///
/// # Errors
/// The runtime's own failure. A function that cannot start says why in one line and ends the process, so that the next
/// start begins afresh.
pub async fn serve<A, T: Serialize, E: Error>(
    start: impl AsyncFnOnce(&Variables, UnixMillis) -> Result<A, StartError>,
    answer: impl AsyncFn(&A, &RawValue, &Invocation<'_>) -> Result<T, E>,
) -> Result<(), lambda_runtime::Error> {
    let variables = Variables::from_environment();
    start_logging(&variables, &[]);
    if let Err(error) = refuse_trace(&variables) {
        give_up(&error);
    }
    let now = UnixMillis::now();
    embedded_metrics::start(&variables, now);
    // Boxed, because the compiler gives up on futures as deep as the SDK's inside the runtime's.
    let app = match Box::pin(start(&variables, now)).await {
        Ok(app) => app,
        Err(error) => give_up(&error),
    };
    // The environment is not needed again, and holds credentials.
    drop(variables);
    report::started();
    let (app, answer) = (&app, &answer);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let LambdaEvent { payload, context, .. } = event;
        let invocation = Invocation { request_id: &context.request_id, trace_id: context.xray_trace_id.as_deref() };
        let answered = answer(app, &payload, &invocation).await;
        embedded_metrics::flush(&invocation, UnixMillis::now());
        answered.map_err(|error| diagnostic(&error))
    }))
    .await
}

/// What a failed invocation is known by: the name of the error's variant, and what it says.
fn diagnostic(error: &impl Error) -> Diagnostic {
    let name = format!("{error:?}").chars().take_while(|c| c.is_alphanumeric()).collect();
    Diagnostic { error_type: name, error_message: error.to_string() }
}

fn give_up(error: &impl Display) -> ! {
    tracing::error!(event = "start_failed", "{error}");
    std::process::exit(1)
}

/// Writes one JSON line per event to standard output, with a timestamp: without one Lambda takes every line for INFO.
///
/// The level is Lambda's own setting, `AWS_LAMBDA_LOG_LEVEL`. Libraries never speak below WARN: at lower levels the
/// runtime and the SDK write whole requests. Those named `quiet` speak only of errors. A panic is one line too, without
/// its message, which may hold anything.
pub fn start_logging(variables: &Variables, quiet: &[&str]) {
    let level = level(variables);
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

fn level(variables: &Variables) -> LevelFilter {
    variables.get(LOG_LEVEL).and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// What is written at the finest level nobody has reviewed for what may be kept; on one machine it stays there.
fn refuse_trace(variables: &Variables) -> Result<(), SettingError> {
    if level(variables) == LevelFilter::TRACE {
        return Err(SettingError::invalid(LOG_LEVEL, "must not be TRACE where logs are kept"));
    }
    Ok(())
}
