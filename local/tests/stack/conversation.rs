//! The wire contract: what a browser and its user do.

use reqwest::{Method, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

use crate::{
    Outcome,
    api::{Api, cookie, problem},
};

#[tokio::test]
async fn a_browser_connects_stays_connected_and_logs_out() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, opened) = api.guest("cookie").await?;
    let set = headers[SET_COOKIE].to_str()?;
    let (attributes, kept) = set.rsplit_once("; Max-Age=").ok_or("no Max-Age")?;
    assert!(attributes.ends_with("; HttpOnly; SameSite=Strict; Secure; Path=/"), "{attributes}");
    // Until the last words are forgotten; rounding both ends outwards adds up to a second.
    let last_words = (2 + 48) * 3600;
    assert!([last_words, last_words + 1].contains(&kept.parse()?), "{kept}");
    assert!(opened.get("refreshToken").is_none(), "a script never sees it");

    let bearer = opened["accessToken"].as_str().ok_or("no access token")?;
    let validated = api.post("/validate-session").bearer_auth(bearer).send().await?;
    assert_eq!(validated.status(), StatusCode::OK);
    let validated: Value = validated.json().await?;
    assert_eq!(validated["session"]["id"], opened["session"]["id"]);
    assert!(validated.get("accessToken").is_none());

    let cookie_of = cookie(&headers)?;
    let refreshed = api.post("/refresh").header("cookie", &cookie_of).header("x-session-client", "1").send().await?;
    assert_eq!(refreshed.status(), StatusCode::OK);
    let next = cookie(refreshed.headers())?;
    assert_ne!(next, cookie_of);
    let refreshed: Value = refreshed.json().await?;
    assert!(refreshed["accessToken"].is_string() && refreshed.get("refreshToken").is_none());

    for _ in 0..2 {
        let out = api.post("/logout").header("cookie", &next).header("x-session-client", "1").send().await?;
        assert_eq!(out.status(), StatusCode::NO_CONTENT);
        let cleared: Vec<_> = out.headers().get_all(SET_COOKIE).iter().collect();
        assert_eq!(cleared.len(), 2);
        assert!(cleared.iter().all(|cookie| cookie.to_str().is_ok_and(|text| text.ends_with("Max-Age=0"))));
    }
    let (status, ended) = problem(api.get("/session").bearer_auth(bearer).send().await?).await?;
    assert_eq!((status, &ended["code"], &ended["reason"]), (401, &json!("session_ended"), &json!("logout")));
    assert_eq!((&ended["reconnect"], &ended["sessionId"]), (&json!("forbidden"), &opened["session"]["id"]));
    Ok(())
}

#[tokio::test]
async fn an_answer_comes_in_the_transport_of_the_token() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, opened) = api.guest("body").await?;
    assert!(!headers.contains_key(SET_COOKIE));
    let token = opened["refreshToken"].as_str().ok_or("no refresh token")?;
    let refreshed = api.post("/refresh").json(&json!({ "refreshToken": token, "transport": "cookie" })).send().await?;
    assert!(!refreshed.headers().contains_key(SET_COOKIE));
    let refreshed: Value = refreshed.json().await?;
    let token = refreshed["refreshToken"].as_str().ok_or("no refresh token")?;

    let both = api.post("/refresh").header("cookie", format!("__Host-refresh={token}")).header("x-session-client", "1");
    let (status, body) = problem(both.json(&json!({ "refreshToken": token })).send().await?).await?;
    assert_eq!((status, &body["errors"][0]["pointer"]), (400, &json!("/refreshToken")));

    let as_cookie =
        api.post("/refresh").header("cookie", format!("__Host-refresh={token}")).header("x-session-client", "1");
    let refreshed = as_cookie.json(&json!({ "transport": "body" })).send().await?;
    assert!(cookie(refreshed.headers())?.starts_with("__Host-refresh=rt1."));
    assert!(refreshed.json::<Value>().await?.get("refreshToken").is_none(), "script cannot turn a cookie into a token");
    Ok(())
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_cannot_be_told_apart() -> Outcome {
    let api = Api::start(&[]).await?;
    let user = json!({ "username": "ada", "password": "correct horse" });
    assert_eq!(api.post("/register").json(&user).send().await?.status(), StatusCode::CREATED);
    let (status, taken) = problem(api.post("/register").json(&user).send().await?).await?;
    assert_eq!((status, &taken["code"]), (409, &json!("username_taken")));
    let mut answers = Vec::new();
    for (name, password) in [("ada", "wrong horse"), ("eve", "correct horse")] {
        let credential = json!({ "kind": "password", "username": name, "password": password });
        let answer = api.post("/connect").json(&json!({ "credential": credential })).send().await?;
        let mut headers: Vec<_> = answer.headers().keys().map(ToString::to_string).collect();
        headers.sort();
        let (status, mut body) = problem(answer).await?;
        body["requestId"] = Value::Null;
        answers.push((status, headers, body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!((answers[0].0, &answers[0].2["code"]), (401, &json!("credential_rejected")));
    Ok(())
}

#[tokio::test]
async fn a_user_sees_and_ends_sessions_over_http() -> Outcome {
    let api = Api::start(&[]).await?;
    let user = json!({ "username": "ada", "password": "correct horse", "label": "at work" });
    let work: Value = api.post("/register").json(&user).send().await?.json().await?;
    let credential = json!({ "kind": "password", "username": "ada", "password": "correct horse" });
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let home = api.post("/connect").header("user-agent", agent).json(&json!({ "credential": credential }));
    let home: Value = home.send().await?.json().await?;
    let bearer = work["accessToken"].as_str().ok_or("no access token")?;

    let listed: Value = api.get("/sessions").bearer_auth(bearer).send().await?.json().await?;
    let seen: Vec<_> = listed["sessions"]
        .as_array()
        .ok_or("no list")?
        .iter()
        .map(|one| (&one["label"], &one["current"], &one["remembered"]))
        .collect();
    let (no, yes) = (&json!(false), &json!(true));
    assert_eq!(seen, [(&json!("Firefox on Linux"), no, no), (&json!("at work"), yes, no)]);

    let path = format!("/sessions/{}", home["session"]["id"].as_str().ok_or("no id")?);
    assert_eq!(api.request(Method::DELETE, &path).bearer_auth(bearer).send().await?.status(), StatusCode::NO_CONTENT);
    for id in ["01a1fcf2-0584-7f57-bfaa-db5ccdef7720", "nonsense"] {
        let gone = api.request(Method::DELETE, &format!("/sessions/{id}")).bearer_auth(bearer).send().await?;
        assert_eq!(problem(gone).await?.0, 404, "{id}");
    }
    let ended: Value = api.request(Method::DELETE, "/sessions").bearer_auth(bearer).send().await?.json().await?;
    assert_eq!(ended, json!({ "ended": 0 }));
    let odd = api.request(Method::DELETE, "/sessions?scope=everything").bearer_auth(bearer).send().await?;
    assert_eq!(problem(odd).await?.0, 400);
    let ended: Value =
        api.request(Method::DELETE, "/sessions?scope=all").bearer_auth(bearer).send().await?.json().await?;
    assert_eq!(ended, json!({ "ended": 1 }));
    Ok(())
}

#[tokio::test]
async fn a_new_connect_ends_the_session_that_it_presents() -> Outcome {
    let api = Api::start(&[]).await?;
    let (headers, first) = api.guest("cookie").await?;
    let body = json!({ "credential": { "kind": "guest" } });
    let again = api.post("/connect").header("cookie", cookie(&headers)?).header("x-session-client", "1").json(&body);
    assert_eq!(again.send().await?.status(), StatusCode::CREATED);
    let bearer = first["accessToken"].as_str().ok_or("no access token")?;
    let (_, ended) = problem(api.get("/session").bearer_auth(bearer).send().await?).await?;
    assert_eq!(ended["reason"], "replaced");

    let (_, second) = api.guest("body").await?;
    let bearer = second["accessToken"].as_str().ok_or("no access token")?;
    assert_eq!(api.post("/connect").bearer_auth(bearer).json(&body).send().await?.status(), StatusCode::CREATED);
    let (_, ended) = problem(api.get("/session").bearer_auth(bearer).send().await?).await?;
    assert_eq!(ended["reason"], "replaced");
    Ok(())
}

#[tokio::test]
async fn a_session_about_to_end_is_announced_in_body_and_headers() -> Outcome {
    let settings =
        [("SESSION_IDLE_TIMEOUT", "20m"), ("SESSION_WARNING_LEAD", "19m 59s"), ("SESSION_GUEST_TIMEOUT", "1h")];
    let api = Api::start(&settings).await?;
    let (_, opened) = api.guest("body").await?;
    assert_eq!(opened["warning"], Value::Null);
    let bearer = opened["accessToken"].as_str().ok_or("no access token")?;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let answer = api.post("/validate-session").bearer_auth(bearer).header("origin", &api.url).send().await?;
    assert_eq!(answer.headers()["x-session-warning"], "idle_timeout");
    let left: u64 = answer.headers()["x-session-expires-in"].to_str()?.parse()?;
    assert!((1_100..1_199).contains(&left), "{left} s");
    let exposed = answer.headers()["access-control-expose-headers"].to_str()?.to_owned();
    assert!(exposed.contains("x-session-warning") && exposed.contains("retry-after"), "{exposed}");
    let warned: Value = answer.json().await?;
    assert_eq!(warned["warning"]["reason"], "idle_timeout");
    // Presence takes the warning back.
    let present = api.post("/validate-session").bearer_auth(bearer).json(&json!({ "lastActiveMsAgo": 0 }));
    assert_eq!(present.send().await?.json::<Value>().await?["warning"], Value::Null);
    Ok(())
}
