//! What is read before a credential is verified, and the count of those that were refused.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::{
    Item, SessionTable,
    change::{Change, unbuildable},
    fault, number,
    session_item::{session_key, user_key},
    stored_credential_item::stored_key,
    text,
    transaction::Outcome,
    unreadable,
    user::{META, PASSWORD, User},
};
use crate::{
    attempts::{Failures, Window},
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::Session,
    stored_credential::StoredCredential,
};

/// What to read before a credential is verified.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Whom the credential names, if that is known before it is verified.
    pub subject: Option<SubjectId>,
    /// The session of that subject that the request presented.
    pub session: Option<SessionId>,
    /// The stored credential of that subject that the request presented.
    pub stored: Option<ReconnectId>,
    /// What failures are counted by, e.g. `network#203.0.113.0/24`.
    pub counted: Vec<String>,
}

/// What is known before a credential is verified.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// Marker and password of the subject.
    pub user: User,
    /// The presented session.
    pub session: Option<Session>,
    /// The presented stored credential.
    pub stored: Option<StoredCredential>,
    /// The failures in this window, in the order that was asked for.
    pub failures: Vec<Failures>,
}

impl SessionTable {
    /// Everything that is needed before a credential is verified, in one request. A session or a stored credential that
    /// cannot be read proves no device known, and stops no login.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn before_verifying(&self, asked: &Asked, window: Window) -> Result<Before, Fault> {
        let user = asked.subject.map(user_key);
        let of_user = |sk: String| user.clone().map(|pk| (pk, sk));
        let (session, stored) = (asked.session.map(session_key), asked.stored.map(stored_key));
        let counters = asked.counted.iter().map(|counted| Some(counter(counted, window)));
        let keys = [of_user(META.to_owned()), of_user(PASSWORD.to_owned())]
            .into_iter()
            .chain([session.and_then(of_user), stored.and_then(of_user)])
            .chain(counters)
            .flatten()
            .map(|(pk, sk)| Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]));
        let keys: Vec<Item> = keys.collect();
        if keys.is_empty() {
            return Ok(Before::default());
        }
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let request =
            self.client.batch_get_item().request_items(&self.name, wanted.map_err(|error| unbuildable(&error))?);
        let answer = request.send().await.map_err(|error| fault("BatchGetItem", &error))?;
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            return Err(Fault::new("BatchGetItem", "not every item was read"));
        }
        let items = answer.responses.and_then(|mut tables| tables.remove(&self.name)).unwrap_or_default();
        Before::of(items, asked, window)
    }

    /// Counts a refused credential under everything that it is counted by.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn count_failure(&self, counted: &[String], window: Window) -> Result<(), Fault> {
        if counted.is_empty() {
            return Ok(());
        }
        let counts = counted.iter().map(|counted| {
            let (pk, sk) = counter(counted, window);
            Change::of(pk, sk)
                .compute("count", "if_not_exists(#count, :zero) + :one")
                .value("zero", number(0))
                .value("one", number(1))
                .set("last_at", number(window.now.as_millis()))
                .set("ttl", number(window.forgotten_at().ceil_seconds()))
                .part(self)
        });
        match self.transact(counts.collect::<Result<_, _>>()?).await? {
            Outcome::Applied => Ok(()),
            Outcome::Refused { .. } => Err(Fault::new("count a failure", "refused although it has no condition")),
        }
    }
}

impl Before {
    fn of(items: Vec<Item>, asked: &Asked, window: Window) -> Result<Self, Fault> {
        let mut before = Self { failures: vec![Failures::default(); asked.counted.len()], ..Self::default() };
        for item in items {
            let attribute = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
            let (pk, sk) = (attribute("pk"), attribute("sk"));
            if asked.session.is_some_and(|id| session_key(id) == sk) {
                before.session = unreadable::session(item).ok();
            } else if asked.stored.is_some_and(|id| stored_key(id) == sk) {
                before.stored = unreadable::stored_credential(item).ok();
            } else if pk.starts_with("U#") {
                before.user.take(&item)?;
            } else {
                let of_this = |(name, _): &(&String, _)| counter(name, window).0 == pk;
                if let Some((_, failures)) = asked.counted.iter().zip(&mut before.failures).find(of_this) {
                    *failures = counted(&item);
                }
            }
        }
        Ok(before)
    }
}

/// A counter's key: what it counts by, and the start of its window.
fn counter(counted: &str, window: Window) -> (String, String) {
    (format!("A#{counted}"), window.start_seconds().to_string())
}

fn counted(item: &Item) -> Failures {
    let number = |name| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
    let last_at = number("last_at").map(crate::unix_time::UnixMillis::from_millis);
    Failures { count: number("count").unwrap_or_default(), last_at }
}
