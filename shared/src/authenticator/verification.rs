//! Asking each credential's own server.

use secrecy::{ExposeSecret, SecretString};

use super::{Authenticator, Proven};
use crate::{
    credential::{
        Credential,
        connection_string::{ConnectionString, LoginFailed},
        id_token::IdTokenRefused,
        legacy_token::LegacyTokenRefused,
        password::HashingFailed,
    },
    error::{Fault, SessionError},
    issuer::Issuer,
    report::{self, LegacyToken},
    store::{NewPassword, User},
    unix_time::UnixMillis,
};

/// Why a credential was not accepted.
pub(super) enum Refused {
    /// Its own server refused it.
    ByItsServer(String),
    /// It is not taken here, whatever its server says.
    NotTaken(String),
    /// Whoever answered is not its server; nothing is known about the credential.
    ByAnother(String),
    /// Anything else, in its own words.
    Otherwise(SessionError),
}

impl Authenticator {
    /// Verifies a credential with its own server.
    pub(super) async fn verify(
        &self,
        issuer: &Issuer,
        credential: &Credential,
        user: &User,
        salt: &[u8; 16],
        now: UnixMillis,
    ) -> Result<Proven, Refused> {
        let of_user =
            |subject, password| Proven { epoch: Some(user.marker.epoch), password, ..Proven::in_any_epoch(subject) };
        match credential {
            Credential::Guest => Err(Refused::NotTaken("a guest proves nothing".to_owned())),
            Credential::Password(username, password) => {
                let (password, hash) = (password.clone(), user.password_hash.clone());
                if hashing(move || password.matches(hash.as_deref())).await? {
                    Ok(of_user(username.subject(), None))
                } else {
                    Err(Refused::ByItsServer("unknown user or wrong password".to_owned()))
                }
            }
            Credential::NewPassword(username, password) => {
                if user.password_hash.is_some() {
                    return Err(SessionError::UsernameTaken.into());
                }
                let (password, salt) = (password.clone(), *salt);
                let hash = hashing(move || password.hash(&salt)).await?;
                Ok(of_user(username.subject(), Some(NewPassword { hash, at: now })))
            }
            Credential::ConnectionString(string, _) => {
                self.log_in(string).await?;
                Ok(of_user(string.subject(), None))
            }
            Credential::IdToken(token, nonce) => self.verify_id_token(token, nonce.as_deref(), now).await,
            Credential::LegacyToken(token) => self.verify_legacy_token(issuer, token, now),
        }
    }

    async fn log_in(&self, string: &ConnectionString) -> Result<(), Refused> {
        let Some(databases) = &self.databases else {
            return Err(Refused::NotTaken("connection strings are not taken".to_owned()));
        };
        databases.log_in(string).await.map_err(|failed| match failed {
            LoginFailed::Rejected { cause } => Refused::ByItsServer(cause),
            LoginFailed::NotAllowed { cause } => Refused::NotTaken(cause),
            LoginFailed::Untrusted { cause } => Refused::ByAnother(cause),
            LoginFailed::Unreachable { cause } => SessionError::from(Fault::new("log in to a database", cause)).into(),
        })
    }

    async fn verify_id_token(
        &self,
        token: &SecretString,
        nonce: Option<&str>,
        now: UnixMillis,
    ) -> Result<Proven, Refused> {
        let Some(id_tokens) = &self.id_tokens else {
            return Err(Refused::NotTaken("ID tokens are not taken".to_owned()));
        };
        match id_tokens.verify(token.expose_secret(), nonce, now).await {
            Ok(verified) => {
                let once = Some((verified.digest, verified.expires_at));
                Ok(Proven { once, ..Proven::in_any_epoch(verified.subject) })
            }
            Err(IdTokenRefused::Rejected { cause }) => Err(Refused::ByItsServer(cause.to_string())),
            Err(IdTokenRefused::Unreachable { cause }) => {
                Err(SessionError::from(Fault::new("fetch an issuer's keys", cause)).into())
            }
        }
    }

    fn verify_legacy_token(&self, issuer: &Issuer, token: &SecretString, now: UnixMillis) -> Result<Proven, Refused> {
        let Some(legacy_tokens) = &self.legacy_tokens else {
            return Err(Refused::NotTaken("old tokens are not taken".to_owned()));
        };
        let ring = issuer.ring();
        let Some(secret) = ring.legacy() else {
            let fault = Fault::new("verify an old token", "the master secret has no member legacy any more");
            return Err(SessionError::from(fault).into());
        };
        let verified = legacy_tokens.verify(secret, token.expose_secret(), now);
        report::legacy_token(match verified {
            Ok(_) => LegacyToken::Exchanged,
            Err(LegacyTokenRefused::Over) => LegacyToken::Late,
            Err(LegacyTokenRefused::Rejected { .. }) => LegacyToken::Rejected,
        });
        verified.map(Proven::in_any_epoch).map_err(|refused| Refused::ByItsServer(refused.to_string()))
    }
}

impl From<SessionError> for Refused {
    fn from(error: SessionError) -> Self {
        Self::Otherwise(error)
    }
}

/// Runs a hash beside the requests of this process, not in front of them.
async fn hashing<T: Send + 'static>(
    hash: impl FnOnce() -> Result<T, HashingFailed> + Send + 'static,
) -> Result<T, SessionError> {
    let done = tokio::task::spawn_blocking(hash).await;
    let hashed = done.map_err(|error| Fault::new("hash a password", error.to_string()))?;
    hashed.map_err(|error| Fault::new("hash a password", error.to_string()).into())
}
