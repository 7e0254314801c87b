//! A table that a newer build writes to as well: what this one does not know is kept and goes on by its name, and what it
//! cannot read stands in nobody's way.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use harness::emulator::{Emulator, Item, text};
use reqwest::StatusCode;
use serde_json::{Value, json};
use session::{
    connect::Connect,
    credential::Credential,
    end::{Scope, end_many, end_one},
    issuer::Issued,
    lifecycle::Activity,
    opening::Details,
};

use crate::{
    Outcome,
    api::{Api, problem},
    world::{World, at, code, reconnect_token, token},
};

mod stored;
mod tokens;
mod told;
mod unreadable;

/// Reasons that are known to come, and one of which nobody has heard.
const REASONS: [&str; 5] = ["password_changed", "terminated", "blocked", "deleted", "of_2031"];

/// A name, and what makes an item one that this build cannot read.
type Form = (&'static str, fn(&mut Item));

fn string(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The item of a session.
async fn item(world: &World, session: &Issued) -> Outcome<Item> {
    let items = world.emulator.items(&format!("S#{}", session.session.id)).await?;
    Ok(items.into_iter().next().ok_or("no such item")?)
}

/// Writes an item as another build would.
async fn write(emulator: &Emulator, mut item: Item, change: impl Fn(&mut Item)) -> Outcome {
    change(&mut item);
    emulator.put(item).await
}

/// Ends a session for a reason, as another build would.
fn end(reason: &str) -> impl Fn(&mut Item) {
    move |item| {
        item.insert("status".to_owned(), string("ended"));
        item.insert("end_reason".to_owned(), string(reason));
        item.insert("ended_at".to_owned(), number(at(5).as_millis()));
    }
}

/// What users, claims and actors will add.
fn extend(item: &mut Item) {
    item.insert("user_id".to_owned(), string("user-7"));
    item.insert("claims_version".to_owned(), number(3));
    item.insert("claims".to_owned(), AttributeValue::M([("plan".to_owned(), string("gold"))].into()));
}

#[tokio::test]
async fn what_a_newer_build_added_to_an_item_survives_every_write() -> Outcome {
    for case in ["slide", "rotate", "logout", "end one", "end others", "end all", "reconnect", "replace", "start"] {
        let mut world = World::start(&[]).await?;
        let opened = world.remember("ada", at(0)).await?;
        let other = world.connect("ada", at(1)).await?;
        for item in world.emulator.dump().await? {
            write(&world.emulator, item, extend).await?;
        }
        let written = world.emulator.dump().await?.len();
        let bearer = other.access.text.as_str();
        match case {
            "slide" => drop(world.validate(&opened, Activity::Ago(Duration::ZERO), at(2)).await?),
            "rotate" => drop(world.refresh(token(&opened), &["key"], Activity::Now, at(2)).await?),
            "logout" => world.logout(&opened, at(2)).await?,
            "end one" => end_one(&world.verifier, bearer, opened.session.id, at(2)).await?,
            "end others" => drop(end_many(&world.verifier, &opened.access.text, Scope::Others, at(2)).await?),
            "end all" => drop(world.end_all(&other, at(2)).await?),
            "reconnect" => drop(world.reconnect(reconnect_token(&opened), &["key"], at(2)).await?),
            "replace" => {
                let (refresh, stored) = (Some(token(&opened)), Some(reconnect_token(&opened)));
                let details = Details { refresh_token: refresh, reconnect_token: stored, ..Details::default() };
                let guest = Connect { credential: Credential::Guest, remember: false };
                drop(world.connect_with(&guest, &details, at(2)).await?);
            }
            _ => world.restart("one", &[], at(2)).await?,
        }
        let extended = |item: &&Item| item.get("claims_version") == Some(&number(3)) && item.contains_key("claims");
        let items = world.emulator.dump().await?;
        assert_eq!(items.iter().filter(extended).count(), written, "{case}: {items:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_with_a_kind_of_credential_from_a_newer_build_lives_on_under_that_name() -> Outcome {
    let emulator = Emulator::start().await?;
    let api = Api::on(&emulator).await?;
    let (_, opened) = api.guest("body").await?;
    for item in emulator.items("S#").await? {
        write(&emulator, item, |item| drop(item.insert("credential".to_owned(), string("ticket")))).await?;
    }
    let bearer = opened["accessToken"].as_str().ok_or("no token")?;
    let refresh = api.post("/refresh").json(&json!({ "refreshToken": opened["refreshToken"] }));
    let active = api.post("/validate-session").json(&json!({ "lastActiveMsAgo": 0 }));
    for (call, request) in [
        ("poll", api.get("/session").bearer_auth(bearer)),
        ("activity", active.bearer_auth(bearer)),
        ("refresh", refresh),
        ("list", api.get("/sessions").bearer_auth(bearer)),
    ] {
        let answer = request.send().await?;
        assert_eq!(answer.status(), StatusCode::OK, "{call}");
        let answer: Value = answer.json().await?;
        let session = answer.get("session").unwrap_or(&answer["sessions"][0]);
        assert_eq!((&session["credential"], &session["id"]), (&json!("ticket"), &opened["session"]["id"]), "{call}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stored_credential_of_a_kind_from_a_newer_build_waits_for_one_that_knows_it() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let second = world.reconnect(reconnect_token(&opened), &["one"], at(1)).await?;
    let as_kind = |kind: &'static str| move |item: &mut Item| drop(item.insert("kind".to_owned(), string(kind)));
    write(&world.emulator, world.emulator.stored_credential().await?, as_kind("ticket")).await?;
    world.emulator.lose_sessions().await?;
    let before = world.emulator.stored_credential().await?;
    // The current token, one that is a race, one that would be theft, and one past its age.
    for (held, now) in [(&second, 2), (&opened, 3), (&opened, 500), (&second, 8 * 24 * 3600)] {
        let refused = world.reconnect(reconnect_token(held), &["two"], at(now)).await;
        assert_eq!(code(&refused), "Unavailable", "at {now} s");
        assert_eq!(world.emulator.stored_credential().await?, before, "at {now} s");
    }
    write(&world.emulator, before, as_kind("password")).await?;
    assert_eq!(code(&world.reconnect(reconnect_token(&second), &["two"], at(4)).await), "ok");
    Ok(())
}

#[tokio::test]
async fn an_end_for_a_reason_from_a_newer_build_is_told_by_its_name_and_forbids_a_reconnect() -> Outcome {
    let emulator = Emulator::start().await?;
    let api = Api::on(&emulator).await?;
    for reason in REASONS {
        let user = json!({ "username": reason, "password": "correct horse", "transport": "body", "remember": true });
        let opened: Value = api.post("/register").json(&user).send().await?.json().await?;
        let id = opened["session"]["id"].as_str().ok_or("not connected")?;
        for item in emulator.items(&format!("S#{id}")).await? {
            write(&emulator, item, end(reason)).await?;
        }
        let bearer = opened["accessToken"].as_str().ok_or("no token")?;
        let reconnect = json!({ "kind": "reconnect", "reconnectToken": opened["reconnectToken"] });
        for (call, request) in [
            ("poll", api.get("/session").bearer_auth(bearer)),
            ("list", api.get("/sessions").bearer_auth(bearer)),
            ("refresh", api.post("/refresh").json(&json!({ "refreshToken": opened["refreshToken"] }))),
            ("reconnect", api.post("/connect").json(&json!({ "credential": reconnect }))),
            // From what is left of the stored credential alone.
            ("reconnect again", api.post("/connect").json(&json!({ "credential": reconnect }))),
        ] {
            let (status, body) = problem(request.send().await?).await?;
            let told = (status, &body["code"], &body["reason"], &body["reconnect"]);
            assert_eq!(told, (401, &json!("session_ended"), &json!(reason), &json!("forbidden")), "{call}");
            if call == "reconnect" {
                emulator.lose_sessions().await?;
            }
        }
        let left = emulator.items("R#").await?;
        let left = left.iter().find(|item| text(item, "removed_for").is_ok_and(|left| left == reason));
        assert!(left.is_some_and(|item| !item.contains_key("sealed")), "{reason}");
    }
    Ok(())
}
