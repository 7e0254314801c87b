//! Hostile and broken input, handed to the real binaries: a clear refusal each time, and the function goes on.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use harness::{emulator::Emulator, function::Function, recorded};
use serde_json::{Value, json};

use crate::Outcome;

/// A recorded event, what is changed in it, and status and code of the answer.
type Case = (&'static str, &'static str, fn(&mut Value), i64, &'static str);

fn body(event: &mut Value, body: &str) {
    event["body"] = json!(body);
}

fn header(event: &mut Value, name: &str, value: &str) {
    event["headers"][name] = json!(value);
}

fn without(event: &mut Value, name: &str) {
    if let Some(headers) = event["headers"].as_object_mut() {
        headers.remove(name);
    }
}

const BODIES: [Case; 16] = [
    (
        "connect/guest",
        "duplicate key",
        |e| body(e, r#"{"credential":{"kind":"guest"},"label":"a","label":"b"}"#),
        400,
        "invalid_request",
    ),
    (
        "connect/guest",
        "duplicate key through an escape",
        |e| body(e, r#"{"label":"a","l\u0061bel":"b","credential":{"kind":"guest"}}"#),
        400,
        "invalid_request",
    ),
    (
        "connect/guest",
        "unknown key",
        |e| body(e, r#"{"credential":{"kind":"guest"},"admin":true}"#),
        400,
        "invalid_request",
    ),
    (
        "connect/guest",
        "unknown key inside",
        |e| body(e, r#"{"credential":{"kind":"guest","subject":"x"}}"#),
        400,
        "invalid_request",
    ),
    ("connect/guest", "array for an object", |e| body(e, r#"[{"kind":"guest"}]"#), 400, "invalid_request"),
    ("connect/guest", "array for an object inside", |e| body(e, r#"{"credential":["guest"]}"#), 400, "invalid_request"),
    ("connect/guest", "trailing bytes", |e| body(e, r#"{"credential":{"kind":"guest"}}x"#), 400, "invalid_request"),
    (
        "connect/guest",
        "byte order mark",
        |e| body(e, "\u{feff}{\"credential\":{\"kind\":\"guest\"}}"),
        400,
        "invalid_request",
    ),
    (
        "connect/guest",
        "lone surrogate",
        |e| body(e, r#"{"credential":{"kind":"guest"},"label":"\ud800"}"#),
        400,
        "invalid_request",
    ),
    ("connect/guest", "not JSON", |e| body(e, "credential=guest"), 400, "invalid_request"),
    (
        "connect/guest",
        "nested too deep",
        |e| body(e, &format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200))),
        400,
        "invalid_request",
    ),
    (
        "connect/guest",
        "16 KiB and one byte",
        |e| body(e, &format!(r#"{{"label":"{}"}}"#, "x".repeat(16 * 1024 - 11))),
        413,
        "body_too_large",
    ),
    ("connect/guest", "a megabyte", |e| body(e, &"x".repeat(1 << 20)), 413, "body_too_large"),
    ("connect/guest", "text/plain", |e| header(e, "content-type", "text/plain"), 415, "unsupported_media_type"),
    (
        "connect/guest",
        "a form",
        |e| header(e, "content-type", "application/x-www-form-urlencoded"),
        415,
        "unsupported_media_type",
    ),
    (
        "connect/guest",
        "bytes that are not UTF-8",
        |e| {
            e["body"] = json!("/////w==");
            e["isBase64Encoded"] = json!(true);
        },
        400,
        "invalid_request",
    ),
];

const HEADERS: [Case; 17] = [
    ("connect/guest", "null origin", |e| header(e, "origin", "null"), 403, "origin_not_allowed"),
    (
        "connect/guest",
        "lookalike origin",
        |e| header(e, "origin", "https://app.example.com.evil.example"),
        403,
        "origin_not_allowed",
    ),
    (
        "connect/guest",
        "two origins",
        |e| header(e, "origin", "https://app.example.com,https://evil.example"),
        403,
        "origin_not_allowed",
    ),
    ("refresh/cookie", "no client header", |e| without(e, "x-session-client"), 403, "csrf_rejected"),
    ("refresh/cookie", "cross-site", |e| header(e, "sec-fetch-site", "cross-site"), 403, "csrf_rejected"),
    (
        "refresh/cookie",
        "the cookie twice",
        |e| e["cookies"] = json!(["__Host-refresh=a", "__Host-refresh=b"]),
        400,
        "invalid_request",
    ),
    (
        "refresh/cookie",
        "the cookie twice in one header",
        |e| e["cookies"] = json!(["__Host-refresh=a; __Host-refresh=a"]),
        400,
        "invalid_request",
    ),
    (
        "refresh/cookie",
        "a cookie of 10 KB",
        |e| e["cookies"] = json!([format!("__Host-refresh={}", "x".repeat(10_000))]),
        401,
        "token_invalid",
    ),
    ("refresh/cookie", "an empty cookie", |e| e["cookies"] = json!(["__Host-refresh="]), 401, "token_invalid"),
    ("refresh/cookie", "a short idempotency key", |e| header(e, "idempotency-key", "short"), 400, "invalid_request"),
    (
        "refresh/cookie",
        "17 idempotency keys",
        |e| header(e, "idempotency-key", &vec!["b1946ac92492d234"; 17].join(",")),
        400,
        "invalid_request",
    ),
    (
        "refresh/body",
        "a token in the query",
        |e| e["rawQueryString"] = json!("refresh_token=rt1.token"),
        400,
        "invalid_request",
    ),
    (
        "validate-session/session",
        "a token in the query",
        |e| e["rawQueryString"] = json!("access_token=t"),
        400,
        "invalid_request",
    ),
    ("validate-session/session", "no bearer", |e| without(e, "authorization"), 401, "token_missing"),
    (
        "validate-session/session",
        "two bearers",
        |e| header(e, "authorization", "Bearer a.b.c,Bearer a.b.c"),
        401,
        "token_invalid",
    ),
    ("validate-session/session", "another scheme", |e| header(e, "authorization", "Basic YTpi"), 401, "token_invalid"),
    (
        "sessions/end-all",
        "an unknown scope",
        |e| e["rawQueryString"] = json!("scope=everybody"),
        400,
        "invalid_request",
    ),
];

#[tokio::test]
async fn what_the_contract_does_not_allow_is_refused_by_name() -> Outcome {
    let emulator = Emulator::start().await?;
    let before = emulator.dump().await?.len();
    let mut functions: BTreeMap<&str, Function> = BTreeMap::new();
    for (name, what, change, status, code) in BODIES.into_iter().chain(HEADERS) {
        let function = name.split('/').next().unwrap_or_default();
        if !functions.contains_key(function) {
            functions.insert(function, Function::start(function, &emulator.deployed()).await?);
        }
        let running = functions.get_mut(function).ok_or("not started")?;
        let answer = running.invoke(&recorded::event(name, change)?).await?;
        let problem: Value = serde_json::from_str(answer["body"].as_str().ok_or("no body")?)?;
        assert_eq!(
            (answer["statusCode"].as_i64(), problem["code"].as_str()),
            (Some(status), Some(code)),
            "{name}: {what}"
        );
        assert_eq!(answer["cookies"], json!([]), "{name}: {what}");
    }
    // The keys that the functions publish, and nothing else.
    assert_eq!(emulator.dump().await?.len(), before + 1);
    Ok(())
}

#[tokio::test]
async fn no_token_stands_in_for_another() -> Outcome {
    let emulator = Emulator::start().await?;
    let settings = emulator.deployed();
    let mut connect = Function::start("connect", &settings).await?;
    let opened = connect
        .invoke(&recorded::event("connect/guest", |e| {
            body(e, r#"{"credential":{"kind":"guest"},"transport":"body"}"#);
        })?)
        .await?;
    let opened: Value = serde_json::from_str(opened["body"].as_str().ok_or("no body")?)?;
    let access = opened["accessToken"].as_str().ok_or("no access token")?;
    let refresh = opened["refreshToken"].as_str().ok_or("no refresh token")?;
    let mut validate = Function::start("validate-session", &settings).await?;
    let mut refreshing = Function::start("refresh", &settings).await?;
    validate.ready().await?;
    refreshing.ready().await?;
    emulator.proxy.take();

    // A refresh token as an access token, also beside a cookie that is good.
    for cookies in [json!([]), json!([format!("__Host-refresh={refresh}")])] {
        let event = recorded::event("validate-session/session", |event| {
            header(event, "authorization", &format!("Bearer {refresh}"));
            event["cookies"] = cookies;
        })?;
        let answer = validate.invoke(&event).await?;
        assert_eq!(answer["statusCode"], 401);
        assert!(answer["body"].as_str().is_some_and(|body| body.contains(r#""code":"token_invalid""#)));
    }
    // An access token as a refresh token, in the body and in the cookie.
    let in_body = recorded::event("refresh/body", |e| body(e, &json!({ "refreshToken": access }).to_string()))?;
    let in_cookie = recorded::event("refresh/cookie", |e| e["cookies"] = json!([format!("__Host-refresh={access}")]))?;
    for event in [in_body, in_cookie] {
        assert_eq!(refreshing.invoke(&event).await?["statusCode"], 401);
    }
    assert_eq!(emulator.proxy.take(), [""; 0], "nothing was asked of the table");
    // An access token under a key that nobody has published: the keys are looked up, sessions are not.
    let header_of_another = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "AAAAAAAAAAA" }).to_string();
    let (_, rest) = access.split_once('.').ok_or("not a token")?;
    let unknown = format!("Bearer {}.{rest}", URL_SAFE_NO_PAD.encode(header_of_another));
    let event = recorded::event("validate-session/session", |event| header(event, "authorization", &unknown))?;
    assert_eq!(validate.invoke(&event).await?["statusCode"], 401);
    assert!(!emulator.proxy.take().contains(&"GetItem".to_owned()));
    Ok(())
}
