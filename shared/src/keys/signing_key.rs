//! Private keys that sign access tokens.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use pkcs8::{PrivateKeyInfo, SecretDocument};

use super::{PublicKey, PublicNumbers};

/// The label of a private key in PEM (RFC 7468 10).
const LABEL: &str = "PRIVATE KEY";

/// A key that signs access tokens, and the public half that verifies them.
pub(crate) struct SigningKey {
    public: PublicKey,
    private: EncodingKey,
}

impl SigningKey {
    /// The Ed25519 key of a seed (RFC 8032 5.1.5).
    pub(super) fn ed25519(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = PublicKey::new(PublicNumbers::Ed25519 { x: URL_SAFE_NO_PAD.encode(pair.public_key()) })?;
        let private = pair.to_pkcs8v1().ok()?;
        Some(Self { public, private: EncodingKey::from_ed_der(private.as_ref()) })
    }

    /// The RSA key in a PEM text (PKCS#8, RFC 5958), if it has 2048 to 8192 bits: RFC 7518 3.3 forbids shorter ones, and
    /// verifiers refuse longer ones.
    pub(super) fn rsa(pem: &str) -> Option<Self> {
        let (_, document) = SecretDocument::from_pem(pem.trim()).ok().filter(|(label, _)| *label == LABEL)?;
        let pair = RsaKeyPair::from_pkcs8(document.as_bytes()).ok()?;
        let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
        let n = URL_SAFE_NO_PAD.encode(n.big_endian_without_leading_zero());
        let e = URL_SAFE_NO_PAD.encode(e.big_endian_without_leading_zero());
        let public = PublicKey::new(PublicNumbers::Rsa { n, e })?;
        // The library signs with the inner structure (RFC 8017 A.1.2).
        let inner = PrivateKeyInfo::try_from(document.as_bytes()).ok()?;
        Some(Self { public, private: EncodingKey::from_rsa_der(inner.private_key) })
    }

    /// What verifies what it signs.
    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// What signs.
    pub(crate) fn private(&self) -> &EncodingKey {
        &self.private
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", self.public.kid()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::{encoding::AsDer, rsa::KeySize};
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::keys::tests::{ring, ring_with_rsa};

    /// A fresh RSA key of the least size in PEM.
    pub(crate) fn pem() -> String {
        let der = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    }

    #[test]
    fn an_rsa_key_has_2048_bits_and_stands_in_pkcs8_pem() {
        let pem = pem();
        let body = pem.lines().nth(1).unwrap();
        for (text, taken) in [
            (pem.clone(), true),
            (format!("\n{}", pem.trim()), true),
            (pem.replace('\n', "\r\n"), true),
            (include_str!("rsa-2047.pem").to_owned(), false),
            (pem.replace("PRIVATE KEY", "RSA PRIVATE KEY"), false),
            (pem.replace("PRIVATE KEY", "PUBLIC KEY"), false),
            (pem.replace(body, ""), false),
            (body.to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(SigningKey::rsa(&text).is_some(), taken, "{text}");
        }
    }

    #[test]
    fn a_private_key_is_not_shown() {
        for ring in [ring("one", &[]), ring_with_rsa("one", &[])] {
            assert!(format!("{:?}", ring.signing()).ends_with("\"), .. }"));
        }
    }
}
