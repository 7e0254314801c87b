//! What the project has promised itself, beside what was measured.

use harness::budgets::{self, Call};

use bench::{
    Outcome,
    target::{Limit, Target},
    variant::{FLOOR, NODE, OURS, RUST_DEFAULT},
};

use crate::{
    instructions::Counts,
    measure::{Samples, ratio, spread},
    operations::Bills,
    size::Size,
};

const MIB: f64 = 1_048_576.0;

/// Everything that was measured.
pub(crate) struct Measured {
    /// Interleaved starts.
    pub(crate) samples: Samples,
    /// Milliseconds of processor time for a request after thousands.
    pub(crate) settled: std::collections::BTreeMap<&'static str, f64>,
    /// Sizes by the name of the variant.
    pub(crate) sizes: Vec<(&'static str, Size)>,
    /// DynamoDB's share.
    pub(crate) bills: Bills,
    /// Bytes of an ordinary session in the table.
    pub(crate) session_bytes: usize,
    /// Instructions.
    pub(crate) counts: Counts,
}

/// Every promise, in the order in which it is told.
pub(crate) fn all(measured: &Measured) -> Outcome<Vec<Target>> {
    let Measured { samples, settled, sizes, bills, session_bytes, counts } = measured;
    let mut targets = Vec::new();
    let mut add = |what: &str, limit, figure, unit| targets.push(Target::new(what, limit, figure, unit));
    let cold = |name, base| ratio(samples, name, base, |sample| sample.cold);
    add("cold start, times the floor's", Limit::AtMost(1.7), cold(OURS, FLOOR), "");
    add("cold start of Rust with all defaults, times ours", Limit::AtLeast(8.0), cold(RUST_DEFAULT, OURS), "");
    add("cold start of Node, times ours", Limit::AtLeast(25.0), cold(NODE, OURS), "");
    let first = spread(samples, OURS, |sample| sample.first);
    add("first request after init, median", Limit::AtMost(1.5), first.median, " ms");
    for (what, most, count) in [
        ("instructions of init, connection included", budgets::START_OVER_TLS, counts.init),
        ("instructions of the first TLS connection", budgets::TLS_CONNECTION, counts.connection),
        ("instructions of a warm validate", budgets::POLL, counts.validate),
        ("instructions of a warm refresh", budgets::REFRESH_INSTRUCTIONS, counts.refresh),
    ] {
        add(what, Limit::AtMost(figure(most)? / 1e6), figure(count)? / 1e6, " million");
    }
    let memory = spread(samples, OURS, |sample| sample.memory / MIB);
    add("peak memory, median", Limit::AtMost(figure(budgets::MEMORY)? / MIB), memory.median, " MiB");
    let memory = ratio(samples, NODE, OURS, |sample| sample.memory);
    add("peak memory of Node, times ours", Limit::AtLeast(8.0), memory, "");
    let zipped = sizes.iter().find(|(name, _)| *name == OURS).ok_or("not measured")?.1.zipped;
    let most = figure(budgets::ARCHIVE)? / MIB;
    add("zipped", Limit::AtMost(most), figure(u64::try_from(zipped)?)? / MIB, " MiB");
    let request = |name| settled.get(name).copied().ok_or("not measured");
    add(
        "processor time of a request of Node after thousands, times ours",
        Limit::AtLeast(4.0),
        request(NODE)? / request(OURS)?,
        "",
    );
    for (promise, named) in [
        (budgets::VALIDATE, ["validate: requests", "validate: read units", "validate: write units"]),
        (budgets::REFRESH, ["refresh: requests", "refresh: read units", "refresh: write units"]),
        (budgets::LOGOUT, ["logout: requests", "logout: read units", "logout: write units"]),
    ] {
        let Call { name, requests, read, written } = promise;
        let bill = bills.iter().find(|(operation, _)| *operation == name).ok_or("not measured")?.1;
        let [first, second, third] = named;
        add(first, Limit::Exactly(figure(u64::try_from(requests.len())?)?), f64::from(bill.requests), "");
        add(second, Limit::Exactly(read), bill.read, "");
        add(third, Limit::Exactly(written), bill.written, "");
    }
    let bytes = figure(u64::try_from(*session_bytes)?)?;
    add("an ordinary session in the table", Limit::AtMost(figure(budgets::SESSION)?), bytes, " bytes");
    Ok(targets)
}

/// A count as what it is compared with.
fn figure(count: u64) -> Outcome<f64> {
    Ok(f64::from(u32::try_from(count)?))
}
