//! The keys that an issuer publishes (JWK Set, RFC 7517), and which of them may verify what.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;

/// The keys of an issuer that could be read; those of kinds that are not known here are left out (RFC 7517 5).
#[derive(Debug, Deserialize)]
#[serde(from = "Document")]
pub(super) struct KeySet(Vec<Jwk>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

impl From<Document> for KeySet {
    fn from(document: Document) -> Self {
        Self(document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }
}

impl KeySet {
    /// The one key that fits the algorithm and has this name; without a name, the one key that fits.
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<DecodingKey> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| fits(key, algorithm) && kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid)));
        // Of several, none is tried after the other: which key verifies is not for the token to find out.
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => DecodingKey::from_jwk(key).ok(),
            _ => None,
        }
    }
}

/// Whether a key is meant for signatures with this algorithm. A symmetric one never is: everybody can read it.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (algorithm, &key.algorithm) {
        (Algorithm::RS256, AlgorithmParameters::RSA(_)) => true,
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(key)) => key.curve == EllipticCurve::P256,
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(key)) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let common = &key.common;
    let purpose = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    kind && purpose && common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const RSA: &str = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#;
    const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"AQ"}"#;

    fn key(kind: &str, members: Value) -> Value {
        let (Value::Object(mut key), Value::Object(members)) = (serde_json::from_str(kind).unwrap(), members) else {
            panic!("objects")
        };
        key.extend(members);
        Value::Object(key)
    }

    fn finds(keys: &[Value], algorithm: Algorithm, kid: Option<&str>) -> bool {
        let set: KeySet = serde_json::from_value(json!({ "keys": keys })).unwrap();
        set.find(algorithm, kid).is_some()
    }

    #[test]
    fn a_key_fits_only_the_algorithm_of_its_kind_and_curve() {
        let others = [
            json!({"kty":"oct","k":"c2VjcmV0"}),
            key(EC, json!({"crv":"P-384"})),
            key(ED, json!({"crv":"Ed448"})),
            key(ED, json!({"crv":"X25519"})),
            json!({"kty":"unheard-of"}),
        ];
        let fitting = [(Algorithm::RS256, RSA), (Algorithm::ES256, EC), (Algorithm::EdDSA, ED)];
        for (algorithm, own) in fitting {
            for (_, kind) in fitting {
                assert_eq!(finds(&[key(kind, json!({}))], algorithm, None), kind == own, "{algorithm:?} {kind}");
            }
            for other in &others {
                assert!(!finds(std::slice::from_ref(other), algorithm, None), "{algorithm:?} {other}");
            }
        }
        assert!(!finds(&others[..1], Algorithm::HS256, None));
    }

    #[test]
    fn a_key_for_another_purpose_is_not_used() {
        for (members, used) in [
            (json!({}), true),
            (json!({"use":"sig"}), true),
            (json!({"use":"enc"}), false),
            (json!({"use":"other"}), false),
            (json!({"key_ops":["verify"]}), true),
            (json!({"key_ops":["encrypt"]}), false),
            (json!({"key_ops":[]}), false),
            (json!({"alg":"RS256"}), true),
            (json!({"alg":"RS512"}), false),
            (json!({"alg":"HS256"}), false),
            (json!({"alg":"unheard-of"}), false),
        ] {
            assert_eq!(finds(&[key(RSA, members.clone())], Algorithm::RS256, None), used, "{members}");
        }
    }

    #[test]
    fn the_choice_must_be_clear() {
        let (a, b) = (key(RSA, json!({"kid":"a"})), key(RSA, json!({"kid":"b"})));
        let (nameless, other) = (key(RSA, json!({})), key(EC, json!({"kid":"a"})));
        for (keys, kid, found) in [
            (vec![&a, &b], Some("a"), true),
            (vec![&a, &b], Some("c"), false),
            (vec![&a, &b], Some(""), false),
            (vec![&a, &b], None, false),
            (vec![&a], None, true),
            (vec![&a, &other], None, true),
            (vec![&a, &other], Some("a"), true),
            (vec![&a, &a], Some("a"), false),
            (vec![&nameless], Some("a"), false),
            (vec![&nameless], None, true),
            (vec![], None, false),
        ] {
            let keys: Vec<Value> = keys.into_iter().cloned().collect();
            assert_eq!(finds(&keys, Algorithm::RS256, kid), found, "{kid:?} in {keys:?}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_read_does_not_spoil_the_others() {
        let broken = [json!(5), json!({}), key(RSA, json!({"n":5})), key(RSA, json!({"use":5})), json!({"kty":"EC"})];
        let keys: Vec<Value> = broken.into_iter().chain([key(RSA, json!({"kid":"a"}))]).collect();
        assert!(finds(&keys, Algorithm::RS256, Some("a")));
        assert!(serde_json::from_str::<KeySet>(r#"{"keys":{}}"#).is_err());
        assert!(serde_json::from_str::<KeySet>("{}").is_err());
    }
}
