//! The wire contract: what is refused and how, and what every answer carries.

use reqwest::{Method, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

use crate::{
    Outcome,
    api::{Api, cookie, problem},
};

#[tokio::test]
async fn a_cross_site_request_is_refused_and_changes_nothing() -> Outcome {
    let api = Api::start(&[("SESSION_ORIGINS", "https://app.example.com")]).await?;
    let (headers, opened) = api.guest("cookie").await?;
    let cookie = cookie(&headers)?;
    for (name, value) in [("x-other", "1"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let mut request = api.post("/refresh").header("cookie", &cookie).header(name, value);
        if name != "x-other" {
            request = request.header("x-session-client", "1");
        }
        let refused = request.send().await?;
        assert!(!refused.headers().contains_key(SET_COOKIE), "cookies stay as they are");
        let (status, body) = problem(refused).await?;
        assert_eq!((status, &body["code"]), (403, &json!("csrf_rejected")), "{name}");
    }
    let good = api.post("/refresh").header("cookie", &cookie).header("x-session-client", "1");
    let refreshed: Value = good.header("origin", "https://app.example.com").send().await?.json().await?;
    assert_eq!(refreshed["session"]["id"], opened["session"]["id"]);

    let body = json!({ "credential": { "kind": "guest" } });
    let signed_in = api.post("/connect").header("origin", "https://evil.example").json(&body).send().await?;
    assert_eq!(problem(signed_in).await?.1["code"], "origin_not_allowed");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_by_field() -> Outcome {
    let api = Api::start(&[("SESSION_CREDENTIALS", "password")]).await?;
    for (body, pointers) in [
        (json!({ "credential": { "kind": "guest" } }), vec!["/credential/kind"]),
        (
            json!({ "credential": { "kind": "password", "username": "", "password": "short" } }),
            vec!["/credential/username", "/credential/password"],
        ),
        (
            json!({ "credential": { "kind": "password", "username": "ada", "password": "correct horse" }, "label": "x".repeat(129) }),
            vec!["/label"],
        ),
        (json!({ "credential": { "kind": "guest" }, "remember": true }), vec!["/credential/kind", "/remember"]),
        (
            json!({ "credential": { "kind": "password", "username": "ada", "password": "correct horse" }, "transport": "url" }),
            vec!["/transport"],
        ),
        (json!({}), vec![""]),
    ] {
        let (status, answer) = problem(api.post("/connect").json(&body).send().await?).await?;
        let told: Vec<_> =
            answer["errors"].as_array().ok_or("no errors")?.iter().map(|error| error["pointer"].as_str()).collect();
        assert_eq!((status, told), (400, pointers.into_iter().map(Some).collect()), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn the_policy_is_what_is_enforced_and_may_be_kept_by_its_tag() -> Outcome {
    let settings = [("SESSION_IDLE_TIMEOUT", "1h"), ("SESSION_TIMEOUT_BUFFER", "30s")];
    let api = Api::start(&settings).await?;
    let answer = api.get("/session-policy").send().await?;
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    assert_eq!(answer.headers()["vary"], "origin");
    let tag = answer.headers()["etag"].clone();
    let policy: Value = answer.json().await?;
    for (field, millis) in [
        ("accessTokenTtlMs", 900_000),
        ("heartbeatIntervalMs", 300_000),
        ("sessionTimeoutMs", 3_630_000),
        ("refreshThresholdMs", 450_000),
        ("idleTimeoutMs", 3_600_000),
        ("absoluteTimeoutMs", 604_800_000),
        ("warningLeadMs", 300_000),
        ("guestTimeoutMs", 7_200_000),
    ] {
        assert_eq!(policy[field], millis, "{field}");
    }
    assert_eq!(tag, format!("\"{}\"", policy["version"].as_str().ok_or("no version")?));
    let (_, opened) = api.guest("body").await?;
    assert_eq!(opened["policyVersion"], policy["version"]);
    assert_eq!(
        (&opened["session"]["idleExpiresInMs"], &opened["accessExpiresInMs"]),
        (&policy["idleTimeoutMs"], &policy["accessTokenTtlMs"])
    );
    for (known, status) in [(tag.to_str()?, 304), ("*", 304), ("\"other\"", 200)] {
        assert_eq!(api.get("/session-policy").header("if-none-match", known).send().await?.status(), status, "{known}");
    }
    Ok(())
}

#[tokio::test]
async fn the_published_keys_are_those_that_sign() -> Outcome {
    let api = Api::start(&[]).await?;
    let (_, opened) = api.guest("body").await?;
    let configuration: Value = api.get("/.well-known/openid-configuration").send().await?.json().await?;
    assert_eq!(configuration["issuer"], api.url);
    assert_eq!(configuration["jwks_uri"], format!("{}/.well-known/jwks.json", api.url));
    let answer = api.get("/.well-known/jwks.json").send().await?;
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
    // Else what was opened in a tab would be handed to a page without the gateway's CORS headers.
    assert_eq!(answer.headers()["vary"], "origin");
    let keys: Value = answer.json().await?;
    let kid = opened["refreshToken"].as_str().and_then(|token| token.split('.').nth(1));
    assert_eq!(keys["keys"][0]["kid"].as_str(), kid);
    assert_eq!(
        (&keys["keys"][0]["kty"], &keys["keys"][0]["crv"], &keys["keys"][0]["alg"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
    );
    Ok(())
}

#[tokio::test]
async fn every_answer_is_hardened_and_a_401_says_how_to_authenticate() -> Outcome {
    let api = Api::start(&[]).await?;
    for (answer, challenge) in [
        (api.get("/session").send().await?, Some("Bearer")),
        (api.get("/session").bearer_auth("a.b.c").send().await?, Some("Bearer error=\"invalid_token\"")),
        (api.post("/refresh").send().await?, Some("Bearer")),
        (api.get("/session-policy").send().await?, None),
        (api.post("/logout").send().await?, None),
    ] {
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        let nothing = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
        assert_eq!(headers["content-security-policy"], nothing);
        assert_eq!(headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
        assert!(headers.contains_key("cache-control"));
        assert_eq!(headers.get("www-authenticate").and_then(|value| value.to_str().ok()), challenge);
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_answers_preflights_and_unknown_routes_itself() -> Outcome {
    let api = Api::start(&[("SESSION_ORIGINS", "https://app.example.com")]).await?;
    let preflight = |origin: &'static str| {
        api.request(Method::OPTIONS, "/refresh")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let allowed = preflight("https://app.example.com").send().await?;
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://app.example.com");
    assert_eq!(allowed.headers()["access-control-allow-credentials"], "true");
    assert!(allowed.headers()["access-control-allow-headers"].to_str()?.contains("x-session-client"));
    let refused = preflight("https://evil.example").send().await?;
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
    for (method, path) in
        [(Method::GET, "/refresh"), (Method::POST, "/refresh/"), (Method::POST, "/Refresh"), (Method::GET, "/")]
    {
        assert_eq!(api.request(method, path).send().await?.status(), StatusCode::NOT_FOUND, "{path}");
    }
    Ok(())
}
