//! Stored credentials: one use for each token, refused for the reason that the session ended.

use futures_util::future::join_all;
use session::{
    connect::Connect,
    credential::Credential,
    issuer::{Issued, Stored},
    lifecycle::{Activity, EndReason},
    list::list,
    opening::Details,
};

use crate::{
    Outcome,
    world::{World, at, code, ended, reconnect_token, token},
};

const HOUR: u64 = 3600;

#[tokio::test]
async fn a_lost_session_is_replaced_again_and_again_with_two_requests_each() -> Outcome {
    let world = World::start(&[]).await?;
    let mut opened = world.remember("ada", at(0)).await?;
    for round in 1..=3 {
        world.emulator.lose_sessions().await?;
        world.emulator.proxy.take();
        let next = world.reconnect(reconnect_token(&opened), &[], at(round)).await?;
        assert_eq!(world.emulator.proxy.take(), ["Query", "TransactWriteItems"]);
        assert_ne!((next.session.id, reconnect_token(&next)), (opened.session.id, reconnect_token(&opened)));
        assert_eq!(next.session.subject, opened.session.subject);
        let refreshed = world.refresh(token(&next), &["after"], Activity::Now, at(round)).await?;
        assert_eq!(refreshed.session.id, next.session.id, "round {round}");
        opened = next;
    }
    Ok(())
}

#[tokio::test]
async fn a_live_session_is_replaced_and_the_expiry_does_not_move() -> Outcome {
    let world = World::start(&[]).await?;
    let first = world.remember("ada", at(0)).await?;
    let second = world.reconnect(reconnect_token(&first), &[], at(HOUR)).await?;
    assert_eq!(code(&world.refresh(token(&first), &[], Activity::Now, at(HOUR)).await), "replaced");
    assert_eq!(world.live(&second, at(HOUR)).await?, [second.session.id]);
    let until = |issued: &Issued| match issued.stored {
        Stored::Token { expires_at, .. } => Some(expires_at),
        Stored::Unchanged | Stored::Forgotten => None,
    };
    assert_eq!((until(&first), until(&second)), (Some(at(7 * 24 * HOUR)), Some(at(7 * 24 * HOUR))));
    for (now, outcome) in [(7 * 24 * HOUR, "ok"), (7 * 24 * HOUR + 1, "idle_timeout")] {
        let world = World::start(&[("SESSION_RECONNECT_AFTER", "idle_timeout")]).await?;
        let stored = world.remember("ada", at(0)).await?;
        assert_eq!(code(&world.reconnect(reconnect_token(&stored), &[], at(now)).await), outcome, "at {now}");
    }
    Ok(())
}

/// K6.
#[tokio::test]
async fn a_repeated_reconnect_gives_the_same_session_and_tokens_until_that_session_was_refreshed() -> Outcome {
    let mut world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    world.emulator.lose_sessions().await?;
    let first = world.reconnect(reconnect_token(&opened), &["one"], at(1)).await?;
    // A key rotation in between changes nothing, and neither do hours.
    world.restart("two", &["one"], at(2)).await?;
    for (keys, now) in [(vec!["one"], 2), (vec!["fresh", "one"], 5 * HOUR)] {
        world.emulator.proxy.take();
        let again = world.reconnect(reconnect_token(&opened), &keys, at(now)).await?;
        assert_eq!(world.emulator.proxy.take(), ["Query"]);
        assert_eq!(again.session.id, first.session.id);
        assert_eq!((token(&again), reconnect_token(&again)), (token(&first), reconnect_token(&first)), "{keys:?}");
    }
    let refreshed = world.refresh(token(&first), &["r"], Activity::Now, at(5 * HOUR)).await?;
    let late = world.reconnect(reconnect_token(&opened), &["one"], at(5 * HOUR)).await;
    assert_eq!(code(&late), "RefreshSuperseded");
    world.logout(&refreshed, at(6 * HOUR)).await?;
    let after = world.reconnect(reconnect_token(&opened), &["one"], at(6 * HOUR)).await;
    assert_eq!(ended(&after), Some((EndReason::Logout, false)));
    Ok(())
}

/// K5.
#[tokio::test]
async fn a_stored_credential_outlives_rotations_of_the_master_secret_until_its_own_is_gone() -> Outcome {
    let mut world = World::start(&[]).await?;
    let mut opened = world.remember("ada", at(0)).await?;
    for (number, (current, previous)) in [("two", &["one"][..]), ("three", &["two", "one"])].into_iter().enumerate() {
        world.restart(current, previous, at(1)).await?;
        world.emulator.lose_sessions().await?;
        let key = format!("key-{number}");
        let next = world.reconnect(reconnect_token(&opened), &[&key], at(1)).await?;
        let again = world.reconnect(reconnect_token(&opened), &[&key], at(1)).await?;
        assert_eq!((token(&next), reconnect_token(&next)), (token(&again), reconnect_token(&again)), "{current}");
        assert_eq!(code(&world.refresh(token(&next), &["r"], Activity::Now, at(1)).await), "ok", "{current}");
        opened = next;
    }
    world.restart("three", &["two"], at(2)).await?;
    assert_eq!(code(&world.reconnect(reconnect_token(&opened), &[], at(2)).await), "TokenInvalid");
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_lost_before_its_answer_arrived_cannot_be_had_again() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    world.reconnect(reconnect_token(&opened), &["one"], at(1)).await?;
    world.emulator.lose_sessions().await?;
    let again = world.reconnect(reconnect_token(&opened), &["one"], at(2)).await;
    assert_eq!(ended(&again), Some((EndReason::Unknown, false)));
    Ok(())
}

/// K6.
#[tokio::test]
async fn of_many_reconnects_at_once_one_opens_a_session() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    world.emulator.lose_sessions().await?;
    let names: Vec<String> = (0..20).map(|number| format!("tab-{number}")).collect();
    let tries = names.iter().map(|name| async { world.reconnect(reconnect_token(&opened), &[name], at(1)).await });
    let outcomes: Vec<String> = join_all(tries).await.iter().map(code).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "ok").count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| outcome == "ok" || outcome == "RefreshSuperseded"), "{outcomes:?}");
    assert_eq!(world.live(&opened, at(1)).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_stored_credential_that_two_parties_hold_is_ended_with_its_session() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let second = world.reconnect(reconnect_token(&opened), &["one"], at(1)).await?;
    for (now, outcome) in [(61, "RefreshSuperseded"), (62, "reuse_detected")] {
        assert_eq!(code(&world.reconnect(reconnect_token(&opened), &["thief"], at(now)).await), outcome, "at {now} s");
    }
    assert_eq!(code(&world.refresh(token(&second), &[], Activity::Now, at(62)).await), "reuse_detected");
    for now in [63, 6 * HOUR] {
        let refused = world.reconnect(reconnect_token(&second), &[], at(now)).await;
        assert_eq!(ended(&refused), Some((EndReason::ReuseDetected, false)));
    }
    assert!(!world.emulator.stored_credential().await?.contains_key("sealed"));
    Ok(())
}

/// K7.
#[tokio::test]
async fn a_list_says_which_sessions_are_remembered() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let other = world.connect("ada", at(1)).await?;
    let listed = list(&world.verifier, &other.access.text, at(2)).await?;
    assert_eq!((listed.sessions.len(), listed.remembered), (2, vec![opened.session.id]));
    let late = 7 * 24 * HOUR;
    let third = world.connect("ada", at(late)).await?;
    let listed = list(&world.verifier, &third.access.text, at(late + 1)).await?;
    assert_eq!(listed.remembered, [], "the stored credential has expired");
    Ok(())
}

#[tokio::test]
async fn a_stored_credential_serves_the_page_that_stored_it() -> Outcome {
    let world = World::start(&[]).await?;
    let name = session::credential::password::Username::parse("ada")?;
    let password = session::credential::password::Password::parse("password of ada".into())?;
    let wanted = Connect { credential: Credential::NewPassword(name, password), remember: true };
    let details = Details { origin: Some("https://app.example.com"), ..Details::default() };
    let opened = world.connect_with(&wanted, &details, at(0)).await?;
    for (origin, outcome) in [("https://other.example.com", "OriginNotAllowed"), ("https://app.example.com", "ok")] {
        let details = Details { origin: Some(origin), ..Details::default() };
        let answer = world.reconnect_with(reconnect_token(&opened), &[], &details, at(1)).await;
        assert_eq!(code(&answer), outcome, "{origin}");
    }
    Ok(())
}

/// K1, K2: what lies in the table was swapped or changed.
#[tokio::test]
async fn a_record_that_is_older_than_the_token_is_not_taken_for_theft() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let before = world.emulator.stored_credential().await?;
    let second = world.reconnect(reconnect_token(&opened), &["one"], at(1)).await?;
    world.emulator.put(before).await?;
    let ahead = world.reconnect(reconnect_token(&second), &["two"], at(2)).await;
    assert_eq!(ended(&ahead).map(|(reason, _)| reason), Some(EndReason::Replaced), "its session was replaced");
    world.emulator.lose_sessions().await?;
    let ahead = world.reconnect(reconnect_token(&second), &["two"], at(3)).await;
    assert_eq!(ended(&ahead), Some((EndReason::Replaced, false)));
    Ok(())
}
