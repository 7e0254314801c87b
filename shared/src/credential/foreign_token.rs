//! Tokens that others signed (JWT, RFC 7519): what holds for each of them, whoever it was.
//!
//! The library's defaults accept a missing audience, ignore `typ`, `crit` and `nbf` and read the clock. Here it verifies
//! the signature, and nothing else; the rules about claims stand in this project.

use std::time::Duration;

use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::unix_time::UnixMillis;

/// Characters of a user's name at the issuer (OpenID Connect Core 2: at most 255).
const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=255;

/// Why a token is not accepted: for logs, never for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Longer than any that is looked at.
    #[error("it is too long")]
    TooLong,
    /// Not a JWT in compact form.
    #[error("it is not a JWT")]
    Malformed,
    /// It has a `crit` header, and no extension is understood (RFC 7515 4.1.11).
    #[error("it requires an extension")]
    Critical,
    /// Its `typ` is that of another kind of token (RFC 8725 3.11).
    #[error("it is of another type")]
    Type,
    /// Its `alg` is not among those of its issuer.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// Its `iss` is not the one that is expected.
    #[error("its issuer is not accepted")]
    Issuer,
    /// No key of its issuer has its `kid`, or it has none and the choice is not clear.
    #[error("its issuer has no such key")]
    Key,
    /// The key that it names did not sign it.
    #[error("its signature is wrong")]
    Signature,
    /// A required claim is missing, or a claim is not of its type.
    #[error("its claims are incomplete or of the wrong type")]
    Claims,
    /// It was made for somebody else.
    #[error("its audience is not accepted")]
    Audience,
    /// It was issued to somebody else.
    #[error("its authorized party is not accepted")]
    AuthorizedParty,
    /// It names nobody, or in a way that cannot be a name.
    #[error("its subject cannot be a name")]
    Subject,
    /// It answers another sign-in than this one.
    #[error("its nonce is not the one expected")]
    Nonce,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not begun.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It claims to live longer than any such token does.
    #[error("it lives too long")]
    Lifetime,
}

/// Seconds since the epoch, with or without a fraction (RFC 7519 2). Negative ones are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Number")]
pub(super) struct NumericDate(pub(super) UnixMillis);

/// The claim `aud`: a text, or a list of them (RFC 7519 4.1.3).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<serde_json::Number> for NumericDate {
    type Error = Flaw;

    fn try_from(seconds: serde_json::Number) -> Result<Self, Flaw> {
        let whole = seconds.as_u64().map(Duration::from_secs);
        let since_epoch = whole.or_else(|| Duration::try_from_secs_f64(seconds.as_f64()?).ok()).ok_or(Flaw::Claims)?;
        Ok(Self(UnixMillis::from_millis(0).after(since_epoch)))
    }
}

impl Audience {
    pub(super) fn members(&self) -> &[String] {
        match self {
            Self::One(member) => std::slice::from_ref(member),
            Self::Several(members) => members,
        }
    }
}

/// Whether this can be the name that an issuer has for a user.
pub(super) fn is_name(text: &str) -> bool {
    NAME_CHARACTERS.contains(&text.chars().count())
}

/// Looks at length and header. Keys that the header embeds or points to (`jwk`, `jku`, `x5c`, `x5u`) are never used.
pub(super) fn header(token: &str, longest: usize) -> Result<Header, Flaw> {
    if token.len() > longest {
        return Err(Flaw::TooLong);
    }
    let header = decode_header(token).map_err(|_| Flaw::Malformed)?;
    if header.crit.is_some() {
        return Err(Flaw::Critical);
    }
    // Media types are compared without regard to case (RFC 7519 5.1).
    if header.typ.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) {
        return Err(Flaw::Type);
    }
    Ok(header)
}

/// The claims, if `key` signed them with `algorithm`; none of them is checked.
pub(super) fn verified<Claims: DeserializeOwned>(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<Claims, Flaw> {
    let mut validation = Validation::new(algorithm);
    // It takes a claim that it cannot read for one that is not there, and its clock is not the request's.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    decode::<Claims>(token, key, &validation).map(|token| token.claims).map_err(|error| flaw(&error))
}

fn flaw(error: &Error) -> Flaw {
    match error.kind() {
        ErrorKind::InvalidAlgorithm => Flaw::Algorithm,
        ErrorKind::InvalidSignature => Flaw::Signature,
        // The header was read before, so this is about the claims.
        ErrorKind::Json(_) => Flaw::Claims,
        _ => Flaw::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_number_of_seconds_with_or_without_a_fraction_and_not_negative() {
        for (json, at) in [
            ("1795255200", Some(1_795_255_200_000)),
            ("1795255200.25", Some(1_795_255_200_250)),
            ("1.7952552e9", Some(1_795_255_200_000)),
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("-0.5", None),
            ("1e30", None),
            ("\"1795255200\"", None),
            ("null", None),
            ("true", None),
            ("[1795255200]", None),
        ] {
            let read = serde_json::from_str::<NumericDate>(json).ok().map(|date| date.0.as_millis());
            assert_eq!(read, at, "{json}");
        }
    }

    #[test]
    fn an_audience_is_a_text_or_a_list_of_texts() {
        for (json, members) in [
            (r#""a""#, Some(vec!["a"])),
            (r#"["a","b"]"#, Some(vec!["a", "b"])),
            ("[]", Some(vec![])),
            ("5", None),
            ("null", None),
            (r#"["a",5]"#, None),
            (r#"{"a":"a"}"#, None),
        ] {
            let read = serde_json::from_str::<Audience>(json).ok();
            assert_eq!(
                read.as_ref().map(Audience::members),
                members.as_deref().map(|m| m.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_name_has_1_to_255_characters() {
        for (length, is) in [(0, false), (1, true), (255, true), (256, false)] {
            assert_eq!(is_name(&"é".repeat(length)), is, "{length}");
        }
    }
}
