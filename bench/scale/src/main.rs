//! Ten thousand clients against the local stack, in time that runs faster, and how latency grows with the table.

mod clients;
mod cost;
mod day;
mod growth;
mod page;
mod plot;

use std::path::PathBuf;

use bench::{Outcome, publish, world::World};
use clap::Parser;

/// Lets many clients live for a while, and writes a page and a plot.
#[derive(Parser)]
struct Options {
    /// How many clients there are.
    #[arg(long, default_value_t = 10_000)]
    clients: u64,
    /// How many sessions are in the table.
    #[arg(long, default_value_t = 200_000)]
    sessions: u64,
    /// How many times as fast time runs.
    #[arg(long, default_value_t = 10)]
    speed: u32,
    /// Where the page and the plot go.
    #[arg(long)]
    folder: PathBuf,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let Options { clients, sessions, speed, folder } = Options::parse();
    let growth = growth::measure().await?;
    let world = World::start().await?;
    let day = day::live(&world, clients, sessions, speed).await?;
    plot::write(&day.lived.series(), &folder.join("scale.svg"))?;
    let page = page::write(&day, &growth)?;
    publish(&page, &folder.join("scale.md"))?;
    let wrong = day.lived.wrong();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ").into()) }
}
