//! What must not be anywhere: passwords and usable tokens.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use harness::{
    conversation::{Answer, Conversation, Proof},
    emulator::credentials,
    local_stack::LocalStack,
};
use reqwest::Method;
use serde_json::json;
use session::store;

use crate::{Outcome, process::launch};

const PASSWORD: &str = "canary-Pa55word-7f3a";
const USER: &str = "canary-user-ada";
const KEY: &str = "canary-idempotency-key-51c8";

/// A whole conversation; returns every token that was handed out.
async fn conversation(api: &str, name: &str) -> Outcome<BTreeSet<String>> {
    let client = Conversation::with(api);
    let mut tokens = BTreeSet::new();
    let mut keep = |answer: Answer| {
        let session = answer.session()?;
        let handed_out = [&session.access, &session.refresh, &session.reconnect];
        tokens.extend(handed_out.into_iter().filter(|token| !token.is_empty()).cloned());
        Outcome::Ok(session)
    };
    let keys = &[KEY];
    let user = json!({ "username": name, "password": PASSWORD, "transport": "body", "remember": true });
    let opened = keep(client.post("/register", &user, keys).await?)?;
    client.post("/register", &user, keys).await?.expect(409)?;
    client.connect(Proof::Password(name, &format!("{PASSWORD}-wrong")), false).await?.expect(401)?;
    let malformed = json!({ "kind": "password", "username": name, "password": { "nested": PASSWORD } });
    client.post("/connect", &json!({ "credential": malformed }), keys).await?.expect(400)?;
    let guest = keep(client.connect(Proof::Guest, false).await?)?;
    let refreshed = keep(client.refresh(&opened.refresh, keys).await?)?;
    keep(client.refresh(&opened.refresh, keys).await?)?;
    let next = keep(client.refresh(&refreshed.refresh, keys).await?)?;
    client.with_bearer(Method::GET, "/sessions", &next.access).await?.expect(200)?;
    client.with_bearer(Method::GET, &format!("/session?access_token={}", next.access), &next.access).await?;
    client.with_bearer(Method::GET, "/session", &format!("{}x", next.access)).await?.expect(401)?;
    let reconnected = keep(client.reconnect(&opened.reconnect, keys).await?)?;
    client.reconnect(&opened.reconnect, keys).await?.expect(201)?;
    client.reconnect(&reconnected.refresh, keys).await?.expect(401)?;
    // Reuse, so that its event is among what is searched.
    let mut latest = reconnected.refresh.clone();
    for _ in 0..2 {
        latest = keep(client.refresh(&latest, keys).await?)?.refresh;
    }
    client.refresh(&reconnected.refresh, &[]).await?.expect(401)?;
    client.reconnect(&reconnected.reconnect, keys).await?.expect(401)?;
    client.logout(&guest.refresh).await?.expect(204)?;
    Ok(tokens)
}

#[tokio::test]
async fn neither_logs_nor_table_hold_a_password_or_a_usable_token() -> Outcome {
    let mut stack = LocalStack::start(launch()).await?;
    let mut tokens = conversation(&stack.url, USER).await?;
    stack.kill().await?;
    stack.run().await?;
    tokens.extend(conversation(&stack.url, &format!("{USER}-again")).await?);
    assert!(tokens.len() >= 6, "{} tokens", tokens.len());

    let output = stack.output_with("\"action\":\"stored_credential_made\"").await?;
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

    let values = dump(&stack.dynamodb).await?;
    assert!(values.len() > 20, "{} values", values.len());
    let client = reqwest::Client::new();
    for value in &values {
        assert!(
            !value.contains(PASSWORD) && !value.contains(KEY) && !tokens.contains(value),
            "{value} is in the table"
        );
        let Ok(header) = reqwest::header::HeaderValue::from_str(&format!("Bearer {value}")) else { continue };
        let bearer = client.get(format!("{}/session", stack.url)).header("authorization", header).send().await?;
        assert_eq!(bearer.status(), 401, "{value} as an access token");
        let refresh = client.post(format!("{}/refresh", stack.url)).json(&json!({ "refreshToken": value }));
        assert_eq!(refresh.send().await?.status(), 401, "{value} as a refresh token");
        let credential = json!({ "kind": "reconnect", "reconnectToken": value });
        let connect = client.post(format!("{}/connect", stack.url)).json(&json!({ "credential": credential }));
        assert_eq!(connect.send().await?.status(), 401, "{value} as the token of a stored credential");
    }
    Ok(())
}

/// Every value of the table, and every part of a value that could stand for itself.
async fn dump(endpoint: &str) -> Outcome<BTreeSet<String>> {
    let client = store::client(&credentials(endpoint))?;
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
