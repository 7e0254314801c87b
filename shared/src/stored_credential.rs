//! A credential that is kept for a reconnect, and when it may be used. Pure rules: no I/O, no clock, no randomness.

use serde::Serialize;

use crate::{
    credential::CredentialKind,
    error::{Ended, SessionError},
    identity::{ReconnectId, SessionId, SubjectId},
    keys::Kid,
    lifecycle::{EndReason, LAST_WORDS, Session},
    policy::SessionPolicy,
    rotating_token::Rotation,
    seal::{Bound, Sealed},
    unix_time::UnixMillis,
    unknown_name::NotAName,
};

/// The name of [`Removed::Rejected`].
const REJECTED: &str = "rejected";

/// A stored credential as the table keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCredential {
    /// Its name.
    pub id: ReconnectId,
    /// Whose it is.
    pub subject: SubjectId,
    /// What is sealed.
    pub kind: CredentialKind,
    /// The page that asked to store it, as its `Origin`; empty for a client without one.
    pub origin: String,
    /// When it was stored.
    pub created_at: UnixMillis,
    /// The last instant at which it may be used; it never moves.
    pub expires_at: UnixMillis,
    /// The user's revocation epoch that it belongs to.
    pub epoch: u64,
    /// Where its tokens stand.
    pub rotation: Rotation,
    /// The session that was opened with it last.
    pub session: SessionId,
    /// The keys that this session's refresh tokens are made with.
    pub session_kid: Kid,
    /// The credential, or why it is no longer there.
    pub content: Content,
}

/// What is left of a stored credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The credential.
    Sealed(Sealed),
    /// Nothing, and why.
    Removed(Removed),
}

/// Why the ciphertext of a stored credential was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Removed {
    /// Its own server did not take it any more.
    Rejected,
    /// Its session, or the stored credential itself, was ended for this reason.
    Ended(EndReason),
}

/// What stands in the way of using a stored credential, whoever presents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why its ciphertext is to be removed, or was.
    pub removed: Removed,
    /// When its session ended, where that is the cause and there is a record of it.
    pub at: Option<UnixMillis>,
}

impl StoredCredential {
    /// What its seal is bound to.
    #[must_use]
    pub fn bound(&self) -> Bound<'_> {
        Bound { subject: self.subject, id: self.id, kind: self.kind, origin: &self.origin, expires_at: self.expires_at }
    }

    /// Whether it was stored with this session, or opened it.
    #[must_use]
    pub fn is_of(&self, session: &Session) -> bool {
        self.session == session.id
    }

    /// Whether it can still be used, as far as it depends on itself: `epoch` is the user's present one.
    #[must_use]
    pub fn is_kept(&self, epoch: u64, now: UnixMillis) -> bool {
        matches!(self.content, Content::Sealed(_)) && self.epoch == epoch && now <= self.expires_at
    }

    /// When the table may forget it.
    #[must_use]
    pub fn forgotten_at(&self) -> UnixMillis {
        self.expires_at.after(LAST_WORDS)
    }

    /// What stands in the way of using it at `now`, if anything but its age. `session` is the one that was opened with it last, if
    /// there is a record of it, and `epoch` the user's present one.
    #[must_use]
    pub fn refusal(
        &self,
        session: Option<&Session>,
        epoch: u64,
        policy: &SessionPolicy,
        now: UnixMillis,
    ) -> Option<Refusal> {
        let ended = Ended::unless_live(session.cloned(), policy, now).err();
        let at = ended.and_then(|ended| ended.at);
        let (removed, at) = match (&self.content, ended) {
            (Content::Removed(removed), _) => (*removed, at),
            (Content::Sealed(_), Some(ended)) if !ended.reconnect_allowed => (Removed::Ended(ended.reason), at),
            (Content::Sealed(_), _) if self.epoch != epoch => (Removed::Ended(EndReason::Revoked), None),
            (Content::Sealed(_), _) => return None,
        };
        Some(Refusal { removed, at })
    }
}

impl Removed {
    /// The name in the table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rejected => REJECTED,
            Self::Ended(reason) => reason.as_str(),
        }
    }

    /// The name from a closed set, for metrics: `other` stands for all that this build does not know.
    #[must_use]
    pub const fn closed_name(self) -> &'static str {
        match self {
            Self::Rejected => REJECTED,
            Self::Ended(reason) => reason.closed_name(),
        }
    }

    /// The reason of that name, whether or not this build knows it.
    ///
    /// # Errors
    /// [`NotAName`] when no build has a reason of that name.
    pub fn parse(name: &str) -> Result<Self, NotAName> {
        if name == REJECTED { Ok(Self::Rejected) } else { EndReason::parse(name).map(Self::Ended) }
    }
}

impl From<Removed> for String {
    fn from(removed: Removed) -> Self {
        removed.as_str().to_owned()
    }
}

impl From<Refusal> for SessionError {
    fn from(refusal: Refusal) -> Self {
        match refusal.removed {
            Removed::Rejected => Self::rejected("its own server refused what was stored"),
            Removed::Ended(reason) => Ended { reason, at: refusal.at, reconnect_allowed: false }.into(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
