//! Where the master secret is kept; the only module that names the Secrets Manager SDK.

mod versions;

use secrecy::SecretString;

use crate::{
    error::Fault,
    master_secret::{MasterSecret, MasterSecretError},
    settings::{SettingError, Variables},
};

pub use versions::{SecretVersion, SecretVersions};

/// Where the master secret is read.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// The setting `SESSION_SECRET`, on one machine; it cannot change while the process runs.
    Fixed(SecretString),
    /// AWS Secrets Manager, at `SESSION_SECRET_ARN`; a rotation changes it under a running process.
    SecretsManager(SecretVersions),
}

/// The master secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretSourceError {
    /// It was read and cannot be used.
    #[error(transparent)]
    Unusable(#[from] MasterSecretError),
    /// Secrets Manager did not give it.
    #[error(transparent)]
    Unreachable(#[from] Fault),
}

impl SecretSource {
    /// The source that the settings name.
    ///
    /// # Errors
    /// [`SettingError`] when neither setting is there, or AWS cannot be reached with these settings.
    pub fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        if let Some(secret) = variables.get("SESSION_SECRET") {
            return Ok(Self::Fixed(secret.into()));
        }
        SecretVersions::from_settings(variables).map(Self::SecretsManager)
    }

    /// Reads the secret as it is now.
    ///
    /// # Errors
    /// [`SecretSourceError`] when it cannot be had or is not usable.
    pub async fn read(&self) -> Result<MasterSecret, SecretSourceError> {
        let json = match self {
            Self::Fixed(json) => json.clone(),
            Self::SecretsManager(versions) => versions.current().await?.text,
        };
        Ok(MasterSecret::parse(&json)?)
    }

    /// Whether another read may give another secret.
    #[must_use]
    pub fn can_change(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::SecretsManager(_) => true,
        }
    }
}
