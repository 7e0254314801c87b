use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

const SECRET: &str = "the old system's secret, 32 bytes";
const NOW: u64 = 1_795_255_200;
const UNTIL: &str = "2027-01-01T00:00:00Z";

fn settings(changes: &[(&'static str, &'static str)]) -> Variables {
    let given = [("LEGACY_JWT_UNTIL", UNTIL), ("LEGACY_JWT_ISSUER", "old"), ("LEGACY_JWT_AUDIENCE", "app")];
    given.into_iter().chain(changes.iter().copied()).collect()
}

fn tokens(changes: &[(&'static str, &'static str)]) -> LegacyTokens {
    LegacyTokens::from_settings(&settings(changes)).unwrap().unwrap()
}

fn signed(secret: &str, header: &Value, claims: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The right claims, changed by `changes`; a null takes a claim away.
fn claims(changes: &Value) -> String {
    let mut claims = json!({ "iss": "old", "aud": "app", "sub": "ada", "exp": NOW + 1 });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims.to_string()
}

fn verify(tokens: &LegacyTokens, token: &str) -> Result<SubjectId, LegacyTokenRefused> {
    tokens.verify(&SECRET.into(), token, UnixMillis::from_millis(NOW * 1000))
}

fn verdict(changes: &Value) -> Result<SubjectId, LegacyTokenRefused> {
    verify(&tokens(&[]), &signed(SECRET, &json!({ "alg": "HS256", "typ": "JWT" }), &claims(changes)))
}

fn rejected<T>(cause: Flaw) -> Result<T, LegacyTokenRefused> {
    Err(LegacyTokenRefused::Rejected { cause })
}

fn old_user(name: &str) -> SubjectId {
    SubjectId::of("legacyToken", "old", name)
}

#[test]
fn the_settings_are_complete_or_stop_the_start() {
    assert!(LegacyTokens::from_settings(&Variables::default()).unwrap().is_none());
    assert!(LegacyTokens::from_settings(&settings(&[("LEGACY_JWT_UNTIL", "")])).unwrap().is_none());
    for (name, value) in [
        ("LEGACY_JWT_UNTIL", "hunter2"),
        ("LEGACY_JWT_UNTIL", "2027-01-01"),
        ("LEGACY_JWT_ISSUER", ""),
        ("LEGACY_JWT_AUDIENCE", ""),
        ("LEGACY_JWT_KIND", "hunter2"),
        ("LEGACY_JWT_KIND", "guest"),
    ] {
        let error = LegacyTokens::from_settings(&settings(&[(name, value)])).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name} ")), "{name}={value}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_token_names_a_user_of_the_old_system_or_the_user_of_that_name_here() {
    assert_eq!(verdict(&json!({})), Ok(old_user("ada")));
    let token = |sub: &str| signed(SECRET, &json!({ "alg": "HS256" }), &claims(&json!({ "sub": sub })));
    assert_eq!(verify(&tokens(&[("LEGACY_JWT_KIND", "legacyToken")]), &token("Ada")), Ok(old_user("Ada")));
    let by_name = tokens(&[("LEGACY_JWT_KIND", "password")]);
    assert_eq!(verify(&by_name, &token("Ada")), Ok(Username::parse("ada").unwrap().subject()));
    assert_eq!(verify(&by_name, &token("a\nb")), rejected(Flaw::Subject), "nobody can register that name");
}

#[test]
fn the_claim_that_names_the_user_is_a_setting() {
    let token = signed(SECRET, &json!({ "alg": "HS256" }), &claims(&json!({ "user_id": 17 })));
    assert_eq!(verify(&tokens(&[("LEGACY_JWT_SUBJECT_CLAIM", "user_id")]), &token), Ok(old_user("17")));
    assert_eq!(verify(&tokens(&[("LEGACY_JWT_SUBJECT_CLAIM", "uid")]), &token), rejected(Flaw::Claims));
    for (sub, subject) in [
        (json!(17), Ok(old_user("17"))),
        (json!(-17), Ok(old_user("-17"))),
        (json!(u64::MAX), Ok(old_user("18446744073709551615"))),
        (json!("a"), Ok(old_user("a"))),
        (json!("a".repeat(255)), Ok(old_user(&"a".repeat(255)))),
        (json!("a".repeat(256)), rejected(Flaw::Subject)),
        (json!(""), rejected(Flaw::Subject)),
        (json!(17.5), rejected(Flaw::Claims)),
        (json!(17.0), rejected(Flaw::Claims)),
        (json!(true), rejected(Flaw::Claims)),
        (json!(["ada"]), rejected(Flaw::Claims)),
        (json!({ "id": "ada" }), rejected(Flaw::Claims)),
        (json!(null), rejected(Flaw::Claims)),
    ] {
        assert_eq!(verdict(&json!({ "sub": sub })), subject, "{sub}");
    }
}

#[test]
fn every_claim_is_there_of_its_type_and_ours() {
    for (changes, flaw) in [
        (json!({ "iss": null }), Flaw::Claims),
        (json!({ "iss": 5 }), Flaw::Claims),
        (json!({ "iss": ["old"] }), Flaw::Claims),
        (json!({ "iss": "new" }), Flaw::Issuer),
        (json!({ "iss": "" }), Flaw::Issuer),
        (json!({ "aud": null }), Flaw::Claims),
        (json!({ "aud": 5 }), Flaw::Claims),
        (json!({ "aud": {} }), Flaw::Claims),
        (json!({ "aud": [] }), Flaw::Audience),
        (json!({ "aud": "other" }), Flaw::Audience),
        (json!({ "aud": ["other"] }), Flaw::Audience),
        (json!({ "exp": null }), Flaw::Claims),
        (json!({ "exp": (NOW + 1).to_string() }), Flaw::Claims),
        (json!({ "exp": -1 }), Flaw::Claims),
        (json!({ "exp": NOW }), Flaw::Expired),
        (json!({ "exp": 0 }), Flaw::Expired),
        (json!({ "nbf": NOW + 1 }), Flaw::NotYetValid),
        (json!({ "nbf": "now" }), Flaw::Claims),
    ] {
        assert_eq!(verdict(&changes), rejected(flaw), "{changes}");
    }
    for changes in [
        json!({ "aud": ["other", "app"] }),
        json!({ "nbf": NOW }),
        json!({ "exp": 1_795_255_200.5 }),
        json!({ "iat": "unknown", "scope": ["a"] }),
    ] {
        assert_eq!(verdict(&changes), Ok(old_user("ada")), "{changes}");
    }
}

#[test]
fn nothing_but_hs256_with_the_secret_and_no_extension_is_accepted() {
    let with = |header: Value| signed(SECRET, &header, &claims(&json!({})));
    let longest =
        |bytes: usize| signed(SECRET, &json!({ "alg": "HS256" }), &claims(&json!({ "padding": "x".repeat(bytes) })));
    let most = (2000..LONGEST).take_while(|bytes| longest(*bytes).len() <= LONGEST).last().unwrap();
    for (name, token, verdict) in [
        ("no type", with(json!({ "alg": "HS256" })), Ok(old_user("ada"))),
        ("a kid", with(json!({ "alg": "HS256", "kid": "../x" })), Ok(old_user("ada"))),
        ("none", with(json!({ "alg": "none" })), rejected(Flaw::Malformed)),
        ("another", with(json!({ "alg": "HS512" })), rejected(Flaw::Algorithm)),
        ("asymmetric", with(json!({ "alg": "RS256" })), rejected(Flaw::Algorithm)),
        ("an access token", with(json!({ "alg": "HS256", "typ": "at+jwt" })), rejected(Flaw::Type)),
        ("an extension", with(json!({ "alg": "HS256", "crit": ["b64"], "b64": false })), rejected(Flaw::Critical)),
        ("another secret", signed("x", &json!({ "alg": "HS256" }), &claims(&json!({}))), rejected(Flaw::Signature)),
        ("no secret", signed("", &json!({ "alg": "HS256" }), &claims(&json!({}))), rejected(Flaw::Signature)),
        ("no JSON", signed(SECRET, &json!({ "alg": "HS256" }), "ada"), rejected(Flaw::Claims)),
        ("a list", signed(SECRET, &json!({ "alg": "HS256" }), "[]"), rejected(Flaw::Claims)),
        ("nothing", String::new(), rejected(Flaw::Malformed)),
        ("the longest", longest(most), Ok(old_user("ada"))),
        ("a longer one", longest(most + 1), rejected(Flaw::TooLong)),
    ] {
        assert_eq!(verify(&tokens(&[]), &token), verdict, "{name}");
    }
}

#[test]
fn every_single_changed_bit_is_noticed() {
    let token = signed(SECRET, &json!({ "alg": "HS256" }), &claims(&json!({})));
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.clone().into_bytes();
            changed[at] ^= 1 << bit;
            assert!(verify(&tokens(&[]), &String::from_utf8(changed).unwrap()).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn from_the_date_on_no_token_is_looked_at() {
    let until = UnixMillis::parse_rfc3339(UNTIL).unwrap();
    let token = signed(SECRET, &json!({ "alg": "HS256" }), &claims(&json!({ "exp": until.floor_seconds() + 60 })));
    let tokens = tokens(&[]);
    for (now, over) in [(until.as_millis() - 1, false), (until.as_millis(), true), (u64::MAX, true)] {
        let now = UnixMillis::from_millis(now);
        let expected = if over { Err(LegacyTokenRefused::Over) } else { Ok(old_user("ada")) };
        assert_eq!((tokens.is_over(now), tokens.verify(&SECRET.into(), &token, now)), (over, expected), "{now:?}");
        let garbage = if over { Err(LegacyTokenRefused::Over) } else { rejected(Flaw::Malformed) };
        assert_eq!(tokens.verify(&SECRET.into(), "garbage", now), garbage, "{now:?}");
    }
}
