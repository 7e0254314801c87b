//! Secrets Manager's rotation function: replaces the master secret, one step an event.

use serde::Deserialize;
use session::{
    access_token::AccessTokens,
    issuer::StartError,
    policy::SessionPolicy,
    random::{self, RandomUnavailable},
    rotate_secret::{RotationError, Step, rotate_secret},
    secret_source::SecretVersions,
    settings::Variables,
    unix_time::UnixMillis,
};

/// What the function needs for its whole life.
#[derive(Debug)]
pub struct App {
    policy: SessionPolicy,
    access: AccessTokens,
    versions: SecretVersions,
}

/// What Secrets Manager sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationEvent {
    step: Step,
    secret_id: String,
    client_request_token: String,
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The event is about a secret that is not ours.
    #[error("the event names another secret")]
    AnotherSecret,
    /// There is nothing to make a secret of.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
    /// The step failed.
    #[error(transparent)]
    Rotation(#[from] RotationError),
}

impl App {
    /// Reads settings.
    ///
    /// # Errors
    /// [`StartError`] when one is missing or not readable.
    #[expect(clippy::unused_async, reason = "every function starts in the same way")]
    pub async fn start(variables: &Variables, _: UnixMillis) -> Result<Self, StartError> {
        let policy = SessionPolicy::parse(variables)?;
        let access = AccessTokens::from_settings(variables, policy.access_ttl)?;
        Ok(Self { policy, access, versions: SecretVersions::from_settings(variables)? })
    }
}

/// Does one step.
///
/// # Errors
/// [`Failed`], which tells Secrets Manager to try again later.
pub async fn handle(app: &App, event: RotationEvent) -> Result<(), Failed> {
    if !app.versions.are_of(&event.secret_id) {
        return Err(Failed::AnotherSecret);
    }
    let asked = (event.step, event.client_request_token.as_str());
    Ok(rotate_secret(&app.versions, (&app.policy, &app.access), asked, &random::bytes()?, UnixMillis::now()).await?)
}
