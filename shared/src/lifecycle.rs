//! What a session is at an instant. Pure rules: no I/O, no clock, no randomness.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    credential::CredentialKind,
    identity::{ReconnectId, SessionId, SubjectId},
    rotating_token::{Rotation, SecretHash},
    unix_time::UnixMillis,
    unknown_name::{NotAName, UnknownName},
};

/// How long a session's last words stay readable after its absolute limit and its stored credential's expiry.
pub const LAST_WORDS: Duration = Duration::from_hours(48);

/// Why a session ended. The names are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EndReason {
    /// Nobody was there for longer than the idle limit.
    IdleTimeout,
    /// It reached the age that no session may exceed.
    AbsoluteTimeout,
    /// The user logged out.
    Logout,
    /// The user ended it from another session.
    Revoked,
    /// A newer session of the same browser, or one too many, took its place.
    Replaced,
    /// A superseded refresh token was presented: two parties hold the session (RFC 9700 4.14.2).
    ReuseDetected,
    /// There is no record of it, or the record is older than the token (a restored table).
    Unknown,
    /// A reason of a newer build. It is told by its name, and no reconnect is allowed after it.
    Other(UnknownName),
}

impl EndReason {
    const ALL: [Self; 7] = [
        Self::IdleTimeout,
        Self::AbsoluteTimeout,
        Self::Logout,
        Self::Revoked,
        Self::Replaced,
        Self::ReuseDetected,
        Self::Unknown,
    ];

    /// The reason of that name, whether or not this build knows it.
    ///
    /// # Errors
    /// [`NotAName`] when no build has a reason of that name.
    pub fn parse(name: &str) -> Result<Self, NotAName> {
        let known = Self::ALL.into_iter().find(|reason| reason.closed_name() == name);
        known.map_or_else(|| UnknownName::parse(name).map(Self::Other), Ok)
    }

    /// The name on the wire, in the table and in settings.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name.as_str(),
            known => known.closed_name(),
        }
    }

    /// The name from a closed set, for metrics: `other` stands for all that this build does not know.
    #[must_use]
    pub const fn closed_name(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle_timeout",
            Self::AbsoluteTimeout => "absolute_timeout",
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::ReuseDetected => "reuse_detected",
            Self::Unknown => "unknown",
            Self::Other(_) => "other",
        }
    }
}

impl TryFrom<String> for EndReason {
    type Error = NotAName;

    fn try_from(name: String) -> Result<Self, NotAName> {
        Self::parse(&name)
    }
}

impl From<EndReason> for String {
    fn from(reason: EndReason) -> Self {
        reason.as_str().to_owned()
    }
}

/// A session as the table keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public name.
    pub id: SessionId,
    /// Whose it is.
    pub subject: SubjectId,
    /// Counts rotations; 1 when it is opened.
    pub generation: u64,
    /// The hash of the one refresh secret that rotates it.
    pub current: SecretHash,
    /// When the current generation began.
    pub rotated_at: UnixMillis,
    /// When it was opened.
    pub created_at: UnixMillis,
    /// The latest activity that was reported.
    pub last_active_at: UnixMillis,
    /// The idle limit as it was last moved; may lie beyond the absolute limit, which then comes first.
    pub idle_limit: UnixMillis,
    /// The limit that never moves.
    pub absolute_limit: UnixMillis,
    /// The user's revocation epoch when it was opened.
    pub epoch: u64,
    /// How its user proved who they are.
    pub credential: CredentialKind,
    /// The stored credential that may open the next session, if the user asked for one.
    pub remembered: Option<Remembered>,
    /// What the user sees in the list of sessions.
    pub label: Option<String>,
    /// The browser that opened it, shortened.
    pub user_agent: Option<String>,
    /// The network it was opened from, shortened to a prefix.
    pub network: Option<String>,
    /// How it was ended, if somebody ended it; a limit that passed leaves no mark here.
    pub end: Option<End>,
}

/// What a session knows of its stored credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Which one it is.
    pub id: ReconnectId,
    /// The last instant at which it may be used; it never moves.
    pub until: UnixMillis,
}

/// The record of an end that somebody brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: UnixMillis,
    /// The session that did it, where it was another one.
    pub by: Option<SessionId>,
}

/// What a session is at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is accepted.
    Live {
        /// The last instant at which it is, unless activity moves it.
        ends_at: UnixMillis,
        /// What will end it then.
        ends_by: EndReason,
    },
    /// It is not accepted, and never will be again.
    Ended {
        /// Why.
        reason: EndReason,
        /// Since when.
        at: UnixMillis,
    },
}

impl Session {
    /// The first of the two limits and which one it is; the absolute one on a tie.
    #[must_use]
    pub fn first_limit(&self) -> (UnixMillis, EndReason) {
        if self.absolute_limit <= self.idle_limit {
            (self.absolute_limit, EndReason::AbsoluteTimeout)
        } else {
            (self.idle_limit, EndReason::IdleTimeout)
        }
    }

    /// What the session is at `now`. It is live through its limit itself (OWASP ASVS 7.3.1, 7.3.2).
    #[must_use]
    pub fn state(&self, now: UnixMillis) -> State {
        let (ends_at, ends_by) = self.first_limit();
        match &self.end {
            Some(end) => State::Ended { reason: end.reason, at: end.at },
            None if now <= ends_at => State::Live { ends_at, ends_by },
            None => State::Ended { reason: ends_by, at: ends_at },
        }
    }

    /// Whether the session is accepted at `now`.
    #[must_use]
    pub fn is_live(&self, now: UnixMillis) -> bool {
        matches!(self.state(now), State::Live { .. })
    }

    /// When the table may forget the session: its last words decide whether its stored credential may be used.
    #[must_use]
    pub fn forgotten_at(&self) -> UnixMillis {
        let needed = self.remembered.map_or(self.absolute_limit, |stored| stored.until.max(self.absolute_limit));
        needed.after(LAST_WORDS)
    }

    /// Where its refresh tokens stand.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        Rotation { generation: self.generation, current: self.current, rotated_at: self.rotated_at }
    }
}

/// What a request says about the user's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// The request itself is activity.
    Now,
    /// Nobody was there since the last report: the idle limit stays.
    None,
    /// Somebody was there, this long ago.
    Ago(Duration),
}

/// Activity and the idle limit that follows from it. It is written only to a live session and only if it is newer than
/// what is stored, so a limit never moves back and what is over stays over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slide {
    /// When somebody was there.
    pub last_active_at: UnixMillis,
    /// The idle limit it gives.
    pub idle_limit: UnixMillis,
}

impl Activity {
    /// What it does to the idle limit, if there was any.
    #[must_use]
    pub fn slide(self, idle_timeout: Duration, now: UnixMillis) -> Option<Slide> {
        let last_active_at = match self {
            Self::Now => now,
            Self::None => return None,
            Self::Ago(ago) => now.before(ago),
        };
        Some(Slide { last_active_at, idle_limit: last_active_at.after(idle_timeout) })
    }
}

#[cfg(test)]
pub(crate) mod tests;
