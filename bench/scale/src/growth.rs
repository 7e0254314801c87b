//! Whether a request takes longer the more sessions there are.

use bench::{
    Outcome,
    statistics::{Spread, percentile},
    variant::{OURS, Variant},
    world::World,
};
use harness::{function::Function, recorded};
use serde_json::Value;

/// How many sessions there are.
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// How often each table has its turn.
const TURNS: usize = 40;
/// How many requests one turn has.
const REQUESTS: usize = 100;

/// One table.
pub(crate) struct Grown {
    /// How many sessions are in it.
    pub(crate) sessions: u64,
    /// Milliseconds of a warm validate: of the medians of the turns, the least and the middle one.
    pub(crate) took: Spread,
}

/// Asks tables of several sizes in turns.
pub(crate) async fn measure() -> Outcome<Vec<Grown>> {
    let mut running = Vec::new();
    for sessions in SIZES {
        let world = World::start().await?;
        let event = recorded::poll(&world.connect().await?, &Value::Null)?;
        world.fill(sessions - 1).await?;
        let variant = Variant::function(OURS, &world.own_roots)?;
        let (function, ..) = Function::cold_start(&variant.program, &event).await?;
        running.push((sessions, world, function, event, Vec::new()));
    }
    for _ in 0..TURNS {
        for (_, _, function, event, medians) in &mut running {
            let mut took = Vec::with_capacity(REQUESTS);
            for _ in 0..REQUESTS {
                took.push(function.timed(event).await?.0.as_secs_f64() * 1_000.0);
            }
            medians.push(percentile(&mut took, 50));
        }
    }
    let mut grown = Vec::new();
    for (sessions, _, function, _, medians) in running {
        function.stop().await?;
        grown.push(Grown { sessions, took: Spread::of(medians.into_iter()) });
    }
    Ok(grown)
}
