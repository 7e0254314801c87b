//! What a start and a warm request cost, in instructions and bytes: the same on every run, whatever else the machine
//! does.
//!
//! Counted by callgrind on the release binaries, which hides the processor's SHA instructions: hashing is counted as
//! software would do it.

use std::{
    fs::{read, read_to_string},
    io::{Write, sink},
    path::Path,
    process::Stdio,
};

use flate2::{Compression, write::DeflateEncoder};
use local::recorded;
use serde_json::{Value, json};
use session::settings::Variables;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Outcome, emulator::Emulator, events::deployed, runtime_api::Bootstrap};

/// Most instructions from the start of the process to its first request for an event, the connection to the table open.
const START: u64 = 2_225_000;
/// Most instructions of the first poll. It is the first to draw randomness: with AWS-LC's jitter entropy it would take
/// hundreds of millions.
const FIRST_POLL: u64 = 1_168_000;
/// Most instructions of a poll that writes nothing; about 470,000 are the Ed25519 signature.
const POLL: u64 = 1_100_000;
/// Most instructions of a refresh.
const REFRESH: u64 = 1_070_000;

/// Most bytes of a stripped binary.
const LARGEST: u64 = 7_700_000;
/// Most bytes of the archive that Lambda fetches before a cold start of what is polled.
const LARGEST_ARCHIVE: u64 = 3_400_000;

/// Most bytes of memory that a function ever had resident, after a thousand polls: 9 MiB.
const MEMORY: u64 = 9_437_184;

/// Warm requests that are counted; the first one is not warm.
const WARM: u64 = 10;

/// Whether callgrind is here; CI accepts no machine without it.
async fn callgrind_is_installed() -> bool {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().await.is_ok();
    assert!(found || Variables::from_environment().get("CI").is_none(), "valgrind is not installed");
    found
}

async fn release(function: &str) -> Outcome<std::path::PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    let built = cargo.args(["build", "--quiet", "--release", "--package", function]);
    assert!(built.current_dir(env!("CARGO_MANIFEST_DIR")).status().await?.success(), "{function} cannot be built");
    let debug = Path::new(env!("CARGO_BIN_EXE_local"));
    let target = debug.ancestors().nth(2).ok_or("no target folder")?;
    Ok(target.join("release").join(function))
}

/// Runs a function under callgrind through `requests`, each made from the answer to the one before; returns the count.
async fn counted(
    function: &str,
    settings: &Variables,
    requests: u64,
    next: impl Fn(Option<&Value>) -> Outcome<String>,
) -> Outcome<u64> {
    let folder = TempDir::new()?;
    let output = folder.path().join("callgrind");
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", output.display()));
    command.arg(release(function).await?);
    let mut running = Bootstrap::run(command, function, settings).await?;
    let mut answer = None;
    for _ in 0..requests {
        let answered = running.invoke(&next(answer.as_ref())?).await?;
        assert_eq!(answered["statusCode"], 200, "{answered}");
        answer = Some(serde_json::from_str(answered["body"].as_str().ok_or("no body")?)?);
    }
    running.asked(usize::try_from(requests)? + 1).await?;
    running.terminate().await?;
    let text = read_to_string(&output)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind has no total")?;
    Ok(total.trim().parse()?)
}

/// Bytes of a file in an archive that is packed as tightly as the format allows.
fn deflated(file: &Path) -> Outcome<u64> {
    let mut encoder = DeflateEncoder::new(sink(), Compression::best());
    encoder.write_all(&read(file)?)?;
    encoder.try_finish()?;
    Ok(encoder.total_out())
}

/// A guest's tokens, from a connect that is not counted.
async fn connected(emulator: &Emulator) -> Outcome<Value> {
    let mut connect = Bootstrap::start("connect", &deployed(emulator)).await?;
    let event = recorded::event("connect/guest", |event| {
        event["body"] = json!(r#"{"credential":{"kind":"guest"},"transport":"body"}"#);
    })?;
    let answer = connect.invoke(&event).await?;
    Ok(serde_json::from_str(answer["body"].as_str().ok_or("no body")?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_a_poll_and_a_refresh_keep_their_budgets() -> Outcome {
    if !callgrind_is_installed().await {
        return Ok(());
    }
    let emulator = Emulator::start().await?;
    let settings = deployed(&emulator);
    let opened = connected(&emulator).await?;
    let event = recorded::poll(&opened, &Value::Null)?;
    let poll = |_: Option<&Value>| Ok(event.clone());
    let start = counted("validate-session", &settings, 0, poll).await?;
    let first = counted("validate-session", &settings, 1, poll).await?;
    let warm = (counted("validate-session", &settings, 1 + WARM, poll).await? - first) / WARM;

    let refresh = |answer: Option<&Value>| {
        let token = answer.unwrap_or(&opened)["refreshToken"].clone();
        recorded::event("refresh/body", |event| event["body"] = json!(json!({ "refreshToken": token }).to_string()))
    };
    let one = counted("refresh", &settings, 1, refresh).await?;
    // The first run has rotated the token, so the second begins with another session.
    let opened = connected(&emulator).await?;
    let refresh = |answer: Option<&Value>| {
        let token = answer.unwrap_or(&opened)["refreshToken"].clone();
        recorded::event("refresh/body", |event| event["body"] = json!(json!({ "refreshToken": token }).to_string()))
    };
    let rotated = (counted("refresh", &settings, 1 + WARM, refresh).await? - one) / WARM;

    let counts = [
        ("start", start, START),
        ("first poll", first - start, FIRST_POLL),
        ("poll", warm, POLL),
        ("refresh", rotated, REFRESH),
    ];
    for (what, count, most) in counts {
        assert!(count <= most, "{what}: {count} instructions, at most {most}");
    }
    for function in ["validate-session", "refresh"] {
        let size = release(function).await?.metadata()?.len();
        assert!(size <= LARGEST, "{function}: {size} bytes, at most {LARGEST}");
    }
    let size = deflated(&release("validate-session").await?)?;
    assert!(size <= LARGEST_ARCHIVE, "the archive: {size} bytes, at most {LARGEST_ARCHIVE}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_polls_keep_the_budget_of_memory() -> Outcome {
    let emulator = Emulator::start().await?;
    let settings = deployed(&emulator);
    let poll = recorded::poll(&connected(&emulator).await?, &Value::Null)?;
    let mut running =
        Bootstrap::run(Command::new(release("validate-session").await?), "validate-session", &settings).await?;
    for _ in 0..1000 {
        assert_eq!(running.invoke(&poll).await?["statusCode"], 200);
    }
    let peak = running.peak_memory()?;
    assert!(peak <= MEMORY, "{peak} bytes, at most {MEMORY}");
    Ok(())
}
