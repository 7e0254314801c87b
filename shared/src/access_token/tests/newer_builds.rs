//! Tokens of newer builds, and what of ours must not change for older ones.

use super::*;

/// Claims that are known to come, and one of which nobody has heard.
fn newer_claims(sub: &str, key: &Value) -> Value {
    let mut claims = good_claims();
    let more =
        json!({ "sub": sub, "key": key, "auth_time": 1, "amr": ["pwd"], "act": { "sub": "a" }, "of_2031": [{}] });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

#[test]
fn a_claim_that_this_build_does_not_know_is_ignored() {
    for ring in both() {
        let (subject, sid) = session();
        let mut claims = newer_claims(&subject.to_string(), &Value::Null);
        claims.as_object_mut().unwrap().remove("key");
        let verified = verify(&forge(&ring, &good_header(&ring), &claims), &ring, NOW).unwrap();
        assert_eq!((verified.subject, verified.sid), (subject, sid));
    }
}

#[test]
fn a_key_beside_sub_is_the_subject_or_the_token_is_not_valid() {
    let ring = ring("one", &[]);
    let (subject, other) = (session().0, SubjectId::of("password", "", "eve"));
    for (sub, key, expected) in [
        ("user-7", json!(subject), Some(subject)),
        ("", json!(subject), Some(subject)),
        (&other.to_string(), json!(subject), Some(subject)),
        ("user-7", json!("user-7"), None),
        (&subject.to_string(), json!(""), None),
        (&subject.to_string(), Value::Null, None),
        (&subject.to_string(), json!(5), None),
        (&subject.to_string(), json!([subject]), None),
        (&subject.to_string(), json!(format!("{subject}=")), None),
    ] {
        let text = forge(&ring, &good_header(&ring), &newer_claims(sub, &key));
        let verified = verify(&text, &ring, NOW).map(|claims| claims.subject);
        assert_eq!(verified.ok(), expected, "sub {sub}, key {key}");
        let late = tokens().verify_expired_too(
            &Unverified::parse(&text).unwrap(),
            ring.signing().public(),
            NOW.after(Duration::from_secs(100_000)),
        );
        assert_eq!(late.ok().map(|claims| claims.subject), expected, "the same for a logout: sub {sub}, key {key}");
    }
}

#[test]
fn what_is_signed_is_the_same_to_the_byte_as_what_older_builds_sign() {
    let ring = ring("one", &[]);
    let token = tokens().sign(ring.signing(), session(), far(), NOW, &[0; 16]).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.text.split('.').nth(1).unwrap()).unwrap();
    let expected = r#"{"iss":"https://api.example.com","aud":"app","sub":"plbiOkerIY_5uF3i0SIjjQ","sid":"#.to_owned()
        + r#""01a1fd8c-69fa-7101-8101-010101010101","iat":1795255200,"nbf":1795255200,"exp":1795256101,"#
        + r#""jti":"AAAAAAAAAAAAAAAAAAAAAA"}"#;
    assert_eq!(String::from_utf8(claims).unwrap(), expected);
}
