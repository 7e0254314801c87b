//! Everything of one user: the marker that orders what happens to their sessions, and the transactions that need it.

use super::{
    Item, SessionTable,
    change::Change,
    number,
    session_item::{self, SESSION_PREFIX, user_key},
    sessions::Applied,
    stored_credential_item::{self, SEALED, STORED_PREFIX, stored_key},
    text,
    transaction::Outcome,
};
use crate::{
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::{End, Session},
    stored_credential::{Removed, StoredCredential},
};

mod opening;

pub use opening::{Effect, NewPassword, Open, Opening};

/// Sort key of the user marker.
pub(super) const META: &str = "META";

/// Sort key of the password. Sorts after the marker and before sessions, so one query reads both.
pub(super) const PASSWORD: &str = "PASSWORD";

/// The two counters of a user. Zero when nothing was ever written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// Counts the times that all sessions were ended; a credential that was verified in an earlier epoch is stale.
    pub epoch: u64,
    /// Counts every change to the set of sessions; a transaction that read an older one loses.
    pub version: u64,
}

/// What is known of a user before their credential is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The counters.
    pub marker: Marker,
    /// The stored password, as a PHC string.
    pub password_hash: Option<String>,
}

/// Everything of a user, read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSessions {
    /// The counters and the password.
    pub user: User,
    /// Every session that is still recorded, ended ones too.
    pub sessions: Vec<Session>,
    /// Every stored credential that is still recorded, those without content too.
    pub stored: Vec<StoredCredential>,
}

/// What became of an attempt to end all sessions of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndAll {
    /// They are ended, and no connect that was under way will open another.
    Done,
    /// Somebody changed the user's sessions in between: read again.
    Contended,
}

/// What became of an attempt to end one session from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It is ended.
    Done,
    /// The session that asked is over; it is returned as it was found.
    CallerNotLive(Option<Session>),
    /// The other session was not live; it is returned as it was found.
    TargetNotLive(Option<Session>),
}

impl SessionTable {
    /// The marker, the password, every session and every stored credential of a user, in one request (more only beyond
    /// 1 MB).
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn user_sessions(&self, subject: SubjectId) -> Result<UserSessions, Fault> {
        let mut found = UserSessions::default();
        for item in self.between(&user_key(subject), META, "S#~").await? {
            if sort_key(&item).starts_with(SESSION_PREFIX) {
                found.sessions.push(session_item::read(item)?);
            } else if sort_key(&item).starts_with(STORED_PREFIX) {
                found.stored.push(stored_credential_item::read(item)?);
            } else {
                found.user.take(&item);
            }
        }
        Ok(found)
    }

    /// Removes the ciphertext of a stored credential and notes why; returns whether it was still there.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn remove_content(&self, subject: SubjectId, id: ReconnectId, removed: Removed) -> Result<bool, Fault> {
        let applied = self.apply_to(|| content_removed(subject, id, removed)).await?;
        Ok(matches!(applied, Applied::Done(_)))
    }

    /// Ends `sessions` of one user for good: a connect that read the marker before loses.
    ///
    /// `keep` is a session that must be live and stays so, with the stored credential that it has, if any.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn end_all(
        &self,
        subject: SubjectId,
        marker: Marker,
        sessions: &[SessionId],
        keep: Option<(SessionId, Option<ReconnectId>)>,
        end: &End,
    ) -> Result<EndAll, Fault> {
        let epoch = marker.epoch + 1;
        let mut writes = vec![change_marker(subject, Marker { epoch, ..marker }).part(self)?];
        for id in sessions {
            writes.push(Change::of_live_session(subject, *id, end.at).end(end).part(self)?);
        }
        if let Some((session, stored)) = keep {
            writes.push(Change::of_live_session(subject, session, end.at).check(self)?);
            if let Some(stored) = stored {
                let carried_over = Change::of(user_key(subject), stored_key(stored))
                    .when(SEALED, "attribute_exists(#sealed)")
                    .set("epoch", number(epoch));
                writes.push(carried_over.part(self)?);
            }
        }
        match self.transact(writes).await? {
            Outcome::Applied => Ok(EndAll::Done),
            Outcome::Refused { .. } => Ok(EndAll::Contended),
        }
    }

    /// Ends one session of a user on behalf of another, which must be live.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn revoke(
        &self,
        subject: SubjectId,
        caller: SessionId,
        target: SessionId,
        end: &End,
    ) -> Result<Revocation, Fault> {
        let writes = vec![
            Change::of_live_session(subject, caller, end.at).check(self)?,
            Change::of_live_session(subject, target, end.at).end(end).part(self)?,
        ];
        Ok(match self.transact(writes).await? {
            Outcome::Applied => Revocation::Done,
            Outcome::Refused { at: 0, item } => Revocation::CallerNotLive(item.map(session_item::read).transpose()?),
            Outcome::Refused { item, .. } => Revocation::TargetNotLive(item.map(session_item::read).transpose()?),
        })
    }
}

impl User {
    /// Takes what an item says, if it is the marker or the password.
    pub(super) fn take(&mut self, item: &Item) {
        match sort_key(item) {
            META => self.marker = marker(item),
            PASSWORD => self.password_hash = item.get("hash").and_then(|hash| hash.as_s().ok()).cloned(),
            _ => {}
        }
    }
}

fn content_removed(subject: SubjectId, id: ReconnectId, removed: Removed) -> Change {
    Change::of(user_key(subject), stored_key(id))
        .when(SEALED, "attribute_exists(#sealed)")
        .remove(SEALED)
        .set("removed_for", text(removed.as_str()))
}

/// Writes the epoch and the next version, if the version is the one that was read.
fn change_marker(subject: SubjectId, marker: Marker) -> Change {
    let change = Change::of(user_key(subject), META)
        .set("epoch", number(marker.epoch))
        .set("version", number(marker.version + 1));
    if marker.version == 0 {
        change.when("version", "attribute_not_exists(#version)")
    } else {
        change.when("version", "#version = :read").value("read", number(marker.version))
    }
}

fn sort_key(item: &Item) -> &str {
    item.get("sk").and_then(|sk| sk.as_s().ok()).map_or("", String::as_str)
}

fn marker(item: &Item) -> Marker {
    let count = |name| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default();
    Marker { epoch: count("epoch"), version: count("version") }
}
