use serde_json::{Value, json};

use super::{super::configured, *};

const NOW: u64 = 1_795_255_200;

fn check_at(claims: &Value, nonce: Option<&str>, now: UnixMillis) -> Result<(), Flaw> {
    let setting = r#"[{"issuer":"https://a.example","audiences":["app","spare"],"algorithms":["RS256"]}]"#;
    let issuers = configured::issuers(&[("OIDC_ISSUERS", setting)].into_iter().collect()).unwrap().unwrap();
    let claims: Claims = serde_json::from_value(claims.clone()).map_err(|_| Flaw::Claims)?;
    claims.check(&issuers[0], nonce, now)
}

/// The verdict on claims that are right, changed by `changes`; a null takes a claim away.
fn check(changes: &Value) -> Result<(), Flaw> {
    let mut claims = json!({ "iss": "https://a.example", "sub": "ada", "aud": "app", "exp": NOW + 300, "iat": NOW });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    check_at(&claims, None, UnixMillis::from_millis(NOW * 1000))
}

#[test]
fn every_claim_that_is_required_is_there_and_of_its_type() {
    assert_eq!(check(&json!({})), Ok(()));
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        assert_eq!(check(&json!({ name: null })), Err(Flaw::Claims), "no {name}");
        for wrong in [json!(true), json!({}), json!([5]), json!({ "a": "app" }), json!([["app"]])] {
            assert_eq!(check(&json!({ name: wrong })), Err(Flaw::Claims), "{name}: {wrong}");
        }
    }
    for name in ["iss", "sub", "aud"] {
        assert_eq!(check(&json!({ name: 5 })), Err(Flaw::Claims), "{name}");
    }
    for name in ["exp", "iat", "nbf"] {
        assert_eq!(check(&json!({ name: (NOW + 1).to_string() })), Err(Flaw::Claims), "{name}");
        assert_eq!(check(&json!({ name: -1 })), Err(Flaw::Claims), "{name}");
    }
    for name in ["azp", "nonce", "nbf"] {
        assert_eq!(check(&json!({ name: ["app"] })), Err(Flaw::Claims), "{name}");
    }
}

#[test]
fn a_claim_that_stands_there_twice_is_refused() {
    let twice = r#"{"iss":"https://a.example","sub":"ada","sub":"eve","aud":"app","exp":1,"iat":1}"#;
    assert!(serde_json::from_str::<Claims>(twice).is_err());
}

#[test]
fn the_issuer_is_compared_character_by_character() {
    for issuer in ["https://a.example/", "https://A.example", "https://b.example", "http://a.example", ""] {
        assert_eq!(check(&json!({ "iss": issuer })), Err(Flaw::Issuer), "{issuer}");
    }
    assert_eq!(check(&json!({ "iss": ["https://a.example"] })), Err(Flaw::Claims));
}

#[test]
fn the_audience_is_ours_and_a_shared_token_was_issued_to_us() {
    for (aud, azp, verdict) in [
        (json!("app"), json!(null), Ok(())),
        (json!("spare"), json!(null), Ok(())),
        (json!(["app"]), json!(null), Ok(())),
        (json!("App"), json!(null), Err(Flaw::Audience)),
        (json!("other"), json!(null), Err(Flaw::Audience)),
        (json!(""), json!(null), Err(Flaw::Audience)),
        (json!([]), json!(null), Err(Flaw::Audience)),
        (json!(["other"]), json!("app"), Err(Flaw::Audience)),
        (json!(["app", "other"]), json!(null), Err(Flaw::AuthorizedParty)),
        (json!(["app", "spare"]), json!(null), Err(Flaw::AuthorizedParty)),
        (json!(["app", "other"]), json!("other"), Err(Flaw::AuthorizedParty)),
        (json!(["app", "other"]), json!("app"), Ok(())),
        (json!(["app", "other"]), json!("spare"), Ok(())),
        (json!("app"), json!("app"), Ok(())),
        (json!("app"), json!("other"), Err(Flaw::AuthorizedParty)),
        (json!("app"), json!(""), Err(Flaw::AuthorizedParty)),
    ] {
        assert_eq!(check(&json!({ "aud": aud, "azp": azp })), verdict, "aud {aud}, azp {azp}");
    }
}

#[test]
fn a_subject_has_1_to_255_characters() {
    for (length, verdict) in [(0, Err(Flaw::Subject)), (1, Ok(())), (255, Ok(())), (256, Err(Flaw::Subject))] {
        assert_eq!(check(&json!({ "sub": "a".repeat(length) })), verdict, "{length}");
    }
}

#[test]
fn a_nonce_that_is_expected_is_there() {
    let claims = |nonce: Value| json!({ "iss": "https://a.example", "sub": "ada", "aud": "app", "exp": NOW + 300, "iat": NOW, "nonce": nonce });
    for (nonce, expected, verdict) in [
        (json!("n"), Some("n"), Ok(())),
        (json!("n"), None, Ok(())),
        (json!(null), None, Ok(())),
        (json!("n"), Some("N"), Err(Flaw::Nonce)),
        (json!("n"), Some(""), Err(Flaw::Nonce)),
        (json!(null), Some("n"), Err(Flaw::Nonce)),
        (json!(null), Some(""), Err(Flaw::Nonce)),
    ] {
        let read = check_at(&claims(nonce.clone()), expected, UnixMillis::from_millis(NOW * 1000));
        assert_eq!(read, verdict, "{nonce} for {expected:?}");
    }
}

#[test]
fn clocks_may_differ_by_a_minute_either_way() {
    for (changes, verdict) in [
        (json!({ "exp": NOW - 59 }), Ok(())),
        (json!({ "exp": NOW - 60 }), Err(Flaw::Expired)),
        (json!({ "exp": 0 }), Err(Flaw::Expired)),
        (json!({ "iat": NOW + 60 }), Ok(())),
        (json!({ "iat": NOW + 61 }), Err(Flaw::NotYetValid)),
        (json!({ "nbf": NOW + 60 }), Ok(())),
        (json!({ "nbf": NOW + 61 }), Err(Flaw::NotYetValid)),
        (json!({ "iat": 0, "nbf": 0 }), Ok(())),
    ] {
        assert_eq!(check(&changes), verdict, "{changes}");
    }
    let claims = json!({ "iss": "https://a.example", "sub": "ada", "aud": "app", "exp": NOW, "iat": NOW });
    for (millis, verdict) in [(NOW * 1000 + 59_999, Ok(())), (NOW * 1000 + 60_000, Err(Flaw::Expired))] {
        assert_eq!(check_at(&claims, None, UnixMillis::from_millis(millis)), verdict, "{millis}");
    }
}

#[test]
fn no_token_lives_longer_than_31_days() {
    let longest = NOW + 31 * 24 * 3600;
    for (exp, verdict) in [(longest, Ok(())), (longest + 1, Err(Flaw::Lifetime)), (u64::MAX, Err(Flaw::Lifetime))] {
        assert_eq!(check(&json!({ "exp": exp })), verdict, "{exp}");
    }
}
