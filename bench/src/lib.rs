//! What measuring takes: programs under a Lambda Runtime API, a table behind TLS, and what DynamoDB would bill.

#![expect(clippy::missing_errors_doc, reason = "every error ends the run and says what does not work")]

use std::{fs, path::Path};

pub mod function;
pub mod statistics;
pub mod target;
mod tls;
pub mod variant;
pub mod world;

/// The first thing that does not work ends the run.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Writes a page to a file and shows it.
#[expect(clippy::print_stdout, reason = "the page is what these programs are for")]
pub fn publish(page: &str, path: &Path) -> Outcome {
    fs::write(path, page)?;
    println!("{page}");
    Ok(())
}
