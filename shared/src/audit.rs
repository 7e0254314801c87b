//! What the audit log says about a change of the table. Pure rules: no I/O, no clock, no randomness.
//!
//! An entry is made from what the item was before and after, so a change that is delivered twice gives the same entry
//! twice. Nothing that proves or opens anything is in it: ids, the subject, times, reasons and generations.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{
    credential::CredentialKind,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::{EndReason, Session},
    stored_credential::{Content, Removed, StoredCredential},
    unix_time::{UnixMillis, millis},
};

/// The length of the windows, counted from the epoch, in which an active session is counted and an extended one is
/// noted once. Longer than half of the default life of an access token, so that every open page refreshes in each.
pub const WINDOW: Duration = Duration::from_mins(15);

/// One item before and after a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// The item as it was, if there was one.
    pub before: Option<T>,
    /// The item as it is, if there is one.
    pub after: Option<T>,
}

/// A write that the audit log may be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A session was written.
    Session(Change<Session>),
    /// A stored credential was written.
    StoredCredential(Change<StoredCredential>),
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A session was opened.
    SessionCreated,
    /// Its refresh token was replaced.
    SessionRotated,
    /// Activity moved its idle limit; noted once in a [`WINDOW`].
    SessionExtended,
    /// Somebody or something ended it.
    SessionEnded,
    /// A superseded refresh token was presented, which ended it.
    SessionReused,
    /// The table forgot it after its limit had passed.
    SessionExpired,
    /// It was deleted past the functions, which never do that.
    SessionDeleted,
    /// A credential was stored.
    StoredCredentialMade,
    /// It opened a session.
    StoredCredentialUsed,
    /// Its ciphertext is gone.
    StoredCredentialForgotten,
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What happened.
    pub action: Action,
    /// When it happened.
    #[serde(serialize_with = "rfc3339")]
    pub at: UnixMillis,
    /// Whose session or stored credential it is. Personal data: it confirms a guess of the name.
    pub subject: SubjectId,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The stored credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<ReconnectId>,
    /// How its user proved who they are.
    pub credential: CredentialKind,
    /// Which token of its line is current.
    pub generation: u64,
    /// Why it is over, by a name that a newer build may have given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Removed>,
    /// The session that brought it about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<SessionId>,
    /// When it will be over, unless something moves that.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_rfc3339")]
    pub ends_at: Option<UnixMillis>,
}

impl Written {
    /// What the audit log says about it, if anything: `by_ttl` is whether the table itself deleted the item, and
    /// `written_at` when it was written, for what leaves no time of its own in the item.
    #[must_use]
    pub fn entry(&self, by_ttl: bool, written_at: UnixMillis) -> Option<Entry> {
        match self {
            Self::Session(change) => session_entry(change, by_ttl, written_at),
            Self::StoredCredential(change) => stored_entry(change, written_at),
        }
    }

    /// Whether a session was used for the first time in its [`WINDOW`]: summed up over a window, each counts once.
    #[must_use]
    pub fn is_first_use_in_window(&self) -> bool {
        match self {
            Self::Session(change) => first_use_in_window(change),
            Self::StoredCredential(_) => false,
        }
    }
}

fn session_entry(change: &Change<Session>, by_ttl: bool, written_at: UnixMillis) -> Option<Entry> {
    let entry = |action, at, session: &Session| Entry {
        action,
        at,
        subject: session.subject,
        session: Some(session.id),
        stored: session.remembered.map(|stored| stored.id),
        credential: session.credential,
        generation: session.generation,
        reason: None,
        by: None,
        ends_at: None,
    };
    let live = |action, at, session: &Session| {
        let (ends_at, _) = session.first_limit();
        Entry { ends_at: Some(ends_at), ..entry(action, at, session) }
    };
    match (&change.before, &change.after) {
        (None, Some(opened)) => Some(live(Action::SessionCreated, opened.created_at, opened)),
        (Some(before), Some(after)) => match &after.end {
            Some(end) if before.end.is_none() => {
                let action = match end.reason {
                    EndReason::ReuseDetected => Action::SessionReused,
                    EndReason::IdleTimeout
                    | EndReason::AbsoluteTimeout
                    | EndReason::Logout
                    | EndReason::Revoked
                    | EndReason::Replaced
                    | EndReason::Unknown
                    | EndReason::Other(_) => Action::SessionEnded,
                };
                Some(Entry { reason: Some(Removed::Ended(end.reason)), by: end.by, ..entry(action, end.at, after) })
            }
            None if after.generation > before.generation => Some(live(Action::SessionRotated, after.rotated_at, after)),
            None if after.last_active_at > before.last_active_at && first_use_in_window(change) => {
                Some(live(Action::SessionExtended, after.last_active_at, after))
            }
            Some(_) | None => None,
        },
        (Some(last), None) if !by_ttl => Some(entry(Action::SessionDeleted, written_at, last)),
        (Some(last), None) if last.end.is_none() => {
            let (at, reason) = last.first_limit();
            Some(Entry { reason: Some(Removed::Ended(reason)), ..entry(Action::SessionExpired, at, last) })
        }
        (Some(_) | None, None) => None,
    }
}

fn stored_entry(change: &Change<StoredCredential>, written_at: UnixMillis) -> Option<Entry> {
    let entry = |action, at, stored: &StoredCredential| Entry {
        action,
        at,
        subject: stored.subject,
        session: Some(stored.session),
        stored: Some(stored.id),
        credential: stored.kind,
        generation: stored.rotation.generation,
        reason: None,
        by: None,
        ends_at: None,
    };
    let kept =
        |action, at, stored: &StoredCredential| Entry { ends_at: Some(stored.expires_at), ..entry(action, at, stored) };
    match (&change.before, &change.after) {
        (None, Some(made)) => Some(kept(Action::StoredCredentialMade, made.created_at, made)),
        (Some(before), Some(after)) => match (&before.content, &after.content) {
            (Content::Sealed(_), Content::Removed(removed)) => {
                Some(Entry { reason: Some(*removed), ..entry(Action::StoredCredentialForgotten, written_at, after) })
            }
            (Content::Sealed(_), Content::Sealed(_)) if after.rotation.generation > before.rotation.generation => {
                Some(kept(Action::StoredCredentialUsed, after.rotation.rotated_at, after))
            }
            (Content::Sealed(_) | Content::Removed(_), _) => None,
        },
        // By the table after its time, or past the functions: either way nothing is left to use.
        (Some(last), None) if matches!(last.content, Content::Sealed(_)) => {
            Some(entry(Action::StoredCredentialForgotten, written_at, last))
        }
        (Some(_) | None, None) => None,
    }
}

fn first_use_in_window(change: &Change<Session>) -> bool {
    let window = |session: &Session| session.rotated_at.max(session.last_active_at).as_millis() / millis(WINDOW);
    change
        .after
        .as_ref()
        .filter(|after| after.end.is_none())
        .is_some_and(|after| change.before.as_ref().is_none_or(|before| window(before) < window(after)))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn rfc3339<S: Serializer>(at: &UnixMillis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339())
}

#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn optional_rfc3339<S: Serializer>(at: &Option<UnixMillis>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => rfc3339(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests;
