//! Instructions of our functions, the table behind TLS.

use harness::{
    callgrind::{self, WARM, each},
    recorded::{event, poll},
};
use serde_json::{Value, json};
use session::settings::Variables;

use bench::{
    Outcome,
    variant::{OURS, Variant},
    world::World,
};

/// What was counted.
pub(crate) struct Counts {
    /// From the start of the process until it asks for an event, the connection to the table open.
    pub(crate) init: u64,
    /// What of that is TLS: the difference to the same without it.
    pub(crate) connection: u64,
    /// From the start of the process until it has answered.
    pub(crate) cold: u64,
    /// A request to validate-session that is not the first.
    pub(crate) validate: u64,
    /// A request to refresh that is not the first.
    pub(crate) refresh: u64,
}

/// Counts our functions.
pub(crate) async fn counts(world: &World) -> Outcome<Counts> {
    let opened = world.connect().await?;
    let validate = |_: &Value| poll(&opened, &Value::Null);
    let init = counted(OURS, &world.own_roots, 0, validate).await?;
    let plain = counted(OURS, &world.without_tls, 0, validate).await?;
    let cold = counted(OURS, &world.own_roots, 1, validate).await?;
    let warm = counted(OURS, &world.own_roots, 1 + WARM, validate).await?;

    let (one, more) = (world.connect().await?, world.connect().await?);
    let refresh = |answer: &Value, opened: &Value| {
        let token = if answer.is_null() { opened } else { answer }["refreshToken"].clone();
        event("refresh/body", |event| event["body"] = json!(json!({ "refreshToken": token }).to_string()))
    };
    // Each run rotates the token, so the second begins with another session.
    let first = counted("refresh", &world.own_roots, 1, |answer| refresh(answer, &one)).await?;
    let rest = counted("refresh", &world.own_roots, 1 + WARM, |answer| refresh(answer, &more)).await?;
    Ok(Counts {
        init,
        connection: init.saturating_sub(plain),
        cold,
        validate: each(warm, cold),
        refresh: each(rest, first),
    })
}

async fn counted(
    function: &'static str,
    environment: &Variables,
    requests: u64,
    next: impl Fn(&Value) -> Outcome<String>,
) -> Outcome<u64> {
    callgrind::counted(&Variant::function(function, environment)?.program, requests, next).await
}
