//! The keys that everything secret is made with, derived from one master secret per stage.

mod public_key;
mod signing_key;

pub use public_key::{PublicKey, PublicNumbers};
pub(crate) use signing_key::SigningKey;

use aws_lc_rs::{hkdf, hmac};
use secrecy::{ExposeSecret, SecretString};

use crate::master_secret::{MasterSecret, is_pem};

/// The name of a generation of keys: the first 8 bytes of SHA-256 of its public key, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kid(String);

/// Everything derived from one master secret, under distinct labels (HKDF-SHA-256, RFC 5869).
pub struct KeySet {
    signing: SigningKey,
    mac: hmac::Key,
    ratchet: hmac::Key,
    sealing: hkdf::Salt,
}

/// The keys of the current secret, which signs, and of the previous ones, which only verify.
#[derive(Debug)]
pub struct KeyRing {
    current: KeySet,
    previous: Vec<KeySet>,
    /// Signs access tokens in place of the current key.
    rsa: Option<SigningKey>,
    /// Signed access tokens before.
    previous_rsa: Vec<SigningKey>,
    legacy: Option<SecretString>,
}

/// A secret did not yield keys, so the start must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DerivationFailed {
    /// The cryptography library refused: never the fault of the secret's value.
    #[error("keys cannot be derived from the master secret")]
    Refused,
    /// A private key is not one that can sign RS256. What it is instead is not said.
    #[error("the master secret's member {member} must hold an RSA private key of 2048 to 8192 bits in PEM (PKCS#8)")]
    Rsa {
        /// Where the key stands.
        member: &'static str,
    },
}

impl Kid {
    /// Takes a name from a token, without knowing whether there are such keys.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name as it stands in tokens and in the table.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeySet {
    fn derive(secret: &str) -> Result<Self, DerivationFailed> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"session-keepalive").extract(secret.as_bytes());
        let derived = |label: &'static [u8]| -> Result<[u8; 32], DerivationFailed> {
            let mut key = [0; 32];
            let info = [label];
            let output = root.expand(&info, hkdf::HKDF_SHA256).map_err(|_| DerivationFailed::Refused)?;
            output.fill(&mut key).map_err(|_| DerivationFailed::Refused)?;
            Ok(key)
        };
        Ok(Self {
            signing: SigningKey::ed25519(&derived(b"access token: Ed25519")?).ok_or(DerivationFailed::Refused)?,
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"rotating token: tag")?),
            ratchet: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"rotating token: next secret")?),
            sealing: hkdf::Salt::new(hkdf::HKDF_SHA256, &derived(b"stored credential: seal")?),
        })
    }

    /// The name of these keys.
    #[must_use]
    pub fn kid(&self) -> &Kid {
        self.signing.public().kid()
    }

    /// What verifies the access tokens signed with these keys.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.signing.public()
    }

    /// What proves that a rotating token was made here.
    pub(crate) fn mac(&self) -> &hmac::Key {
        &self.mac
    }

    /// What turns one secret of a rotating token into the next.
    pub(crate) fn ratchet(&self) -> &hmac::Key {
        &self.ratchet
    }

    /// The half of a seal's key that the browser does not hold.
    pub(crate) fn sealing(&self) -> &hkdf::Salt {
        &self.sealing
    }
}

impl KeyRing {
    /// Derives the keys of every secret. A PEM key among the previous ones is an RSA key that signs no more.
    ///
    /// # Errors
    /// [`DerivationFailed`] when the cryptography library refuses, or an RSA key is not usable.
    pub fn derive(secret: &MasterSecret) -> Result<Self, DerivationFailed> {
        let rsa =
            |pem: &SecretString, member| SigningKey::rsa(pem.expose_secret()).ok_or(DerivationFailed::Rsa { member });
        let (retired, previous): (Vec<_>, Vec<_>) =
            secret.previous.iter().partition(|secret| is_pem(secret.expose_secret()));
        let previous = previous.into_iter().map(|secret| KeySet::derive(secret.expose_secret()));
        Ok(Self {
            current: KeySet::derive(secret.current.expose_secret())?,
            previous: previous.collect::<Result<_, _>>()?,
            rsa: secret.rsa.as_ref().map(|pem| rsa(pem, "rsa")).transpose()?,
            previous_rsa: retired.into_iter().map(|pem| rsa(pem, "previous")).collect::<Result<_, _>>()?,
            legacy: secret.legacy.clone(),
        })
    }

    /// The keys that start new sessions.
    #[must_use]
    pub fn current(&self) -> &KeySet {
        &self.current
    }

    /// The key that signs access tokens.
    pub(crate) fn signing(&self) -> &SigningKey {
        self.rsa.as_ref().unwrap_or(&self.current.signing)
    }

    /// What verifies the access tokens signed with that key, if it signs or signed any.
    #[must_use]
    pub fn public(&self, kid: &Kid) -> Option<&PublicKey> {
        let rsa = self.rsa.iter().chain(&self.previous_rsa).map(SigningKey::public).find(|key| key.kid() == kid);
        rsa.or_else(|| self.get(kid).map(KeySet::public))
    }

    /// The keys that sign no access tokens any more.
    pub fn retired(&self) -> impl Iterator<Item = &PublicKey> {
        self.previous.iter().map(KeySet::public).chain(self.previous_rsa.iter().map(SigningKey::public))
    }

    /// The names of all keys that verify access tokens, that of the one that signs first.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &Kid> {
        [self.signing().public(), self.current.public()].into_iter().chain(self.retired()).map(PublicKey::kid)
    }

    /// What verifies the tokens of the system that was there before.
    pub(crate) fn legacy(&self) -> Option<&SecretString> {
        self.legacy.as_ref()
    }

    /// The keys of that name, current or previous.
    #[must_use]
    pub fn get(&self, kid: &Kid) -> Option<&KeySet> {
        std::iter::once(&self.current).chain(&self.previous).find(|keys| keys.kid() == kid)
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet").field("kid", self.kid()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::{signing_key::tests::pem, *};

    pub(crate) fn ring(current: &str, previous: &[&str]) -> KeyRing {
        let filled = |name: &str| format!("{name:x<64}");
        let previous: Vec<String> = previous.iter().map(|name| filled(name)).collect();
        derive(&json!({ "current": filled(current), "previous": previous })).unwrap()
    }

    /// A ring whose access tokens are signed with a fresh RSA key, and earlier ones of these.
    pub(crate) fn ring_with_rsa(current: &str, previous: &[&str]) -> KeyRing {
        derive(&json!({ "current": format!("{current:x<64}"), "previous": previous, "rsa": pem() })).unwrap()
    }

    fn derive(secret: &serde_json::Value) -> Result<KeyRing, DerivationFailed> {
        KeyRing::derive(&MasterSecret::parse(&secret.to_string().into()).unwrap())
    }

    #[test]
    fn a_secret_gives_the_same_keys_for_ever() {
        // Changing a label or the derivation would end every session at the next deployment.
        assert_eq!(ring("one", &[]).current().kid().as_str(), "s-NdQn5XPPc");
    }

    #[test]
    fn a_rotated_ring_still_finds_the_keys_of_the_previous_secret() {
        let before = ring("one", &[]);
        let after = ring("two", &["one"]);
        let kid = before.current().kid();
        assert_ne!(after.current().kid(), kid);
        assert_eq!(after.get(kid).unwrap().public(), before.current().public());
        assert!(ring("two", &[]).get(kid).is_none());
    }

    #[test]
    fn an_rsa_key_signs_access_tokens_and_changes_nothing_else() {
        let (before, after) = (ring("one", &[]), ring_with_rsa("one", &[]));
        assert_eq!(after.current().kid(), before.current().kid());
        assert_ne!(after.signing().public(), before.signing().public());
        assert_eq!(after.public(after.signing().public().kid()), Some(after.signing().public()));
        assert_eq!(after.public(before.current().kid()), Some(before.current().public()), "its tokens are still taken");
        assert!(after.get(after.signing().public().kid()).is_none(), "an RSA key makes no rotating token");
    }

    #[test]
    fn an_rsa_key_among_the_previous_secrets_verifies_and_signs_no_more() {
        let pem = pem();
        let with = |previous: &[&str], rsa: Option<&str>| {
            derive(&json!({ "current": "x".repeat(64), "previous": previous, "rsa": rsa })).unwrap()
        };
        let (before, after) = (with(&[], Some(&pem)), with(&[&pem], None));
        let key = before.signing().public();
        assert_eq!(after.public(key.kid()), Some(key));
        assert_eq!(after.signing().public(), after.current().public());
        assert_eq!((before.retired().count(), after.retired().collect::<Vec<_>>()), (0, vec![key]));
    }

    #[test]
    fn an_rsa_key_that_is_not_one_is_refused_by_the_name_of_its_member() {
        let short = include_str!("keys/rsa-2047.pem");
        for (secret, member) in [
            (json!({ "current": "x".repeat(64), "rsa": short }), "rsa"),
            (json!({ "current": "x".repeat(64), "rsa": "" }), "rsa"),
            (json!({ "current": "x".repeat(64), "rsa": "y".repeat(64) }), "rsa"),
            (json!({ "current": "x".repeat(64), "previous": [short] }), "previous"),
        ] {
            assert_eq!(derive(&secret).unwrap_err(), DerivationFailed::Rsa { member });
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = ring("one", &[]);
        assert!(format!("{:?}", keys.current()).ends_with(", .. }"));
    }
}
