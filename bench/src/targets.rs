//! What the project has promised itself, beside what was measured.

use bench::{
    Outcome,
    target::{Limit, Target},
    variant::{FLOOR, NODE, OURS, RUST_DEFAULT},
};

use crate::{
    instructions::Counts,
    measure::{Samples, ratio, spread},
    operations::{self, Bills},
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
    let millions = |count: u64| u32::try_from(count).map(|count| f64::from(count) / 1e6);
    add("instructions of init, connection included", Limit::AtMost(5.0), millions(counts.init)?, " million");
    add("instructions of the first TLS connection", Limit::AtMost(10.0), millions(counts.connection)?, " million");
    add("instructions of a warm validate", Limit::AtMost(1.1), millions(counts.validate)?, " million");
    add("instructions of a warm refresh", Limit::AtMost(1.4), millions(counts.refresh)?, " million");
    let memory = spread(samples, OURS, |sample| sample.memory / MIB);
    add("peak memory, median", Limit::AtMost(10.0), memory.median, " MiB");
    let memory = ratio(samples, NODE, OURS, |sample| sample.memory);
    add("peak memory of Node, times ours", Limit::AtLeast(8.0), memory, "");
    let zipped = sizes.iter().find(|(name, _)| *name == OURS).ok_or("not measured")?.1.zipped;
    add("zipped", Limit::AtMost(3.7), f64::from(u32::try_from(zipped)?) / MIB, " MiB");
    let request = |name| settled.get(name).copied().ok_or("not measured");
    add(
        "processor time of a request of Node after thousands, times ours",
        Limit::AtLeast(4.0),
        request(NODE)? / request(OURS)?,
        "",
    );
    for (operation, requests, read, written) in [
        (
            operations::VALIDATE,
            ("validate: requests", 1.0),
            ("validate: read units", 1.0),
            ("validate: write units", 0.0),
        ),
        (operations::REFRESH, ("refresh: requests", 1.0), ("refresh: read units", 0.0), ("refresh: write units", 1.0)),
        (operations::LOGOUT, ("logout: requests", 1.0), ("logout: read units", 0.0), ("logout: write units", 1.0)),
    ] {
        let bill = bills.iter().find(|(name, _)| *name == operation).ok_or("not measured")?.1;
        add(requests.0, Limit::Exactly(requests.1), f64::from(bill.requests), "");
        add(read.0, Limit::Exactly(read.1), bill.read, "");
        add(written.0, Limit::Exactly(written.1), bill.written, "");
    }
    add(
        "an ordinary session in the table",
        Limit::AtMost(1_024.0),
        f64::from(u32::try_from(*session_bytes)?),
        " bytes",
    );
    Ok(targets)
}
