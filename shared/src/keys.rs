//! The keys that everything secret is made with, derived from one master secret per stage.

use aws_lc_rs::{
    hkdf, hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretString};

use crate::{master_secret::MasterSecret, sha256::sha256};

/// The name of a generation of keys: the first 8 bytes of SHA-256 of its public key, base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kid(String);

/// The public half of a signing key: 32 bytes of Ed25519 (RFC 8032).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Everything derived from one master secret, under distinct labels (HKDF-SHA-256, RFC 5869).
pub struct KeySet {
    kid: Kid,
    public: PublicKey,
    signing: EncodingKey,
    mac: hmac::Key,
    ratchet: hmac::Key,
    sealing: hkdf::Salt,
}

/// The keys of the current secret, which signs, and of the previous ones, which only verify.
#[derive(Debug)]
pub struct KeyRing {
    current: KeySet,
    previous: Vec<KeySet>,
    legacy: Option<SecretString>,
}

/// A secret did not yield a key: never the fault of its value, so the start must fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keys cannot be derived from the master secret")]
pub struct DerivationFailed;

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

impl PublicKey {
    /// Takes the 32 bytes in base64url, as in the member `x` of a JWK (RFC 8037 2).
    #[must_use]
    pub fn from_base64url(x: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(x).ok()?.try_into().ok().map(Self)
    }

    /// The 32 bytes in base64url.
    #[must_use]
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The name of the keys that this one belongs to; computed, never believed.
    #[must_use]
    pub fn kid(&self) -> Kid {
        let digest = sha256(&[&self.0]);
        Kid(URL_SAFE_NO_PAD.encode(digest.split_at(8).0))
    }
}

impl KeySet {
    fn derive(secret: &str) -> Result<Self, DerivationFailed> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"session-keepalive").extract(secret.as_bytes());
        let derived = |label: &'static [u8]| -> Result<[u8; 32], DerivationFailed> {
            let mut key = [0; 32];
            let info = [label];
            let output = root.expand(&info, hkdf::HKDF_SHA256).map_err(|_| DerivationFailed)?;
            output.fill(&mut key).map_err(|_| DerivationFailed)?;
            Ok(key)
        };
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&derived(b"access token: Ed25519")?).map_err(|_| DerivationFailed)?;
        let public = PublicKey(pair.public_key().as_ref().try_into().map_err(|_| DerivationFailed)?);
        let private = pair.to_pkcs8v1().map_err(|_| DerivationFailed)?;
        Ok(Self {
            kid: public.kid(),
            public,
            signing: EncodingKey::from_ed_der(private.as_ref()),
            mac: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"rotating token: tag")?),
            ratchet: hmac::Key::new(hmac::HMAC_SHA256, &derived(b"rotating token: next secret")?),
            sealing: hkdf::Salt::new(hkdf::HKDF_SHA256, &derived(b"stored credential: seal")?),
        })
    }

    /// The name of these keys.
    #[must_use]
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// What verifies the access tokens signed with these keys.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// What signs access tokens.
    pub(crate) fn signing(&self) -> &EncodingKey {
        &self.signing
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
    /// Derives the keys of every secret.
    ///
    /// # Errors
    /// [`DerivationFailed`] when the cryptography library refuses.
    pub fn derive(secret: &MasterSecret) -> Result<Self, DerivationFailed> {
        let previous = secret.previous.iter().map(|secret| KeySet::derive(secret.expose_secret()));
        Ok(Self {
            current: KeySet::derive(secret.current.expose_secret())?,
            previous: previous.collect::<Result<_, _>>()?,
            legacy: secret.legacy.clone(),
        })
    }

    /// The keys that sign.
    #[must_use]
    pub fn current(&self) -> &KeySet {
        &self.current
    }

    /// The keys that only verify.
    #[must_use]
    pub fn previous(&self) -> &[KeySet] {
        &self.previous
    }

    /// The names of all keys, that of the current ones first.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &Kid> {
        std::iter::once(&self.current).chain(&self.previous).map(KeySet::kid)
    }

    /// What verifies the tokens of the system that was there before.
    pub(crate) fn legacy(&self) -> Option<&SecretString> {
        self.legacy.as_ref()
    }

    /// The keys of that name, current or previous.
    #[must_use]
    pub fn get(&self, kid: &Kid) -> Option<&KeySet> {
        std::iter::once(&self.current).chain(&self.previous).find(|keys| keys.kid == *kid)
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn ring(current: &str, previous: &[&str]) -> KeyRing {
        let filled = |name: &str| format!("{name:x<64}");
        let previous: Vec<String> = previous.iter().map(|name| filled(name)).collect();
        let json = serde_json::json!({ "current": filled(current), "previous": previous }).to_string();
        KeyRing::derive(&MasterSecret::parse(&json.into()).unwrap()).unwrap()
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
    fn the_name_of_a_key_is_computed_from_the_key() {
        let ring = ring("one", &[]);
        let read = PublicKey::from_base64url(&ring.current().public().to_base64url()).unwrap();
        assert_eq!(&read.kid(), ring.current().kid());
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = ring("one", &[]);
        assert!(format!("{:?}", keys.current()).ends_with(", .. }"));
    }
}
