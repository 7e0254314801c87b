//! The versions of the master secret in Secrets Manager, while one takes the place of another.

use aws_sdk_secretsmanager::{
    Client,
    config::Builder,
    operation::{
        get_secret_value::{GetSecretValueError, GetSecretValueOutput},
        put_secret_value::PutSecretValueError,
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::SecretSourceError;
use crate::{
    aws,
    error::Fault,
    master_secret::MasterSecretError,
    settings::{SettingError, Variables},
    unix_time::UnixMillis,
};

/// The stage of the version that functions read.
const CURRENT: &str = "AWSCURRENT";

/// The stage of the version that a rotation prepares.
const PENDING: &str = "AWSPENDING";

/// The versions of one secret.
#[derive(Clone, Debug)]
pub struct SecretVersions {
    client: Client,
    arn: String,
}

/// One version.
#[derive(Debug)]
pub struct SecretVersion {
    /// Its name: the `ClientRequestToken` of the rotation that made it.
    pub id: String,
    /// When it was made; for the version in use, when the one before went out of use.
    pub created_at: UnixMillis,
    /// The JSON text.
    pub text: SecretString,
}

impl SecretVersions {
    /// The versions of the secret at `SESSION_SECRET_ARN`.
    ///
    /// # Errors
    /// [`SettingError`] when it is not set, or AWS cannot be reached with these settings.
    pub fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        let arn = variables.required("SESSION_SECRET_ARN")?.to_owned();
        let mut config = Builder::from(&aws::config(variables)?);
        config.set_endpoint_url(variables.get("AWS_ENDPOINT_URL_SECRETS_MANAGER").map(str::to_owned));
        Ok(Self { client: Client::from_conf(config.build()), arn })
    }

    /// Whether `arn` is this secret's.
    #[must_use]
    pub fn are_of(&self, arn: &str) -> bool {
        self.arn == arn
    }

    /// The version in use.
    ///
    /// # Errors
    /// [`SecretSourceError`] when it cannot be had.
    pub async fn current(&self) -> Result<SecretVersion, SecretSourceError> {
        let request = self.client.get_secret_value().secret_id(&self.arn).version_stage(CURRENT);
        let answer = request.send().await.map_err(|error| Fault::of_sdk("GetSecretValue", &error))?;
        version(answer)
    }

    /// The version of that name; nothing if it was not made yet.
    ///
    /// # Errors
    /// [`SecretSourceError`] when that cannot be found out.
    pub async fn get(&self, id: &str) -> Result<Option<SecretVersion>, SecretSourceError> {
        match self.client.get_secret_value().secret_id(&self.arn).version_id(id).send().await {
            Ok(answer) => version(answer).map(Some),
            Err(error)
                if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(Fault::of_sdk("GetSecretValue", &error).into()),
        }
    }

    /// Makes the version of that name, not in use yet. If it is there already, what it says stands.
    ///
    /// # Errors
    /// [`Fault`] when Secrets Manager does not take it.
    pub async fn prepare(&self, id: &str, text: &SecretString) -> Result<(), Fault> {
        let request = self.client.put_secret_value().secret_id(&self.arn).client_request_token(id);
        match request.secret_string(text.expose_secret()).version_stages(PENDING).send().await {
            // A request of ours whose answer was lost: a version is never written twice.
            Err(error) if error.as_service_error().is_some_and(PutSecretValueError::is_resource_exists_exception) => {
                Ok(())
            }
            answer => answer.map(drop).map_err(|error| Fault::of_sdk("PutSecretValue", &error)),
        }
    }

    /// Takes one version into use in place of another, in one step.
    ///
    /// # Errors
    /// [`Fault`] when Secrets Manager does not do it, for example because `from` is not in use any more.
    pub async fn replace(&self, from: &str, to: &str) -> Result<(), Fault> {
        let request = self.client.update_secret_version_stage().secret_id(&self.arn).version_stage(CURRENT);
        let answer = request.remove_from_version_id(from).move_to_version_id(to).send().await;
        answer.map(drop).map_err(|error| Fault::of_sdk("UpdateSecretVersionStage", &error))
    }
}

fn version(answer: GetSecretValueOutput) -> Result<SecretVersion, SecretSourceError> {
    let created_at = answer.created_date.and_then(|date| u64::try_from(date.to_millis().ok()?).ok());
    let (Some(id), Some(created_at), Some(text)) = (answer.version_id, created_at, answer.secret_string) else {
        return Err(MasterSecretError::Malformed.into());
    };
    Ok(SecretVersion { id, created_at: UnixMillis::from_millis(created_at), text: text.into() })
}
