//! Speed and cost of the functions, beside those of others that do the same.

#![expect(clippy::indexing_slicing, reason = "a member of an event or an answer that is not there reads as null")]

mod instructions;
mod measure;
mod operations;
mod page;
mod size;
mod targets;

use std::path::PathBuf;

use bench::{
    Outcome, publish,
    variant::{EXPRESS, FLOOR, Variant},
    world::World,
};
use clap::Parser;
use harness::{function::Function, recorded};
use serde_json::Value;

use crate::targets::Measured;

/// Measures what is built, and writes a page.
#[derive(Parser)]
struct Options {
    /// How often each program is started.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// How often each process is asked after its first request.
    #[arg(long, default_value_t = 300)]
    warm: usize,
    /// How often a process is asked before its processor time counts as settled.
    #[arg(long, default_value_t = 4_000)]
    settle: usize,
    /// Where the page goes.
    #[arg(long)]
    page: PathBuf,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let options = Options::parse();
    let mut world = World::start().await?;
    let opened = world.connect().await?;
    let session_bytes = world.session_bytes().await?;
    let key = world.public_key().await?;
    world.system_roots.set("PUBLIC_KEY", key);

    let poll = recorded::poll(&opened, &Value::Null)?;
    let mut variants = Vec::new();
    for variant in Variant::all(&world.own_roots, &world.system_roots)? {
        let event = if variant.name == EXPRESS { operations::express_poll(&variant).await? } else { poll.clone() };
        check(&variant, &event).await?;
        variants.push((variant, event));
    }
    let samples = measure::starts(&variants, options.rounds, options.warm).await?;
    let settled = measure::settled(&variants, options.settle).await?;
    let sizes = variants.iter().map(|(variant, _)| Ok((variant.name, size::of(&variant.package)?)));
    let sizes = sizes.collect::<Outcome<_>>()?;
    let (mut express, event) = variants.into_iter().find(|(variant, _)| variant.name == EXPRESS).ok_or("not there")?;
    express.program.environment = world.without_tls.clone();
    let bills = operations::bills(&world, (express, &event)).await?;

    let counts = instructions::counts(&world).await?;

    let measured = Measured { samples, settled, sizes, bills, session_bytes, counts };
    let page = page::write(&measured, options.rounds, options.warm)?;
    publish(&page, &options.page)
}

/// Whether a program does what it is compared for.
async fn check(variant: &Variant, event: &str) -> Outcome {
    let (running, _, answer) = Function::cold_start(&variant.program, event).await?;
    running.stop().await?;
    let session = variant.name == FLOOR || operations::is_session(&answer)?;
    if session { Ok(()) } else { Err(format!("{} tells no session: {answer}", variant.name).into()) }
}
