//! The wire contract of stored credentials: cookies, transports, and who may send them.

use reqwest::{
    RequestBuilder, StatusCode,
    header::{HeaderMap, SET_COOKIE},
};
use serde_json::{Value, json};

use crate::{
    Outcome,
    api::{Api, problem},
};

/// The value that an answer gives a cookie.
fn set(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    cookies.filter_map(|cookie| cookie.split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
}

fn value(cookie: Option<String>) -> Outcome<String> {
    Ok(cookie.ok_or("no cookie")?.split(';').next().unwrap_or_default().to_owned())
}

async fn remembered(api: &Api, transport: &str) -> Outcome<(HeaderMap, Value)> {
    let body = json!({ "username": "ada", "password": "correct horse", "remember": true, "transport": transport });
    let answer = api.post("/register").json(&body).send().await?;
    assert_eq!(answer.status(), StatusCode::CREATED);
    Ok((answer.headers().clone(), answer.json().await?))
}

fn reconnect(api: &Api, cookie: &str) -> RequestBuilder {
    let body = json!({ "credential": { "kind": "reconnect" } });
    api.post("/connect").header("cookie", format!("__Host-reconnect={cookie}")).json(&body)
}

#[tokio::test]
async fn a_browser_that_is_remembered_reconnects_with_a_cookie_that_scripts_never_see() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, opened) = remembered(&api, "cookie").await?;
    assert!(opened.get("reconnectToken").is_none() && opened.get("refreshToken").is_none());
    let cookie = set(&headers, "__Host-reconnect").ok_or("no cookie")?;
    let (attributes, kept) = cookie.rsplit_once("; Max-Age=").ok_or("no Max-Age")?;
    assert!(attributes.ends_with("; HttpOnly; SameSite=Strict; Secure; Path=/"), "{attributes}");
    let week = 7 * 24 * 3600;
    assert!([week, week + 1].contains(&kept.parse()?), "{kept}");

    let first = value(Some(cookie.clone()))?;
    let answer = reconnect(&api, &first).header("x-session-client", "1").send().await?;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let next = value(set(answer.headers(), "__Host-reconnect"))?;
    let refresh = value(set(answer.headers(), "__Host-refresh"))?;
    assert_ne!(next, first);
    let session: Value = answer.json().await?;
    assert_ne!(session["session"]["id"], opened["session"]["id"]);
    assert_eq!(session["session"]["subject"], opened["session"]["subject"]);
    assert!(session.get("reconnectToken").is_none() && session.get("refreshToken").is_none());
    let bearer = session["accessToken"].as_str().ok_or("no access token")?;
    let listed: Value = api.get("/sessions").bearer_auth(bearer).send().await?.json().await?;
    assert_eq!(
        (&listed["sessions"][0]["remembered"], listed["sessions"].as_array().map(Vec::len)),
        (&json!(true), Some(1))
    );

    let cookies = format!("__Host-refresh={refresh}; __Host-reconnect={next}");
    let out = api.post("/logout").header("cookie", cookies).header("x-session-client", "1").send().await?;
    assert_eq!((out.status(), out.headers().get_all(SET_COOKIE).iter().count()), (StatusCode::NO_CONTENT, 2));
    let answer = reconnect(&api, &next).header("x-session-client", "1").send().await?;
    assert!(!answer.headers().contains_key(SET_COOKIE));
    let (status, ended) = problem(answer).await?;
    assert_eq!((status, &ended["code"], &ended["reason"]), (401, &json!("session_ended"), &json!("logout")));
    assert_eq!((&ended["reconnect"], &ended["sessionId"]), (&json!("forbidden"), &json!(null)));
    Ok(())
}

#[tokio::test]
async fn a_reconnect_answers_in_the_transport_of_its_token() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, opened) = remembered(&api, "body").await?;
    assert!(!headers.contains_key(SET_COOKIE));
    let token = opened["reconnectToken"].as_str().ok_or("no token")?;
    let body =
        |transport| json!({ "credential": { "kind": "reconnect", "reconnectToken": token }, "transport": transport });
    let both = reconnect(&api, token).header("x-session-client", "1").json(&body("body")).send().await?;
    let (status, refused) = problem(both).await?;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (400, &json!("/credential/reconnectToken")));

    let answer = api.post("/connect").json(&body("cookie")).send().await?;
    assert_eq!((answer.status(), answer.headers().contains_key(SET_COOKIE)), (StatusCode::CREATED, false));
    let next: Value = answer.json().await?;
    let next = next["reconnectToken"].as_str().ok_or("no token")?;

    let as_cookie = json!({ "credential": { "kind": "reconnect" }, "transport": "body" });
    let answer = reconnect(&api, next).header("x-session-client", "1").json(&as_cookie).send().await?;
    assert!(set(answer.headers(), "__Host-reconnect").is_some() && set(answer.headers(), "__Host-refresh").is_some());
    let answer: Value = answer.json().await?;
    assert!(answer.get("reconnectToken").is_none() && answer.get("refreshToken").is_none(), "script gets no token");
    Ok(())
}

#[tokio::test]
async fn a_reconnect_that_may_come_from_another_site_changes_nothing() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, _) = remembered(&api, "cookie").await?;
    let cookie = value(set(&headers, "__Host-reconnect"))?;
    let plain = || reconnect(&api, &cookie);
    for (request, code) in [
        (plain(), "csrf_rejected"),
        (plain().header("x-session-client", "1").header("sec-fetch-site", "cross-site"), "csrf_rejected"),
        (plain().header("x-session-client", "1").header("origin", "https://evil.example"), "csrf_rejected"),
        // Registered without an origin: no page stored it.
        (plain().header("x-session-client", "1").header("origin", api.url.as_str()), "origin_not_allowed"),
    ] {
        let (status, refused) = problem(request.send().await?).await?;
        assert_eq!((status, &refused["code"]), (403, &json!(code)));
    }
    let done = plain().header("x-session-client", "1").send().await?;
    assert_eq!(done.status(), StatusCode::CREATED, "nothing was changed before");
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_missing_or_forged_is_told_as_such() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, _) = remembered(&api, "cookie").await?;
    let genuine = value(set(&headers, "__Host-reconnect"))?;
    let refresh = value(set(&headers, "__Host-refresh"))?;
    let missing = api.post("/connect").json(&json!({ "credential": { "kind": "reconnect" } })).send().await?;
    assert_eq!(missing.headers()["www-authenticate"], "Bearer");
    let (status, refused) = problem(missing).await?;
    assert_eq!((status, &refused["code"], refused.get("sessionId")), (401, &json!("token_missing"), None));
    for forged in [&genuine[..genuine.len() - 2], &refresh, &refresh.replacen("rt1", "rc1", 1), "rc1"] {
        let answer = reconnect(&api, forged).header("x-session-client", "1").send().await?;
        let (status, refused) = problem(answer).await?;
        assert_eq!((status, &refused["code"], &refused["sessionId"]), (401, &json!("token_invalid"), &json!(null)));
    }
    // J7: it is no refresh token either.
    let answer = api.post("/refresh").json(&json!({ "refreshToken": genuine })).send().await?;
    assert_eq!(problem(answer).await?.1["code"], "token_invalid");
    Ok(())
}

#[tokio::test]
async fn another_connect_takes_the_cookie_of_a_stored_credential_away_or_replaces_it() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, _) = remembered(&api, "cookie").await?;
    let cookie = value(set(&headers, "__Host-reconnect"))?;
    let connect = |remember: bool, cookie: &str| {
        let credential = json!({ "kind": "password", "username": "ada", "password": "correct horse" });
        api.post("/connect")
            .header("cookie", format!("__Host-reconnect={cookie}"))
            .header("x-session-client", "1")
            .json(&json!({ "credential": credential, "remember": remember }))
            .send()
    };
    let again = connect(true, &cookie).await?;
    let next = value(set(again.headers(), "__Host-reconnect"))?;
    assert!(next.starts_with("rc1.") && next != cookie);
    let answer = reconnect(&api, &cookie).header("x-session-client", "1").send().await?;
    assert_eq!(problem(answer).await?.1["reason"], "replaced");
    let plain = connect(false, &next).await?;
    assert!(set(plain.headers(), "__Host-reconnect").is_some_and(|cookie| cookie.ends_with("Max-Age=0")));
    // A cookie that was not made here is not touched.
    let foreign = connect(false, "rc1.not-ours").await?;
    assert_eq!((foreign.status(), set(foreign.headers(), "__Host-reconnect")), (StatusCode::CREATED, None));
    Ok(())
}

#[tokio::test]
async fn only_what_can_be_verified_again_is_remembered() -> Outcome {
    for (credentials, enabled) in [("password,guest", true), ("guest", false)] {
        let api = Api::start(&[("SESSION_CREDENTIALS", credentials)]).await?;
        let policy: Value = api.get("/session-policy").send().await?.json().await?;
        assert_eq!(policy["reconnect"], json!({ "enabled": enabled, "ttlMs": 604_800_000 }), "{credentials}");
        let body = json!({ "credential": { "kind": "guest" }, "remember": true });
        let (status, refused) = problem(api.post("/connect").json(&body).send().await?).await?;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (400, &json!("/remember")));
    }
    Ok(())
}
