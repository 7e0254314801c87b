//! The master secret: what it may look like.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Characters a secret has at least: 32 random ones carry more than the 128 bits that ASVS 11.5.1 asks for.
const SHORTEST: usize = 32;

/// Bytes of the old system's secret at least: RFC 7518 3.2 asks HS256 for a key as long as its hash.
const SHORTEST_LEGACY: usize = 32;

/// The secrets of one stage: JSON `{"current": "…", "previous": ["…"], "rsa": "…", "legacy": "…"}`; only `current` is
/// required.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasterSecret {
    /// Signs and verifies.
    pub current: SecretString,
    /// Only verify; kept for the longest life of anything that was made under them.
    #[serde(default)]
    pub previous: Vec<SecretString>,
    /// A private key in PEM that signs access tokens with RS256, for verifiers that know nothing else. One that shall sign
    /// no more goes to the previous secrets.
    pub rsa: Option<SecretString>,
    /// Verifies the HS256 tokens of the system that was there before; its bytes are used as they are.
    pub legacy: Option<SecretString>,
}

/// The master secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterSecretError {
    /// It is not the JSON object that is expected. What it is instead is not said.
    #[error(r#"the master secret must be JSON {{"current": "…", "previous": ["…"]}}"#)]
    Malformed,
    /// It is too easy to guess.
    #[error("every master secret must have at least 32 characters")]
    TooShort,
    /// Whoever has a token of the old system could find the secret that signed it, and sign as any of its users.
    #[error("the legacy secret must have at least 32 bytes")]
    LegacyTooShort,
}

impl MasterSecret {
    /// Reads the JSON form and checks that no secret is too short.
    ///
    /// # Errors
    /// [`MasterSecretError`], which says what is wrong.
    pub fn parse(json: &SecretString) -> Result<Self, MasterSecretError> {
        // The parser's own message may quote the secret.
        let secret: Self = serde_json::from_str(json.expose_secret()).map_err(|_| MasterSecretError::Malformed)?;
        let mut secrets = std::iter::once(&secret.current).chain(&secret.previous);
        if secrets.any(|secret| secret.expose_secret().chars().count() < SHORTEST) {
            return Err(MasterSecretError::TooShort);
        }
        if secret.legacy.as_ref().is_some_and(|legacy| legacy.expose_secret().len() < SHORTEST_LEGACY) {
            return Err(MasterSecretError::LegacyTooShort);
        }
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<MasterSecret, MasterSecretError> {
        MasterSecret::parse(&json.into())
    }

    #[test]
    fn every_secret_has_at_least_32_characters() {
        let (long, short) = ("a".repeat(32), "a".repeat(31));
        for (json, taken) in [
            (format!(r#"{{"current":"{long}"}}"#), true),
            (format!(r#"{{"current":"{long}","previous":["{long}"]}}"#), true),
            (format!(r#"{{"current":"{short}"}}"#), false),
            (format!(r#"{{"current":"{long}","previous":["{short}"]}}"#), false),
        ] {
            assert_eq!(parse(&json).is_ok(), taken, "{json}");
        }
    }

    #[test]
    fn a_legacy_secret_may_be_left_out_and_has_at_least_32_bytes() {
        let current = "a".repeat(32);
        for (legacy, taken) in
            [("b".repeat(32), true), ("b".repeat(31), false), ("é".repeat(16), true), (String::new(), false)]
        {
            let parsed = parse(&format!(r#"{{"current":"{current}","legacy":"{legacy}"}}"#));
            assert_eq!(parsed.err(), (!taken).then_some(MasterSecretError::LegacyTooShort), "{legacy}");
        }
        assert!(parse(&format!(r#"{{"current":"{current}"}}"#)).unwrap().legacy.is_none());
    }

    #[test]
    fn a_malformed_secret_is_not_quoted() {
        for json in [
            "hunter2hunter2",
            r#"{"current":5}"#,
            r#"{"current":"hunter2","legacy":5}"#,
            r#"{"hunter2":""}"#,
            r#"["hunter2", 5]"#,
        ] {
            let error = parse(json).unwrap_err();
            assert_eq!(error, MasterSecretError::Malformed, "{json}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
