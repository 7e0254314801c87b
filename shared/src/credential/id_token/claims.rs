//! What an ID token must say (OpenID Connect Core 2 and 3.1.3.7).

use std::time::Duration;

use serde::Deserialize;

use super::configured::Configured;
use crate::{
    credential::foreign_token::{Audience, Flaw, NumericDate, is_name},
    unix_time::UnixMillis,
};

/// How far the issuer's clock may be from ours, either way: it is a machine of somebody else.
const LEEWAY: Duration = Duration::from_secs(60);

/// The longest remaining life. The issuers in use allow up to 30 days; a token's record of use is kept as long as it lives.
const LONGEST_LIFE: Duration = Duration::from_hours(31 * 24);

/// The claims that are looked at. Those without `Option` are required; a null counts as absent.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    pub(super) sub: String,
    aud: Audience,
    exp: NumericDate,
    iat: NumericDate,
    nbf: Option<NumericDate>,
    azp: Option<String>,
    nonce: Option<String>,
}

impl Claims {
    /// Compares every claim with the configuration, the request and its instant.
    pub(super) fn check(&self, configured: &Configured, nonce: Option<&str>, now: UnixMillis) -> Result<(), Flaw> {
        if self.iss != configured.issuer {
            return Err(Flaw::Issuer);
        }
        let ours = |audience: &String| configured.audiences.contains(audience);
        let audiences = self.aud.members();
        if !audiences.iter().any(ours) {
            return Err(Flaw::Audience);
        }
        match &self.azp {
            Some(party) if !ours(party) => return Err(Flaw::AuthorizedParty),
            // Shared with others: only azp tells who asked for it.
            None if audiences.len() > 1 => return Err(Flaw::AuthorizedParty),
            Some(_) | None => {}
        }
        if !is_name(&self.sub) {
            return Err(Flaw::Subject);
        }
        if nonce.is_some_and(|expected| self.nonce.as_deref() != Some(expected)) {
            return Err(Flaw::Nonce);
        }
        let begins_by = now.after(LEEWAY);
        if self.iat.0 > begins_by || self.nbf.is_some_and(|nbf| nbf.0 > begins_by) {
            return Err(Flaw::NotYetValid);
        }
        if now >= self.accepted_until() {
            return Err(Flaw::Expired);
        }
        if self.exp.0 > now.after(LONGEST_LIFE) { Err(Flaw::Lifetime) } else { Ok(()) }
    }

    /// The first instant at which the token is refused.
    pub(super) fn accepted_until(&self) -> UnixMillis {
        self.exp.0.after(LEEWAY)
    }
}

#[cfg(test)]
mod tests;
