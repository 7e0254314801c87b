//! Verifies credentials, each with its own server, and keeps whoever guesses from guessing on.

use secrecy::SecretString;

use crate::{
    attempts::{AttemptLimits, Window},
    credential::{
        Credential,
        connection_string::{Databases, Malformed},
        guest,
        id_token::IdTokens,
        legacy_token::LegacyTokens,
    },
    error::{Fault, SessionError},
    identity::SubjectId,
    issuer::Issuer,
    rotating_token::{ReconnectToken, RefreshToken},
    settings::{SettingError, Variables},
    store::{Asked, Before, NewPassword, User},
    stored_credential::Content,
    unix_time::UnixMillis,
};

mod verification;

use verification::Refused;

/// What verifying credentials takes.
#[derive(Debug)]
pub struct Authenticator {
    limits: AttemptLimits,
    databases: Option<Databases>,
    id_tokens: Option<IdTokens>,
    legacy_tokens: Option<LegacyTokens>,
}

/// What became of a credential that was stored.
#[derive(Debug)]
pub enum Stored {
    /// It is still good.
    Accepted(Credential),
    /// Its own server refused it: it is of no use any more.
    Rejected,
    /// It is not taken here at present, and why.
    NotTaken(String),
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
            databases: Databases::from_settings(variables)?,
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
        match self.verify(issuer, credential, &before.user, salt, now).await {
            Ok(proven) => Ok(proven),
            Err(Refused::Otherwise(error)) => Err(error),
            Err(Refused::ByItsServer(cause) | Refused::NotTaken(cause) | Refused::ByAnother(cause)) => {
                // Before the answer, so that nobody learns more than is counted.
                issuer.table.count_failure(&counts, window).await?;
                Err(SessionError::rejected(cause))
            }
        }
    }

    /// Reads a connection string; nothing is looked up.
    ///
    /// # Errors
    /// [`Malformed`] when it is not of the one form that is taken, or no connection string is.
    pub fn connection_string(&self, text: SecretString) -> Result<Credential, Malformed> {
        let databases = self.databases.as_ref().ok_or(Malformed::Scheme)?;
        Ok(Credential::ConnectionString(Box::new(databases.parse(&text)?), text))
    }

    /// Verifies a credential that was stored by a user who holds its token: nobody is guessing.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the credential's own server does not answer, or another in its place.
    pub async fn authenticate_stored(
        &self,
        issuer: &Issuer,
        sealed: &SecretString,
        user: &User,
        now: UnixMillis,
    ) -> Result<Stored, SessionError> {
        // What was sealed here was well-formed, so only the settings can have changed.
        let Some(credential) = Credential::from_sealed(sealed, self.databases.as_ref()) else {
            return Ok(Stored::NotTaken("it is not of a form that is taken any more".to_owned()));
        };
        match self.verify(issuer, &credential, user, &[0; 16], now).await {
            Ok(_) => Ok(Stored::Accepted(credential)),
            Err(Refused::Otherwise(error)) => Err(error),
            Err(Refused::ByAnother(cause)) => Err(Fault::new("log in to a database", cause).into()),
            Err(Refused::ByItsServer(_)) => Ok(Stored::Rejected),
            Err(Refused::NotTaken(cause)) => Ok(Stored::NotTaken(cause)),
        }
    }

    /// Everything that a failure of this credential is counted by; a registration is no guess.
    fn counts(
        &self,
        credential: &Credential,
        devices: impl Iterator<Item = String>,
        network: Option<&str>,
    ) -> Vec<Count> {
        let AttemptLimits { per_identity, per_network, per_host } = self.limits;
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
        let host = match credential {
            Credential::ConnectionString(string, _) => Some(of("host", &string.host(), per_host)),
            _ => None,
        };
        devices.chain(identity).chain(network).chain(host).collect()
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
