//! Counts on their way to CloudWatch: lines of the embedded metric format on standard output.

use std::sync::OnceLock;

use metrics_cloudwatch_embedded::{Builder, Collector};

/// The namespace of every metric.
const NAMESPACE: &str = "SessionKeepalive";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Begins to count. Without this, counting costs and writes nothing.
pub(super) fn start() {
    if let Ok(collector) = Builder::new().cloudwatch_namespace(NAMESPACE).init() {
        // A second start in one process keeps the first collector, as it keeps the first recorder.
        let _ = COLLECTOR.set(collector);
    }
}

/// Writes what was counted since the last time, nothing if nothing was.
pub(super) fn flush(invocation: &str) {
    if let Some(collector) = COLLECTOR.get() {
        // Standard output that cannot be written is not worth a failed request.
        let _ = collector.set_property("requestId", invocation.to_owned()).flush(std::io::stdout().lock());
    }
}
