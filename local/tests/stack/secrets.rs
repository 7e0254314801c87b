//! What must not be anywhere: passwords and usable tokens.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use session::{settings::Variables, store};

use crate::{Outcome, process::Process};

const PASSWORD: &str = "canary-Pa55word-7f3a";
const USER: &str = "canary-user-ada";
const KEY: &str = "canary-idempotency-key-51c8";

/// A whole conversation; returns every token that was handed out.
async fn conversation(api: &str, name: &str) -> Outcome<BTreeSet<String>> {
    let client = reqwest::Client::new();
    let mut tokens = BTreeSet::new();
    let post =
        |route: &str, body: Value| client.post(format!("{api}{route}")).header("idempotency-key", KEY).json(&body);
    let mut keep = |answer: &Value| {
        for token in ["accessToken", "refreshToken", "reconnectToken"] {
            tokens.extend(answer[token].as_str().map(str::to_owned));
        }
    };
    let user = json!({ "username": name, "password": PASSWORD, "transport": "body", "remember": true });
    let opened: Value = post("/register", user.clone()).send().await?.json().await?;
    keep(&opened);
    post("/register", user).send().await?;
    let wrong = json!({ "kind": "password", "username": name, "password": format!("{PASSWORD}-wrong") });
    post("/connect", json!({ "credential": wrong })).send().await?;
    let malformed = json!({ "kind": "password", "username": name, "password": { "nested": PASSWORD } });
    post("/connect", json!({ "credential": malformed })).send().await?;
    let guest: Value = post("/connect", json!({ "credential": { "kind": "guest" }, "transport": "body" }))
        .send()
        .await?
        .json()
        .await?;
    keep(&guest);
    let first = json!({ "refreshToken": opened["refreshToken"] });
    let refreshed: Value = post("/refresh", first.clone()).send().await?.json().await?;
    keep(&refreshed);
    let replayed: Value = post("/refresh", first).send().await?.json().await?;
    keep(&replayed);
    let next: Value =
        post("/refresh", json!({ "refreshToken": refreshed["refreshToken"] })).send().await?.json().await?;
    keep(&next);
    let bearer = next["accessToken"].as_str().ok_or("no access token")?;
    client.get(format!("{api}/sessions")).bearer_auth(bearer).send().await?;
    client.get(format!("{api}/session?access_token={bearer}")).bearer_auth(bearer).send().await?;
    client.get(format!("{api}/session")).header("authorization", format!("Bearer {bearer}x")).send().await?;
    let reconnect = |token: &Value| {
        post("/connect", json!({ "credential": { "kind": "reconnect", "reconnectToken": token } })).send()
    };
    let reconnected: Value = reconnect(&opened["reconnectToken"]).await?.json().await?;
    keep(&reconnected);
    reconnect(&opened["reconnectToken"]).await?;
    reconnect(&reconnected["refreshToken"]).await?;
    // Reuse, so that its event is among what is searched.
    let mut latest = reconnected["refreshToken"].clone();
    for _ in 0..2 {
        let refreshed: Value = post("/refresh", json!({ "refreshToken": latest })).send().await?.json().await?;
        keep(&refreshed);
        latest = refreshed["refreshToken"].clone();
    }
    post("/refresh", json!({ "refreshToken": reconnected["refreshToken"] })).send().await?;
    reconnect(&reconnected["reconnectToken"]).await?;
    post("/logout", json!({ "refreshToken": guest["refreshToken"] })).send().await?;
    Ok(tokens)
}

#[tokio::test]
async fn neither_logs_nor_table_hold_a_password_or_a_usable_token() -> Outcome {
    let mut process = Process::start().await?;
    let mut tokens = conversation(&process.api, USER).await?;
    process.kill_and_restart().await?;
    tokens.extend(conversation(&process.api, &format!("{USER}-again")).await?);
    assert!(tokens.len() >= 6, "{} tokens", tokens.len());

    let output = process.output_with("\"action\":\"stored_credential_made\"").await?;
    for event in
        ["session_created", "session_ended", "reuse_detected", "credential_rejected", "stored_credential_removed"]
    {
        assert!(output.contains(event), "the conversation did not reach {event}");
    }
    let secrets =
        tokens.iter().flat_map(|token| token.split('.').filter(|part| part.len() >= 40)).chain([PASSWORD, KEY]);
    for secret in secrets {
        assert!(!output.contains(secret), "{secret} is in the logs");
    }
    assert!(!output.contains(USER), "the name of a user is in the logs");

    let values = dump(&process.dynamodb).await?;
    assert!(values.len() > 20, "{} values", values.len());
    let client = reqwest::Client::new();
    for value in &values {
        assert!(
            !value.contains(PASSWORD) && !value.contains(KEY) && !tokens.contains(value),
            "{value} is in the table"
        );
        let Ok(header) = reqwest::header::HeaderValue::from_str(&format!("Bearer {value}")) else { continue };
        let bearer = client.get(format!("{}/session", process.api)).header("authorization", header).send().await?;
        assert_eq!(bearer.status(), 401, "{value} as an access token");
        let refresh = client.post(format!("{}/refresh", process.api)).json(&json!({ "refreshToken": value }));
        assert_eq!(refresh.send().await?.status(), 401, "{value} as a refresh token");
        let credential = json!({ "kind": "reconnect", "reconnectToken": value });
        let connect = client.post(format!("{}/connect", process.api)).json(&json!({ "credential": credential }));
        assert_eq!(connect.send().await?.status(), 401, "{value} as the token of a stored credential");
    }
    Ok(())
}

/// Every value of the table, and every part of a value that could stand for itself.
async fn dump(endpoint: &str) -> Outcome<BTreeSet<String>> {
    let settings = [
        ("AWS_REGION", "local"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
    ];
    let client = store::client(&Variables::from_iter(settings))?;
    let items = client.scan().table_name("SessionTable").send().await?.items.unwrap_or_default();
    let mut values = BTreeSet::new();
    for value in items.iter().flat_map(std::collections::HashMap::values) {
        let text = match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
            AttributeValue::B(bytes) => String::from_utf8_lossy(bytes.as_ref()).into_owned(),
            other => return Err(format!("an attribute of an unknown type: {other:?}").into()),
        };
        values.extend(text.split(['#', '$']).chain([text.as_str()]).filter(|part| !part.is_empty()).map(str::to_owned));
    }
    Ok(values)
}
