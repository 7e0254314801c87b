//! Secrets Manager's rotation function: replaces the master secret, one step an event.

use serde_json::value::RawValue;
use session::{
    access_token::AccessTokens,
    invocation::Invocation,
    issuer::StartError,
    policy::SessionPolicy,
    random::{self, RandomUnavailable},
    report,
    rotate_secret::{Rotation, RotationError, rotate_secret},
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

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The event is not a step of a rotation.
    #[error("the event is not a step of a rotation")]
    NotARotation,
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
pub async fn handle(app: &App, event: &RawValue, _: &Invocation<'_>) -> Result<(), Failed> {
    let done = step(app, event).await;
    if let Err(error) = &done {
        report::rotation_failed(error);
    }
    done
}

async fn step(app: &App, event: &RawValue) -> Result<(), Failed> {
    let rotation: Rotation = serde_json::from_str(event.get()).map_err(|_| Failed::NotARotation)?;
    let fresh = random::bytes()?;
    Ok(rotate_secret(&app.versions, (&app.policy, &app.access), &rotation, &fresh, UnixMillis::now()).await?)
}
