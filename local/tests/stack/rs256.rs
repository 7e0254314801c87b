//! An RSA key that signs access tokens, switched on, replaced and switched off.

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use session::{
    authorize::{Mode, authorize},
    issuer::{Issued, Issuer},
    unix_time::UnixMillis,
    verifier::Verifier,
};

use crate::{
    Outcome,
    api::Api,
    world::{World, at, code, token},
};

/// A fresh RSA key in PEM (PKCS#8).
fn pem() -> Outcome<String> {
    let der = KeyPair::generate(KeySize::Rsa2048)?.as_der()?;
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(std::str::from_utf8).collect::<Result<_, _>>()?;
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

fn secret(rsa: Option<&str>, previous: &[&str]) -> String {
    json!({ "current": format!("{:x<64}", "one"), "rsa": rsa, "previous": previous }).to_string()
}

/// `alg` and `kid` of a token.
fn header(access: &str) -> Outcome<(Value, Value)> {
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(access.split('.').next().unwrap_or_default())?)?;
    assert_eq!(header["typ"], "at+jwt");
    Ok((header["alg"].clone(), header["kid"].clone()))
}

/// A function that holds this secret, started now.
async fn issuer(world: &World, secret: String, now: UnixMillis) -> Outcome<Issuer> {
    let mut settings = world.settings.clone();
    settings.set("SESSION_SECRET", secret);
    Ok(Issuer::start(&settings, now).await?)
}

/// What verifiers of every age say of a token.
async fn taken(verifiers: &[&Verifier], issued: &Issued, now: UnixMillis) -> Vec<String> {
    let mut said = Vec::new();
    for verifier in verifiers {
        said.push(code(&authorize(verifier, Mode::Stateful, &issued.access.text, now).await));
    }
    said
}

#[tokio::test]
async fn every_route_takes_a_token_that_was_signed_with_rsa() -> Outcome {
    let secret = secret(Some(&pem()?), &[]);
    let api = Api::start(&[("SESSION_SECRET", &secret)]).await?;
    let (_, opened) = api.guest("body").await?;
    let access = opened["accessToken"].as_str().ok_or("no token")?;
    let (alg, kid) = header(access)?;
    assert_eq!(alg, "RS256");
    let keys: Value = api.get("/.well-known/jwks.json").send().await?.json().await?;
    let members: Vec<_> = keys["keys"][0].as_object().ok_or("no key")?.keys().map(String::as_str).collect();
    assert_eq!((keys["keys"].as_array().map(Vec::len), members), (Some(1), vec!["alg", "e", "kid", "kty", "n", "use"]));
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"], &key["kid"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"), &kid)
    );
    for path in ["/session", "/sessions"] {
        assert_eq!(api.get(path).bearer_auth(access).send().await?.status(), 200, "{path}");
    }
    let refreshed = api.post("/refresh").json(&json!({ "refreshToken": opened["refreshToken"] })).send().await?;
    assert_eq!(header(refreshed.json::<Value>().await?["accessToken"].as_str().ok_or("no token")?)?.0, "RS256");
    assert_eq!(api.post("/logout").bearer_auth(access).send().await?.status(), 204);
    assert_eq!(api.get("/session").bearer_auth(access).send().await?.status(), 401, "it was ended by its bearer");
    Ok(())
}

#[tokio::test]
async fn switching_to_rsa_and_back_refuses_no_token() -> Outcome {
    let mut world = World::start(&[]).await?;
    let old = Verifier::start(&world.settings, at(0)).await?;
    let edwards = world.guest(at(0)).await?;
    let (first, second) = (pem()?, pem()?);

    world.issuer = issuer(&world, secret(Some(&first), &[]), at(10)).await?;
    let new = Verifier::start(&world.settings, at(10)).await?;
    let rsa = world.guest(at(11)).await?;
    assert_eq!((header(&edwards.access.text)?.0, header(&rsa.access.text)?.0), (json!("EdDSA"), json!("RS256")));
    for issued in [&edwards, &rsa] {
        assert_eq!(taken(&[&old, &new], issued, at(12)).await, ["ok", "ok"]);
    }

    // Another RSA key; the first signs no more.
    world.issuer = issuer(&world, secret(Some(&second), &[&first]), at(20)).await?;
    let replaced = world.guest(at(21)).await?;
    assert_ne!(header(&replaced.access.text)?.1, header(&rsa.access.text)?.1);
    // None of them.
    world.issuer = issuer(&world, secret(None, &[&first, &second]), at(30)).await?;
    let back = world.guest(at(31)).await?;
    assert_eq!(header(&back.access.text)?, header(&edwards.access.text)?);
    let newest = Verifier::start(&world.settings, at(31)).await?;
    for issued in [&edwards, &rsa, &replaced, &back] {
        assert_eq!(taken(&[&old, &new, &newest], issued, at(32)).await, ["ok", "ok", "ok"]);
    }
    // The refresh token of a session that began under another key is as good as before.
    let refreshed = world.refresh(token(&rsa), &["key"], session::lifecycle::Activity::Now, at(33)).await?;
    assert_eq!(header(&refreshed.access.text)?.0, "EdDSA");
    Ok(())
}

#[tokio::test]
async fn an_rsa_key_that_signs_no_more_is_forgotten_when_its_last_token_has_expired() -> Outcome {
    let mut world = World::start(&[]).await?;
    let rsa = pem()?;
    world.issuer = issuer(&world, secret(Some(&rsa), &[]), at(0)).await?;
    let opened = world.guest(at(0)).await?;
    let kid = header(&opened.access.text)?.1;
    world.issuer = issuer(&world, secret(None, &[&rsa]), at(0)).await?;
    let published = world.issuer.table.published_keys().await?;
    let of_rsa = published.iter().find(|published| kid == published.key.kid().as_str()).ok_or("not published")?;
    // Seven minutes in which a process may still sign with it, and the life of what it signs last.
    for (seconds, needed) in [(1320, true), (1321, false)] {
        assert_eq!(of_rsa.is_needed(at(seconds)), needed, "{seconds}");
    }
    assert_eq!(published.iter().filter(|published| published.until.is_none()).count(), 1, "the one that signs");
    Ok(())
}
