//! Builds of earlier commits, for tests that run them beside today's.

use std::path::{Path, PathBuf};

use tokio::{process::Command, sync::OnceCell};

use crate::{Outcome, binaries::target, clock::of_this_machine};

const LIST: &str = include_str!("../earlier-builds.txt");

static BUILT: OnceCell<()> = OnceCell::const_new();

/// An earlier build.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The name in `earlier-builds.txt`.
    pub name: &'static str,
    /// The folder of its functions.
    pub functions: PathBuf,
    /// The folder of its client, as it was packed; nothing where Node is not installed.
    pub client: Option<PathBuf>,
}

/// Every earlier build, built now if it was not before. One that is not in the repository's history is left out, which
/// CI does not accept.
pub async fn builds() -> Outcome<Vec<Earlier>> {
    BUILT.get_or_try_init(build).await?;
    let folder = target()?.join("earlier");
    let listed = LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    let build = |name: &'static str| {
        let client = Some(folder.join(name).join("client")).filter(|client| client.exists());
        Earlier { name, functions: folder.join(name).join("functions"), client }
    };
    Ok(listed.map(build).filter(|build| build.functions.exists()).collect())
}

async fn build() -> Outcome {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut script = Command::new(root.join("scripts/build-earlier"));
    let built = of_this_machine(&mut script).status().await?;
    if built.success() { Ok(()) } else { Err(format!("earlier builds cannot be built: {built}").into()) }
}
