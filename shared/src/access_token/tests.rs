use serde_json::{Value, json};

use super::*;
use crate::keys::{
    KeyRing, PublicNumbers,
    tests::{ring, ring_with_rsa},
};

mod newer_builds;

const NOW: UnixMillis = UnixMillis::from_millis(1_795_255_200_250);

fn tokens() -> AccessTokens {
    let variables = [("SESSION_ISSUER", "https://api.example.com/"), ("SESSION_AUDIENCE", "app")];
    AccessTokens::from_settings(&variables.into_iter().collect(), Duration::from_secs(900)).unwrap()
}

fn session() -> (SubjectId, SessionId) {
    (SubjectId::of("password", "", "ada"), SessionId::new(NOW, &[1; 10]))
}

fn far() -> UnixMillis {
    NOW.after(Duration::from_secs(9_000))
}

/// A ring that signs with Ed25519 and one that signs with RSA.
fn both() -> [KeyRing; 2] {
    [ring("one", &[]), ring_with_rsa("one", &[])]
}

fn verify(text: &str, ring: &KeyRing, now: UnixMillis) -> Result<Claims, Refused> {
    tokens().verify(&Unverified::parse(text)?, ring.signing().public(), now)
}

/// A token with any header and claims, genuinely signed.
fn forge(ring: &KeyRing, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), ring.signing().private(), ring.signing().public().algorithm())
            .unwrap();
    format!("{message}.{signature}")
}

fn good_header(ring: &KeyRing) -> Value {
    let key = ring.signing().public();
    json!({ "alg": key.algorithm(), "typ": "at+jwt", "kid": key.kid().as_str() })
}

fn good_claims() -> Value {
    let (sub, sid) = session();
    let now = NOW.floor_seconds();
    json!({ "iss": "https://api.example.com", "aud": "app", "sub": sub, "sid": sid,
        "iat": now, "nbf": now, "exp": now + 900, "jti": "AAAA" })
}

#[test]
fn a_token_is_accepted_until_the_second_in_which_it_expires() {
    for ring in both() {
        let token = tokens().sign(ring.signing(), session(), far(), NOW, &[0; 16]).unwrap();
        assert_eq!(token.expires_at, NOW.after(Duration::from_secs(900)));
        // 250 ms past the second, so the claim is rounded up by 750 ms.
        for (after, accepted) in [(0, true), (900_749, true), (900_750, false)] {
            let verified = verify(&token.text, &ring, NOW.after(Duration::from_millis(after)));
            assert_eq!(verified.is_ok(), accepted, "after {after} ms");
            if !accepted {
                assert_eq!(verified, Err(Refused::Expired));
            }
        }
    }
}

#[test]
fn a_token_carries_exactly_the_documented_claims_in_whole_seconds() {
    for ring in both() {
        let token = tokens().sign(ring.signing(), session(), far(), NOW, &[0; 16]).unwrap();
        let part = |at: usize| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.text.split('.').nth(at).unwrap()).unwrap()).unwrap()
        };
        assert_eq!(part(0), good_header(&ring));
        let mut expected = good_claims();
        expected["exp"] = json!(NOW.floor_seconds() + 901);
        expected["jti"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(part(1), expected);
    }
}

#[test]
fn a_token_never_outlives_the_session() {
    let ring = ring("one", &[]);
    let limit = NOW.after(Duration::from_secs(5));
    let token = tokens().sign(ring.signing(), session(), limit, NOW, &[0; 16]).unwrap();
    assert_eq!(token.expires_at, limit);
}

#[test]
fn an_expired_token_is_enough_to_log_out_but_a_forged_one_is_not() {
    let (one, two) = (ring("one", &[]), ring("two", &[]));
    let token = tokens().sign(one.signing(), session(), far(), NOW, &[0; 16]).unwrap();
    let unverified = Unverified::parse(&token.text).unwrap();
    let later = NOW.after(Duration::from_secs(100_000));
    let verify = |ring: &KeyRing| tokens().verify_expired_too(&unverified, ring.signing().public(), later);
    assert_eq!(verify(&one).unwrap().sid, session().1);
    assert_eq!(verify(&two), Err(Refused::Invalid));
}

#[test]
fn the_forge_itself_makes_a_token_that_is_accepted() {
    for ring in both() {
        assert!(verify(&forge(&ring, &good_header(&ring), &good_claims()), &ring, NOW).is_ok());
    }
}

#[test]
fn every_other_header_is_refused() {
    let ring = ring("one", &[]);
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("at+JWT")),
        ("typ", Value::Null),
        ("kid", json!(5)),
        ("kid", Value::Null),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("jku", json!("https://evil.example")),
        ("x5u", json!("https://evil.example")),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
        ("cty", json!("JWT")),
    ] {
        let mut header = good_header(&ring);
        header[member] = value.clone();
        let token = forge(&ring, &header, &good_claims());
        assert_eq!(verify(&token, &ring, NOW), Err(Refused::Invalid), "{member}: {value}");
    }
}

#[test]
fn every_claim_is_required_and_typed() {
    let ring = ring("one", &[]);
    for claim in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"] {
        for wrong in [None, Some(Value::Null), Some(json!([])), Some(json!({})), Some(json!(1.5)), Some(json!(""))] {
            let mut claims = good_claims();
            match &wrong {
                Some(value) => claims[claim] = value.clone(),
                None => drop(claims.as_object_mut().unwrap().remove(claim)),
            }
            let token = forge(&ring, &good_header(&ring), &claims);
            assert_eq!(verify(&token, &ring, NOW), Err(Refused::Invalid), "{claim}: {wrong:?}");
        }
    }
}

#[test]
fn times_are_checked_on_both_sides_of_their_limits() {
    let ring = ring("one", &[]);
    let now = NOW.floor_seconds();
    for (claim, value, expected) in [
        ("nbf", now + 10, None),
        ("nbf", now + 11, Some(Refused::Invalid)),
        ("iat", now + 10, None),
        ("iat", now + 11, Some(Refused::Invalid)),
        ("iat", now - 2, None),
        ("iat", now - 3, Some(Refused::Invalid)),
        ("exp", now + 902, None),
        ("exp", now + 903, Some(Refused::Invalid)),
        ("exp", u64::MAX, Some(Refused::Invalid)),
        ("exp", now, Some(Refused::Expired)),
        ("exp", now + 1, None),
    ] {
        let mut claims = good_claims();
        claims[claim] = json!(value);
        let verified = verify(&forge(&ring, &good_header(&ring), &claims), &ring, NOW);
        assert_eq!(verified.err(), expected, "{claim} at {value}");
    }
}

#[test]
fn another_issuer_or_audience_is_refused() {
    let ring = ring("one", &[]);
    for (claim, value) in [("iss", "https://api.example.com/"), ("iss", "https://evil.example"), ("aud", "other")] {
        let mut claims = good_claims();
        claims[claim] = json!(value);
        let token = forge(&ring, &good_header(&ring), &claims);
        assert_eq!(verify(&token, &ring, NOW), Err(Refused::Invalid), "{claim}: {value}");
    }
}

#[test]
fn a_token_signed_symmetrically_with_the_public_key_is_refused() {
    for ring in both() {
        let key = ring.signing().public();
        let numbers = match key.numbers() {
            PublicNumbers::Ed25519 { x } => x,
            PublicNumbers::Rsa { n, .. } => n,
        };
        for secret in [numbers.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(numbers).unwrap()] {
            let secret = jsonwebtoken::EncodingKey::from_secret(&secret);
            let token = encode(&header(Algorithm::HS256, key.kid()), &good_claims(), &secret).unwrap();
            assert_eq!(verify(&token, &ring, NOW), Err(Refused::Invalid));
        }
    }
}

#[test]
fn a_token_names_the_algorithm_of_its_key_or_is_refused() {
    for ring in both() {
        let key = ring.signing().public();
        for (algorithm, expected) in [
            (Algorithm::EdDSA, key.algorithm() == Algorithm::EdDSA),
            (Algorithm::RS256, key.algorithm() == Algorithm::RS256),
            (Algorithm::RS384, false),
            (Algorithm::PS256, false),
        ] {
            let mut header = good_header(&ring);
            header["alg"] = json!(algorithm);
            let verified = verify(&forge(&ring, &header, &good_claims()), &ring, NOW);
            assert_eq!(verified.is_ok(), expected, "{algorithm:?} under a key for {:?}", key.algorithm());
        }
    }
}

#[test]
fn a_genuine_signature_under_the_name_of_a_key_of_the_other_kind_is_refused() {
    let [edwards, rsa] = both();
    for (signed, named) in [(&edwards, &rsa), (&rsa, &edwards)] {
        for alg in ["EdDSA", "RS256"] {
            let kid = named.signing().public().kid().as_str();
            let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid });
            let token = forge(signed, &header, &good_claims());
            assert_eq!(verify(&token, named, NOW), Err(Refused::Invalid), "{header}");
        }
    }
}

#[test]
fn every_single_bit_flip_of_a_token_is_refused() {
    for ring in both() {
        let text = tokens().sign(ring.signing(), session(), far(), NOW, &[0; 16]).unwrap().text;
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut flipped = text.clone().into_bytes();
                flipped[at] ^= 1 << bit;
                let Ok(flipped) = String::from_utf8(flipped) else { continue };
                assert_eq!(verify(&flipped, &ring, NOW), Err(Refused::Invalid), "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn a_token_over_4_kib_is_not_looked_at() {
    let ring = ring("one", &[]);
    let mut claims = good_claims();
    for (filler, expected) in [(1, None), (4096, Some(Refused::Invalid))] {
        claims["jti"] = json!("x".repeat(filler));
        let verified = verify(&forge(&ring, &good_header(&ring), &claims), &ring, NOW);
        assert_eq!(verified.err(), expected, "{filler} bytes more");
    }
}

#[test]
fn the_session_of_a_token_can_be_told_even_when_it_is_not_accepted() {
    let ring = ring("one", &[]);
    let text = tokens().sign(ring.signing(), session(), far(), NOW, &[0; 16]).unwrap().text;
    let forged = format!("{}AAAA", &text[..text.len() - 4]);
    assert_eq!(claimed_session(&forged), Some(session().1));
    assert_eq!(claimed_session("a.b.c"), None);
}

#[test]
fn keys_that_work_pass_the_self_test() {
    for ring in both() {
        assert_eq!(tokens().self_test(ring.signing(), NOW), Ok(()));
    }
}
