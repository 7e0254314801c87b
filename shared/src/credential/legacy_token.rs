//! Tokens of the system that was there before (JWT, HS256), exchanged for sessions until a date.
//!
//! Whoever holds the old secret can sign as any of its users; that is why there is a date.

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    foreign_token::{self, Audience, Flaw, NumericDate, is_name},
    password::Username,
};
use crate::{
    identity::SubjectId,
    settings::{SettingError, Variables},
    unix_time::UnixMillis,
};

/// Longest token that is looked at.
const LONGEST: usize = 4096;

/// Which old tokens are accepted, and for whom they stand.
#[derive(Clone, Debug)]
pub struct LegacyTokens {
    issuer: String,
    audience: String,
    subject_claim: String,
    until: UnixMillis,
    stands_for: StandsFor,
}

/// Who the user is that an old token names.
#[derive(Clone, Copy, Debug)]
enum StandsFor {
    /// A user of the old system, who has no other name here.
    OldUser,
    /// The user who registers here with that username.
    Username,
}

/// Why an old token opens no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegacyTokenRefused {
    /// The date is over; no token is looked at any more.
    #[error("tokens of the old system are no longer exchanged")]
    Over,
    /// It is not genuine, not for us, or its time is over.
    #[error("the token of the old system is rejected: {cause}")]
    Rejected {
        /// For logs, never for clients.
        cause: Flaw,
    },
}

impl From<Flaw> for LegacyTokenRefused {
    fn from(cause: Flaw) -> Self {
        Self::Rejected { cause }
    }
}

/// The claims whose names are not a setting.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: NumericDate,
    nbf: Option<NumericDate>,
}

impl LegacyTokens {
    /// Reads the settings `LEGACY_JWT_…`; `None` when `LEGACY_JWT_UNTIL` is not set.
    ///
    /// # Errors
    /// [`SettingError`] when one of them is missing or cannot be read.
    pub fn from_settings(variables: &Variables) -> Result<Option<Self>, SettingError> {
        const UNTIL: &str = "LEGACY_JWT_UNTIL";
        const KIND: &str = "LEGACY_JWT_KIND";
        let Some(until) = variables.get(UNTIL) else { return Ok(None) };
        let until = UnixMillis::parse_rfc3339(until)
            .map_err(|_| SettingError::invalid(UNTIL, "must be an instant in UTC such as 2027-01-31T00:00:00Z"))?;
        let stands_for = match variables.get(KIND) {
            None | Some("legacyToken") => StandsFor::OldUser,
            Some("password") => StandsFor::Username,
            Some(_) => return Err(SettingError::invalid(KIND, "takes legacyToken and password")),
        };
        Ok(Some(Self {
            issuer: variables.required("LEGACY_JWT_ISSUER")?.to_owned(),
            audience: variables.required("LEGACY_JWT_AUDIENCE")?.to_owned(),
            subject_claim: variables.get("LEGACY_JWT_SUBJECT_CLAIM").unwrap_or("sub").to_owned(),
            until,
            stands_for,
        }))
    }

    /// Whether no token is exchanged any more.
    #[must_use]
    pub fn is_over(&self, now: UnixMillis) -> bool {
        now >= self.until
    }

    /// Checks header, signature and claims at `now`. There is no leeway: these tokens were made long ago.
    ///
    /// # Errors
    /// [`LegacyTokenRefused`].
    pub fn verify(&self, secret: &SecretString, token: &str, now: UnixMillis) -> Result<SubjectId, LegacyTokenRefused> {
        if self.is_over(now) {
            return Err(LegacyTokenRefused::Over);
        }
        foreign_token::header(token, LONGEST)?;
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        let all: Map<String, Value> = foreign_token::verified(token, Algorithm::HS256, &key)?;
        let name = name(all.get(&self.subject_claim).ok_or(Flaw::Claims)?)?;
        let claims: Claims = serde_json::from_value(Value::Object(all)).map_err(|_| Flaw::Claims)?;
        if claims.iss != self.issuer {
            return Err(Flaw::Issuer.into());
        }
        if !claims.aud.members().contains(&self.audience) {
            return Err(Flaw::Audience.into());
        }
        if claims.nbf.is_some_and(|nbf| now < nbf.0) {
            return Err(Flaw::NotYetValid.into());
        }
        if now >= claims.exp.0 {
            return Err(Flaw::Expired.into());
        }
        match self.stands_for {
            StandsFor::OldUser => Ok(SubjectId::of("legacyToken", &self.issuer, &name)),
            StandsFor::Username => Ok(Username::parse(&name).map_err(|_| Flaw::Subject)?.subject()),
        }
    }
}

/// A text, or the decimal digits of a whole number: old systems often have numbers for users.
fn name(claim: &Value) -> Result<String, Flaw> {
    let name = match claim {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err(Flaw::Claims);
        }
    };
    if is_name(&name) { Ok(name) } else { Err(Flaw::Subject) }
}

#[cfg(test)]
mod tests;
