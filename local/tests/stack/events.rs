//! Every recorded event, handed to the binary of the function it is for, as Lambda does.

use std::{
    collections::BTreeMap,
    fs::{read_dir, read_to_string},
};

use harness::{
    emulator::Emulator,
    function::Function,
    recorded::{self, folder},
};
use serde_json::{Map, Value, json};

use crate::Outcome;

/// A secret whose RSA key is none.
const NO_RSA_KEY: &str = r#"{"current":"0123456789abcdef0123456789abcdef","rsa":"-----BEGIN PRIVATE KEY-----"}"#;

/// The secret that the recorded rotation is about.
fn secret_arn() -> Outcome<String> {
    let event: Value = serde_json::from_str(&recorded::event("rotate-secret/set", |_| ())?)?;
    Ok(event["SecretId"].as_str().ok_or("no secret")?.to_owned())
}

#[tokio::test]
async fn every_function_answers_its_events() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut names = Vec::new();
    for function in read_dir(folder())?.collect::<Result<Vec<_>, _>>()?.iter().filter(|entry| entry.path().is_dir()) {
        for event in read_dir(function.path())? {
            let path = event?.path().with_extension("");
            names.push(path.strip_prefix(folder())?.to_string_lossy().into_owned());
        }
    }
    // One table for all, so the order matters.
    names.sort();
    let mut functions: BTreeMap<&str, Function> = BTreeMap::new();
    // The tokens in the events are not genuine.
    let expected: Value = serde_json::from_str(&read_to_string(folder().join("answers.json"))?)?;
    for name in &names {
        let function = name.split('/').next().unwrap_or_default();
        if !functions.contains_key(function) {
            let mut settings = emulator.deployed();
            if function == "rotate-secret" {
                settings.set("SESSION_SECRET_ARN", secret_arn()?);
            }
            functions.insert(function, Function::start(function, &settings).await?);
        }
        let running = functions.get_mut(function).ok_or("not started")?;
        let answer = running.invoke(&recorded::event(name, |_| ())?).await?;
        let expected = expected.get(name).ok_or_else(|| format!("events/answers.json does not name {name}"))?;
        let told = match expected {
            Value::Object(members) => members.keys().map(|member| (member.clone(), answer[member].clone())).collect(),
            _ => answer,
        };
        assert_eq!(told, *expected, "{name}");
    }
    assert_eq!(names.len(), expected.as_object().map_or(0, Map::len));
    assert_eq!(functions.len(), 9);
    Ok(())
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_answered_and_the_next_one_works() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut connect = Function::start("connect", &emulator.deployed()).await?;
    let odd = [
        recorded::event("connect/guest", |event| event["headers"]["host"] = json!("a\nb"))?,
        recorded::event("connect/guest", |event| event["rawQueryString"] = json!("a b"))?,
        recorded::event("connect/guest", |event| event["isBase64Encoded"] = json!(true))?,
        json!({ "Records": [{ "eventSource": "aws:sqs", "body": "{}" }] }).to_string(),
        json!({ "httpMethod": "POST", "path": "/connect", "resource": "/connect", "requestContext": {} }).to_string(),
        "null".to_owned(),
    ];
    for event in &odd {
        let answer = connect.invoke(event).await?;
        assert_eq!(answer["statusCode"], 400, "{event}");
        let again = connect.invoke(&recorded::event("connect/guest", |_| ())?).await?;
        assert_eq!(again["statusCode"], 201, "after {event}");
    }
    let lines = connect.stop().await?;
    assert!(lines.iter().all(|line| line["event"] != "panic"), "no event makes anything panic: {lines:?}");
    Ok(())
}

#[tokio::test]
async fn counts_are_written_in_the_embedded_metric_format() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut connect = Function::start("connect", &emulator.deployed()).await?;
    connect.invoke(&recorded::event("connect/guest", |_| ())?).await?;
    connect.invoke(&recorded::event("connect/password", |_| ())?).await?;
    let lines = connect.stop().await?;
    let counts: Vec<_> = lines.iter().filter(|line| line.get("_aws").is_some()).collect();
    assert_eq!(counts.len(), 3, "{lines:?}");
    assert_eq!(counts[0]["ColdStarts"], 1);
    assert_eq!((&counts[1]["SessionsCreated"], &counts[1]["Credential"]), (&json!(1), &json!("guest")));
    assert_eq!((&counts[2]["Refusals"], &counts[2]["Code"]), (&json!(1), &json!("credential_rejected")));
    let metrics = &counts[1]["_aws"]["CloudWatchMetrics"][0];
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
async fn an_ordinary_poll_writes_nothing_and_its_latency_waits_for_company() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut connect = Function::start("connect", &emulator.deployed()).await?;
    let opened = connect.invoke(&recorded::event("connect/guest", |_| ())?).await?;
    let opened: Value = serde_json::from_str(opened["body"].as_str().ok_or("no body")?)?;
    let bearer = format!("Bearer {}", opened["accessToken"].as_str().ok_or("no access token")?);
    let mut validate = Function::start("validate-session", &emulator.deployed()).await?;
    for _ in 0..60 {
        let poll = recorded::event("validate-session/poll", |event| event["headers"]["authorization"] = json!(bearer))?;
        assert_eq!(validate.invoke(&poll).await?["statusCode"], 200);
    }
    // One with the start of the process, one for the fifty after it; nine wait.
    let lines = validate.stop().await?;
    let latencies: Vec<_> =
        lines.iter().map(|line| line["ValidationLatency"].as_array().map(Vec::len).unwrap_or_default()).collect();
    assert_eq!((latencies, lines.iter().filter(|line| line["ColdStarts"] == 1).count()), (vec![1, 50], 1));
    let unit = &lines[1]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0];
    assert_eq!(*unit, json!({ "Name": "ValidationLatency", "Unit": "Milliseconds" }));
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
        ("refresh", "AWS_LAMBDA_LOG_LEVEL", "TRACE", "AWS_LAMBDA_LOG_LEVEL must not be TRACE"),
        ("record-events", "AWS_LAMBDA_LOG_LEVEL", "trace", "AWS_LAMBDA_LOG_LEVEL must not be TRACE"),
    ] {
        let mut settings = emulator.deployed();
        settings.set(name, value);
        let (code, lines) = Function::start(function, &settings).await?.ended().await?;
        assert_eq!((code, lines.len()), (Some(1), 1), "{function} {name}={value}: {lines:?}");
        assert_eq!(lines[0]["event"], "start_failed");
        let message = lines[0]["message"].as_str().ok_or("no message")?;
        assert!(message.starts_with(said), "{function} {name}={value}: {message}");
    }
    let mut policy = Function::start("session-policy", &emulator.deployed()).await?;
    assert_eq!(policy.invoke(&recorded::event("session-policy/policy", |_| ())?).await?["statusCode"], 200);
    Ok(())
}
