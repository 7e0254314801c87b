//! Items that this build cannot read: damaged, or of a form that a newer one writes. They are left out where many are
//! read, and still ended by their key.

use super::{
    Item, SessionTable,
    change::Change,
    session_item::{self, SESSION_PREFIX, user_key},
    sort_key,
    stored_credential_item::{self, SEALED, STORED_PREFIX},
    text,
    transaction::Outcome,
    user::content_removed,
};
use crate::{
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::{End, Session},
    report,
    stored_credential::{Removed, StoredCredential},
};

/// Items that one transaction changes beside the check of the session that asks: DynamoDB takes 100.
const AT_ONCE: usize = 99;

/// What is known of an item that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable<Id> {
    /// Its name, if at least that is well-formed.
    pub id: Option<Id>,
    /// Whether it has been ended already.
    pub is_over: bool,
    key: String,
}

/// Reads a session; one that cannot be read is reported.
pub(super) fn session(item: Item) -> Result<Session, Unreadable<SessionId>> {
    let key = sort_key(&item).to_owned();
    let id = key.strip_prefix(SESSION_PREFIX).and_then(|id| SessionId::parse(id).ok());
    let is_over = item.get("status") == Some(&text(session_item::ENDED));
    session_item::read(item).map_err(|_| {
        report::item_unreadable(id, None);
        Unreadable { id, is_over, key }
    })
}

/// Reads a stored credential; one that cannot be read is reported.
pub(super) fn stored_credential(item: Item) -> Result<StoredCredential, Unreadable<ReconnectId>> {
    let key = sort_key(&item).to_owned();
    let id = key.strip_prefix(STORED_PREFIX).and_then(|id| ReconnectId::parse(id).ok());
    let is_over = !item.contains_key(SEALED);
    stored_credential_item::read(item).map_err(|_| {
        report::item_unreadable(None, id);
        Unreadable { id, is_over, key }
    })
}

impl Unreadable<SessionId> {
    /// One of which at least the name is well-formed.
    #[cfg(test)]
    pub(crate) fn of_session(id: SessionId, is_over: bool) -> Self {
        Self { id: Some(id), is_over, key: session_item::session_key(id) }
    }

    /// Ends it, on condition that it is there and nobody has ended it. Whether its limits have passed is not known.
    pub(super) fn end(&self, subject: SubjectId, end: &End) -> Change {
        Change::of(user_key(subject), &self.key)
            .when("pk", "attribute_exists(#pk)")
            .when("status", "attribute_not_exists(#status) OR #status <> :over")
            .value("over", text(session_item::ENDED))
            .end(end)
    }
}

impl SessionTable {
    /// Ends sessions and then stored credentials of a user that cannot be read, on behalf of a session that must be live.
    /// Returns how many; fewer than all if one of them was changed meanwhile, or the session is over.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn end_unreadable(
        &self,
        (subject, caller): (SubjectId, SessionId),
        sessions: &[&Unreadable<SessionId>],
        stored: &[&Unreadable<ReconnectId>],
        end: &End,
    ) -> Result<usize, Fault> {
        let sessions = sessions.iter().map(|session| session.end(subject, end));
        let stored = stored.iter().map(|stored| content_removed(subject, &stored.key, Removed::Ended(end.reason)));
        let parts: Vec<_> = sessions.chain(stored).map(|change| change.part(self)).collect::<Result<_, _>>()?;
        let mut done = 0;
        for parts in parts.chunks(AT_ONCE) {
            let check = Change::of_live_session(subject, caller, end.at).check(self)?;
            match self.transact([&[check], parts].concat()).await? {
                Outcome::Applied => done += parts.len(),
                Outcome::Refused { .. } => break,
            }
        }
        Ok(done)
    }
}
