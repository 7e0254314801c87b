//! Access tokens: short-lived JWTs (RFC 7519) in the profile of RFC 9068, signed with Ed25519 (RFC 8037)
//! or, for verifiers that know nothing else, with RSA (`RS256`, RFC 7518 3.3).
//!
//! The library parses headers and verifies signatures. Its defaults for claims accept a missing audience, ignore `typ`,
//! `crit` and `nbf`, allow 60 s of leeway and read the clock. Here every claim of ours is required by its type, and every
//! instant is compared with the request's own.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header, crypto, dangerous::insecure_decode_claims, decode_header, encode};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    identity::{SessionId, SubjectId},
    keys::{Kid, PublicKey, SigningKey},
    settings::{SettingError, Variables},
    unix_time::UnixMillis,
};

/// The media type of an access token (RFC 9068 2.1): no other kind of JWT can stand in for one.
const TYPE: &str = "at+jwt";

/// Longest token that is looked at. Ours have about 500 bytes.
const LONGEST: usize = 4096;

/// How far ahead of ours the clock of the machine that signed may be. There is none for `exp`.
const LEEWAY: Duration = Duration::from_secs(10);

/// What an accepted token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose session it is: the claim `key` where there is one, else `sub`.
    pub subject: SubjectId,
    /// Which session it belongs to.
    pub sid: SessionId,
    /// The second in which it expires.
    exp: u64,
}

/// The claims as they stand in a token; all but `key` are required. A newer build may add others, which mean nothing here
/// (RFC 7519 4).
#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    /// The subject, or with a `key` beside it the id that somebody else gave the user.
    sub: String,
    /// The subject, where `sub` is not.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    key: Option<SubjectId>,
    sid: SessionId,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
}

/// How access tokens are made and what is accepted as one.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    issuer: String,
    audience: String,
    ttl: Duration,
}

/// A signed token and the end of its life.
pub struct AccessToken {
    /// The compact form (RFC 7515 7.1), for `Authorization: Bearer`.
    pub text: String,
    /// When it stops being accepted; the claim is this, rounded up to a second.
    pub expires_at: UnixMillis,
}

/// A token whose header is right; whether it is genuine is not known yet.
pub struct Unverified<'a> {
    text: &'a str,
    algorithm: Algorithm,
    kid: Kid,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not made here, or not for this.
    #[error("the token is not valid")]
    Invalid,
    /// It is genuine, and its time is over.
    #[error("the token has expired")]
    Expired,
}

/// The keys sign what they cannot verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing keys failed their self-test")]
pub struct SelfTestFailed;

impl AccessTokens {
    /// Reads issuer and audience from the settings.
    ///
    /// # Errors
    /// [`SettingError`] when one of them is missing.
    pub fn from_settings(variables: &Variables, ttl: Duration) -> Result<Self, SettingError> {
        let issuer = variables.required("SESSION_ISSUER")?.trim_end_matches('/').to_owned();
        Ok(Self { issuer, audience: variables.required("SESSION_AUDIENCE")?.to_owned(), ttl })
    }

    /// The address that the tokens name as their origin, without a slash at its end.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The life of a token.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Makes a token for a session, valid until its time is over or the session reaches its absolute limit.
    ///
    /// # Errors
    /// [`SelfTestFailed`] when the library cannot sign with these keys, which the start-up check rules out.
    pub(crate) fn sign(
        &self,
        key: &SigningKey,
        (subject, sid): (SubjectId, SessionId),
        absolute_limit: UnixMillis,
        now: UnixMillis,
        token_id: &[u8; 16],
    ) -> Result<AccessToken, SelfTestFailed> {
        let expires_at = now.after(self.ttl).min(absolute_limit);
        let claims = Payload {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.to_string(),
            key: None,
            sid,
            iat: now.floor_seconds(),
            nbf: now.floor_seconds(),
            exp: expires_at.ceil_seconds(),
            jti: URL_SAFE_NO_PAD.encode(token_id),
        };
        let text = encode(&header(key.public().algorithm(), key.public().kid()), &claims, key.private())
            .map_err(|_| SelfTestFailed)?;
        Ok(AccessToken { text, expires_at })
    }

    /// Checks the signature and every claim at `now`.
    ///
    /// # Errors
    /// [`Refused::Expired`] for a token that is genuine and over, [`Refused::Invalid`] for any other that is not accepted.
    pub fn verify(&self, token: &Unverified<'_>, key: &PublicKey, now: UnixMillis) -> Result<Claims, Refused> {
        let claims = self.verify_expired_too(token, key, now)?;
        if now.as_millis() < claims.exp.saturating_mul(1000) { Ok(claims) } else { Err(Refused::Expired) }
    }

    /// As [`Self::verify`], but takes a token whose time is over: enough to log out, and for nothing else.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for any token that is not accepted.
    pub fn verify_expired_too(
        &self,
        token: &Unverified<'_>,
        key: &PublicKey,
        now: UnixMillis,
    ) -> Result<Claims, Refused> {
        // The key decides, not the token: neither a signature of the other kind nor a public key taken for a secret.
        if token.algorithm != key.algorithm() {
            return Err(Refused::Invalid);
        }
        let (message, signature) = token.text.rsplit_once('.').ok_or(Refused::Invalid)?;
        let decoding = key.decoding().ok_or(Refused::Invalid)?;
        match crypto::verify(signature, message.as_bytes(), &decoding, key.algorithm()) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(Refused::Invalid),
        }
        let claims: Payload = insecure_decode_claims(token.text).map_err(|_| Refused::Invalid)?;
        let subject = claims.key.map_or_else(|| SubjectId::parse(&claims.sub), Ok).map_err(|_| Refused::Invalid)?;
        let ours = claims.iss == self.issuer && claims.aud == self.audience;
        let begins_by = now.after(LEEWAY).floor_seconds();
        // Rounding the start down and the end up can add up to two seconds.
        let longest = self.ttl.as_secs().saturating_add(2);
        let begun = claims.iat <= begins_by && claims.nbf <= begins_by;
        let ordered = claims.iat <= claims.exp && claims.exp.saturating_sub(claims.iat) <= longest;
        let accepted = ours && begun && ordered && !claims.jti.is_empty();
        if accepted { Ok(Claims { subject, sid: claims.sid, exp: claims.exp }) } else { Err(Refused::Invalid) }
    }

    /// Signs a token and verifies it, so that keys or a library that do not work stop the start and not a request.
    ///
    /// # Errors
    /// [`SelfTestFailed`] when the token does not come back as it was signed.
    pub(crate) fn self_test(&self, key: &SigningKey, now: UnixMillis) -> Result<(), SelfTestFailed> {
        let session = (SubjectId::of("self-test", "", ""), SessionId::new(now, &[0; 10]));
        let token = self.sign(key, session, now.after(self.ttl), now, &[0; 16])?;
        let unverified = Unverified::parse(&token.text).map_err(|_| SelfTestFailed)?;
        let claims = self.verify(&unverified, key.public(), now).map_err(|_| SelfTestFailed)?;
        if (claims.subject, claims.sid) == session { Ok(()) } else { Err(SelfTestFailed) }
    }
}

impl<'a> Unverified<'a> {
    /// Looks at length and header.
    ///
    /// # Errors
    /// [`Refused::Invalid`] for a header with anything in it but `alg: EdDSA` or `RS256`, `typ: at+jwt` and a `kid`: no
    /// `crit`, no embedded or referenced key (RFC 8725 3.10).
    pub fn parse(text: &'a str) -> Result<Self, Refused> {
        if text.len() > LONGEST {
            return Err(Refused::Invalid);
        }
        let read = decode_header(text).map_err(|_| Refused::Invalid)?;
        let kid = Kid::from_text(read.kid.as_deref().ok_or(Refused::Invalid)?);
        let algorithm = read.alg;
        let known = matches!(algorithm, Algorithm::EdDSA | Algorithm::RS256) && read == header(algorithm, &kid);
        if known { Ok(Self { text, algorithm, kid }) } else { Err(Refused::Invalid) }
    }

    /// The name of the keys it claims to be signed with.
    #[must_use]
    pub fn kid(&self) -> &Kid {
        &self.kid
    }
}

/// The session that a token claims to belong to, genuine or not: for answers about it, never for decisions.
#[must_use]
pub fn claimed_session(text: &str) -> Option<SessionId> {
    #[derive(Deserialize)]
    struct Sid {
        sid: SessionId,
    }
    if text.len() > LONGEST {
        return None;
    }
    insecure_decode_claims::<Sid>(text).ok().map(|claims| claims.sid)
}

/// A claim that is there has a value: null is none.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(claim: D) -> Result<Option<T>, D::Error> {
    T::deserialize(claim).map(Some)
}

fn header(algorithm: Algorithm, kid: &Kid) -> Header {
    Header { typ: Some(TYPE.to_owned()), kid: Some(kid.as_str().to_owned()), ..Header::new(algorithm) }
}

#[cfg(test)]
mod tests;
