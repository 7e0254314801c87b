//! Everything of one user, read at once.

use super::{META, User};
use crate::{
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::Session,
    report,
    store::{
        SessionTable,
        session_item::{self, SESSION_PREFIX, user_key},
        sort_key,
        stored_credential_item::{self, STORED_PREFIX},
        unreadable::{self, Unreadable},
    },
    stored_credential::StoredCredential,
};

/// Everything of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSessions {
    /// The counters and the password.
    pub user: User,
    /// Every session that is still recorded, ended ones too.
    pub sessions: Vec<Session>,
    /// Every stored credential that is still recorded, those without content too.
    pub stored: Vec<StoredCredential>,
    /// The sessions that cannot be read.
    pub unreadable_sessions: Vec<Unreadable<SessionId>>,
    /// The stored credentials that cannot be read.
    pub unreadable_stored: Vec<Unreadable<ReconnectId>>,
}

impl UserSessions {
    /// The session of that name, if there is a record of it.
    ///
    /// # Errors
    /// [`Fault`] when there is one that cannot be read: it must not be taken for one that is lost.
    pub fn session(&self, id: SessionId) -> Result<Option<&Session>, Fault> {
        let is_unreadable = self.unreadable_sessions.iter().any(|session| session.id == Some(id));
        if is_unreadable { Err(session_item::damaged()) } else { Ok(self.sessions.iter().find(|found| found.id == id)) }
    }

    /// The stored credential of that name, if there is a record of it.
    ///
    /// # Errors
    /// [`Fault`] when there is one that cannot be read.
    pub fn stored_credential(&self, id: ReconnectId) -> Result<Option<&StoredCredential>, Fault> {
        let is_unreadable = self.unreadable_stored.iter().any(|stored| stored.id == Some(id));
        let found = || self.stored.iter().find(|stored| stored.id == id);
        if is_unreadable { Err(stored_credential_item::damaged()) } else { Ok(found()) }
    }
}

impl SessionTable {
    /// The marker, the password, every session and every stored credential of a user, in one request (more only beyond
    /// 1 MB). What cannot be read is reported.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn user_sessions(&self, subject: SubjectId) -> Result<UserSessions, Fault> {
        let mut found = UserSessions::default();
        for item in self.between(&user_key(subject), META, "S#~").await? {
            if sort_key(&item).starts_with(SESSION_PREFIX) {
                match unreadable::session(item) {
                    Ok(session) => found.sessions.push(session),
                    Err(session) => found.unreadable_sessions.push(session),
                }
            } else if sort_key(&item).starts_with(STORED_PREFIX) {
                match unreadable::stored_credential(item) {
                    Ok(stored) => found.stored.push(stored),
                    Err(stored) => found.unreadable_stored.push(stored),
                }
            } else if !found.user.take(&item)? {
                report::item_unreadable(None, None);
            }
        }
        Ok(found)
    }
}
