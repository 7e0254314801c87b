//! Instructions by callgrind: the same on every run, whatever else the machine does.
//!
//! It hides the processor's own SHA, so hashing is counted as software would do it.

use std::fs::read_to_string;

use local::recorded::{event, poll};
use serde_json::{Value, json};
use session::settings::Variables;
use tempfile::TempDir;

use bench::{
    Outcome,
    function::Function,
    variant::{OURS, Variant},
    world::{World, body},
};

/// Requests that are counted; the one before them is not warm.
const WARM: usize = 10;

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
    let each = |all: u64, first: u64| Outcome::Ok(all.saturating_sub(first) / u64::try_from(WARM)?);
    Ok(Counts {
        init,
        connection: init.saturating_sub(plain),
        cold,
        validate: each(warm, cold)?,
        refresh: each(rest, first)?,
    })
}

/// All instructions of a process that answers `requests`, each made from the answer to the one before.
async fn counted(
    function: &'static str,
    environment: &Variables,
    requests: usize,
    next: impl Fn(&Value) -> Outcome<String>,
) -> Outcome<u64> {
    let folder = TempDir::new()?;
    let output = folder.path().join("callgrind");
    let mut variant = Variant::function(function, environment)?;
    let tool = ["valgrind", "--quiet", "--tool=callgrind"].map(str::to_owned);
    let tool = tool.into_iter().chain([format!("--callgrind-out-file={}", output.display())]);
    variant.command = tool.chain(variant.command).collect();
    let mut running = Function::idle(&variant).await?;
    let mut answer = Value::Null;
    for _ in 0..requests {
        answer = body(&running.invoke(&variant, &next(&answer)?).await?.1)?;
    }
    running.terminate().await?;
    let text = read_to_string(&output)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind has no total")?;
    Ok(total.trim().parse()?)
}
