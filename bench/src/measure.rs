//! Times, processor time and memory, taken in turns so that whatever else the machine does meets everybody.

use std::{collections::BTreeMap, time::Duration};

use harness::function::{Function, Start};

use bench::{
    Outcome,
    statistics::{Spread, percentile},
    variant::Variant,
};

/// How often a kept process is asked before it is the next one's turn.
const TURN: usize = 250;
/// How many turns count.
const COUNTED_TURNS: usize = 4;
/// How many processes of each variant settle.
const SETTLED_PROCESSES: usize = 3;

/// One process, milliseconds and bytes.
pub(crate) struct Sample {
    /// From the start of the process until it asked for an event.
    pub(crate) init: f64,
    /// From the start of the process until it had answered.
    pub(crate) cold: f64,
    /// The first answer, after init.
    pub(crate) first: f64,
    /// The middle one of the answers after that.
    pub(crate) warm: f64,
    /// The slowest in a hundred of them.
    pub(crate) slow: f64,
    /// Time on a processor for each of them.
    pub(crate) processor: f64,
    /// Most memory it ever held.
    pub(crate) memory: f64,
}

/// Samples by the name of the variant.
pub(crate) type Samples = BTreeMap<&'static str, Vec<Sample>>;

/// The spread of one measure of a variant.
pub(crate) fn spread(samples: &Samples, name: &str, of: impl Fn(&Sample) -> f64) -> Spread {
    Spread::of(samples.get(name).into_iter().flatten().map(of))
}

/// The median of how many times as much `name` takes as `base`, of processes that ran one after the other.
pub(crate) fn ratio(samples: &Samples, name: &str, base: &str, of: impl Fn(&Sample) -> f64) -> f64 {
    let both = samples.get(name).into_iter().flatten().zip(samples.get(base).into_iter().flatten());
    Spread::of(both.map(|(sample, base)| of(sample) / of(base))).median
}

/// Starts each variant `rounds` times, and asks each process `warm` times more.
pub(crate) async fn starts(variants: &[(Variant, String)], rounds: usize, warm: usize) -> Outcome<Samples> {
    let mut samples = Samples::new();
    for _ in 0..rounds {
        for (variant, event) in variants {
            samples.entry(variant.name).or_default().push(sample(variant, event, warm).await?);
        }
    }
    Ok(samples)
}

async fn sample(variant: &Variant, event: &str, warm: usize) -> Outcome<Sample> {
    let (mut function, Start { init, first }, _) = Function::cold_start(&variant.program, event).await?;
    let before = function.processor_time()?;
    let mut took = Vec::with_capacity(warm);
    for _ in 0..warm {
        took.push(milliseconds(function.timed(event).await?.0));
    }
    let processor = milliseconds(function.processor_time()?.saturating_sub(before)) / f64::from(u32::try_from(warm)?);
    let memory = f64::from(u32::try_from(function.peak_memory()?)?);
    function.stop().await?;
    Ok(Sample {
        init: milliseconds(init),
        cold: milliseconds(init + first),
        first: milliseconds(first),
        warm: percentile(&mut took, 50),
        slow: percentile(&mut took, 99),
        processor,
        memory,
    })
}

/// Processor time of a request in a process that has answered `after` others, in milliseconds by the name of the
/// variant: by then, compilers at run time should have settled. The median of several processes, because they settle
/// differently.
pub(crate) async fn settled(variants: &[(Variant, String)], after: usize) -> Outcome<BTreeMap<&'static str, f64>> {
    let mut all: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for _ in 0..SETTLED_PROCESSES {
        for (name, milliseconds) in settled_once(variants, after).await? {
            all.entry(name).or_default().push(milliseconds);
        }
    }
    Ok(all.into_iter().map(|(name, values)| (name, Spread::of(values.into_iter()).median)).collect())
}

async fn settled_once(variants: &[(Variant, String)], after: usize) -> Outcome<Vec<(&'static str, f64)>> {
    let mut running = Vec::new();
    for (variant, event) in variants {
        let (function, ..) = Function::cold_start(&variant.program, event).await?;
        running.push((variant.name, event, function, Duration::ZERO));
    }
    let before = after / TURN;
    for turn in 0..before + COUNTED_TURNS {
        for (_, event, function, counted) in &mut running {
            let start = function.processor_time()?;
            for _ in 0..TURN {
                function.invoke(event).await?;
            }
            if turn >= before {
                *counted += function.processor_time()?.saturating_sub(start);
            }
        }
    }
    let requests = f64::from(u32::try_from(COUNTED_TURNS * TURN)?);
    let mut settled = Vec::new();
    for (name, _, function, counted) in running {
        function.stop().await?;
        settled.push((name, milliseconds(counted) / requests));
    }
    Ok(settled)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
