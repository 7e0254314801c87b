//! Use case: write the audit log, one line for each change that matters.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    audit::{Action, Entry},
    invocation::Invocation,
    report,
    store::{Named, Record},
    stored_credential::Removed,
    unix_time::UnixMillis,
};

/// The first record whose line could not be written: it and all after it are to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of the audit log could not be written")]
pub struct Unwritten {
    /// Where it stands in its shard.
    pub sequence_number: String,
}

/// A line in the form of all others, so that one query finds both.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    event: &'static str,
    /// Tells a line that is written again from a new one.
    event_id: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
    span: Span<'a>,
}

#[derive(Serialize)]
struct Span<'a> {
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

/// Writes a line to `out` for each record of a batch that the audit log is about, and counts.
///
/// A record that cannot be read is reported and left out: it would not become readable by coming again, and the others
/// must neither be lost nor wait for it.
///
/// # Errors
/// [`Unwritten`] when a line cannot be written. All before it are, and counted.
pub fn record(
    records: &[&RawValue],
    invocation: &Invocation<'_>,
    now: UnixMillis,
    out: &mut impl Write,
) -> Result<(), Unwritten> {
    let Invocation { request_id, trace_id } = *invocation;
    let _entered = tracing::info_span!("batch", request_id, trace_id).entered();
    for text in records {
        let record = match Record::read(text.get()) {
            Ok(record) => record,
            Err(fault) => {
                let Named { event_id, sequence_number } = Named::read(text.get());
                report::unreadable(event_id.as_deref(), sequence_number.as_deref(), &fault);
                continue;
            }
        };
        let Record { event_id, sequence_number, written_at, by_ttl, written } = record;
        let Some(written) = written else { continue };
        let entry = written.entry(by_ttl, written_at);
        if let Some(entry) = &entry {
            write(entry, &event_id, invocation, now, out).map_err(|_| Unwritten { sequence_number })?;
            if let (Action::SessionExpired, Some(Removed::Ended(limit))) = (entry.action, entry.reason) {
                report::expired(limit);
            }
        }
        if written.is_first_use_in_window() {
            report::active();
        }
    }
    Ok(())
}

fn write(
    entry: &Entry,
    event_id: &str,
    invocation: &Invocation<'_>,
    now: UnixMillis,
    out: &mut impl Write,
) -> io::Result<()> {
    let level = match entry.action {
        Action::SessionReused | Action::SessionDeleted => "WARN",
        Action::SessionCreated
        | Action::SessionRotated
        | Action::SessionExtended
        | Action::SessionEnded
        | Action::SessionExpired
        | Action::StoredCredentialMade
        | Action::StoredCredentialUsed
        | Action::StoredCredentialForgotten => "INFO",
    };
    let span = Span { request_id: invocation.request_id, trace_id: invocation.trace_id };
    let line = Line { timestamp: now.to_rfc3339(), level, event: "audit", event_id, entry, span };
    // In one piece, so that no half of a line is left when there is no room for the other.
    let mut text = serde_json::to_vec(&line)?;
    text.push(b'\n');
    out.write_all(&text)?;
    out.flush()
}
