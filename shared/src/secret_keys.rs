//! The keys of a function that may read the master secret: connect, refresh and logout.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crate::{
    access_token::{AccessTokens, SelfTestFailed},
    error::{Fault, SessionError},
    keys::{DerivationFailed, KeyRing, Kid},
    secret_source::{SecretSource, SecretSourceError},
    store::SessionTable,
    unix_time::UnixMillis,
};

/// How often an unknown kid may make the secret be read again: a flood of forged tokens costs one read a minute.
const REREAD_INTERVAL: Duration = Duration::from_mins(1);

/// The derived keys, kept up with rotations of the secret.
#[derive(Debug)]
pub struct SecretKeys {
    source: SecretSource,
    table: SessionTable,
    access: AccessTokens,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    ring: Arc<KeyRing>,
    /// When the secret was last asked for, whether it came or not.
    asked_at: UnixMillis,
}

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysUnavailable {
    /// The secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretSourceError),
    /// No keys follow from the secret.
    #[error(transparent)]
    Derivation(#[from] DerivationFailed),
    /// The keys do not work.
    #[error(transparent)]
    SelfTest(#[from] SelfTestFailed),
    /// The public keys cannot be published.
    #[error(transparent)]
    Table(#[from] Fault),
}

impl SecretKeys {
    /// Reads the secret, tests the keys that follow from it, and publishes the public ones.
    ///
    /// # Errors
    /// [`KeysUnavailable`] when any of that fails: a function must not start without working keys.
    pub async fn start(
        source: SecretSource,
        table: SessionTable,
        access: AccessTokens,
        now: UnixMillis,
    ) -> Result<Self, KeysUnavailable> {
        let ring = Arc::new(load(&source, &table, &access, now).await?);
        Ok(Self { source, table, access, held: RwLock::new(Held { ring, asked_at: now }) })
    }

    /// The keys as they are known.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).ring)
    }

    /// The keys, with those of `kid` among them; reads the secret again if it is not known.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] while it is not certain that there is no such key, then [`SessionError::TokenInvalid`].
    pub async fn ring_with(&self, kid: &Kid, now: UnixMillis) -> Result<Arc<KeyRing>, SessionError> {
        let ring = self.ring();
        if ring.public(kid).is_some() {
            return Ok(ring);
        }
        if !self.source.can_change() {
            return Err(SessionError::TokenInvalid);
        }
        self.claim_reread(now)?;
        let ring = load(&self.source, &self.table, &self.access, now).await.map_err(|error| match error {
            KeysUnavailable::Secret(SecretSourceError::Unreachable(fault)) | KeysUnavailable::Table(fault) => fault,
            other => Fault::new("read the master secret again", other.to_string()),
        })?;
        let ring = Arc::new(ring);
        self.held.write().unwrap_or_else(PoisonError::into_inner).ring = Arc::clone(&ring);
        if ring.public(kid).is_some() { Ok(ring) } else { Err(SessionError::TokenInvalid) }
    }

    /// Takes the one read of this minute, or says when the next is due.
    fn claim_reread(&self, now: UnixMillis) -> Result<(), SessionError> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let waited = now.since(held.asked_at);
        if waited < REREAD_INTERVAL {
            let cause = Fault::new("read the master secret again", "it was read less than a minute ago");
            return Err(SessionError::Unavailable { cause, retry_after: REREAD_INTERVAL.saturating_sub(waited) });
        }
        held.asked_at = now;
        Ok(())
    }
}

async fn load(
    source: &SecretSource,
    table: &SessionTable,
    access: &AccessTokens,
    now: UnixMillis,
) -> Result<KeyRing, KeysUnavailable> {
    let ring = KeyRing::derive(&source.read().await?)?;
    access.self_test(ring.signing(), now)?;
    table.publish_key(ring.signing().public()).await?;
    for retired in ring.retired() {
        // One more second, because the claim is rounded up.
        let until = now.after(access.ttl() + Duration::from_secs(1));
        table.retire_key(retired.kid(), until).await?;
    }
    Ok(ring)
}
