//! What a start and a warm request cost, in instructions and bytes: the same on every run, whatever else the machine
//! does.
//!
//! Counted by callgrind on the release binaries, which hides the processor's SHA instructions: hashing is counted as
//! software would do it.

use std::{
    fs::read,
    io::{Write, sink},
    path::Path,
};

use flate2::{Compression, write::DeflateEncoder};
use harness::{
    binaries::released,
    budgets,
    callgrind::{WARM, counted, each, is_installed},
    emulator::Emulator,
    function::{Function, Program, body},
    recorded,
};
use serde_json::{Value, json};

use crate::Outcome;

/// Bytes of a file in an archive that is packed as tightly as the format allows.
fn deflated(file: &Path) -> Outcome<u64> {
    let mut encoder = DeflateEncoder::new(sink(), Compression::best());
    encoder.write_all(&read(file)?)?;
    encoder.try_finish()?;
    Ok(encoder.total_out())
}

/// A guest's tokens, from a connect that is not counted.
async fn connected(emulator: &Emulator) -> Outcome<Value> {
    let mut connect = Function::start("connect", &emulator.deployed()).await?;
    let event = recorded::event("connect/guest", |event| {
        event["body"] = json!(r#"{"credential":{"kind":"guest"},"transport":"body"}"#);
    })?;
    body(&connect.invoke(&event).await?)
}

/// A refresh of the session in the answer before, or of the one that was opened.
fn refresh(answer: &Value, opened: &Value) -> Outcome<String> {
    let token = if answer.is_null() { opened } else { answer }["refreshToken"].clone();
    recorded::event("refresh/body", |event| event["body"] = json!(json!({ "refreshToken": token }).to_string()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_a_poll_and_a_refresh_keep_their_budgets() -> Outcome {
    if !is_installed().await {
        return Ok(());
    }
    let emulator = Emulator::start().await?;
    let validating = Program::released("validate-session", &emulator.deployed()).await?;
    let event = recorded::poll(&connected(&emulator).await?, &Value::Null)?;
    let poll = |_: &Value| Ok(event.clone());
    let start = counted(&validating, 0, poll).await?;
    let first = counted(&validating, 1, poll).await?;
    let all = counted(&validating, 1 + WARM, poll).await?;

    let refreshing = Program::released("refresh", &emulator.deployed()).await?;
    // The first run rotates the token, so the second begins with another session.
    let (one, more) = (connected(&emulator).await?, connected(&emulator).await?);
    let first_refresh = counted(&refreshing, 1, |answer| refresh(answer, &one)).await?;
    let refreshes = counted(&refreshing, 1 + WARM, |answer| refresh(answer, &more)).await?;

    for (what, count, most) in [
        ("start", start, budgets::START),
        ("first poll", first - start, budgets::FIRST_POLL),
        ("poll", each(all, first), budgets::POLL),
        ("refresh", each(refreshes, first_refresh), budgets::REFRESH_INSTRUCTIONS),
    ] {
        assert!(count <= most, "{what}: {count} instructions, at most {most}");
    }
    for function in ["validate-session", "refresh"] {
        let size = released(function).await?.metadata()?.len();
        assert!(size <= budgets::BINARY, "{function}: {size} bytes, at most {}", budgets::BINARY);
    }
    let size = deflated(&released("validate-session").await?)?;
    assert!(size <= budgets::ARCHIVE, "the archive: {size} bytes, at most {}", budgets::ARCHIVE);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_polls_keep_the_budget_of_memory() -> Outcome {
    let emulator = Emulator::start().await?;
    let poll = recorded::poll(&connected(&emulator).await?, &Value::Null)?;
    let program = Program::released("validate-session", &emulator.deployed()).await?;
    let mut running = Function::run(&program).await?;
    for _ in 0..1000 {
        assert_eq!(running.invoke(&poll).await?["statusCode"], 200);
    }
    let peak = running.peak_memory()?;
    assert!(peak <= budgets::MEMORY, "{peak} bytes, at most {}", budgets::MEMORY);
    Ok(())
}
