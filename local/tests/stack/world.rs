//! Use cases at given instants, on the embedded DynamoDB.

use std::time::Duration;

use harness::emulator::Emulator;
use secrecy::ExposeSecret;
use session::{
    authenticator::Authenticator,
    connect::{Connect, connect},
    credential::{
        Credential,
        password::{Password, Username},
    },
    end::{self, Presented, Scope},
    error::SessionError,
    identity::SessionId,
    issuer::{Issued, Issuer, Stored},
    lifecycle::{Activity, EndReason, Session},
    opening::{Details, Fresh},
    random,
    reconnect::{self, Reconnect},
    refresh::{self, Refresh},
    rotating_token::Nonce,
    settings::Variables,
    unix_time::UnixMillis,
    validate::validate,
    verifier::Verifier,
};

use crate::Outcome;

/// When the tests begin.
pub(crate) const START: UnixMillis = UnixMillis::from_millis(1_795_255_200_000);

/// The instant this many seconds after the start.
pub(crate) fn at(seconds: u64) -> UnixMillis {
    START.after(Duration::from_secs(seconds))
}

/// Functions with and without the master secret, on one table.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) issuer: Issuer,
    pub(crate) authenticator: Authenticator,
    pub(crate) verifier: Verifier,
    /// What the functions were started with.
    pub(crate) settings: Variables,
}

impl World {
    /// Starts with the default policy, changed by `changes`.
    pub(crate) async fn start(changes: &[(&str, &str)]) -> Outcome<Self> {
        Self::start_at(START, changes).await
    }

    /// Starts at another time than all others.
    pub(crate) async fn start_at(now: UnixMillis, changes: &[(&str, &str)]) -> Outcome<Self> {
        let emulator = Emulator::start().await?;
        let settings = emulator.settings();
        Self::on(emulator, settings, changes, now).await
    }

    /// Starts without the proxy, for tests that bring the table to its limits.
    pub(crate) async fn start_without_proxy(changes: &[(&str, &str)]) -> Outcome<Self> {
        let emulator = Emulator::start().await?;
        let mut settings = emulator.settings();
        settings.set("AWS_ENDPOINT_URL_DYNAMODB", emulator.embedded.url());
        Self::on(emulator, settings, changes, START).await
    }

    async fn on(
        emulator: Emulator,
        mut settings: Variables,
        changes: &[(&str, &str)],
        now: UnixMillis,
    ) -> Outcome<Self> {
        settings.set("SESSION_ISSUER", "https://sessions.example.com");
        settings.set("SESSION_AUDIENCE", "app");
        settings.set("SESSION_SECRET", secret("one", &[]));
        for (name, value) in changes {
            settings.set(name, *value);
        }
        let issuer = Issuer::start(&settings, now).await?;
        let authenticator = Authenticator::start(&settings, &issuer)?;
        let verifier = Verifier::start(&settings, now).await?;
        emulator.proxy.take();
        Ok(Self { emulator, issuer, authenticator, verifier, settings })
    }

    /// Starts every function anew, with the master secrets of these names: what a deployment or a key rotation does.
    pub(crate) async fn restart(&mut self, current: &str, previous: &[&str], now: UnixMillis) -> Outcome {
        self.settings.set("SESSION_SECRET", secret(current, previous));
        self.issuer = Issuer::start(&self.settings, now).await?;
        self.verifier = Verifier::start(&self.settings, now).await?;
        self.emulator.proxy.take();
        Ok(())
    }

    /// Registers a user.
    pub(crate) async fn register(&self, name: &str, now: UnixMillis) -> Outcome<Issued> {
        let (name, password) = proof(name)?;
        Ok(self.open(&Credential::NewPassword(name, password), now).await?)
    }

    /// Connects a registered user.
    pub(crate) async fn connect(&self, name: &str, now: UnixMillis) -> Result<Issued, SessionError> {
        let (name, password) = proof(name).map_err(|_| SessionError::NotFound)?;
        self.open(&Credential::Password(name, password), now).await
    }

    /// Connects a guest.
    pub(crate) async fn guest(&self, now: UnixMillis) -> Outcome<Issued> {
        Ok(self.open(&Credential::Guest, now).await?)
    }

    /// Registers a user who wants to be remembered.
    pub(crate) async fn remember(&self, name: &str, now: UnixMillis) -> Outcome<Issued> {
        let (name, password) = proof(name)?;
        let wanted = Connect { credential: Credential::NewPassword(name, password), remember: true };
        Ok(self.connect_with(&wanted, &Details::default(), now).await?)
    }

    /// Connects a registered user who wants to be remembered.
    pub(crate) async fn remember_again(&self, name: &str, now: UnixMillis) -> Outcome<Issued> {
        let (name, password) = proof(name)?;
        let wanted = Connect { credential: Credential::Password(name, password), remember: true };
        Ok(self.connect_with(&wanted, &Details::default(), now).await?)
    }

    /// Connects with anything.
    pub(crate) async fn connect_with(
        &self,
        wanted: &Connect,
        details: &Details<'_>,
        now: UnixMillis,
    ) -> Result<Issued, SessionError> {
        connect(&self.issuer, &self.authenticator, wanted, details, &Fresh::draw()?, now).await
    }

    async fn open(&self, credential: &Credential, now: UnixMillis) -> Result<Issued, SessionError> {
        let wanted = Connect { credential: credential.clone(), remember: false };
        self.connect_with(&wanted, &Details::default(), now).await
    }

    /// Reconnects with these idempotency keys, the first for a new rotation; without any, with a random one.
    pub(crate) async fn reconnect(&self, token: &str, keys: &[&str], now: UnixMillis) -> Result<Issued, SessionError> {
        self.reconnect_with(token, keys, &Details::default(), now).await
    }

    /// Reconnects from a page.
    pub(crate) async fn reconnect_with(
        &self,
        token: &str,
        keys: &[&str],
        details: &Details<'_>,
        now: UnixMillis,
    ) -> Result<Issued, SessionError> {
        let (nonce, earlier) = nonces(keys)?;
        let request = Reconnect { token, nonce, earlier };
        reconnect::reconnect(&self.issuer, &self.authenticator, &request, details, &Fresh::draw()?, now).await
    }

    /// Refreshes with these idempotency keys, the first for a new rotation; without any, with a random one.
    pub(crate) async fn refresh(
        &self,
        token: &str,
        keys: &[&str],
        activity: Activity,
        now: UnixMillis,
    ) -> Result<Issued, SessionError> {
        let (nonce, earlier) = nonces(keys)?;
        let request = Refresh { token, nonce, earlier, activity };
        refresh::refresh(&self.issuer, &request, now, &random::bytes()?).await
    }

    /// Polls.
    pub(crate) async fn validate(
        &self,
        issued: &Issued,
        activity: Activity,
        now: UnixMillis,
    ) -> Result<Session, SessionError> {
        validate(&self.verifier, &issued.access.text, activity, now).await
    }

    /// Logs out with a refresh token.
    pub(crate) async fn logout(&self, issued: &Issued, now: UnixMillis) -> Result<(), SessionError> {
        let presented = Presented { refresh_tokens: vec![token(issued)], ..Presented::default() };
        end::logout(&self.issuer, &presented, now).await
    }

    /// Ends all sessions of a user.
    pub(crate) async fn end_all(&self, issued: &Issued, now: UnixMillis) -> Result<usize, SessionError> {
        end::end_many(&self.verifier, &issued.access.text, Scope::All, now).await
    }

    /// The sessions of a user that are live.
    pub(crate) async fn live(&self, issued: &Issued, now: UnixMillis) -> Outcome<Vec<SessionId>> {
        let sessions = self.issuer.table.user_sessions(issued.session.subject).await?.sessions;
        Ok(sessions.iter().filter(|session| session.is_live(now)).map(|session| session.id).collect())
    }
}

/// The refresh token that was issued.
pub(crate) fn token(issued: &Issued) -> &str {
    issued.refresh.expose_secret()
}

/// The token of the stored credential that was issued.
pub(crate) fn reconnect_token(issued: &Issued) -> &str {
    match &issued.stored {
        Stored::Token { token, .. } => token.expose_secret(),
        Stored::Unchanged | Stored::Forgotten => "",
    }
}

fn nonces(keys: &[&str]) -> Result<(Nonce, Vec<Nonce>), SessionError> {
    let nonces = keys.iter().filter_map(|key| Nonce::parse(&format!("{key:-<16}")));
    Ok(Nonce::first_of(nonces.collect(), random::bytes)?)
}

/// Why a session had ended, and whether a stored credential may open the next.
pub(crate) fn ended(result: &Result<Issued, SessionError>) -> Option<(EndReason, bool)> {
    match result {
        Err(SessionError::Ended(ended)) => Some((ended.reason, ended.reconnect_allowed)),
        _ => None,
    }
}

/// The wire name of what went wrong, with its reason where it has one.
pub(crate) fn code<T>(result: &Result<T, SessionError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(SessionError::Ended(ended)) => ended.reason.as_str().to_owned(),
        Err(error) => format!("{error:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
    }
}

fn proof(name: &str) -> Outcome<(Username, Password)> {
    Ok((Username::parse(name)?, Password::parse(format!("password of {name}").into())?))
}

/// A master secret made of these names.
pub(crate) fn secret(current: &str, previous: &[&str]) -> String {
    let filled = |name: &str| format!("{name:x<64}");
    let previous: Vec<String> = previous.iter().map(|name| filled(name)).collect();
    serde_json::json!({ "current": filled(current), "previous": previous }).to_string()
}
