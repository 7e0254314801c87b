//! ID tokens of OpenID Connect issuers (OpenID Connect Core 1.0).
//!
//! Issuers, audiences, algorithms and where the keys are come from the configuration, never from the token. Its `iss`
//! only chooses among the configured issuers, so a token can make no request go anywhere else.

mod claims;
mod configured;
mod fetch;
mod key_cache;
mod key_set;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde::Deserialize;

use self::{
    claims::Claims,
    configured::Configured,
    fetch::Http,
    key_cache::{KeyCache, Wanted},
};
use super::foreign_token::{self, Flaw};
use crate::{
    identity::SubjectId,
    settings::{SettingError, Variables},
    sha256::sha256,
    unix_time::UnixMillis,
};

/// Longest token that is looked at: half of the largest body. Those with many groups have a few KiB.
const LONGEST: usize = 8 * 1024;

/// The issuers whose ID tokens are accepted, and their keys.
#[derive(Debug)]
pub struct IdTokens {
    issuers: Vec<Issuer>,
    http: Http,
}

#[derive(Debug)]
struct Issuer {
    configured: Configured,
    keys: KeyCache,
}

/// What an accepted token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedIdToken {
    /// Whose it is: issuer and `sub` together, never an e-mail address.
    pub subject: SubjectId,
    /// The name of its record of use: SHA-256 of the header and claims that were signed, base64url. The signature is left
    /// out, because whoever has an ECDSA signature can make a second valid one of it.
    pub digest: String,
    /// When it stops being accepted, leeway included: until then its record of use is needed.
    pub expires_at: UnixMillis,
}

/// Why an ID token opens no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenRefused {
    /// It is not genuine, not for us, or its time is over.
    #[error("the ID token is rejected: {cause}")]
    Rejected {
        /// For logs, never for clients.
        cause: Flaw,
    },
    /// Its issuer's keys could not be fetched, so nothing is known about it. Worth another try.
    #[error("the keys of the ID token's issuer cannot be fetched: {cause}")]
    Unreachable {
        /// For logs, never for clients: the issuer as configured, and what went wrong.
        cause: String,
    },
}

impl From<Flaw> for IdTokenRefused {
    fn from(cause: Flaw) -> Self {
        Self::Rejected { cause }
    }
}

impl IdTokens {
    /// Reads `OIDC_ISSUERS`; `None` when it is not set. No request is made before the first token.
    ///
    /// # Errors
    /// [`SettingError`] when it is not complete or not safe, or `CONNECT_CA_FILE` cannot be read.
    pub fn from_settings(variables: &Variables) -> Result<Option<Self>, SettingError> {
        let Some(issuers) = configured::issuers(variables)? else { return Ok(None) };
        let issuers = issuers.into_iter().map(|configured| Issuer { configured, keys: KeyCache::default() }).collect();
        Ok(Some(Self { issuers, http: Http::from_settings(variables)? }))
    }

    /// Checks header, signature and every claim at `now`; a `nonce` that is given must be the token's.
    ///
    /// Takes up to 3 s when the issuer's keys have to be fetched.
    ///
    /// # Errors
    /// [`IdTokenRefused`], which says whether another try can help.
    pub async fn verify(
        &self,
        token: &str,
        nonce: Option<&str>,
        now: UnixMillis,
    ) -> Result<VerifiedIdToken, IdTokenRefused> {
        #[derive(Deserialize)]
        struct Claimed {
            iss: String,
        }
        let header = foreign_token::header(token, LONGEST)?;
        let claimed: Claimed = insecure_decode_claims(token).map_err(|_| Flaw::Issuer)?;
        let named = |issuer: &&Issuer| issuer.configured.issuer == claimed.iss;
        let Issuer { configured, keys } = self.issuers.iter().find(named).ok_or(Flaw::Issuer)?;
        if !configured.algorithms.contains(&header.alg) {
            return Err(Flaw::Algorithm.into());
        }
        let wanted = Wanted { algorithm: header.alg, kid: header.kid.as_deref() };
        let key = keys.get(configured, &self.http, wanted, now).await?;
        let claims: Claims = foreign_token::verified(token, header.alg, &key)?;
        claims.check(configured, nonce, now)?;
        let (signed, _) = token.rsplit_once('.').ok_or(Flaw::Malformed)?;
        Ok(VerifiedIdToken {
            subject: SubjectId::of("idToken", &configured.issuer, &claims.sub),
            digest: URL_SAFE_NO_PAD.encode(sha256(&[signed.as_bytes()])),
            expires_at: claims.accepted_until(),
        })
    }
}

#[cfg(test)]
mod tests;
