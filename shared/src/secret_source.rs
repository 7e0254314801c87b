//! Where the master secret is kept; the only module that names the Secrets Manager SDK.

use aws_sdk_secretsmanager::{Client, config::Builder};
use secrecy::SecretString;

use crate::{
    aws,
    error::Fault,
    master_secret::{MasterSecret, MasterSecretError},
    settings::{SettingError, Variables},
};

/// Where the master secret is read.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// The setting `SESSION_SECRET`, on one machine; it cannot change while the process runs.
    Fixed(SecretString),
    /// AWS Secrets Manager, at `SESSION_SECRET_ARN`; a rotation changes it under a running process.
    SecretsManager {
        /// The client to ask with.
        client: Client,
        /// The ARN of the secret.
        arn: String,
    },
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
        let arn = variables.required("SESSION_SECRET_ARN")?.to_owned();
        let mut config = Builder::from(&aws::config(variables)?);
        config.set_endpoint_url(variables.get("AWS_ENDPOINT_URL_SECRETS_MANAGER").map(str::to_owned));
        Ok(Self::SecretsManager { client: Client::from_conf(config.build()), arn })
    }

    /// Reads the secret as it is now.
    ///
    /// # Errors
    /// [`SecretSourceError`] when it cannot be had or is not usable.
    pub async fn read(&self) -> Result<MasterSecret, SecretSourceError> {
        let json = match self {
            Self::Fixed(json) => json.clone(),
            Self::SecretsManager { client, arn } => {
                let answer = client.get_secret_value().secret_id(arn).send().await;
                let value = answer.map_err(|error| Fault::of_sdk("GetSecretValue", &error))?;
                value.secret_string.ok_or(MasterSecretError::Malformed)?.into()
            }
        };
        Ok(MasterSecret::parse(&json)?)
    }

    /// Whether another read may give another secret.
    #[must_use]
    pub fn can_change(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::SecretsManager { .. } => true,
        }
    }
}
