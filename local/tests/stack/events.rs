//! Every recorded event, handed to the binary of the function it is for, as Lambda does.

use std::{
    collections::BTreeMap,
    fs::{read_dir, read_to_string},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use session::settings::Variables;

use crate::{Outcome, emulator::Emulator, runtime_api::Bootstrap};

/// Status of the answer to each event; the tokens in them are not genuine.
const ANSWERS: [(&str, i64); 23] = [
    // What API Gateway makes of an authorizer's verdict.
    ("authorize/basic", 403),
    ("authorize/bearer", 403),
    ("connect/base64", 201),
    // Neither database servers nor issuers are configured.
    ("connect/connection-string", 400),
    ("connect/empty-body", 400),
    ("connect/guest", 201),
    ("connect/id-token", 400),
    ("connect/long-headers", 201),
    ("connect/many-cookies", 201),
    ("connect/password", 401),
    ("connect/reconnect", 401),
    ("connect/register", 201),
    ("logout/cookie", 204),
    ("refresh/body", 401),
    ("refresh/cookie", 401),
    ("session-policy/configuration", 200),
    ("session-policy/keys", 200),
    ("session-policy/policy", 200),
    ("sessions/end-all", 401),
    ("sessions/end-one", 401),
    ("sessions/list", 401),
    ("validate-session/poll", 401),
    ("validate-session/session", 401),
];

/// A secret whose RSA key is none.
const NO_RSA_KEY: &str = r#"{"current":"0123456789abcdef0123456789abcdef","rsa":"-----BEGIN PRIVATE KEY-----"}"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// The recorded event of that name, changed.
pub(crate) fn recorded(name: &str, change: impl FnOnce(&mut Value)) -> Outcome<String> {
    let mut event = serde_json::from_str(&read_to_string(folder().join(name).with_extension("json"))?)?;
    change(&mut event);
    Ok(event.to_string())
}

/// What a deployed function finds in its environment.
pub(crate) fn deployed(emulator: &Emulator) -> Variables {
    let mut settings = emulator.settings();
    for (name, value) in [
        ("SESSION_ISSUER", "https://sessions.example.com"),
        ("SESSION_AUDIENCE", "app"),
        ("SESSION_ORIGINS", "https://app.example.com"),
        ("SESSION_SECRET", r#"{"current":"0123456789abcdef0123456789abcdef","previous":[]}"#),
    ] {
        settings.set(name, value);
    }
    settings
}

#[tokio::test]
async fn every_function_answers_its_events() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut names = Vec::new();
    for function in read_dir(folder())? {
        for event in read_dir(function?.path())? {
            let path = event?.path().with_extension("");
            names.push(path.strip_prefix(folder())?.to_string_lossy().into_owned());
        }
    }
    // One table for all, so the order matters.
    names.sort();
    let mut functions: BTreeMap<&str, Bootstrap> = BTreeMap::new();
    let mut answers = Vec::new();
    for name in &names {
        let function = name.split('/').next().unwrap_or_default();
        if !functions.contains_key(function) {
            functions.insert(function, Bootstrap::start(function, &deployed(&emulator)).await?);
        }
        let running = functions.get_mut(function).ok_or("not started")?;
        let answer = running.invoke(&recorded(name, |_| ())?).await?;
        let verdict = answer["isAuthorized"].as_bool().map(|authorized| if authorized { 200 } else { 403 });
        answers.push((name.as_str(), verdict.or(answer["statusCode"].as_i64()).unwrap_or_default()));
    }
    assert_eq!(answers, ANSWERS);
    assert_eq!(functions.len(), 7);
    Ok(())
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_answered_and_the_next_one_works() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut connect = Bootstrap::start("connect", &deployed(&emulator)).await?;
    let odd = [
        recorded("connect/guest", |event| event["headers"]["host"] = json!("a b"))?,
        recorded("connect/guest", |event| event["rawQueryString"] = json!("a b"))?,
        recorded("connect/guest", |event| event["isBase64Encoded"] = json!(true))?,
        recorded("connect/guest", |event| event["headers"]["x-forwarded-proto"] = json!("https,http"))?,
        json!({ "Records": [{ "eventSource": "aws:sqs", "body": "{}" }] }).to_string(),
        json!({ "httpMethod": "POST", "path": "/connect", "resource": "/connect", "requestContext": {} }).to_string(),
        "null".to_owned(),
    ];
    for event in &odd {
        let answer = connect.invoke(event).await?;
        assert_eq!(answer["statusCode"], 400, "{event}");
        let again = connect.invoke(&recorded("connect/guest", |_| ())?).await?;
        assert_eq!(again["statusCode"], 201, "after {event}");
    }
    let panics = connect.stop().await?;
    let panics: Vec<_> = panics.iter().filter(|line| line["event"] == "panic").collect();
    assert_eq!(panics.len(), 4, "what the library cannot parse is one line each: {panics:?}");
    Ok(())
}

#[tokio::test]
async fn counts_are_written_in_the_embedded_metric_format() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut connect = Bootstrap::start("connect", &deployed(&emulator)).await?;
    connect.invoke(&recorded("connect/guest", |_| ())?).await?;
    connect.invoke(&recorded("connect/password", |_| ())?).await?;
    let lines = connect.stop().await?;
    let counts: Vec<_> = lines.iter().filter(|line| line.get("_aws").is_some()).collect();
    assert_eq!(counts.len(), 2, "{lines:?}");
    assert_eq!((&counts[0]["SessionsCreated"], &counts[0]["Credential"]), (&json!(1), &json!("guest")));
    assert_eq!((&counts[1]["Refusals"], &counts[1]["Code"]), (&json!(1), &json!("credential_rejected")));
    let metrics = &counts[0]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(metrics["Namespace"], "SessionKeepalive");
    // Dimensions are a closed set: never a user, a session or a request.
    assert_eq!(metrics["Dimensions"], json!([["Credential"]]));
    let others = lines.iter().filter(|line| line.get("_aws").is_none());
    for line in others {
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        assert_eq!(line["span"]["request_id"], "QxkXwgqPDoEEJsg=", "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn an_ordinary_poll_writes_nothing() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut connect = Bootstrap::start("connect", &deployed(&emulator)).await?;
    let opened = connect.invoke(&recorded("connect/guest", |_| ())?).await?;
    let opened: Value = serde_json::from_str(opened["body"].as_str().ok_or("no body")?)?;
    let bearer = format!("Bearer {}", opened["accessToken"].as_str().ok_or("no access token")?);
    let mut validate = Bootstrap::start("validate-session", &deployed(&emulator)).await?;
    for _ in 0..2 {
        let poll = recorded("validate-session/poll", |event| event["headers"]["authorization"] = json!(bearer))?;
        assert_eq!(validate.invoke(&poll).await?["statusCode"], 200);
    }
    assert_eq!(validate.stop().await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn a_function_that_cannot_start_says_why_in_one_line_and_the_next_start_works() -> Outcome {
    let emulator = Emulator::start().await?;
    for (function, name, value, said) in [
        ("connect", "SESSION_TABLE", "", "SESSION_TABLE must be set"),
        ("connect", "SESSION_TABLE", "NoSuchTable", "PutItem failed: "),
        ("validate-session", "SESSION_TABLE", "NoSuchTable", "Query failed: "),
        ("refresh", "SESSION_SECRET", "", "SESSION_SECRET_ARN must be set"),
        ("refresh", "SESSION_SECRET", r#"{"current":"short"}"#, "every master secret must have at least 32 characters"),
        (
            "refresh",
            "SESSION_SECRET",
            NO_RSA_KEY,
            "the master secret's member rsa must hold an RSA private key of 2048",
        ),
        ("authorize", "SESSION_AUTHORIZE", "both", "SESSION_AUTHORIZE must be stateless or stateful"),
        ("authorize", "SESSION_TABLE", "NoSuchTable", "Query failed: "),
        ("logout", "SESSION_ORIGINS", "*", "SESSION_ORIGINS takes origins such as "),
        (
            "session-policy",
            "SESSION_IDLE_TIMEOUT",
            "8d",
            "SESSION_IDLE_TIMEOUT must be at most SESSION_ABSOLUTE_TIMEOUT",
        ),
        ("sessions", "SESSION_ACCESS_TTL", "soon", "SESSION_ACCESS_TTL must be a length such as "),
    ] {
        let mut settings = deployed(&emulator);
        settings.set(name, value);
        let (code, lines) = Bootstrap::start(function, &settings).await?.ended().await?;
        assert_eq!((code, lines.len()), (Some(1), 1), "{function} {name}={value}: {lines:?}");
        assert_eq!(lines[0]["event"], "start_failed");
        let message = lines[0]["message"].as_str().ok_or("no message")?;
        assert!(message.starts_with(said), "{function} {name}={value}: {message}");
    }
    let mut policy = Bootstrap::start("session-policy", &deployed(&emulator)).await?;
    assert_eq!(policy.invoke(&recorded("session-policy/policy", |_| ())?).await?["statusCode"], 200);
    Ok(())
}
