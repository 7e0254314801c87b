//! Guessing: refused credentials are counted, and nobody locks an owner out (X13, X14).

use std::time::Duration;

use futures_util::future::join_all;
use harness::emulator::text;
use reqwest::StatusCode;
use serde_json::{Value, json};
use session::{
    connect::Connect,
    credential::{
        Credential,
        password::{Password, Username},
    },
    error::SessionError,
    issuer::Issued,
    opening::Details,
};

use crate::{
    Outcome,
    api::Api,
    world::{World, at, code, reconnect_token, token},
};

/// Half past, so that no window of a quarter of an hour ends within the tests.
const BEGIN: u64 = 1800;

fn password(name: &str, password: &str) -> Outcome<Connect> {
    let credential = Credential::Password(Username::parse(name)?, Password::parse(password.into())?);
    Ok(Connect { credential, remember: false })
}

async fn guess(world: &World, name: &str, from: Option<&str>, seconds: u64) -> Outcome<String> {
    let details = Details { network: from.map(str::to_owned), ..Details::default() };
    Ok(code(&world.connect_with(&password(name, "a wrong guess")?, &details, at(seconds)).await))
}

fn wait(result: &Result<Issued, SessionError>) -> Option<Duration> {
    match result {
        Err(SessionError::TooManyAttempts { retry_after }) => Some(*retry_after),
        _ => None,
    }
}

#[tokio::test]
async fn after_ten_failures_an_identity_waits_ever_longer_and_starts_afresh_in_the_next_window() -> Outcome {
    let world = World::start(&[]).await?;
    world.register("ada", at(0)).await?;
    for number in 1..=10 {
        assert_eq!(guess(&world, "ada", None, BEGIN).await?, "CredentialRejected", "guess {number}");
    }
    // The right password waits as a wrong one does: who guesses learns nothing.
    for (seconds, waits) in [(0, Some(30)), (29, Some(1)), (30, None)] {
        let answer = world.connect("ada", at(BEGIN + seconds)).await;
        assert_eq!(wait(&answer).map(|wait| wait.as_secs()), waits, "after {seconds} s");
    }
    assert_eq!(guess(&world, "ada", None, BEGIN + 31).await?, "CredentialRejected");
    let answer = world.connect("ada", at(BEGIN + 31)).await;
    assert_eq!(wait(&answer), Some(Duration::from_secs(60)));
    assert_eq!(guess(&world, "eve", None, BEGIN + 31).await?, "CredentialRejected", "others do not wait");
    assert_eq!(code(&world.connect("ada", at(BEGIN + 900)).await), "ok");
    Ok(())
}

#[tokio::test]
async fn a_network_is_counted_over_all_identities() -> Outcome {
    let world = World::start(&[("CONNECT_ATTEMPTS_PER_NETWORK", "3")]).await?;
    let network = Some("203.0.113.0/24");
    for name in ["one", "two", "three"] {
        assert_eq!(guess(&world, name, network, BEGIN).await?, "CredentialRejected");
    }
    assert_eq!(guess(&world, "four", network, BEGIN).await?, "TooManyAttempts");
    assert_eq!(guess(&world, "four", Some("198.51.100.0/24"), BEGIN).await?, "CredentialRejected");
    let counters = world.emulator.dump().await?;
    let counters: Vec<&str> = counters.iter().filter_map(|item| text(item, "pk").ok()).collect();
    assert!(counters.contains(&"A#network#203.0.113.0/24"), "{counters:?}");
    Ok(())
}

#[tokio::test]
async fn an_attacker_does_not_lock_out_whoever_holds_a_session_or_a_stored_credential() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let stranger = world.remember("eve", at(0)).await?;
    for _ in 0..11 {
        guess(&world, "ada", None, BEGIN).await?;
    }
    let right = password("ada", "password of ada")?;
    let with = async |refresh_token, reconnect_token| {
        let details = Details { refresh_token, reconnect_token, ..Details::default() };
        code(&world.connect_with(&right, &details, at(BEGIN)).await)
    };
    assert_eq!(with(None, None).await, "TooManyAttempts");
    assert_eq!(with(Some(token(&stranger)), None).await, "TooManyAttempts", "somebody else's session");
    assert_eq!(with(None, Some(reconnect_token(&stranger))).await, "TooManyAttempts", "somebody else's credential");
    assert_eq!(with(None, Some(reconnect_token(&opened))).await, "ok");
    let opened = world.remember("joe", at(0)).await?;
    for _ in 0..11 {
        guess(&world, "joe", None, BEGIN).await?;
    }
    let right = password("joe", "password of joe")?;
    let details = Details { refresh_token: Some(token(&opened)), ..Details::default() };
    assert_eq!(code(&world.connect_with(&right, &details, at(BEGIN)).await), "ok");
    // The session was replaced, so its token no longer stands for the device.
    assert_eq!(code(&world.connect_with(&right, &details, at(BEGIN)).await), "TooManyAttempts");
    Ok(())
}

#[tokio::test]
async fn a_known_device_has_its_own_ten_guesses_and_no_more() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let details = Details { refresh_token: Some(token(&opened)), ..Details::default() };
    for _ in 0..10 {
        let answer = world.connect_with(&password("ada", "a wrong guess")?, &details, at(BEGIN)).await;
        assert_eq!(code(&answer), "CredentialRejected");
    }
    let answer = world.connect_with(&password("ada", "password of ada")?, &details, at(BEGIN)).await;
    assert_eq!(wait(&answer), Some(Duration::from_secs(30)));
    assert_eq!(
        code(&world.connect("ada", at(BEGIN)).await),
        "ok",
        "who comes without the session is not counted with it"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_request_claims_about_its_address_changes_nothing() -> Outcome {
    let api = Api::start(&[("CONNECT_ATTEMPTS_PER_NETWORK", "2")]).await?;
    let mut statuses = Vec::new();
    for number in 0..4 {
        let credential =
            json!({ "kind": "password", "username": format!("user-{number}"), "password": "a wrong guess" });
        let request = api.post("/connect").json(&json!({ "credential": credential }));
        let claimed = ["x-forwarded-for", "x-real-ip", "forwarded"].into_iter();
        let request = claimed.fold(request, |request, name| request.header(name, format!("198.51.{number}.7")));
        let answer = request.send().await?;
        statuses.push(answer.status().as_u16());
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let wait: u64 = answer.headers()["retry-after"].to_str()?.parse()?;
            assert!((1..=30).contains(&wait), "{wait}");
            assert_eq!(answer.json::<Value>().await?["code"], "too_many_attempts");
        }
    }
    assert_eq!(statuses, [401, 401, 429, 429]);
    Ok(())
}

#[tokio::test]
async fn every_one_of_many_failures_at_once_is_counted_or_unanswered() -> Outcome {
    let world = World::start(&[]).await?;
    world.register("ada", at(0)).await?;
    let answers = join_all((0..20).map(|_| guess(&world, "ada", None, BEGIN))).await;
    let rejected =
        answers.into_iter().filter(|answer| answer.as_deref().is_ok_and(|code| code == "CredentialRejected"));
    let rejected = u64::try_from(rejected.count())?;
    let items = world.emulator.dump().await?;
    let counter = items.iter().find(|item| text(item, "pk").is_ok_and(|pk| pk.starts_with("A#identity#")));
    let failures = harness::emulator::number(counter.ok_or("nothing is counted")?, "count")?;
    assert!(rejected >= 1 && failures == rejected, "{failures} counted, {rejected} rejected");
    Ok(())
}
