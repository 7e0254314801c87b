//! The table's stream: writes the audit log and counts what no request can count.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use session::{invocation::Invocation, record::record, unix_time::UnixMillis};

/// What Lambda is told about a batch: from which record on it is to come again, if it is.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    /// A sequence number: the record is not done, and none after it.
    item_identifier: String,
}

/// The event is not a batch of a stream.
#[derive(Debug, thiserror::Error)]
#[error("the event is not a batch of the table's stream")]
pub struct NotABatch;

/// Each record by itself: one that cannot be read must not stand in the way of the others.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a> {
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

/// Writes the lines of one batch to `out`.
///
/// # Errors
/// [`NotABatch`] for any other event.
pub fn handle(event: &RawValue, invocation: &Invocation<'_>, out: &mut impl Write) -> Result<Recorded, NotABatch> {
    let Batch { records } = serde_json::from_str(event.get()).map_err(|_| NotABatch)?;
    let unwritten = record(&records, invocation, UnixMillis::now(), out).err();
    let failures = unwritten.map(|unwritten| Failure { item_identifier: unwritten.sequence_number });
    Ok(Recorded { batch_item_failures: failures.into_iter().collect() })
}
