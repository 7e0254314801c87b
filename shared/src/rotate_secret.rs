//! Rotation of the master secret, in the four steps that Secrets Manager asks for.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html>

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::{
    access_token::{AccessTokens, SelfTestFailed},
    error::Fault,
    keys::{DerivationFailed, KeyRing},
    master_secret::{MasterSecret, MasterSecretError, is_pem},
    policy::SessionPolicy,
    report,
    secret_source::{SecretSourceError, SecretVersion, SecretVersions},
    unix_time::UnixMillis,
};

/// From the making of a version to the last time that a process signs with the one before it: the steps that follow, and
/// then some minutes until everybody has looked again. An hour leaves room for steps that are tried again.
const MARGIN: Duration = Duration::from_hours(1);

/// What is asked for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Step {
    /// Make the new version.
    #[serde(rename = "createSecret")]
    Create,
    /// Tell it to the service that it opens. There is none: every function reads the secret itself.
    #[serde(rename = "setSecret")]
    Set,
    /// See that it works.
    #[serde(rename = "testSecret")]
    Test,
    /// Take it into use.
    #[serde(rename = "finishSecret")]
    Finish,
}

/// One step of one rotation, as Secrets Manager asks for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotation {
    /// The step.
    pub step: Step,
    /// The ARN of the secret.
    pub secret_id: String,
    /// The name of the version that is to take the place of the one in use.
    pub client_request_token: String,
}

/// Why a step was not done. Secrets Manager tries again; the version in use goes on.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// It is about a secret that is not ours.
    #[error("the event names another secret")]
    AnotherSecret,
    /// Something made under the previous secret may still be alive, and a rotation forgets that secret.
    #[error("what was made under the previous secret is needed for {} more hours", .for_another.as_secs().div_ceil(3600))]
    TooSoon {
        /// How long.
        for_another: Duration,
    },
    /// The version was not made, or was not made from the one in use.
    #[error("the new version does not continue the one in use")]
    NotContinued,
    /// The secret cannot be had, or is not usable.
    #[error(transparent)]
    Secret(#[from] SecretSourceError),
    /// No keys follow from the new secret.
    #[error(transparent)]
    Derivation(#[from] DerivationFailed),
    /// The new keys do not work.
    #[error(transparent)]
    SelfTest(#[from] SelfTestFailed),
}

/// Does one step; done twice, it changes nothing more.
///
/// # Errors
/// [`RotationError`], after which everything goes on as before.
pub async fn rotate_secret(
    versions: &SecretVersions,
    (policy, access): (&SessionPolicy, &AccessTokens),
    rotation: &Rotation,
    fresh: &[u8; 48],
    now: UnixMillis,
) -> Result<(), RotationError> {
    let id = rotation.client_request_token.as_str();
    if !versions.are_of(&rotation.secret_id) {
        return Err(RotationError::AnotherSecret);
    }
    match rotation.step {
        Step::Create if versions.get(id).await?.is_some() => Ok(()),
        Step::Create => {
            let current = versions.current().await?;
            may_follow(&current, policy, now)?;
            Ok(versions.prepare(id, &MasterSecret::successor(&current.text, fresh)?).await?)
        }
        Step::Set => Ok(()),
        Step::Test => {
            let ring = KeyRing::derive(&pending(versions, &versions.current().await?, id).await?)?;
            Ok(access.self_test(ring.signing(), now)?)
        }
        Step::Finish => {
            let current = versions.current().await?;
            if current.id == id {
                return Ok(());
            }
            pending(versions, &current, id).await?;
            versions.replace(&current.id, id).await?;
            report::secret_rotated();
            Ok(())
        }
    }
}

/// Whether nothing is alive any more that was made under the secret that the next version forgets.
fn may_follow(current: &SecretVersion, policy: &SessionPolicy, now: UnixMillis) -> Result<(), RotationError> {
    let needed = policy.absolute_timeout.max(policy.reconnect_ttl) + MARGIN;
    let for_another = needed.saturating_sub(now.since(current.created_at));
    let forgets = !MasterSecret::parse(&current.text)?.previous.iter().all(|secret| is_pem(secret.expose_secret()));
    if forgets && !for_another.is_zero() { Err(RotationError::TooSoon { for_another }) } else { Ok(()) }
}

/// The new version, which verifies what the version in use signed.
async fn pending(versions: &SecretVersions, current: &SecretVersion, id: &str) -> Result<MasterSecret, RotationError> {
    let pending = versions.get(id).await?.ok_or(RotationError::NotContinued)?;
    let (secret, current) = (MasterSecret::parse(&pending.text)?, MasterSecret::parse(&current.text)?);
    if secret.continues(&current) { Ok(secret) } else { Err(RotationError::NotContinued) }
}

impl From<MasterSecretError> for RotationError {
    fn from(error: MasterSecretError) -> Self {
        Self::Secret(error.into())
    }
}

impl From<Fault> for RotationError {
    fn from(fault: Fault) -> Self {
        Self::Secret(fault.into())
    }
}
