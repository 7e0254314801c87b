//! The master secret: what it may look like.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Characters a secret has at least: 32 random ones carry more than the 128 bits that ASVS 11.5.1 asks for.
const SHORTEST: usize = 32;

/// Bytes of the old system's secret at least: RFC 7518 3.2 asks HS256 for a key as long as its hash.
const SHORTEST_LEGACY: usize = 32;

/// The secrets of one stage: JSON `{"current": "…", "previous": ["…"], "rsa": "…", "legacy": "…"}`; only `current` is
/// required. Members of newer builds mean nothing here and are kept.
#[derive(Debug, Deserialize)]
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

    /// The JSON form of the secret that takes the place of `json`: a new current one made of `fresh`, the one that was
    /// current in place of those before it, and everything else as it is.
    ///
    /// # Errors
    /// [`MasterSecretError::Malformed`] when `json` is not a master secret.
    pub fn successor(json: &SecretString, fresh: &[u8; 48]) -> Result<SecretString, MasterSecretError> {
        let malformed = |_| MasterSecretError::Malformed;
        let mut members: Map<String, Value> = serde_json::from_str(json.expose_secret()).map_err(malformed)?;
        let current = members.insert("current".to_owned(), URL_SAFE_NO_PAD.encode(fresh).into());
        let previous = members.remove("previous").and_then(|mut previous| previous.as_array_mut().map(std::mem::take));
        let keys = previous.into_iter().flatten().filter(|secret| secret.as_str().is_some_and(is_pem));
        members.insert("previous".to_owned(), current.into_iter().chain(keys).collect());
        Ok(serde_json::to_string(&members).map_err(malformed)?.into())
    }

    /// Whether what was made under the current secret of `last` is still taken under this one.
    #[must_use]
    pub fn continues(&self, last: &Self) -> bool {
        let last = last.current.expose_secret();
        std::iter::once(&self.current).chain(&self.previous).any(|secret| secret.expose_secret() == last)
    }
}

/// Whether a text is meant to be a key in PEM and not the characters of a master secret.
pub(crate) fn is_pem(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN")
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
    fn a_successor_keeps_the_last_secret_and_every_other_member() {
        let (current, older, legacy) = ("a".repeat(64), "b".repeat(64), "c".repeat(32));
        let key = "-----BEGIN PRIVATE KEY-----\nMIIE";
        let previous = [&older, key];
        let json = serde_json::json!({ "current": current, "previous": previous, "legacy": legacy }).to_string();
        let last = parse(&json).unwrap();
        let successor = MasterSecret::successor(&json.into(), &[7; 48]).unwrap();
        let members: Value = serde_json::from_str(successor.expose_secret()).unwrap();
        assert_eq!(
            members,
            serde_json::json!({ "current": "BwcH".repeat(16), "previous": [current, key], "legacy": legacy })
        );
        let secret = MasterSecret::parse(&successor).unwrap();
        assert!(secret.continues(&last));
        assert!(!last.continues(&secret), "the other way round");
    }

    #[test]
    fn a_member_of_a_newer_build_stands_in_nobodys_way_and_is_kept() {
        let current = "a".repeat(32);
        let json = serde_json::json!({ "current": current, "render": ["one", "two"] }).to_string();
        assert_eq!(parse(&json).unwrap().current.expose_secret(), current);
        let successor = MasterSecret::successor(&json.into(), &[7; 48]).unwrap();
        let members: Value = serde_json::from_str(successor.expose_secret()).unwrap();
        assert_eq!(members["render"], serde_json::json!(["one", "two"]));
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
