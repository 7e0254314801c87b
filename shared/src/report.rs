//! What operators are told: one log line and one count for each event. No names, no tokens, no addresses.
//!
//! An ordinary poll or refresh is no event: a line for each would cost more than the request to the table.

use metrics::counter;

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
/// Counts requests to a dependency that were not done, by operation.
pub const FAULTS: &str = "Faults";

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

/// A session was opened.
pub(crate) fn created(session: SessionId, kind: CredentialKind) {
    let kind = kind.as_str();
    counter!(SESSIONS_CREATED, "Credential" => kind).increment(1);
    tracing::info!(event = "session_created", %session, credential = kind, "session created");
}

/// A session was ended.
pub(crate) fn ended(session: SessionId, reason: EndReason) {
    let cause = reason.as_str();
    counter!(SESSIONS_ENDED, "Reason" => cause).increment(1);
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
    counter!(REFRESHES, "Outcome" => outcome).increment(1);
}

/// A stored credential opened a session, or the answer to an earlier request was given again.
pub(crate) fn reconnected(outcome: Reconnected) {
    let outcome = match outcome {
        Reconnected::Opened => "opened",
        Reconnected::Replayed => "replayed",
    };
    counter!(RECONNECTS, "Outcome" => outcome).increment(1);
}

/// The ciphertext of a stored credential was removed.
pub(crate) fn forgotten(stored: ReconnectId, removed: Removed) {
    let cause = removed.as_str();
    counter!(STORED_CREDENTIALS_REMOVED, "Reason" => cause).increment(1);
    tracing::info!(event = "stored_credential_removed", %stored, reason = cause, "stored credential removed");
}

/// A token of the system that was there before was presented.
pub(crate) fn legacy_token(outcome: LegacyToken) {
    let outcome = match outcome {
        LegacyToken::Exchanged => "exchanged",
        LegacyToken::Rejected => "rejected",
        LegacyToken::Late => "late",
    };
    counter!(LEGACY_TOKENS, "Outcome" => outcome).increment(1);
}

/// A request was refused. `reason` is why its session had ended, or why its credential was not accepted, where that is
/// the cause: one of a closed set.
pub(crate) fn refused(status: u16, code: &'static str, reason: Option<&str>, session: Option<SessionId>) {
    counter!(REFUSALS, "Code" => code).increment(1);
    let session = session.map(|session| session.to_string());
    tracing::info!(event = "refused", status, code, reason, session, "refused");
}

/// A dependency did not do what it was asked, and the request failed for it.
pub(crate) fn failed(status: u16, code: &'static str, fault: &Fault, session: Option<SessionId>) {
    let Fault { operation, code: service_code, cause } = fault;
    counter!(FAULTS, "Operation" => *operation).increment(1);
    let session = session.map(|session| session.to_string());
    let service_code = service_code.as_deref();
    tracing::error!(event = "fault", status, code, operation, service_code, session, "{cause}");
}

/// A dependency did not do what it was asked, and the request went on without it.
pub(crate) fn degraded(task: &'static str, fault: &Fault) {
    let Fault { operation, code, cause } = fault;
    counter!(FAULTS, "Operation" => *operation).increment(1);
    tracing::warn!(event = "degraded", task, operation, service_code = code.as_deref(), "{cause}");
}
