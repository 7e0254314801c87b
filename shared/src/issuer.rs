//! What a function that holds the master secret works with.

use std::sync::Arc;

use secrecy::SecretString;

use crate::{
    access_token::{self, AccessToken, AccessTokens, Claims, Refused, SelfTestFailed},
    error::{Fault, SessionError},
    keys::{KeyRing, KeySet, Kid},
    lifecycle::Session,
    policy::SessionPolicy,
    rotating_token::{self, ReconnectToken, Rotates, RotatingToken},
    secret_keys::{KeysUnavailable, SecretKeys},
    secret_source::SecretSource,
    settings::{SettingError, Variables},
    store::SessionTable,
    unix_time::UnixMillis,
};

/// Policy, table and keys of connect, refresh and logout.
#[derive(Debug)]
pub struct Issuer {
    /// How long sessions live.
    pub policy: SessionPolicy,
    /// Where they are kept.
    pub table: SessionTable,
    keys: SecretKeys,
    access: AccessTokens,
}

/// A live session and the tokens that go with it.
pub struct Issued {
    /// The session as it is now.
    pub session: Session,
    /// For `Authorization: Bearer`.
    pub access: AccessToken,
    /// For the next refresh.
    pub refresh: SecretString,
    /// What becomes of the browser's stored credential.
    pub stored: Stored,
}

/// What a request did to the stored credential that the browser holds the token of.
#[derive(Debug)]
pub enum Stored {
    /// Nothing.
    Unchanged,
    /// It is of no use any more.
    Forgotten,
    /// This token uses it next.
    Token {
        /// The text that the client holds.
        token: SecretString,
        /// The last instant at which it may be used.
        expires_at: UnixMillis,
    },
}

impl Stored {
    /// A token to hand out.
    #[must_use]
    pub fn token(token: &ReconnectToken, keys: &KeySet, expires_at: UnixMillis) -> Self {
        Self::Token { token: token.encode(keys), expires_at }
    }
}

/// Why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing, not readable, or contradicts another.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There are no keys to sign with.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    /// The table does not answer.
    #[error(transparent)]
    Table(#[from] Fault),
}

impl Issuer {
    /// Reads settings, secret and keys.
    ///
    /// # Errors
    /// [`StartError`] when anything is missing: a function that starts, works.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let policy = SessionPolicy::parse(variables)?;
        let access = AccessTokens::from_settings(variables, policy.access_ttl)?;
        let table = SessionTable::from_settings(variables)?;
        let source = SecretSource::from_settings(variables)?;
        let keys = SecretKeys::start(source, table.clone(), access.clone(), now).await?;
        Ok(Self { policy, table, keys, access })
    }

    /// Checks that a rotating token was made here, and returns it with the keys that continue it.
    ///
    /// # Errors
    /// [`SessionError::TokenInvalid`] when it was not, [`SessionError::Unavailable`] while that is not certain.
    pub async fn genuine<Id: Rotates>(
        &self,
        token: &str,
        now: UnixMillis,
    ) -> Result<(RotatingToken<Id>, Arc<KeyRing>), SessionError> {
        let token = rotating_token::Unverified::parse(token).map_err(|_| SessionError::TokenInvalid)?;
        let ring = self.keys.ring_with(token.kid(), now).await?;
        let keys = ring.get(token.kid()).ok_or(SessionError::TokenInvalid)?;
        let token = token.verify(keys).map_err(|_| SessionError::TokenInvalid)?;
        Ok((token, ring))
    }

    /// The claims of an access token that was made here, even if its time is over: it names a session, no more.
    ///
    /// # Errors
    /// [`SessionError::TokenInvalid`] when it was not, [`SessionError::Unavailable`] while that is not certain.
    pub async fn named_by(&self, bearer: &str, now: UnixMillis) -> Result<Claims, SessionError> {
        let token = access_token::Unverified::parse(bearer)?;
        let ring = self.keys.ring_with(token.kid(), now).await?;
        let key = ring.public(token.kid()).ok_or(SessionError::TokenInvalid)?;
        Ok(self.access.verify_expired_too(&token, key, now)?)
    }

    /// Makes sure that the keys are not older than five minutes; every use case that signs begins with this or with
    /// [`Self::genuine`], which does the same.
    pub async fn keep_up(&self, now: UnixMillis) {
        self.keys.keep_up(now).await;
    }

    /// The keys that sign and start new tokens.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        self.keys.ring()
    }

    /// The keys, with those of `kid` among them.
    ///
    /// # Errors
    /// [`SessionError::TokenInvalid`] when there are none, [`SessionError::Unavailable`] while that is not certain.
    pub async fn ring_with(&self, kid: &Kid, now: UnixMillis) -> Result<Arc<KeyRing>, SessionError> {
        self.keys.ring_with(kid, now).await
    }

    /// Makes the answer to a connect or a refresh: an access token beside the refresh token that is now current.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the keys cannot sign, which the start-up check rules out.
    pub fn issue(
        &self,
        session: Session,
        refresh: SecretString,
        now: UnixMillis,
        token_id: &[u8; 16],
    ) -> Result<Issued, SessionError> {
        let named = (session.subject, session.id);
        let ring = self.keys.ring();
        let access = self.access.sign(ring.signing(), named, session.absolute_limit, now, token_id)?;
        Ok(Issued { session, access, refresh, stored: Stored::Unchanged })
    }
}

impl From<Refused> for SessionError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid => Self::TokenInvalid,
            Refused::Expired => Self::TokenExpired,
        }
    }
}

impl From<SelfTestFailed> for SessionError {
    fn from(failed: SelfTestFailed) -> Self {
        Fault::new("sign an access token", failed.to_string()).into()
    }
}
