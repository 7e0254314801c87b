//! Opening a session, and everything that goes with it, in one transaction.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem};

use super::{Marker, PASSWORD, change_marker, content_removed};
use crate::{
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::{End, EndReason, Session},
    store::{
        Item, SessionTable,
        change::{Change, unbuildable},
        number,
        session_item::{self, session_key, user_key},
        stored_credential_item::{self, SEALED, sealed_value, stored_key},
        text,
        transaction::Outcome,
        unreadable::{self, Unreadable},
    },
    stored_credential::{Content, Removed, StoredCredential},
    unix_time::UnixMillis,
};

/// Connects that one subject may make in a day.
const CONNECTS_PER_DAY: u64 = 200;

/// A password to store with the first session of its user.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The PHC string.
    pub hash: String,
    /// When it was chosen.
    pub at: UnixMillis,
}

/// What opens a session, all in one transaction.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The new session.
    pub session: &'a Session,
    /// The marker as it was read; a session that was opened or all that were ended since then make this one lose.
    pub marker: Marker,
    /// Sessions of the same user that have to go.
    pub evicted: &'a [SessionId],
    /// What else happens or must hold.
    pub effects: &'a [Effect<'a>],
    /// Whether this is the only session that its user will ever have: nothing is counted and the marker is forgotten
    /// with the session.
    pub single: bool,
}

/// What goes with the opening of a session.
#[derive(Clone, Copy, Debug)]
pub enum Effect<'a> {
    /// A session of any user that the request presented ends in favour of the new one.
    Replace(SubjectId, SessionId),
    /// The same for one that cannot be read.
    ReplaceUnreadable(SubjectId, &'a Unreadable<SessionId>),
    /// A session of the same user that cannot be read ends in favour of the new one.
    EvictUnreadable(&'a Unreadable<SessionId>),
    /// A stored credential of any user that the request presented is forgotten.
    Forget(SubjectId, ReconnectId),
    /// A password is stored that nobody may have stored before.
    StorePassword(&'a NewPassword),
    /// The credential is stored.
    Remember(&'a StoredCredential),
    /// A stored credential is rotated, if it is as it was before.
    Rotate {
        /// As it was read.
        before: &'a StoredCredential,
        /// As it is to be.
        after: &'a StoredCredential,
    },
    /// A proof of this name is used, once and never again until then.
    UseOnce(&'a str, UnixMillis),
    /// A session that is over must still be as it was read; `None` is one that is not there.
    Unchanged(SubjectId, SessionId, Option<&'a Session>),
}

/// What became of an [`Opening`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// The session is open and everything else that was asked for has happened.
    Opened,
    /// Somebody changed what was read in between: read again.
    Contended,
    /// The presented session is over already: leave it out.
    PresentedNotLive,
    /// Whether the presented session is live cannot be read: it is ended by its key.
    PresentedUnreadable(Unreadable<SessionId>),
    /// The presented stored credential is forgotten already: leave it out.
    PresentedNotStored,
    /// The user has a password.
    UsernameTaken,
    /// The proof was used before.
    UsedBefore,
    /// The subject has opened too many sessions today.
    QuotaReached {
        /// When the count starts anew.
        until: UnixMillis,
    },
}

impl SessionTable {
    /// Opens a session and does everything that goes with it, or nothing.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn open(&self, opening: &Opening<'_>, end: &End) -> Result<Open, Fault> {
        let Opening { session, marker, evicted, effects, single } = *opening;
        let mut changed = change_marker(session.subject, marker);
        if single {
            changed = changed.set("ttl", number(session.forgotten_at().ceil_seconds()));
        }
        let create = self.create(session_item::write(session)?)?;
        let mut parts = vec![(Open::Contended, changed.part(self)?), (Open::Contended, create)];
        for id in evicted {
            let evict = Change::of_live_session(session.subject, *id, end.at).end(end);
            parts.push((Open::Contended, evict.part(self)?));
        }
        for effect in effects {
            parts.push(self.effect(*effect, session, end)?);
        }
        if !single {
            let day = 24 * 3600;
            let window = end.at.floor_seconds() / day * day;
            let count = Change::of(format!("A#connect#{}", session.subject), window.to_string())
                .when("count", "attribute_not_exists(#count) OR #count < :most")
                .value("most", number(CONNECTS_PER_DAY))
                .compute("count", "if_not_exists(#count, :zero) + :one")
                .value("zero", number(0))
                .value("one", number(1))
                .set("ttl", number(window + 2 * day));
            let until = UnixMillis::from_millis((window + day) * 1000);
            parts.push((Open::QuotaReached { until }, count.part(self)?));
        }
        let (outcomes, writes): (Vec<Open>, Vec<TransactWriteItem>) = parts.into_iter().unzip();
        match self.transact(writes).await? {
            Outcome::Applied => Ok(Open::Opened),
            Outcome::Refused { at, item } => Ok(match (outcomes.get(at), item) {
                (Some(Open::PresentedNotLive), Some(item)) => match unreadable::session(item) {
                    Err(session) if !session.is_over => Open::PresentedUnreadable(session),
                    _ => Open::PresentedNotLive,
                },
                (outcome, _) => outcome.cloned().unwrap_or(Open::Contended),
            }),
        }
    }

    /// The part of the transaction that an effect is, and what its refusal means.
    fn effect(&self, effect: Effect<'_>, new: &Session, end: &End) -> Result<(Open, TransactWriteItem), Fault> {
        Ok(match effect {
            Effect::Replace(subject, id) => {
                (Open::PresentedNotLive, Change::of_live_session(subject, id, end.at).end(end).part(self)?)
            }
            Effect::ReplaceUnreadable(subject, session) => {
                (Open::PresentedNotLive, session.end(subject, end).part(self)?)
            }
            Effect::EvictUnreadable(session) => (Open::Contended, session.end(new.subject, end).part(self)?),
            Effect::Forget(subject, id) => {
                let forgotten = content_removed(subject, &stored_key(id), Removed::Ended(EndReason::Replaced));
                (Open::PresentedNotStored, forgotten.part(self)?)
            }
            Effect::StorePassword(password) => {
                let stored = Change::of(user_key(new.subject), PASSWORD)
                    .when("hash", "attribute_not_exists(#hash)")
                    .set("hash", text(&password.hash))
                    .set("created_at", number(password.at.as_millis()));
                (Open::UsernameTaken, stored.part(self)?)
            }
            Effect::UseOnce(name, until) => {
                let record = Item::from([
                    ("pk".to_owned(), text(format!("A#once#{name}"))),
                    ("sk".to_owned(), text("ONCE")),
                    ("ttl".to_owned(), number(until.ceil_seconds())),
                ]);
                (Open::UsedBefore, self.create(record)?)
            }
            Effect::Remember(stored) => (Open::Contended, self.create(stored_credential_item::write(stored)?)?),
            Effect::Rotate { before, after } => (Open::Contended, rotated(before, after).part(self)?),
            Effect::Unchanged(subject, id, session) => (Open::Contended, unchanged(subject, id, session).check(self)?),
        })
    }

    /// A new item is only ever created, never put over another.
    fn create(&self, item: Item) -> Result<TransactWriteItem, Fault> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(AllOld);
        Ok(TransactWriteItem::builder().put(put.build().map_err(|error| unbuildable(&error))?).build())
    }
}

/// The next generation of a stored credential: one use for each token, and never one whose content was removed.
fn rotated(before: &StoredCredential, after: &StoredCredential) -> Change {
    let change = Change::of(user_key(before.subject), stored_key(before.id))
        .when("cur", "#cur = :presented")
        .value("presented", text(before.rotation.current))
        .when(SEALED, "attribute_exists(#sealed)")
        .set("cur", text(after.rotation.current))
        .set("generation", number(after.rotation.generation))
        .set("rotated_at", number(after.rotation.rotated_at.as_millis()))
        .set("session", text(after.session))
        .set("session_kid", text(after.session_kid.as_str()));
    match &after.content {
        Content::Sealed(sealed) => change.set(SEALED, sealed_value(sealed)),
        Content::Removed(removed) => change.remove(SEALED).set("removed_for", text(removed.as_str())),
    }
}

/// A session that is over as it was read: nobody has ended it since, nor brought it back with a slower clock.
fn unchanged(subject: SubjectId, id: SessionId, session: Option<&Session>) -> Change {
    let change = Change::of(user_key(subject), session_key(id));
    match session {
        None => change.when("status", "attribute_not_exists(#status)"),
        Some(session) => change
            .when("status", "#status = :status")
            .value("status", text(session_item::status(session)))
            .when("idle_limit", "#idle_limit = :idle_limit")
            .value("idle_limit", number(session.idle_limit.as_millis())),
    }
}
