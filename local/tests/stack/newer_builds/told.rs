//! What operators are told of what this build does not know, by the functions' own processes.

use harness::{
    emulator::Emulator,
    function::{Function, body},
    recorded,
};
use serde_json::{Value, json};

use super::{end, string, write};
use crate::{Outcome, observed::is_metric};

/// Runs connect with one request after another; the answers' bodies, and the lines that it wrote.
async fn connect(emulator: &Emulator, requests: &[(&str, Value)]) -> Outcome<(Vec<Value>, Vec<Value>)> {
    let mut function = Function::start("connect", &emulator.deployed()).await?;
    let mut bodies = Vec::new();
    for (name, content) in requests {
        let event = recorded::event(name, |event| {
            event["body"] = json!(content.to_string());
            event["cookies"] = json!([]);
        })?;
        bodies.push(body(&function.invoke(&event).await?)?);
    }
    Ok((bodies, function.stop().await?))
}

/// The values of a dimension, or of the count itself where there is none, of a metric in these lines.
fn counted<'a>(lines: &'a [Value], metric: &str, member: &str) -> Vec<&'a Value> {
    let of_metric = lines.iter().filter(|line| is_metric(line) && line.get(metric).is_some());
    of_metric.map(|line| &line[member]).collect()
}

#[tokio::test]
async fn a_reason_from_a_newer_build_stands_in_the_lines_by_its_name_and_is_counted_as_other() -> Outcome {
    let emulator = Emulator::start().await?;
    let user = json!({ "username": "ada", "password": "correct horse", "transport": "body", "remember": true });
    let (opened, _) = connect(&emulator, &[("connect/register", user)]).await?;
    for item in emulator.items("S#").await? {
        write(&emulator, item, end("blocked")).await?;
    }
    let reconnect = json!({ "kind": "reconnect", "reconnectToken": opened[0]["reconnectToken"] });
    let (refused, lines) = connect(&emulator, &[("connect/reconnect", json!({ "credential": reconnect }))]).await?;
    assert_eq!(refused[0]["reason"], "blocked");
    for event in ["stored_credential_removed", "refused"] {
        let line = lines.iter().find(|line| line["event"] == event).ok_or("no line")?;
        assert_eq!(line["reason"], "blocked", "{event}");
    }
    assert_eq!(counted(&lines, "StoredCredentialsRemoved", "Reason"), [&json!("other")]);
    Ok(())
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_told_and_counted_without_what_it_holds() -> Outcome {
    let emulator = Emulator::start().await?;
    let user = json!({ "username": "ada", "password": "correct horse", "transport": "body", "remember": true });
    let (opened, _) = connect(&emulator, &[("connect/register", user.clone())]).await?;
    for item in emulator.items("S#").await?.into_iter().chain(emulator.items("R#").await?) {
        let mut unknown = item.clone();
        unknown.insert("sk".to_owned(), string("Q#ada@example.com"));
        emulator.put(unknown).await?;
        write(&emulator, item, |item| drop(item.insert("cur".to_owned(), string("ada@example.com")))).await?;
    }
    let login = json!({ "kind": "password", "username": "ada", "password": "correct horse" });
    let (_, lines) = connect(&emulator, &[("connect/password", json!({ "credential": login }))]).await?;
    let told: Vec<_> = lines.iter().filter(|line| line["event"] == "item_unreadable").collect();
    let members = |name: &str| told.iter().filter_map(|line| line[name].as_str()).collect::<Vec<_>>();
    assert_eq!(members("session"), [opened[0]["session"]["id"].as_str().ok_or("no id")?]);
    assert_eq!((told.len(), members("stored").len(), members("level")), (3, 1, vec!["WARN"; 3]));
    assert_eq!(counted(&lines, "UnreadableItems", "UnreadableItems"), [&json!(3)]);
    assert!(!json!(lines).to_string().contains("ada@example.com"));
    Ok(())
}
