//! What operators are told: one log line and one count for each event. No names, no tokens, no addresses.
//!
//! An ordinary poll or refresh is no event: a line for each would cost more than the request to the table.

use std::{
    fmt::Display,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use metrics::{Counter, Unit, counter, describe_histogram, histogram};

use crate::{
    credential::CredentialKind,
    error::Fault,
    identity::{ReconnectId, SessionId},
    lifecycle::EndReason,
    stored_credential::Removed,
};

/// Counts sessions that were opened, by kind of credential.
pub const SESSIONS_CREATED: &str = "SessionsCreated";
/// Counts sessions that somebody or something ended, by reason. One whose limit passed is not ended by anybody.
pub const SESSIONS_ENDED: &str = "SessionsEnded";
/// Counts refreshes, by outcome.
pub const REFRESHES: &str = "Refreshes";
/// Counts reconnects with a stored credential, by outcome.
pub const RECONNECTS: &str = "Reconnects";
/// Counts stored credentials whose ciphertext was removed, by reason.
pub const STORED_CREDENTIALS_REMOVED: &str = "StoredCredentialsRemoved";
/// Counts tokens of the system that was there before, by outcome.
pub const LEGACY_TOKENS: &str = "LegacyTokens";
/// Counts requests that were refused, by code.
pub const REFUSALS: &str = "Refusals";
/// Counts requests to a dependency that were not done: all of them, and by operation.
pub const FAULTS: &str = "Faults";
/// Milliseconds that successful validations took in the function.
pub const VALIDATION_LATENCY: &str = "ValidationLatency";
/// Counts the starts of a function's process.
pub const COLD_STARTS: &str = "ColdStarts";
/// Counts sessions once for each [`crate::audit::WINDOW`] in which they were used.
pub const ACTIVE_SESSIONS: &str = "ActiveSessions";
/// Counts sessions that the table forgot after a limit had passed, by the limit.
pub const SESSIONS_EXPIRED: &str = "SessionsExpired";
/// Counts items of users that could not be read and were left out.
pub const UNREADABLE_ITEMS: &str = "UnreadableItems";
/// Counts records of the table's stream that could not be read.
pub const UNREADABLE_RECORDS: &str = "UnreadableRecords";

/// Whether anything was counted that is not worth waiting with.
static DUE: AtomicBool = AtomicBool::new(false);

/// How a refresh came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The token was replaced.
    Rotated,
    /// The answer to an earlier request was given again.
    Replayed,
}

/// What became of a token of the system that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyToken {
    /// Its user has a session.
    Exchanged,
    /// It was not genuine, or its time was over.
    Rejected,
    /// It came after the date until which they are taken.
    Late,
}

/// How a reconnect came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnected {
    /// A session was opened.
    Opened,
    /// The answer to an earlier request was given again.
    Replayed,
}

/// Says in which units is measured, once there is something to tell it to.
pub(crate) fn describe() {
    describe_histogram!(VALIDATION_LATENCY, Unit::Milliseconds, "");
}

/// Whether anything was counted since the last call that is not worth waiting with.
pub(crate) fn take_due() -> bool {
    DUE.swap(false, Ordering::Relaxed)
}

fn count(counter: &Counter) {
    counter.increment(1);
    DUE.store(true, Ordering::Relaxed);
}

/// A session was opened.
pub(crate) fn created(session: SessionId, kind: CredentialKind) {
    count(&counter!(SESSIONS_CREATED, "Credential" => kind.closed_name()));
    tracing::info!(event = "session_created", %session, credential = kind.as_str(), "session created");
}

/// A session was ended.
pub(crate) fn ended(session: SessionId, reason: EndReason) {
    let cause = reason.as_str();
    count(&counter!(SESSIONS_ENDED, "Reason" => reason.closed_name()));
    if reason == EndReason::ReuseDetected {
        tracing::warn!(event = "session_ended", %session, reason = cause, "session ended");
    } else {
        tracing::info!(event = "session_ended", %session, reason = cause, "session ended");
    }
}

/// A refresh token was replaced, or given again.
pub(crate) fn refreshed(outcome: Refreshed) {
    let outcome = match outcome {
        Refreshed::Rotated => "rotated",
        Refreshed::Replayed => "replayed",
    };
    count(&counter!(REFRESHES, "Outcome" => outcome));
}

/// A stored credential opened a session, or the answer to an earlier request was given again.
pub(crate) fn reconnected(outcome: Reconnected) {
    let outcome = match outcome {
        Reconnected::Opened => "opened",
        Reconnected::Replayed => "replayed",
    };
    count(&counter!(RECONNECTS, "Outcome" => outcome));
}

/// The ciphertext of a stored credential was removed.
pub(crate) fn forgotten(stored: ReconnectId, removed: Removed) {
    let cause = removed.as_str();
    count(&counter!(STORED_CREDENTIALS_REMOVED, "Reason" => removed.closed_name()));
    tracing::info!(event = "stored_credential_removed", %stored, reason = cause, "stored credential removed");
}

/// A token of the system that was there before was presented.
pub(crate) fn legacy_token(outcome: LegacyToken) {
    let outcome = match outcome {
        LegacyToken::Exchanged => "exchanged",
        LegacyToken::Rejected => "rejected",
        LegacyToken::Late => "late",
    };
    count(&counter!(LEGACY_TOKENS, "Outcome" => outcome));
}

/// A request was refused. `reason` is why its session had ended, or why its credential was not accepted, where that is
/// the cause: one of a closed set.
pub(crate) fn refused(status: u16, code: &'static str, reason: Option<&str>, session: Option<SessionId>) {
    count(&counter!(REFUSALS, "Code" => code));
    let session = session.map(|session| session.to_string());
    tracing::info!(event = "refused", status, code, reason, session, "refused");
}

/// A dependency did not do what it was asked, and the request failed for it.
pub(crate) fn failed(status: u16, code: &'static str, fault: &Fault, session: Option<SessionId>) {
    let Fault { operation, code: service_code, cause } = fault;
    count_fault(operation);
    let session = session.map(|session| session.to_string());
    let service_code = service_code.as_deref();
    tracing::error!(event = "fault", status, code, operation, service_code, session, "{cause}");
}

/// A dependency did not do what it was asked, and the request went on without it.
pub(crate) fn degraded(task: &'static str, fault: &Fault) {
    let Fault { operation, code, cause } = fault;
    count_fault(operation);
    tracing::warn!(event = "degraded", task, operation, service_code = code.as_deref(), "{cause}");
}

fn count_fault(operation: &'static str) {
    // Without a dimension as well: an alarm cannot add up what it does not know the names of.
    count(&counter!(FAULTS));
    count(&counter!(FAULTS, "Operation" => operation));
}

/// The master secret was replaced.
pub(crate) fn secret_rotated() {
    tracing::info!(event = "secret_rotated", "the master secret was replaced");
}

/// A step of a rotation was not done; Secrets Manager tries again.
pub fn rotation_failed(error: &impl Display) {
    tracing::error!(event = "rotation_failed", "{error}");
}

/// A process of a function has started.
pub(crate) fn started() {
    count(&counter!(COLD_STARTS));
}

/// A session was found live in this time. Not worth a line of its own: waits for the next one.
pub fn validated(took: Duration) {
    histogram!(VALIDATION_LATENCY).record(took.as_secs_f64() * 1000.0);
}

/// A session was used for the first time in its window.
pub(crate) fn active() {
    count(&counter!(ACTIVE_SESSIONS));
}

/// The table forgot a session after this limit had passed.
pub(crate) fn expired(limit: EndReason) {
    count(&counter!(SESSIONS_EXPIRED, "Reason" => limit.closed_name()));
}

/// An item of a user could not be read, and what was asked goes on without it. Of the item itself only a well-formed id is
/// told: what else stands in it may be anything.
pub(crate) fn item_unreadable(session: Option<SessionId>, stored: Option<ReconnectId>) {
    count(&counter!(UNREADABLE_ITEMS));
    let (session, stored) = (session.map(|id| id.to_string()), stored.map(|id| id.to_string()));
    tracing::warn!(event = "item_unreadable", session, stored, "an item could not be read");
}

/// A record of the table's stream could not be read, and is missing in the audit log.
pub(crate) fn unreadable(event_id: Option<&str>, sequence_number: Option<&str>, fault: &Fault) {
    count(&counter!(UNREADABLE_RECORDS));
    tracing::error!(event = "record_unreadable", event_id, sequence_number, "{fault}");
}
