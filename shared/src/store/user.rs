//! Everything of one user: the marker that orders what happens to their sessions, and the transactions that need it.

use super::{
    Item, SessionTable,
    change::Change,
    number,
    session_item::{self, user_key},
    sessions::Applied,
    sort_key,
    stored_credential_item::{SEALED, stored_key},
    text,
    transaction::Outcome,
    unreadable,
};
use crate::{
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::{End, Session},
    stored_credential::Removed,
};

mod opening;
mod sessions;

pub use opening::{Effect, NewPassword, Open, Opening};
pub use sessions::UserSessions;

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
    CallerNotLive(Option<Box<Session>>),
    /// The other session is over.
    TargetOver,
    /// There is no other session of that name.
    NoTarget,
}

impl SessionTable {
    /// Removes the ciphertext of a stored credential and notes why; returns whether it was still there.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn remove_content(&self, subject: SubjectId, id: ReconnectId, removed: Removed) -> Result<bool, Fault> {
        let applied = self.apply_to(|| content_removed(subject, &stored_key(id), removed)).await?;
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
        let mut change = Change::of_live_session(subject, target, end.at).end(end);
        loop {
            let caller = Change::of_live_session(subject, caller, end.at).check(self)?;
            match self.transact(vec![caller, change.part(self)?]).await? {
                Outcome::Applied => return Ok(Revocation::Done),
                Outcome::Refused { at: 0, item } => {
                    let caller = item.map(session_item::read).transpose()?;
                    return Ok(Revocation::CallerNotLive(caller.map(Box::new)));
                }
                Outcome::Refused { item: None, .. } => return Ok(Revocation::NoTarget),
                Outcome::Refused { item: Some(item), .. } => match unreadable::session(item) {
                    Err(session) if !session.is_over => change = session.end(subject, end),
                    _ => return Ok(Revocation::TargetOver),
                },
            }
        }
    }
}

impl User {
    /// Takes what an item says; returns whether it is the marker or the password.
    ///
    /// # Errors
    /// [`Fault`] when it is a marker that cannot be read: it must not be taken for that of a user who never ended anything.
    pub(super) fn take(&mut self, item: &Item) -> Result<bool, Fault> {
        match sort_key(item) {
            META => self.marker = marker(item)?,
            // A hash of another type than text is there and no password is compared with it: a fault, not a user without one.
            PASSWORD => self.password_hash = item.get("hash").map(|hash| hash.as_s().cloned().unwrap_or_default()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Removes the ciphertext of the stored credential with this sort key, if it is there.
pub(super) fn content_removed(subject: SubjectId, key: &str, removed: Removed) -> Change {
    Change::of(user_key(subject), key)
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

fn marker(item: &Item) -> Result<Marker, Fault> {
    let damaged = || Fault::new("read a user marker", "the item does not have the form that was written");
    let count = |name| match item.get(name) {
        None => Ok(0),
        Some(value) => value.as_n().ok().and_then(|count| count.parse().ok()).ok_or_else(damaged),
    };
    Ok(Marker { epoch: count("epoch")?, version: count("version")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_without_counts_is_that_of_a_new_user_and_one_that_cannot_be_read_is_a_fault() {
        let read = |epoch, version| {
            let attributes =
                [("epoch", epoch), ("version", version)].map(|(name, value)| Some((name.to_owned(), value?)));
            marker(&attributes.into_iter().flatten().collect()).map_err(|fault| fault.operation)
        };
        assert_eq!(read(None, None), Ok(Marker { epoch: 0, version: 0 }));
        assert_eq!(read(None, Some(number(7))), Ok(Marker { epoch: 0, version: 7 }));
        assert_eq!(read(Some(number(3)), Some(number(7))), Ok(Marker { epoch: 3, version: 7 }));
        assert_eq!(read(Some(text("3")), Some(number(7))), Err("read a user marker"));
        assert_eq!(read(Some(number(3)), Some(text("7"))), Err("read a user marker"));
    }
}
