//! How an issuer's keys are fetched: from addresses of the configuration only, in bounded time and size.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    configured::{Configured, KeysAt, is_loopback, is_secure},
    key_set::KeySet,
};
use crate::{
    settings::{SettingError, Variables},
    tls,
};

/// A whole request, from connecting to the last byte. Discovery takes two of them, and the user waits.
const TIME_OUT: Duration = Duration::from_millis(1500);

/// Bytes of an answer. Key sets of large issuers have about 10 KiB.
const LARGEST: usize = 64 * 1024;

/// A connection serves discovery and keys. Past that, a server may have closed it while the function was frozen.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// What fetches.
#[derive(Debug)]
pub(super) struct Http(Client);

/// Why keys could not be fetched. Nothing that the server sent is part of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("no answer")]
    Request(#[source] reqwest::Error),
    #[error("answered with status {0}")]
    Status(StatusCode),
    #[error("answered with more than {LARGEST} bytes")]
    TooLarge,
    #[error("answered with something else than was asked for")]
    Unreadable(#[source] serde_json::Error),
    #[error("describes another issuer than itself")]
    OtherIssuer,
    #[error("names an address for its keys that is not secure")]
    InsecureAddress,
}

/// The part of an issuer's description (OpenID Connect Discovery 3) that is used.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl Http {
    pub(super) fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(variables)?)
            // A redirect could lead anywhere, our own network included.
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIME_OUT)
            .pool_idle_timeout(IDLE_CONNECTION)
            .build()
            .map_err(|_| SettingError::invalid("OIDC_ISSUERS", "cannot be used with this HTTP library"))?;
        Ok(Self(client))
    }

    /// The issuer's keys of this moment.
    pub(super) async fn keys(&self, configured: &Configured) -> Result<KeySet, FetchError> {
        match &configured.keys_at {
            KeysAt::Known(address) => self.json(address.clone()).await,
            KeysAt::Discovered(address) => {
                let description: Description = self.json(address.clone()).await?;
                // Whoever can serve a file at that address could name the keys of any issuer (Discovery 4.3).
                if description.issuer != configured.issuer {
                    return Err(FetchError::OtherIssuer);
                }
                let keys = Url::parse(&description.jwks_uri).map_err(|_| FetchError::InsecureAddress)?;
                // On Lambda, loopback is the runtime's own API: only an issuer that is there itself may point to it.
                if is_secure(&keys) || (is_loopback(&keys) && is_loopback(address)) {
                    self.json(keys).await
                } else {
                    Err(FetchError::InsecureAddress)
                }
            }
        }
    }

    async fn json<T: DeserializeOwned>(&self, address: Url) -> Result<T, FetchError> {
        let no_answer = |error: reqwest::Error| FetchError::Request(error.without_url());
        let mut response = self.0.get(address).send().await.map_err(no_answer)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if body.len().saturating_add(chunk.len()) > LARGEST {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(FetchError::Unreadable)
    }
}
