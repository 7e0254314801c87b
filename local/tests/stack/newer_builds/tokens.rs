//! Access tokens that a newer build signed.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use harness::emulator::Item;
use serde_json::{Value, json};
use session::{
    authorize::{Mode, authorize},
    end::end_one,
    keys::{PublicKey, PublicNumbers},
    lifecycle::Activity,
    list::list,
    validate::validate,
};

use super::string;
use crate::{
    Outcome,
    world::{World, at, code},
};

/// Signs claims with a key of another build that is published beside those of this one.
async fn signed(world: &World, claims: &Value) -> Outcome<String> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let key = PublicKey::new(PublicNumbers::Ed25519 { x: x.clone() }).ok_or("not a key")?;
    let attributes = [("pk", "KEYS"), ("sk", key.kid().as_str()), ("x", &x), ("alg", "EdDSA")];
    let item: Item = attributes.map(|(name, value)| (name.to_owned(), string(value))).into();
    world.emulator.put(item).await?;
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": key.kid().as_str() });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
    Ok(format!("{message}.{signature}"))
}

#[tokio::test]
async fn a_published_key_of_another_form_is_left_out() -> Outcome {
    let world = World::start(&[]).await?;
    let ours = world.issuer.table.published_keys().await?;
    assert_eq!(ours.len(), 1);
    let known = world.emulator.items(ours[0].key.kid().as_str()).await?;
    let known = known.first().ok_or("no key")?;
    for (sk, attributes) in [
        ("p-256", vec![("x", "AAAA"), ("y", "AAAA"), ("crv", "P-256")]),
        ("ml-dsa", vec![("pub", "AAAA")]),
        ("policy", vec![]),
    ] {
        let attributes = attributes.into_iter().chain([("pk", "KEYS"), ("sk", sk)]);
        world.emulator.put(attributes.map(|(name, value)| (name.to_owned(), string(value))).collect()).await?;
    }
    assert_eq!(world.issuer.table.published_keys().await?, ours);
    for (ttl, left) in [(string("never"), 0), (super::number(1), 1)] {
        let mut item = known.clone();
        item.insert("ttl".to_owned(), ttl);
        world.emulator.put(item).await?;
        assert_eq!(world.issuer.table.published_keys().await?.len(), left);
    }
    Ok(())
}

#[tokio::test]
async fn a_token_with_a_users_own_id_and_more_claims_is_that_of_the_subject_in_its_key() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let other = world.connect("ada", at(1)).await?;
    let (subject, now) = (opened.session.subject, at(1).as_millis() / 1000);
    let claims = |key: &str| {
        json!({
            "iss": "https://sessions.example.com", "aud": "app", "sub": "user-7", "key": key,
            "sid": opened.session.id, "iat": now, "nbf": now, "exp": now + 900, "jti": "AAAA",
            "auth_time": now, "amr": ["pwd"], "act": { "sub": "operator" }, "plan": { "name": ["gold"] },
        })
    };
    let bearer = signed(&world, &claims(&subject.to_string())).await?;
    let verifier = &world.verifier;
    for mode in [Mode::Stateless, Mode::Stateful] {
        let authorized = authorize(verifier, mode, &bearer, at(2)).await?;
        assert_eq!((authorized.caller.subject, authorized.caller.session_id), (subject, opened.session.id));
    }
    assert_eq!(validate(verifier, &bearer, Activity::Now, at(3)).await?.id, opened.session.id);
    assert_eq!(list(verifier, &bearer, at(4)).await?.sessions.len(), 2);
    end_one(verifier, &bearer, other.session.id, at(5)).await?;
    assert_eq!(code(&world.validate(&other, Activity::None, at(6)).await), "revoked");
    let malformed = signed(&world, &claims("user-7")).await?;
    assert_eq!(code(&validate(verifier, &malformed, Activity::None, at(7)).await), "TokenInvalid");
    Ok(())
}
