//! What measuring takes beside the harness: programs that are compared, a table behind TLS, and statistics.

#![expect(clippy::missing_errors_doc, reason = "every error ends the run and says what does not work")]

use std::{fs, path::Path};

pub mod statistics;
pub mod target;
mod tls;
pub mod variant;
pub mod world;

pub use harness::Outcome;

/// Writes a page to a file and shows it.
#[expect(clippy::print_stdout, reason = "the page is what these programs are for")]
pub fn publish(page: &str, path: &Path) -> Outcome {
    fs::write(path, page)?;
    println!("{page}");
    Ok(())
}
