//! An issuer's keys, as last fetched, and when they are fetched again.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;

use super::{IdTokenRefused, configured::Configured, fetch::Http, key_set::KeySet};
use crate::{credential::foreign_token::Flaw, unix_time::UnixMillis};

/// How long keys are believed without another look; a key that the issuer has withdrawn is accepted no longer than this.
const FRESH: Duration = Duration::from_hours(1);

/// How often keys are fetched at most while there are some: a flood of tokens with unknown kids costs one fetch a minute.
/// A new key is refused for as long; issuers publish theirs well before they sign with them.
const PAUSE: Duration = Duration::from_mins(1);

/// How often while there are none: nobody can sign in, and the issuer is not to be hammered.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

/// The keys of one issuer.
#[derive(Debug, Default)]
pub(super) struct KeyCache {
    held: RwLock<Held>,
    /// Held by the one request that fetches.
    fetching: Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    keys: Option<KeySet>,
    fetched_at: Option<UnixMillis>,
    attempted_at: Option<UnixMillis>,
    /// Why the last attempt failed, if it did.
    failure: Option<String>,
}

/// Which key a token asks for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<&'a str>,
}

impl Held {
    fn find(&self, wanted: Wanted<'_>) -> Option<DecodingKey> {
        self.keys.as_ref()?.find(wanted.algorithm, wanted.kid)
    }

    fn fetch_is_due(&self, found: bool, now: UnixMillis) -> bool {
        let older = |instant: Option<UnixMillis>, than| instant.is_none_or(|instant| now.since(instant) >= than);
        let pause = if self.keys.is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        older(self.attempted_at, pause) && (!found || older(self.fetched_at, FRESH))
    }
}

impl KeyCache {
    /// The key that is wanted, fetched if need be.
    pub(super) async fn get(
        &self,
        configured: &Configured,
        http: &Http,
        wanted: Wanted<'_>,
        now: UnixMillis,
    ) -> Result<DecodingKey, IdTokenRefused> {
        let (found, due) = self.look(wanted, now);
        let _alone = match found {
            Some(key) if !due => return Ok(key),
            // One request looks again; the others go on with what there is.
            Some(key) => match self.fetching.try_lock() {
                Ok(alone) => alone,
                Err(_) => return Ok(key),
            },
            None => self.fetching.lock().await,
        };
        // Another request may have fetched while this one waited.
        if self.look(wanted, now).1 {
            self.fetch(configured, http, now).await;
        }
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        match (held.find(wanted), &held.failure) {
            // Keys that were genuine go on being so while their issuer cannot be reached.
            (Some(key), _) => Ok(key),
            (None, None) => Err(IdTokenRefused::Rejected { cause: Flaw::Key }),
            (None, Some(failure)) => {
                Err(IdTokenRefused::Unreachable { cause: format!("{}: {failure}", configured.issuer) })
            }
        }
    }

    fn look(&self, wanted: Wanted<'_>, now: UnixMillis) -> (Option<DecodingKey>, bool) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let found = held.find(wanted);
        let due = held.fetch_is_due(found.is_some(), now);
        (found, due)
    }

    async fn fetch(&self, configured: &Configured, http: &Http, now: UnixMillis) {
        {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            held.attempted_at = Some(now);
            // A request that is given up half-way has not found out anything.
            held.failure = Some("the last request was given up".to_owned());
        }
        let fetched = http.keys(configured).await;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(keys) => {
                *held = Held { keys: Some(keys), fetched_at: Some(now), attempted_at: Some(now), failure: None }
            }
            Err(error) => held.failure = Some(with_sources(&error)),
        }
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

#[cfg(test)]
impl KeyCache {
    /// As if they had just been fetched.
    pub(super) fn holding(keys: KeySet, now: UnixMillis) -> Self {
        let held = Held { keys: Some(keys), fetched_at: Some(now), attempted_at: Some(now), failure: None };
        Self { held: RwLock::new(held), ..Self::default() }
    }
}
