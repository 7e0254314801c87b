use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://a.example";
const NOW: UnixMillis = UnixMillis::from_millis(1_795_255_200_000);

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ed(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn ed_jwk(kid: &str, seed: u8) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64url(ed(seed).public_key()) })
}

/// An issuer that has just published these keys. Its address leads nowhere: a test that asked it would fail.
fn holding(algorithms: &[&str], keys: &[Value]) -> IdTokens {
    let setting = json!([{ "issuer": ISSUER, "audiences": ["app"], "algorithms": algorithms }]).to_string();
    let mut tokens =
        IdTokens::from_settings(&[("OIDC_ISSUERS", setting.as_str())].into_iter().collect()).unwrap().unwrap();
    let keys = serde_json::from_value(json!({ "keys": keys })).unwrap();
    tokens.issuers[0].keys = KeyCache::holding(keys, NOW);
    tokens
}

fn claims() -> Value {
    let now = NOW.floor_seconds();
    json!({ "iss": ISSUER, "sub": "ada", "aud": "app", "exp": now + 300, "iat": now })
}

fn signing_input(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let input = signing_input(header, claims);
    format!("{input}.{}", base64url(sign(input.as_bytes())))
}

/// Signed with the key of seed 1.
fn by_one(header: &Value, claims: &Value) -> String {
    signed(header, claims, |input| ed(1).sign(input).as_ref().to_vec())
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "one", "typ": "JWT" })
}

async fn verdict(tokens: &IdTokens, token: &str) -> Result<VerifiedIdToken, Flaw> {
    tokens.verify(token, None, NOW).await.map_err(|refused| match refused {
        IdTokenRefused::Rejected { cause } => cause,
        IdTokenRefused::Unreachable { cause } => panic!("{cause}"),
    })
}

#[tokio::test]
async fn a_genuine_token_names_its_subject_by_issuer_and_sub_and_how_long_it_must_be_remembered() {
    let tokens = holding(&["EdDSA"], &[ed_jwk("one", 1), ed_jwk("two", 2)]);
    let token = by_one(&header(), &claims());
    let verified = verdict(&tokens, &token).await.unwrap();
    assert_eq!(verified.subject, SubjectId::of("idToken", ISSUER, "ada"));
    assert_eq!(verified.expires_at, NOW.after(std::time::Duration::from_secs(300 + 60)));
    assert_eq!(verified.digest, base64url(sha256(&[signing_input(&header(), &claims()).as_bytes()])));
    let mut other = claims();
    other["jti"] = json!("another");
    assert_ne!(verdict(&tokens, &by_one(&header(), &other)).await.unwrap().digest, verified.digest);
}

#[tokio::test]
async fn every_single_changed_bit_is_noticed() {
    let tokens = holding(&["EdDSA"], &[ed_jwk("one", 1)]);
    let token = by_one(&header(), &claims());
    let mut tried = 0;
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            assert!(tokens.verify(&changed, None, NOW).await.is_err(), "bit {bit} of byte {at}");
            tried += 1;
        }
    }
    assert!(tried > 1500, "{tried}");
}

#[tokio::test]
async fn another_spelling_of_a_token_is_refused() {
    let tokens = holding(&["EdDSA"], &[ed_jwk("one", 1)]);
    let token = by_one(&header(), &claims());
    let [head, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    for spelling in [
        format!("{token}="),
        format!("{token}=="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}."),
        format!(".{token}"),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}..{signature}"),
        format!("{head}=.{body}.{signature}"),
        format!("{head}.{body}.{signature}.{signature}"),
        String::new(),
        "..".to_owned(),
        "é.é.é".to_owned(),
        json!({ "protected": head, "payload": body, "signature": signature }).to_string(),
    ] {
        assert!(verdict(&tokens, &spelling).await.is_err(), "{spelling}");
    }
}

#[tokio::test]
async fn a_second_signature_over_the_same_token_does_not_make_it_another_one() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "one", "x": base64url(x), "y": base64url(y) });
    let tokens = holding(&["ES256"], &[jwk]);
    let sign = |input: &[u8]| pair.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec();
    let header = json!({ "alg": "ES256", "kid": "one" });
    let token = signed(&header, &claims(), sign);
    let twin = signed(&header, &claims(), |_| {
        let mut signature = URL_SAFE_NO_PAD.decode(token.rsplit('.').next().unwrap()).unwrap();
        negate(&mut signature[32..]);
        signature
    });
    assert_ne!(token, twin);
    let (one, other) = (verdict(&tokens, &token).await.unwrap(), verdict(&tokens, &twin).await.unwrap());
    assert_eq!(one.digest, other.digest);
}

/// Takes a number from the order of P-256: with r, it is as good a signature as before.
fn negate(s: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
        0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut borrow = 0;
    for (digit, order) in s.iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*digit) - borrow;
        borrow = i16::from(difference < 0);
        *digit = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
}

#[tokio::test]
async fn the_algorithm_is_one_of_the_issuers_and_the_keys_own() {
    let tokens = holding(&["EdDSA", "RS256"], &[ed_jwk("one", 1)]);
    let public = ed(1).public_key().as_ref().to_vec();
    let unsigned = |header: &Value| format!("{}.", signing_input(header, &claims()));
    let symmetric = |secret: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let header = json!({ "alg": "HS256", "kid": "one", "typ": "JWT" });
        signed(&header, &claims(), |input| hmac::sign(&key, input).as_ref().to_vec())
    };
    for (name, token, flaw) in [
        ("none", unsigned(&json!({ "alg": "none" })), Flaw::Malformed),
        ("None", unsigned(&json!({ "alg": "None" })), Flaw::Malformed),
        ("no algorithm", by_one(&json!({ "kid": "one" }), &claims()), Flaw::Malformed),
        ("the public key as a secret", symmetric(&public), Flaw::Algorithm),
        ("its text as a secret", symmetric(base64url(&public).as_bytes()), Flaw::Algorithm),
        ("its JWK as a secret", symmetric(ed_jwk("one", 1).to_string().as_bytes()), Flaw::Algorithm),
        ("no secret", symmetric(b""), Flaw::Algorithm),
        ("not the issuer's", by_one(&json!({ "alg": "ES256", "kid": "one" }), &claims()), Flaw::Algorithm),
        ("not the key's", by_one(&json!({ "alg": "RS256", "kid": "one" }), &claims()), Flaw::Key),
        ("two", by_one(&json!({ "alg": ["EdDSA"], "kid": "one" }), &claims()), Flaw::Malformed),
        ("no signature", unsigned(&header()), Flaw::Signature),
    ] {
        assert_eq!(verdict(&tokens, &token).await, Err(flaw), "{name}");
    }
}

#[tokio::test]
async fn a_key_is_chosen_by_its_name_and_never_taken_from_the_token() {
    let tokens = holding(&["EdDSA"], &[ed_jwk("one", 1), ed_jwk("two", 2)]);
    let by_three = |header: &Value| signed(header, &claims(), |input| ed(3).sign(input).as_ref().to_vec());
    let with = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        header
    };
    for (header, flaw) in [
        (with("kid", json!("two")), Flaw::Signature),
        (with("kid", json!("three")), Flaw::Key),
        (with("kid", json!("")), Flaw::Key),
        (with("kid", json!("../../dev/null")), Flaw::Key),
        (with("kid", json!("' OR 1=1 --\u{0}")), Flaw::Key),
        (with("kid", json!(["one"])), Flaw::Malformed),
        (json!({ "alg": "EdDSA" }), Flaw::Key),
    ] {
        assert_eq!(verdict(&tokens, &by_one(&header, &claims())).await, Err(flaw), "{header}");
    }
    for (name, value) in [
        ("jwk", ed_jwk("one", 3)),
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/certificate")),
        ("x5c", json!(["AQAB"])),
    ] {
        let header = with(name, value);
        assert_eq!(verdict(&tokens, &by_three(&header)).await, Err(Flaw::Signature), "{header}");
        assert!(verdict(&tokens, &by_one(&header, &claims())).await.is_ok(), "{header}: it is not looked at");
    }
    let alone = holding(&["EdDSA"], &[ed_jwk("one", 1)]);
    assert!(verdict(&alone, &by_one(&json!({ "alg": "EdDSA" }), &claims())).await.is_ok(), "the only key");
}

#[tokio::test]
async fn other_types_extensions_and_lengths_are_refused() {
    let tokens = holding(&["EdDSA"], &[ed_jwk("one", 1)]);
    for (name, value, verdict_on_it) in [
        ("typ", json!(null), Ok(())),
        ("typ", json!("jwt"), Ok(())),
        ("typ", json!("at+jwt"), Err(Flaw::Type)),
        ("typ", json!("application/at+jwt"), Err(Flaw::Type)),
        ("typ", json!("dpop+jwt"), Err(Flaw::Type)),
        ("typ", json!("logout+jwt"), Err(Flaw::Type)),
        ("typ", json!(""), Err(Flaw::Type)),
        ("typ", json!(5), Err(Flaw::Malformed)),
        ("crit", json!(["exp"]), Err(Flaw::Critical)),
        ("crit", json!([]), Err(Flaw::Critical)),
        ("crit", json!("exp"), Err(Flaw::Malformed)),
    ] {
        let mut header = header();
        header[name] = value;
        assert_eq!(verdict(&tokens, &by_one(&header, &claims())).await.map(|_| ()), verdict_on_it, "{header}");
    }
    let padded = |bytes: usize| {
        let mut claims = claims();
        claims["padding"] = json!("x".repeat(bytes));
        by_one(&header(), &claims)
    };
    // Base64 grows in steps of one or two bytes.
    let most = (LONGEST / 2..LONGEST).take_while(|bytes| padded(*bytes).len() <= LONGEST).last().unwrap();
    let (longest, longer) = (padded(most), padded(most + 1));
    assert!(longest.len() + 2 >= LONGEST && longer.len() <= LONGEST + 2, "{} {}", longest.len(), longer.len());
    assert!(verdict(&tokens, &longest).await.is_ok());
    assert_eq!(verdict(&tokens, &longer).await, Err(Flaw::TooLong));
}

#[tokio::test]
async fn a_token_of_an_issuer_that_is_not_configured_is_refused_before_its_keys_are_looked_for() {
    let setting = json!([{ "issuer": ISSUER, "audiences": ["app"], "algorithms": ["EdDSA"] }]).to_string();
    // Without keys: a look for them would end in an issuer that cannot be reached.
    let tokens = IdTokens::from_settings(&[("OIDC_ISSUERS", setting.as_str())].into_iter().collect()).unwrap().unwrap();
    for issuer in [json!("https://evil.example"), json!(format!("{ISSUER}/")), json!([ISSUER]), json!(5), json!(null)] {
        let mut claims = claims();
        claims["iss"] = issuer;
        assert_eq!(verdict(&tokens, &by_one(&header(), &claims)).await, Err(Flaw::Issuer), "{claims}");
    }
}

#[tokio::test]
async fn the_claims_are_checked_with_the_nonce_and_the_instant_of_the_request() {
    let tokens = holding(&["EdDSA"], &[ed_jwk("one", 1)]);
    let mut claims = claims();
    claims["nonce"] = json!("n");
    let token = by_one(&header(), &claims);
    let late = NOW.after(std::time::Duration::from_secs(360));
    assert!(tokens.verify(&token, Some("n"), NOW).await.is_ok());
    for (nonce, now, cause) in [(Some("m"), NOW, Flaw::Nonce), (Some("n"), late, Flaw::Expired)] {
        assert_eq!(tokens.verify(&token, nonce, now).await, Err(IdTokenRefused::Rejected { cause }));
    }
    claims["exp"] = json!("soon");
    assert_eq!(verdict(&tokens, &by_one(&header(), &claims)).await, Err(Flaw::Claims));
}
