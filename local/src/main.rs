//! `make run`: the whole stack on this machine.

use std::process::ExitCode;

use clap::Parser;
use local::{options::Options, stack::Stack};
use session::{http::start_logging, settings::Variables};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let environment = Variables::from_environment();
    // To the embedded DynamoDB a condition that does not hold is worth a warning; here it is every other answer.
    start_logging(&environment, &["dynoxide"]);
    match Stack::start(&options, &environment).await {
        Err(error) => {
            tracing::error!(event = "start_failed", "{error}");
            ExitCode::FAILURE
        }
        Ok(stack) => {
            ready(&stack, &options);
            asked_to_stop().await;
            stack.stop().await;
            ExitCode::SUCCESS
        }
    }
}

#[expect(clippy::print_stdout, reason = "the one line that is for people")]
fn ready(stack: &Stack, options: &Options) {
    let Stack { address, dynamodb, .. } = stack;
    let page = if options.page.join("index.html").exists() { "demo page and API" } else { "API" };
    println!("ready: {page} http://{address}  DynamoDB {dynamodb}  (Ctrl-C stops)");
}

/// Ctrl-C or SIGTERM. If the system gives no signals, only SIGKILL is left.
async fn asked_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
