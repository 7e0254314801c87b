//! The keys of a function that may read the master secret: connect, refresh and logout.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crate::{
    access_token::{AccessTokens, SelfTestFailed},
    error::{Fault, SessionError},
    keys::{DerivationFailed, KeyRing, Kid},
    report,
    secret_source::{SecretSource, SecretSourceError},
    store::SessionTable,
    unix_time::UnixMillis,
};

/// How long the secret is believed without another look: until then a process may sign with a key that was replaced.
const FRESH: Duration = Duration::from_mins(5);

/// How often the secret may be read again: a flood of forged tokens costs one read a minute.
const REREAD_INTERVAL: Duration = Duration::from_mins(1);

/// How long after a rotation a process may still sign with the previous key: it looks once more than [`FRESH`] after its
/// last look, and again [`REREAD_INTERVAL`] later if that failed. The claim `exp` is rounded up by less than a second,
/// and clocks differ by less than the rest.
const OVERLAP: Duration = FRESH.saturating_add(REREAD_INTERVAL.saturating_mul(2));

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
    read_at: UnixMillis,
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
        let ring = derive(&source, &access, now).await?;
        publish(&ring, &table, &access, now).await?;
        Ok(Self {
            source,
            table,
            access,
            held: RwLock::new(Held { ring: Arc::new(ring), read_at: now, asked_at: now }),
        })
    }

    /// The keys as they were last read.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).ring)
    }

    /// Reads the secret again if it was read more than five minutes ago, so that no process goes on signing with a key
    /// that the others have forgotten. One that cannot be had is no reason to refuse what the known keys can do.
    pub async fn keep_up(&self, now: UnixMillis) {
        let read_at = self.held.read().unwrap_or_else(PoisonError::into_inner).read_at;
        if self.source.can_change()
            && now.since(read_at) >= FRESH
            && self.claim_reread(now).is_ok()
            && let Err(error) = self.reread(now).await
        {
            report::degraded("read the master secret again", &error);
        }
    }

    /// The keys, with those of `kid` among them; reads the secret again if it is not known.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] while it is not certain that there is no such key, then [`SessionError::TokenInvalid`].
    pub async fn ring_with(&self, kid: &Kid, now: UnixMillis) -> Result<Arc<KeyRing>, SessionError> {
        self.keep_up(now).await;
        let ring = self.ring();
        if ring.public(kid).is_some() {
            return Ok(ring);
        }
        if !self.source.can_change() {
            return Err(SessionError::TokenInvalid);
        }
        self.claim_reread(now)?;
        let ring = self.reread(now).await?;
        if ring.public(kid).is_some() { Ok(ring) } else { Err(SessionError::TokenInvalid) }
    }

    async fn reread(&self, now: UnixMillis) -> Result<Arc<KeyRing>, Fault> {
        let ring = self.changed(now).await.map_err(|error| match error {
            KeysUnavailable::Secret(SecretSourceError::Unreachable(fault)) | KeysUnavailable::Table(fault) => fault,
            other => Fault::new("read the master secret again", other.to_string()),
        })?;
        let ring = Arc::new(ring);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.ring = Arc::clone(&ring);
        held.read_at = now;
        Ok(ring)
    }

    /// The keys of the secret as it is now, published if they are others than those that are held.
    async fn changed(&self, now: UnixMillis) -> Result<KeyRing, KeysUnavailable> {
        let ring = derive(&self.source, &self.access, now).await?;
        let held = self.ring();
        if !ring.kids().eq(held.kids()) {
            publish(&ring, &self.table, &self.access, now).await?;
        }
        // A secret that was dropped altogether, because others know it: its public key must not vouch for anything more.
        for dropped in held.kids().filter(|kid| ring.public(kid).is_none()) {
            self.table.retire_key(dropped, now).await?;
        }
        Ok(ring)
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

async fn derive(source: &SecretSource, access: &AccessTokens, now: UnixMillis) -> Result<KeyRing, KeysUnavailable> {
    let ring = KeyRing::derive(&source.read().await?)?;
    access.self_test(ring.signing(), now)?;
    Ok(ring)
}

/// Publishes the key that signs before it signs anything, and notes until when the previous ones are needed.
async fn publish(
    ring: &KeyRing,
    table: &SessionTable,
    access: &AccessTokens,
    now: UnixMillis,
) -> Result<(), KeysUnavailable> {
    table.publish_key(ring.signing().public()).await?;
    for retired in ring.retired() {
        table.retire_key(retired.kid(), now.after(OVERLAP + access.ttl())).await?;
    }
    Ok(())
}
