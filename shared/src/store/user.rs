//! Everything of one user: the marker that orders what happens to their sessions, and the transactions that need it.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem};

use super::{
    Item, SessionTable,
    change::{Change, unbuildable},
    number,
    session_item::{self, SESSION_PREFIX, user_key},
    text,
};
use crate::{
    error::Fault,
    identity::{SessionId, SubjectId},
    lifecycle::{End, Session},
    unix_time::UnixMillis,
};

mod transaction;

use transaction::Outcome;

/// Sort key of the user marker.
const META: &str = "META";

/// Sort key of the password. Sorts after the marker and before sessions, so one query reads both.
const PASSWORD: &str = "PASSWORD";

/// Connects that one subject may make in a day.
const CONNECTS_PER_DAY: u64 = 200;

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

/// A user's sessions and the marker they were read with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSessions {
    /// The counters.
    pub marker: Marker,
    /// Every session that is still recorded, ended ones too.
    pub sessions: Vec<Session>,
}

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
    /// A session of any user that the request presented, ended in favour of the new one.
    pub presented: Option<(SubjectId, SessionId)>,
    /// A password that nobody may have stored before.
    pub password: Option<&'a NewPassword>,
    /// Whether this is the only session that its user will ever have: nothing is counted and the marker is forgotten
    /// with the session.
    pub single: bool,
}

/// What became of an [`Opening`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// The session is open and everything else that was asked for has happened.
    Opened,
    /// Somebody changed the user's sessions in between: read again.
    Contended,
    /// The presented session is over already: leave it out.
    PresentedNotLive,
    /// The user has a password.
    UsernameTaken,
    /// The subject has opened too many sessions today.
    QuotaReached {
        /// When the count starts anew.
        until: UnixMillis,
    },
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
    /// The marker and the password of a user, in one request.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn user(&self, subject: SubjectId) -> Result<User, Fault> {
        let mut user = User::default();
        for item in self.between(&user_key(subject), META, PASSWORD).await? {
            match sort_key(&item) {
                META => user.marker = marker(&item),
                PASSWORD => {
                    user.password_hash = item.get("hash").and_then(|hash| hash.as_s().ok()).cloned();
                }
                _ => {}
            }
        }
        Ok(user)
    }

    /// The marker and every session of a user, in one request (more only beyond 1 MB).
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn user_sessions(&self, subject: SubjectId) -> Result<UserSessions, Fault> {
        let mut user = UserSessions::default();
        for item in self.between(&user_key(subject), META, "S#~").await? {
            if sort_key(&item) == META {
                user.marker = marker(&item);
            } else if sort_key(&item).starts_with(SESSION_PREFIX) {
                user.sessions.push(session_item::read(item)?);
            }
        }
        Ok(user)
    }

    /// Opens a session and does everything that goes with it, or nothing.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn open(&self, opening: &Opening<'_>, end: &End) -> Result<Open, Fault> {
        let Opening { session, marker, evicted, presented, password, single } = *opening;
        let mut changed = change_marker(session.subject, marker);
        if single {
            changed = changed.set("ttl", number(session.forgotten_at().ceil_seconds()));
        }
        let mut parts = vec![(Open::Contended, changed.part(self)?), (Open::Contended, self.create(session)?)];
        for id in evicted {
            let evict = Change::of_live_session(session.subject, *id, end.at).end(end);
            parts.push((Open::Contended, evict.part(self)?));
        }
        if let Some((subject, id)) = presented {
            let replace = Change::of_live_session(subject, id, end.at).end(end);
            parts.push((Open::PresentedNotLive, replace.part(self)?));
        }
        if let Some(password) = password {
            let store = Change::of(user_key(session.subject), PASSWORD)
                .when("hash", "attribute_not_exists(#hash)")
                .set("hash", text(&password.hash))
                .set("created_at", number(password.at.as_millis()));
            parts.push((Open::UsernameTaken, store.part(self)?));
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
            Outcome::Refused { at, .. } => Ok(outcomes.get(at).cloned().unwrap_or(Open::Contended)),
        }
    }

    /// Ends `sessions` of one user for good: a connect that read the marker before loses.
    ///
    /// `keep` is a session that must be live and stays so.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn end_all(
        &self,
        subject: SubjectId,
        marker: Marker,
        sessions: &[SessionId],
        keep: Option<SessionId>,
        end: &End,
    ) -> Result<EndAll, Fault> {
        let next_epoch = change_marker(subject, Marker { epoch: marker.epoch + 1, ..marker });
        let mut writes = vec![next_epoch.part(self)?];
        for id in sessions {
            writes.push(Change::of_live_session(subject, *id, end.at).end(end).part(self)?);
        }
        if let Some(keep) = keep {
            writes.push(Change::of_live_session(subject, keep, end.at).check(self)?);
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

    /// A new session is only ever created, never put over another.
    fn create(&self, session: &Session) -> Result<TransactWriteItem, Fault> {
        let put = Put::builder()
            .table_name(&self.name)
            .set_item(Some(session_item::write(session)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(AllOld);
        Ok(TransactWriteItem::builder().put(put.build().map_err(|error| unbuildable(&error))?).build())
    }
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
