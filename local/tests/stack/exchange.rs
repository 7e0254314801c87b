//! Sessions for whoever has an ID token of a configured issuer, or a token of the old system.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use session::{
    connect::Connect,
    credential::{Credential, CredentialKind, password::Username},
    error::SessionError,
    identity::SubjectId,
    issuer::Issued,
    opening::Details,
    unix_time::UnixMillis,
};

use crate::{
    Outcome,
    api::{Api, problem},
    openid_provider::{Behaviour, CLIENT_ID, OpenIdProvider},
    world::{START, World, at, code},
};

/// Every kind of credential that needs no database.
pub(crate) const KINDS: (&str, &str) = ("SESSION_CREDENTIALS", "password,guest,idToken,legacyToken");
const OLD_SECRET: &str = "the secret of the old system, which is long enough";

async fn with(world: &World, credential: Credential, seconds: u64) -> Result<Issued, SessionError> {
    let wanted = Connect { credential, remember: false };
    let details = Details { network: Some("203.0.113.0/24".to_owned()), ..Details::default() };
    world.connect_with(&wanted, &details, at(seconds)).await
}

fn id_token(token: &str, nonce: Option<&str>) -> Credential {
    Credential::IdToken(token.into(), nonce.map(str::to_owned))
}

#[tokio::test]
async fn an_id_token_opens_one_session_and_no_second() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let world = World::start(&[KINDS, ("OIDC_ISSUERS", &provider.settings_json())]).await?;
    for (number, algorithm) in ["RS256", "ES256", "EdDSA"].into_iter().enumerate() {
        let mut claims = provider.claims("ada", 0);
        claims["jti"] = json!(number);
        let token = provider.sign_with(algorithm, &claims)?;
        world.emulator.proxy.take();
        let opened = with(&world, id_token(&token, None), 1).await?;
        assert_eq!(world.emulator.proxy.take(), ["BatchGetItem", "Query", "TransactWriteItems"]);
        assert_eq!(opened.session.subject, SubjectId::of("idToken", &provider.issuer, "ada"));
        assert_eq!(opened.session.credential, CredentialKind::IdToken);
        // X12.
        assert_eq!(code(&with(&world, id_token(&token, None), 2).await), "CredentialRejected", "{algorithm} again");
    }
    assert_eq!(world.emulator.items("ONCE").await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn of_many_connects_with_one_id_token_at_once_one_succeeds() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let world = World::start(&[KINDS, ("OIDC_ISSUERS", &provider.settings_json())]).await?;
    let token = provider.sign(&provider.claims("ada", 0))?;
    let tries = (0..8).map(|_| with(&world, id_token(&token, None), 1));
    let outcomes: Vec<String> = futures_util::future::join_all(tries).await.iter().map(code).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "ok").count(), 1, "{outcomes:?}");
    assert_eq!(world.emulator.items("S#").await?.len(), 1);
    Ok(())
}

/// X10.
#[tokio::test]
async fn a_nonce_that_is_sent_must_be_the_tokens() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let world = World::start(&[KINDS, ("OIDC_ISSUERS", &provider.settings_json())]).await?;
    let mut claims = provider.claims("ada", 0);
    claims["nonce"] = json!("n-0S6_WzA2Mj");
    let token = provider.sign(&claims)?;
    assert_eq!(code(&with(&world, id_token(&token, Some("another")), 1).await), "CredentialRejected");
    assert_eq!(code(&with(&world, id_token(&token, Some("n-0S6_WzA2Mj")), 1).await), "ok");
    Ok(())
}

/// X10, X11: one body for a token that is refused, and never a refusal for keys that cannot be had.
#[tokio::test]
async fn an_issuer_that_does_not_answer_refuses_nobody() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let world = World::start(&[KINDS, ("OIDC_ISSUERS", &provider.settings_json())]).await?;
    let token = provider.sign(&provider.claims("ada", 0))?;
    provider.behave(Behaviour::Failing);
    assert_eq!(code(&with(&world, id_token(&token, None), 1).await), "Unavailable");
    provider.behave(Behaviour::Honest);
    assert_eq!(code(&with(&world, id_token(&token, None), 10).await), "ok");
    let foreign = OpenIdProvider::start().await?;
    let token = foreign.sign(&foreign.claims("ada", 0))?;
    assert_eq!(code(&with(&world, id_token(&token, None), 10).await), "CredentialRejected");
    assert_eq!(foreign.requests(), [""; 0], "a token makes no request go anywhere");
    Ok(())
}

fn old_token(claims: &Value) -> String {
    let encoded = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", encoded(&json!({ "alg": "HS256", "typ": "JWT" })), encoded(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, OLD_SECRET.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
}

fn old_claims(name: &str) -> Value {
    let exp = START.floor_seconds() + 7200;
    json!({ "iss": "old-system", "aud": "app", "user": name, "exp": exp })
}

async fn migrating(kind: &str) -> Outcome<World> {
    let secret = json!({ "current": "x".repeat(64), "legacy": OLD_SECRET }).to_string();
    World::start(&[
        KINDS,
        ("SESSION_SECRET", &secret),
        ("LEGACY_JWT_ISSUER", "old-system"),
        ("LEGACY_JWT_AUDIENCE", "app"),
        ("LEGACY_JWT_SUBJECT_CLAIM", "user"),
        ("LEGACY_JWT_KIND", kind),
        ("LEGACY_JWT_UNTIL", &at(3600).to_rfc3339()),
    ])
    .await
}

#[tokio::test]
async fn an_old_token_is_exchanged_until_the_date_and_refused_from_then_on() -> Outcome {
    let world = migrating("legacyToken").await?;
    let token = SecretString::from(old_token(&old_claims("ada")));
    for (seconds, outcome) in [(3599, "ok"), (3600, "CredentialRejected")] {
        assert_eq!(code(&with(&world, Credential::LegacyToken(token.clone()), seconds).await), outcome, "at {seconds}");
    }
    let opened = with(&world, Credential::LegacyToken(token), 10).await?;
    assert_eq!(opened.session.subject, SubjectId::of("legacyToken", "old-system", "ada"));
    let forged = old_token(&old_claims("eve")).replace(&old_token(&old_claims("ada"))[..10], "eyJhbGciOi");
    let (signed, _) = forged.rsplit_once('.').ok_or("no signature")?;
    let unsigned = Credential::LegacyToken(format!("{signed}.").into());
    assert_eq!(code(&with(&world, unsigned, 10).await), "CredentialRejected");
    Ok(())
}

#[tokio::test]
async fn an_old_token_can_stand_for_the_user_with_that_username() -> Outcome {
    let world = migrating("password").await?;
    let token = SecretString::from(old_token(&old_claims("Ada")));
    let opened = with(&world, Credential::LegacyToken(token), 1).await?;
    assert_eq!(opened.session.subject, Username::parse("ada")?.subject());
    let registered = world.register("ada", at(2)).await?;
    assert_eq!(registered.session.subject, opened.session.subject);
    assert_eq!(world.live(&opened, at(3)).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn old_tokens_without_their_secret_stop_the_start() -> Outcome {
    let settings =
        [("LEGACY_JWT_UNTIL", "2027-01-31T00:00:00Z"), ("LEGACY_JWT_ISSUER", "o"), ("LEGACY_JWT_AUDIENCE", "a")];
    let Err(error) = Api::start(&settings).await else { return Err("it started".into()) };
    assert!(error.to_string().contains("LEGACY_JWT_UNTIL must be unset"), "{error}");
    Ok(())
}

#[tokio::test]
async fn both_are_taken_over_http_and_every_refusal_has_the_same_body() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let secret = json!({ "current": "x".repeat(64), "legacy": OLD_SECRET }).to_string();
    let api = Api::start(&[
        KINDS,
        ("OIDC_ISSUERS", &provider.settings_json()),
        ("SESSION_SECRET", &secret),
        ("LEGACY_JWT_ISSUER", "old-system"),
        ("LEGACY_JWT_AUDIENCE", "app"),
        ("LEGACY_JWT_UNTIL", "2099-01-01T00:00:00Z"),
    ])
    .await?;
    let policy: Value = api.get("/session-policy").send().await?.json().await?;
    assert_eq!(policy["credentials"], json!(["password", "guest", "idToken", "legacyToken"]));
    let now = UnixMillis::now().floor_seconds();
    let id =
        json!({ "iss": provider.issuer, "aud": CLIENT_ID, "sub": "ada", "iat": now, "exp": now + 60, "nonce": "n" });
    let id = json!({ "kind": "idToken", "idToken": provider.sign(&id)?, "nonce": "n" });
    let old = json!({ "iss": "old-system", "aud": "app", "sub": "ada", "exp": now + 60 });
    let old = json!({ "kind": "legacyToken", "token": old_token(&old) });
    for credential in [&id, &old] {
        let answer = api.post("/connect").json(&json!({ "credential": credential })).send().await?;
        assert_eq!(answer.status(), StatusCode::CREATED, "{credential}");
        let remember = json!({ "credential": credential, "remember": true });
        let (status, refused) = problem(api.post("/connect").json(&remember).send().await?).await?;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (400, &json!("/remember")));
    }
    let mut bodies = Vec::new();
    for credential in [
        id,
        json!({ "kind": "idToken", "idToken": "not.a.token" }),
        json!({ "kind": "legacyToken", "token": "not.a.token" }),
        json!({ "kind": "password", "username": "nobody", "password": "correct horse" }),
    ] {
        let (status, mut body) =
            problem(api.post("/connect").json(&json!({ "credential": credential })).send().await?).await?;
        body["requestId"] = json!("");
        bodies.push((status, body));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!((bodies[0].0, &bodies[0].1["code"]), (401, &json!("credential_rejected")));
    Ok(())
}
