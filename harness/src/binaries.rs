//! The binaries that tests and benchmarks run: built once by each process that asks for them, then only found.

use std::path::{Path, PathBuf};

use tokio::{process::Command, sync::OnceCell};

use crate::{Outcome, clock::of_this_machine};

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

/// The binary of validate-session or refresh as it is deployed. The two ask for the same features, so that together they
/// are what each is alone.
pub async fn released(name: &str) -> Outcome<PathBuf> {
    let both = ["build", "--quiet", "--release", "--package", "validate-session", "--package", "refresh"];
    RELEASED.get_or_try_init(|| cargo(&both)).await?;
    Ok(target()?.join("release").join(name))
}

async fn cargo(arguments: &[&str]) -> Outcome {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    let built = of_this_machine(&mut cargo).status().await?;
    if built.success() { Ok(()) } else { Err(format!("cargo {}: {built}", arguments.join(" ")).into()) }
}
