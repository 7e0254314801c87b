//! The keys of a function that holds no secret: it can verify access tokens and cannot make any.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use crate::{
    error::{Fault, SessionError},
    keys::{Kid, PublicKey},
    store::{PublishedKey, SessionTable},
    unix_time::UnixMillis,
};

/// How long published keys are believed without another look.
const FRESH: Duration = Duration::from_mins(5);

/// How often an unknown kid may make the table be asked: a flood of forged tokens costs one request in five seconds.
const REREAD_INTERVAL: Duration = Duration::from_secs(5);

/// The published keys, as last read from the table.
#[derive(Debug)]
pub struct PublicKeys {
    table: SessionTable,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    keys: Vec<PublishedKey>,
    /// When the table was last asked, whether it answered or not.
    asked_at: UnixMillis,
    /// When it was last asked for the sake of an unknown kid.
    searched_at: Option<UnixMillis>,
}

impl PublicKeys {
    /// Reads the published keys; the read also opens the connection that the first request needs.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn start(table: SessionTable, now: UnixMillis) -> Result<Self, Fault> {
        let keys = table.published_keys().await?;
        Ok(Self { table, held: RwLock::new(Held { keys, asked_at: now, searched_at: None }) })
    }

    /// The key of that name.
    ///
    /// # Errors
    /// [`SessionError::TokenInvalid`] when there is none, [`SessionError::Unavailable`] while that is not certain.
    pub async fn get(&self, kid: &Kid, now: UnixMillis) -> Result<PublicKey, SessionError> {
        let (known, asked_at) = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            (find(&held.keys, kid, now), held.asked_at)
        };
        match known {
            Some(key) if now.since(asked_at) < FRESH => Ok(key),
            Some(key) => {
                // A table that does not answer is no reason to refuse a key that was genuine five minutes ago.
                let _ = self.read(now).await;
                Ok(key)
            }
            None => {
                self.claim_search(now)?;
                find(&self.read(now).await?, kid, now).ok_or(SessionError::TokenInvalid)
            }
        }
    }

    /// Takes the one search of these five seconds, or says when the next is due: the key may have been published since
    /// the last.
    fn claim_search(&self, now: UnixMillis) -> Result<(), SessionError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let wait = held.searched_at.map(|searched_at| REREAD_INTERVAL.saturating_sub(now.since(searched_at)));
        if let Some(retry_after) = wait.filter(|wait| !wait.is_zero()) {
            let cause = Fault::new("read the public keys again", "they were read less than five seconds ago");
            return Err(SessionError::Unavailable { cause, retry_after });
        }
        held.searched_at = Some(now);
        Ok(())
    }

    async fn read(&self, now: UnixMillis) -> Result<Vec<PublishedKey>, Fault> {
        self.held.write().unwrap_or_else(PoisonError::into_inner).asked_at = now;
        let keys = self.table.published_keys().await?;
        self.held.write().unwrap_or_else(PoisonError::into_inner).keys.clone_from(&keys);
        Ok(keys)
    }
}

fn find(keys: &[PublishedKey], kid: &Kid, now: UnixMillis) -> Option<PublicKey> {
    let needed = keys.iter().filter(|published| published.is_needed(now));
    needed.map(|published| &published.key).find(|key| key.kid() == kid).cloned()
}
