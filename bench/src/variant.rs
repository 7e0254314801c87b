//! What is compared: the same operation by several programs.

use std::path::{Path, PathBuf};

use harness::{binaries, function::Program};
use session::settings::Variables;

use crate::Outcome;

/// One program.
pub struct Variant {
    /// The name in the tables.
    pub name: &'static str,
    /// The program and its settings.
    pub program: Program,
    /// What is deployed: a file or a folder.
    pub package: PathBuf,
}

/// The function that everything is compared with.
pub const OURS: &str = "validate-session";
/// A loop that answers with a constant after one request over TLS.
pub const FLOOR: &str = "floor";
/// Rust as tutorials write it.
pub const RUST_DEFAULT: &str = "Rust, all defaults";
/// AWS SDK v3 and jose, in one file.
pub const NODE: &str = "Node, bundled";
/// awslambdaric, boto3 and `PyJWT`.
pub const PYTHON: &str = "Python";
/// express-session with connect-dynamodb.
pub const EXPRESS: &str = "express-session";

impl Variant {
    /// A function of this project, as it is deployed.
    pub fn function(name: &'static str, environment: &Variables) -> Outcome<Self> {
        Self::binary(name, name, environment)
    }

    fn binary(name: &'static str, file: &str, environment: &Variables) -> Outcome<Self> {
        let path = binaries::target()?.join("bench").join(file);
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { name, program: Program::of(name, &path.to_string_lossy(), environment), package: path })
    }

    /// Everything that is compared, each with its own way to be told which roots to trust.
    pub fn all(own_roots: &Variables, system_roots: &Variables) -> Outcome<Vec<Self>> {
        let bench = binaries::target()?.join("bench");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let script = |name, command: &[&str], package: PathBuf| {
            let command = command.iter().map(|word| (*word).to_owned()).collect();
            Self { name, program: Program { command, ..Program::of(name, "", system_roots) }, package }
        };
        let node = |name, folder: &str| {
            let bundle = bench.join(folder).join("index.mjs");
            script(name, &["node", &text(&bundle)], bundle)
        };
        let python = bench.join("python");
        let start = format!("import sys; sys.path.insert(0, {:?}); sys.argv = ['', 'app.handler']; ", text(&python))
            + "from awslambdaric.__main__ import main; main(sys.argv)";
        Ok(vec![
            Self::binary(FLOOR, FLOOR, own_roots)?,
            Self::function(OURS, own_roots)?,
            Self::binary(RUST_DEFAULT, "rust-default", system_roots)?,
            node(NODE, "node"),
            node(EXPRESS, "express-session"),
            script(PYTHON, &["python3", "-c", &start], python),
        ])
    }
}
