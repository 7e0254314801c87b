//! Instructions by callgrind: the same on every run, whatever else the machine does.
//!
//! It hides the processor's own SHA, so hashing is counted as software would do it.

use std::{fs::read_to_string, process::Stdio};

use serde_json::Value;
use session::settings::Variables;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Outcome,
    function::{Function, Program, body},
};

/// Warm requests that are counted; the one before them is not warm.
pub const WARM: u64 = 10;

/// Whether callgrind is here; CI accepts no machine without it.
///
/// # Panics
/// In CI, where it is not.
pub async fn is_installed() -> bool {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().await.is_ok();
    assert!(found || Variables::from_environment().get("CI").is_none(), "valgrind is not installed");
    found
}

/// All instructions of a process that answers `requests`, each made from the body of the answer before (null for the
/// first one).
pub async fn counted(program: &Program, requests: u64, next: impl Fn(&Value) -> Outcome<String>) -> Outcome<u64> {
    let folder = TempDir::new()?;
    let output = folder.path().join("callgrind");
    let tool = ["valgrind", "--quiet", "--tool=callgrind"].map(str::to_owned);
    let tool = tool.into_iter().chain([format!("--callgrind-out-file={}", output.display())]);
    let command = tool.chain(program.command.iter().cloned()).collect();
    let mut environment = program.environment.clone();
    // Where valgrind is found.
    environment.set("PATH", Variables::from_environment().get("PATH").unwrap_or_default());
    let mut running = Function::run(&Program { command, environment, ..program.clone() }).await?;
    running.ready().await?;
    let mut answer = Value::Null;
    for _ in 0..requests {
        let answered = running.invoke(&next(&answer)?).await?;
        if answered["statusCode"] != 200 {
            return Err(format!("{} refused: {answered}", program.name).into());
        }
        answer = body(&answered)?;
    }
    running.terminate().await?;
    let text = read_to_string(&output)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind has no total")?;
    Ok(total.trim().parse()?)
}

/// Instructions of a request that is not the first, from the count of one request and that of [`WARM`] more.
#[must_use]
pub fn each(all: u64, first: u64) -> u64 {
    all.saturating_sub(first) / WARM
}
