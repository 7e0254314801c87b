//! Verifies credentials, each with its own server, and keeps whoever guesses from guessing on.

use secrecy::{ExposeSecret, SecretString};

use crate::{
    attempts::{AttemptLimits, Window},
    credential::{
        Credential, CredentialKind, guest,
        id_token::{IdTokenRefused, IdTokens},
        legacy_token::{LegacyTokenRefused, LegacyTokens},
        password::HashingFailed,
    },
    error::{Fault, SessionError},
    identity::SubjectId,
    issuer::Issuer,
    report::{self, LegacyToken},
    rotating_token::{ReconnectToken, RefreshToken},
    settings::{SettingError, Variables},
    store::{Asked, Before, NewPassword, User},
    stored_credential::Content,
    unix_time::UnixMillis,
};

/// What verifying credentials takes.
#[derive(Debug)]
pub struct Authenticator {
    limits: AttemptLimits,
    id_tokens: Option<IdTokens>,
    legacy_tokens: Option<LegacyTokens>,
}

/// Who asks, apart from the credential: genuine tokens that came with it, and where from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// The network, as a prefix.
    pub network: Option<&'a str>,
    /// A refresh token.
    pub refresh: Option<&'a RefreshToken>,
    /// The token of a stored credential.
    pub reconnect: Option<&'a ReconnectToken>,
}

/// Who the user turned out to be.
#[derive(Debug)]
pub struct Proven {
    /// The user.
    pub subject: SubjectId,
    /// The epoch in which the credential was verified; sessions that were all ended since make it stale. `None` for a
    /// proof that holds in any epoch.
    pub epoch: Option<u64>,
    /// A password to store with the session.
    pub password: Option<NewPassword>,
    /// The name of a proof that may be used once, and until when that has to be remembered.
    pub once: Option<(String, UnixMillis)>,
}

/// Something that failures are counted by.
struct Count {
    by: String,
    /// How many are too many.
    limit: u64,
    /// Whether it counts those of a device that the identity is known to use.
    device: bool,
}

impl Authenticator {
    /// Reads the settings of every kind of credential.
    ///
    /// # Errors
    /// [`SettingError`] when one of them is not readable, or old tokens are to be taken without their secret.
    pub fn start(variables: &Variables, issuer: &Issuer) -> Result<Self, SettingError> {
        let legacy_tokens = LegacyTokens::from_settings(variables)?;
        if legacy_tokens.is_some() && issuer.ring().legacy().is_none() {
            let (first, must_be) = ("LEGACY_JWT_UNTIL", "unset as long as there is no member legacy in");
            return Err(SettingError::Contradiction { first, must_be, second: "the master secret" });
        }
        Ok(Self {
            limits: AttemptLimits::from_settings(variables)?,
            id_tokens: IdTokens::from_settings(variables)?,
            legacy_tokens,
        })
    }

    /// Verifies a credential that was presented. `guest` names a guest, `salt` goes into the hash of a new password.
    ///
    /// # Errors
    /// [`SessionError::CredentialRejected`], [`SessionError::UsernameTaken`], [`SessionError::TooManyAttempts`] after too
    /// many that were rejected, and [`SessionError::Unavailable`] when the credential's own server or the table does not
    /// answer.
    pub async fn authenticate(
        &self,
        issuer: &Issuer,
        credential: &Credential,
        caller: Caller<'_>,
        (guest, salt): (&[u8; 16], &[u8; 16]),
        now: UnixMillis,
    ) -> Result<Proven, SessionError> {
        if let Credential::Guest = credential {
            return Ok(Proven::in_any_epoch(guest::subject(guest)));
        }
        let window = Window { now };
        let subject = credential.names();
        let refresh = caller.refresh.filter(|token| Some(token.subject) == subject);
        let reconnect = caller.reconnect.filter(|token| Some(token.subject) == subject);
        let (session, stored) = (refresh.map(|token| token.id), reconnect.map(|token| token.id));
        let devices = [session.map(|id| id.to_string()), stored.map(|id| id.to_string())];
        let counts = self.counts(credential, devices.into_iter().flatten(), caller.network);
        let counted = counts.iter().map(|count| count.by.clone()).collect();
        let before = issuer.table.before_verifying(&Asked { subject, session, stored, counted }, window).await?;
        // Nobody locks an owner out: a device that holds a session or a stored credential of theirs is counted by itself.
        let known = is_known(&before, refresh, reconnect);
        let counts = counts.into_iter().zip(&before.failures).filter(|(count, _)| count.device == known);
        let (counts, waits): (Vec<String>, Vec<_>) =
            counts.map(|(count, failures)| (count.by, failures.wait(count.limit, window))).unzip();
        if let Some(retry_after) = waits.into_iter().flatten().max() {
            return Err(SessionError::TooManyAttempts { retry_after });
        }
        let proven = self.verify(issuer, credential, &before.user, salt, now).await;
        if let Err(SessionError::CredentialRejected) = proven {
            // Before the answer, so that nobody learns more than is counted.
            issuer.table.count_failure(&counts, window).await?;
        }
        proven
    }

    /// Verifies a credential that was stored by a user who holds its token: nobody is guessing.
    ///
    /// # Errors
    /// As [`Self::authenticate`], without [`SessionError::TooManyAttempts`].
    pub async fn authenticate_stored(
        &self,
        issuer: &Issuer,
        credential: &Credential,
        user: &User,
        now: UnixMillis,
    ) -> Result<(), SessionError> {
        self.verify(issuer, credential, user, &[0; 16], now).await.map(drop)
    }

    async fn verify(
        &self,
        issuer: &Issuer,
        credential: &Credential,
        user: &User,
        salt: &[u8; 16],
        now: UnixMillis,
    ) -> Result<Proven, SessionError> {
        let of_user =
            |subject, password| Proven { epoch: Some(user.marker.epoch), password, ..Proven::in_any_epoch(subject) };
        match credential {
            Credential::Guest => Err(rejected(CredentialKind::Guest, "a guest is not verified")),
            Credential::Password(username, password) => {
                let (password, hash) = (password.clone(), user.password_hash.clone());
                if hashing(move || password.matches(hash.as_deref())).await? {
                    Ok(of_user(username.subject(), None))
                } else {
                    Err(rejected(CredentialKind::Password, "unknown user or wrong password"))
                }
            }
            Credential::NewPassword(username, password) => {
                if user.password_hash.is_some() {
                    return Err(SessionError::UsernameTaken);
                }
                let (password, salt) = (password.clone(), *salt);
                let hash = hashing(move || password.hash(&salt)).await?;
                Ok(of_user(username.subject(), Some(NewPassword { hash, at: now })))
            }
            Credential::IdToken(token, nonce) => self.verify_id_token(token, nonce.as_deref(), now).await,
            Credential::LegacyToken(token) => self.verify_legacy_token(issuer, token, now),
        }
    }

    async fn verify_id_token(
        &self,
        token: &SecretString,
        nonce: Option<&str>,
        now: UnixMillis,
    ) -> Result<Proven, SessionError> {
        const KIND: CredentialKind = CredentialKind::IdToken;
        let Some(id_tokens) = &self.id_tokens else { return Err(rejected(KIND, "ID tokens are not taken")) };
        match id_tokens.verify(token.expose_secret(), nonce, now).await {
            Ok(verified) => {
                let once = Some((verified.digest, verified.expires_at));
                Ok(Proven { once, ..Proven::in_any_epoch(verified.subject) })
            }
            Err(IdTokenRefused::Rejected { cause }) => Err(rejected(KIND, &cause.to_string())),
            Err(IdTokenRefused::Unreachable { cause }) => Err(Fault::new("fetch an issuer's keys", cause).into()),
        }
    }

    fn verify_legacy_token(
        &self,
        issuer: &Issuer,
        token: &SecretString,
        now: UnixMillis,
    ) -> Result<Proven, SessionError> {
        const KIND: CredentialKind = CredentialKind::LegacyToken;
        let Some(legacy_tokens) = &self.legacy_tokens else { return Err(rejected(KIND, "old tokens are not taken")) };
        let ring = issuer.ring();
        let Some(secret) = ring.legacy() else {
            return Err(Fault::new("verify an old token", "the master secret has no member legacy any more").into());
        };
        let verified = legacy_tokens.verify(secret, token.expose_secret(), now);
        report::legacy_token(match verified {
            Ok(_) => LegacyToken::Exchanged,
            Err(LegacyTokenRefused::Over) => LegacyToken::Late,
            Err(LegacyTokenRefused::Rejected { .. }) => LegacyToken::Rejected,
        });
        match verified {
            Ok(subject) => Ok(Proven::in_any_epoch(subject)),
            Err(refused) => Err(rejected(KIND, &refused.to_string())),
        }
    }

    /// Everything that a failure of this credential is counted by; a registration is no guess.
    fn counts(
        &self,
        credential: &Credential,
        devices: impl Iterator<Item = String>,
        network: Option<&str>,
    ) -> Vec<Count> {
        let AttemptLimits { per_identity, per_network, per_host: _ } = self.limits;
        let of = |kind: &str, name: &dyn std::fmt::Display, limit| Count {
            by: format!("{kind}#{name}"),
            limit,
            device: kind == "device",
        };
        if let Credential::NewPassword(..) = credential {
            return Vec::new();
        }
        let devices = devices.map(|id| of("device", &id, per_identity));
        let identity = credential.names().map(|subject| of("identity", &subject, per_identity));
        let network = network.map(|network| of("network", &network, per_network));
        devices.chain(identity).chain(network).collect()
    }
}

impl Proven {
    /// Somebody whose proof holds whatever happened to their sessions.
    fn in_any_epoch(subject: SubjectId) -> Self {
        Self { subject, epoch: None, password: None, once: None }
    }
}

/// Whether the request comes from a device that holds a session or a stored credential of the user: the current token of
/// one that nobody has ended. A session whose limit has passed will do.
fn is_known(before: &Before, refresh: Option<&RefreshToken>, reconnect: Option<&ReconnectToken>) -> bool {
    let by_session = before.session.as_ref().zip(refresh).is_some_and(|(session, token)| {
        session.end.is_none() && session.epoch == before.user.marker.epoch && session.current.is_of(token)
    });
    let by_stored = before.stored.as_ref().zip(reconnect).is_some_and(|(stored, token)| {
        let sealed = matches!(stored.content, Content::Sealed(_));
        sealed && stored.epoch == before.user.marker.epoch && stored.rotation.current.is_of(token)
    });
    by_session || by_stored
}

/// The refusal that tells the client nothing, after the cause went into the log.
fn rejected(kind: CredentialKind, cause: &str) -> SessionError {
    report::rejected(kind, cause);
    SessionError::CredentialRejected
}

/// Runs a hash beside the requests of this process, not in front of them.
async fn hashing<T: Send + 'static>(
    hash: impl FnOnce() -> Result<T, HashingFailed> + Send + 'static,
) -> Result<T, SessionError> {
    let done = tokio::task::spawn_blocking(hash).await;
    let hashed = done.map_err(|error| Fault::new("hash a password", error.to_string()))?;
    hashed.map_err(|error| Fault::new("hash a password", error.to_string()).into())
}
