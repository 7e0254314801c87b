//! What operators see of a whole conversation: every line that the functions' own processes write.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use harness::{
    conversation::{Conversation, Presence, Proof},
    deployment::{Build, Deployment, Lines, REQUEST_ID},
    emulator::Emulator,
    proxy::Plan,
    recorded,
};
use reqwest::Method;
use serde_json::{Value, json};
use session::unix_time::UnixMillis;
use tokio::sync::OnceCell;

use crate::Outcome;

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

/// What all functions write while a user comes, is lost, comes back and leaves, a thief tries, and the table fails.
pub(crate) async fn conversation() -> Outcome<&'static Lines> {
    CONVERSATION.get_or_try_init(run).await
}

async fn run() -> Outcome<Lines> {
    let emulator = Emulator::start().await?;
    let mut stream = emulator.stream()?;
    let mut settings = emulator.deployed();
    settings.set("CONNECT_ATTEMPTS_PER_IDENTITY", "1");
    let build = Build::tested(&settings).await?;
    let deployment = Deployment::start(build, &emulator.embedded.url()).await?;
    let client = Conversation::with(&deployment.url);

    let opened = client.register("ada", true).await?.expect(201)?.session()?;
    for refused in [401, 429] {
        client.connect(Proof::Password("eve", "wrong horse"), false).await?.expect(refused)?;
    }
    let guest = client.connect(Proof::Guest, false).await?.expect(201)?.session()?;
    for (bearer, status) in [(opened.access.as_str(), 200), (opened.access.as_str(), 200), ("not.a.token", 401)] {
        client.poll(bearer, Presence::Nobody).await?.expect(status)?;
    }
    let keys = &["b1946ac92492d2347c6235b4d2611184"];
    let next = client.refresh(&guest.refresh, keys).await?.expect(200)?.session()?;
    client.refresh(&guest.refresh, keys).await?.expect(200)?;
    client.refresh(&next.refresh, keys).await?.expect(200)?;
    let reused = client.refresh(&guest.refresh, &[]).await?.expect(401)?;
    assert_eq!(reused.refusal(), "session_ended reuse_detected");
    let back = client.reconnect(&opened.reconnect, &[]).await?.expect(201)?.session()?;
    client.with_bearer(Method::GET, "/sessions", &back.access).await?.expect(200)?;
    client.get("/session-policy").await?.expect(200)?;
    client.logout(&back.refresh).await?.expect(204)?;
    deployment.plan(Some(Plan::OUTAGE)).await;
    client.with_bearer(Method::GET, "/session", &back.access).await?.expect(503)?;
    deployment.plan(None).await;

    // A session that nobody ended, long enough ago.
    client.connect(Proof::Guest, false).await?.expect(201)?;
    for mut item in emulator.items("S#").await? {
        item.insert("ttl".to_owned(), AttributeValue::N("1".to_owned()));
        emulator.put(item).await?;
    }
    emulator.embedded.sweep()?;
    while let Some(batch) = stream.next_batch()? {
        let answer = deployment.invoke("record-events", batch.get()).await?;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
    deployment.invoke_recorded("record-events/bad-third", |_| ()).await?;
    deployment.stop().await
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
            let id = if function == "record-events" { "invocation-1" } else { REQUEST_ID };
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
