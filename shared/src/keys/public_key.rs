//! Public keys: what verifies access tokens, as it stands in the table and in the key set that is published.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::Kid;
use crate::sha256::sha256;

/// The public half of a signing key, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kid: Kid,
    numbers: PublicNumbers,
}

/// What a public key consists of, in base64url, as in the members of a JWK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicNumbers {
    /// 32 bytes of Ed25519 (RFC 8032, RFC 8037 2). Verifies `EdDSA` and nothing else.
    Ed25519 {
        /// The point.
        x: String,
    },
    /// RSA (RFC 7518 6.3.1). Verifies `RS256` and nothing else.
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

impl PublicKey {
    /// Takes numbers if they are a key, and computes its name from them: a name is never believed.
    #[must_use]
    pub fn new(numbers: PublicNumbers) -> Option<Self> {
        let digest = match &numbers {
            PublicNumbers::Ed25519 { x } => {
                let point: [u8; 32] = URL_SAFE_NO_PAD.decode(x).ok()?.try_into().ok()?;
                sha256(&[&point])
            }
            PublicNumbers::Rsa { n, e } => {
                let (n, e) = (URL_SAFE_NO_PAD.decode(n).ok()?, URL_SAFE_NO_PAD.decode(e).ok()?);
                let info: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }.as_der().ok()?;
                sha256(&[info.as_ref()])
            }
        };
        let kid = Kid(URL_SAFE_NO_PAD.encode(digest.split_at(8).0));
        Some(Self { kid, numbers })
    }

    /// The name of the keys that this one belongs to.
    #[must_use]
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// What it consists of.
    #[must_use]
    pub fn numbers(&self) -> &PublicNumbers {
        &self.numbers
    }

    /// The one algorithm it is for. What a token says of itself decides nothing (RFC 8725 3.1).
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.numbers {
            PublicNumbers::Ed25519 { .. } => Algorithm::EdDSA,
            PublicNumbers::Rsa { .. } => Algorithm::RS256,
        }
    }

    pub(crate) fn decoding(&self) -> Option<DecodingKey> {
        match &self.numbers {
            PublicNumbers::Ed25519 { x } => DecodingKey::from_ed_components(x),
            PublicNumbers::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
        }
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::{ring, ring_with_rsa};

    #[test]
    fn the_name_of_a_key_is_computed_from_the_key() {
        for ring in [ring("one", &[]), ring_with_rsa("one", &[])] {
            let signing = ring.signing().public();
            let read = PublicKey::new(signing.numbers().clone()).unwrap();
            assert_eq!(&read, signing);
        }
    }

    #[test]
    fn an_rsa_key_is_named_by_its_subject_public_key_info() {
        // What `openssl rsa -pubin -outform DER | sha256sum` says of this key.
        let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
        let key = PublicKey::new(PublicNumbers::Rsa { n: n.to_owned(), e: "AQAB".to_owned() }).unwrap();
        assert_eq!(key.kid().as_str(), "b9E8JDWjYec");
    }

    #[test]
    fn what_is_not_a_key_is_not_taken() {
        let rsa = |n: &str, e: &str| PublicNumbers::Rsa { n: n.to_owned(), e: e.to_owned() };
        for numbers in [
            PublicNumbers::Ed25519 { x: String::new() },
            PublicNumbers::Ed25519 { x: "AAAA".to_owned() },
            PublicNumbers::Ed25519 { x: "+".repeat(43) },
            rsa("", "AQAB"),
            rsa("AAAA", "AQAB"),
            rsa("_w==", "AQAB"),
            rsa("_w", ""),
        ] {
            assert_eq!(PublicKey::new(numbers.clone()), None, "{numbers:?}");
        }
    }
}
