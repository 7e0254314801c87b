//! What operators see of a whole conversation: every line that the functions' own processes write.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use local::{recorded, template::Template};
use serde_json::{Value, json};
use session::{settings::Variables, unix_time::UnixMillis};
use tokio::sync::OnceCell;

use crate::{
    Outcome,
    emulator::Emulator,
    events::deployed,
    proxy::{Break, Plan},
    runtime_api::Bootstrap,
};

/// The lines of each function.
pub(crate) type Lines = BTreeMap<&'static str, Vec<Value>>;

/// The same conversation for all tests.
static CONVERSATION: OnceCell<Lines> = OnceCell::const_new();

/// Dimensions and their values: all that there may be.
const DIMENSIONS: [(&str, &[&str]); 5] = [
    ("Credential", &["password", "guest", "connectionString", "idToken", "legacyToken"]),
    (
        "Reason",
        &["idle_timeout", "absolute_timeout", "logout", "revoked", "replaced", "reuse_detected", "unknown", "rejected"],
    ),
    ("Outcome", &["rotated", "replayed", "opened", "exchanged", "rejected", "late"]),
    (
        "Code",
        &[
            "invalid_request",
            "token_missing",
            "token_invalid",
            "token_expired",
            "session_ended",
            "credential_rejected",
            "csrf_rejected",
            "origin_not_allowed",
            "not_found",
            "refresh_superseded",
            "username_taken",
            "body_too_large",
            "unsupported_media_type",
            "too_many_attempts",
        ],
    ),
    ("Operation", &["GetItem", "Query", "PutItem", "UpdateItem", "BatchGetItem", "TransactWriteItems"]),
];

struct Functions<'a> {
    settings: &'a Variables,
    running: BTreeMap<&'static str, Bootstrap>,
}

impl Functions<'_> {
    /// Hands a function an event, and starts it for the first.
    async fn invoke(&mut self, function: &'static str, event: &str) -> Outcome<Value> {
        if !self.running.contains_key(function) {
            self.running.insert(function, Bootstrap::start(function, self.settings).await?);
        }
        self.running.get_mut(function).ok_or("not started")?.invoke(event).await
    }

    /// Sends a recorded request with another body; status and body of the answer.
    async fn post(&mut self, function: &'static str, event: &str, body: Value) -> Outcome<(i64, Value)> {
        let event = recorded::event(event, |event| {
            event["body"] = json!(body.to_string());
            event.as_object_mut().map(|event| event.remove("cookies"));
        })?;
        let answer = self.invoke(function, &event).await?;
        let body = answer["body"].as_str().map(serde_json::from_str).transpose()?.unwrap_or_default();
        Ok((answer["statusCode"].as_i64().ok_or("no status")?, body))
    }

    /// Sends a recorded request with another access token; the status of the answer.
    async fn with_bearer(&mut self, function: &'static str, event: &str, bearer: &Value) -> Outcome<i64> {
        let bearer = format!("Bearer {}", bearer.as_str().unwrap_or_default());
        let event = recorded::event(event, |event| event["headers"]["authorization"] = json!(bearer))?;
        self.invoke(function, &event).await?["statusCode"].as_i64().ok_or_else(|| "no status".into())
    }
}

/// What all functions write while a user comes, is lost, comes back and leaves, a thief tries, and the table fails.
pub(crate) async fn conversation() -> Outcome<&'static Lines> {
    CONVERSATION.get_or_try_init(run).await
}

async fn run() -> Outcome<Lines> {
    let emulator = Emulator::start().await?;
    let mut stream = emulator.embedded.stream(&Template::read()?.table)?;
    let mut settings = deployed(&emulator);
    settings.set("CONNECT_ATTEMPTS_PER_IDENTITY", "1");
    let mut functions = Functions { settings: &settings, running: BTreeMap::new() };

    let user = json!({ "username": "ada", "password": "correct horse", "transport": "body", "remember": true });
    let (status, opened) = functions.post("connect", "connect/register", user).await?;
    assert_eq!(status, 201, "{opened}");
    let wrong = json!({ "credential": { "kind": "password", "username": "eve", "password": "wrong horse" } });
    for refused in [401, 429] {
        assert_eq!(functions.post("connect", "connect/password", wrong.clone()).await?.0, refused);
    }
    let guest = json!({ "credential": { "kind": "guest" }, "transport": "body" });
    let (_, guest) = functions.post("connect", "connect/guest", guest).await?;
    for (event, bearer, status) in [
        ("validate-session/poll", &opened["accessToken"], 200),
        ("validate-session/poll", &opened["accessToken"], 200),
        ("validate-session/session", &json!("not.a.token"), 401),
    ] {
        assert_eq!(functions.with_bearer("validate-session", event, bearer).await?, status, "{event}");
    }
    let refresh = |token: &Value| json!({ "refreshToken": token });
    let (_, next) = functions.post("refresh", "refresh/body", refresh(&guest["refreshToken"])).await?;
    functions.post("refresh", "refresh/body", refresh(&guest["refreshToken"])).await?;
    functions.post("refresh", "refresh/body", refresh(&next["refreshToken"])).await?;
    let (status, reused) = functions.post("refresh", "refresh/body", refresh(&guest["refreshToken"])).await?;
    assert_eq!((status, &reused["reason"]), (401, &json!("reuse_detected")));
    let reconnect = json!({ "kind": "reconnect", "reconnectToken": opened["reconnectToken"] });
    let reconnect = json!({ "credential": reconnect, "transport": "body" });
    let (status, back) = functions.post("connect", "connect/reconnect", reconnect).await?;
    assert_eq!(status, 201, "{back}");
    assert_eq!(functions.with_bearer("sessions", "sessions/list", &back["accessToken"]).await?, 200);
    functions.invoke("session-policy", &recorded::event("session-policy/policy", |_| ())?).await?;
    let (status, _) = functions.post("logout", "logout/cookie", refresh(&back["refreshToken"])).await?;
    assert_eq!(status, 204);
    emulator.proxy.plan(Some(Plan { fault: Break::Fail, first: 1, lasting: true }));
    let lost = functions.with_bearer("validate-session", "validate-session/session", &back["accessToken"]).await?;
    assert_eq!(lost, 503);
    emulator.proxy.plan(None);

    // A session that nobody ended, long enough ago.
    functions.post("connect", "connect/guest", json!({ "credential": { "kind": "guest" } })).await?;
    for mut item in emulator.items("S#").await? {
        item.insert("ttl".to_owned(), AttributeValue::N("1".to_owned()));
        emulator.put(item).await?;
    }
    emulator.embedded.sweep()?;
    while let Some(batch) = stream.next_batch()? {
        assert_eq!(functions.invoke("record-events", batch.get()).await?, json!({ "batchItemFailures": [] }));
    }
    functions.invoke("record-events", &recorded::event("record-events/bad-third", |_| ())?).await?;

    let mut lines = Lines::new();
    for (name, function) in functions.running {
        lines.insert(name, function.stop().await?);
    }
    Ok(lines)
}

/// A line of the embedded metric format.
pub(crate) fn is_metric(line: &Value) -> bool {
    line.get("_aws").is_some()
}

/// Name and dimensions of every metric that was counted.
pub(crate) fn counted(lines: &Lines) -> BTreeSet<(String, BTreeMap<String, String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut counted = BTreeSet::new();
    for line in lines.values().flatten().filter(|line| is_metric(line)) {
        for group in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
            let names = group["Dimensions"][0].as_array().into_iter().flatten().map(text);
            let dimensions: BTreeMap<_, _> = names.map(|name| (name.clone(), text(&line[&name]))).collect();
            let metrics = group["Metrics"].as_array().into_iter().flatten();
            counted.extend(metrics.map(|metric| (text(&metric["Name"]), dimensions.clone())));
        }
    }
    counted
}

#[tokio::test]
async fn every_line_says_when_how_grave_and_which_request() -> Outcome {
    let lines = conversation().await?;
    assert_eq!(lines.len(), 7);
    for (function, line) in lines.iter().flat_map(|(function, lines)| lines.iter().map(move |line| (function, line))) {
        let time = line["timestamp"].as_str().unwrap_or_default();
        assert!(UnixMillis::parse_rfc3339(time).is_ok(), "{function}: {line}");
        let level = line["level"].as_str().unwrap_or_default();
        assert!(["INFO", "WARN", "ERROR"].contains(&level), "{function}: {line}");
        if is_metric(line) {
            assert_eq!(line["requestId"], "invocation-1", "{function}: {line}");
        } else {
            // The gateway's id where there is a gateway.
            let id = if *function == "record-events" { "invocation-1" } else { "QxkXwgqPDoEEJsg=" };
            assert_eq!(line["span"]["request_id"], id, "{function}: {line}");
            assert_eq!(line["span"]["trace_id"], "Root=1-6740a1b2-0123456789abcdef01234567", "{function}: {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn dimensions_are_closed_sets_and_never_a_user_a_session_or_a_host() -> Outcome {
    for (metric, dimensions) in counted(conversation().await?) {
        assert!(dimensions.len() <= 1, "{metric} {dimensions:?}");
        for (name, value) in dimensions {
            let known = DIMENSIONS.iter().find(|(dimension, _)| *dimension == name);
            let (_, values) = known.ok_or_else(|| format!("{metric} has the dimension {name}"))?;
            assert!(values.contains(&value.as_str()), "{metric}: {name} = {value}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told_and_counted_and_the_rest_is_written() -> Outcome {
    let lines = &conversation().await?["record-events"];
    let unreadable: Vec<_> = lines.iter().filter(|line| line["event"] == "record_unreadable").collect();
    assert_eq!(unreadable.len(), 1, "{unreadable:?}");
    let event: Value = serde_json::from_str(&recorded::event("record-events/bad-third", |_| ())?)?;
    let third = &event["Records"][2];
    assert_eq!(
        (&unreadable[0]["event_id"], &unreadable[0]["sequence_number"]),
        (&third["eventID"], &third["dynamodb"]["SequenceNumber"])
    );
    for (at, record) in event["Records"].as_array().ok_or("no records")?.iter().enumerate() {
        let written = lines.iter().any(|line| line["event"] == "audit" && line["event_id"] == record["eventID"]);
        assert_eq!(written, at != 2, "record {at}");
    }
    Ok(())
}
