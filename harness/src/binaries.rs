//! The binaries that tests and benchmarks run: built once by each process that asks for them, then only found.

use std::path::{Path, PathBuf};

use tokio::{process::Command, sync::OnceCell};

use crate::{Outcome, clock::of_this_machine};

/// The functions that are deployed, by the names of their folders.
pub const FUNCTIONS: [&str; 9] = [
    "authorize",
    "connect",
    "logout",
    "record-events",
    "refresh",
    "rotate-secret",
    "session-policy",
    "sessions",
    "validate-session",
];

static TESTED: OnceCell<()> = OnceCell::const_new();
static RELEASED: OnceCell<()> = OnceCell::const_new();

/// Where Cargo puts what it builds: the folder with its tag above the running program.
pub fn target() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    Ok(target.ok_or("this program was not built by Cargo")?.to_owned())
}

/// The binary of a package as tests use it. Everything is built together, as `make test` does: a package built alone
/// would choose other features, and with them every library anew.
pub async fn tested(name: &str) -> Outcome<PathBuf> {
    TESTED.get_or_try_init(|| cargo(&["build", "--quiet", "--workspace", "--all-targets"])).await?;
    Ok(target()?.join("debug").join(name))
}

/// The binary of a function as it is deployed. One at a time: built together, they would share features that none has
/// alone.
pub async fn released(name: &str) -> Outcome<PathBuf> {
    RELEASED
        .get_or_try_init(|| async {
            for function in ["validate-session", "refresh"] {
                cargo(&["build", "--quiet", "--release", "--package", function]).await?;
            }
            Outcome::Ok(())
        })
        .await?;
    Ok(target()?.join("release").join(name))
}

async fn cargo(arguments: &[&str]) -> Outcome {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    let built = of_this_machine(&mut cargo).status().await?;
    if built.success() { Ok(()) } else { Err(format!("cargo {}: {built}", arguments.join(" ")).into()) }
}
