//! Counts on their way to CloudWatch: lines of the embedded metric format on standard output.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::{invocation::Invocation, report, settings::Variables, unix_time::UnixMillis};

/// The namespace of every metric, where none is set.
const NAMESPACE: &str = "SessionKeepalive";

/// Most invocations that what is not due waits for. The library keeps 100 values of one metric between two lines.
const MOST_HELD: usize = 50;

/// How long what is not due waits, if there is an invocation after it to write it.
const LONGEST_HELD: Duration = Duration::from_mins(1);

static METRICS: OnceLock<Metrics> = OnceLock::new();

struct Metrics {
    collector: &'static Collector,
    held: Mutex<Held>,
}

/// What waits to be written.
struct Held {
    invocations: usize,
    since: UnixMillis,
}

/// Begins to count. Without this, counting costs and writes nothing.
pub(super) fn start(variables: &Variables, now: UnixMillis) {
    let namespace = variables.get("SESSION_METRICS_NAMESPACE").unwrap_or(NAMESPACE).to_owned();
    if let Ok(collector) = Builder::new().cloudwatch_namespace(namespace).init() {
        // A second start in one process keeps the first collector, as it keeps the first recorder.
        let _ = METRICS.set(Metrics { collector, held: Mutex::new(Held { invocations: 0, since: now }) });
        report::describe();
    }
}

/// Writes what was counted since the last time, nothing if nothing was. Latencies alone wait for company: a line for
/// each would cost as much as the request to the table.
pub(super) fn flush(invocation: &Invocation<'_>, now: UnixMillis) {
    let Some(Metrics { collector, held }) = METRICS.get() else { return };
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    held.invocations += 1;
    if report::take_due() || held.invocations >= MOST_HELD || now.since(held.since) >= LONGEST_HELD {
        *held = Held { invocations: 0, since: now };
        collector
            .set_property("requestId", invocation.request_id.to_owned())
            // As every other line says it: Lambda takes a line without them for INFO, and filters by that.
            .set_property("timestamp", now.to_rfc3339())
            .set_property("level", "INFO");
        // Standard output that cannot be written is not worth a failed request.
        let _ = collector.flush(std::io::stdout().lock());
    }
}
