//! How many sessions a user has.

use std::collections::HashMap;

use futures_util::future::join_all;
use harness::emulator::text;
use session::{
    end::{Scope, end_many, end_one},
    error::SessionError,
    identity::SessionId,
    lifecycle::{Activity, End, EndReason, Session},
    store::{EndAll, Open, Opening},
};

use crate::{
    Outcome,
    world::{World, at, code, token},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_holds_exactly_under_fifty_parallel_connects() -> Outcome {
    let world = World::start(&[("SESSION_MAX_PER_SUBJECT", "5")]).await?;
    let opened = world.register("ada", at(0)).await?;
    let answers = join_all((0..50).map(|_| world.connect("ada", at(1)))).await;
    let mut outcomes: HashMap<String, usize> = HashMap::new();
    for answer in &answers {
        *outcomes.entry(code(answer)).or_default() += 1;
    }
    assert!(outcomes.keys().all(|code| ["ok", "Unavailable"].contains(&code.as_str())), "{outcomes:?}");
    let live = world.live(&opened, at(1)).await?;
    let opened_now = outcomes.get("ok").copied().unwrap_or_default();
    assert_eq!(live.len(), (opened_now + 1).min(5), "{outcomes:?}");
    Ok(())
}

#[tokio::test]
async fn whoever_read_an_older_marker_loses() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let table = &world.issuer.table;
    let read = table.user_sessions(opened.session.subject).await?;
    let end = End { reason: EndReason::Replaced, at: at(1), by: None };
    let open = async |random: u8| {
        let session = Session { id: SessionId::new(at(1), &[random; 10]), ..opened.session.clone() };
        let opening =
            Opening { session: &session, marker: read.user.marker, evicted: &[], effects: &[], single: false };
        table.open(&opening, &end).await
    };
    assert_eq!(open(1).await?, Open::Opened);
    assert_eq!(open(2).await?, Open::Contended);
    let ended = table.end_all(opened.session.subject, read.user.marker, &[opened.session.id], None, &end).await?;
    assert_eq!(ended, EndAll::Contended);
    assert_eq!(world.live(&opened, at(1)).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn one_session_too_many_ends_the_oldest() -> Outcome {
    let world = World::start(&[("SESSION_MAX_PER_SUBJECT", "2")]).await?;
    let first = world.register("ada", at(0)).await?;
    let second = world.connect("ada", at(1)).await?;
    let third = world.connect("ada", at(2)).await?;
    assert_eq!(code(&world.validate(&first, Activity::None, at(3)).await), "replaced");
    for kept in [&second, &third] {
        assert_eq!(code(&world.validate(kept, Activity::None, at(3)).await), "ok");
    }
    let ended = world.emulator.items(&format!("S#{}", first.session.id)).await?;
    assert_eq!(text(&ended[0], "ended_by")?, third.session.id.to_string());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connect_slips_through_the_end_of_all_sessions() -> Outcome {
    let world = World::start(&[]).await?;
    let mut opened = world.register("ada", at(0)).await?;
    for round in 1..=10_u64 {
        let now = at(round * 10);
        let connects = join_all((0..4).map(|_| world.connect("ada", now)));
        let (ended, connected) = tokio::join!(world.end_all(&opened, now), connects);
        // Whoever connected has done so after the end of all, or was ended by it: what is alive was read as alive.
        let alive = world.live(&opened, now).await?;
        assert!(ended.is_ok(), "{}", code(&ended));
        assert!(!alive.contains(&opened.session.id), "round {round}");
        for connect in &connected {
            assert!(["ok", "Unavailable"].contains(&code(connect).as_str()), "{}", code(connect));
        }
        let epochs = world.issuer.table.user_sessions(opened.session.subject).await?;
        for session in epochs.sessions.iter().filter(|session| session.is_live(now)) {
            assert_eq!(session.epoch, round, "a session of an earlier epoch is alive");
        }
        opened = world.connect("ada", at(round * 10 + 5)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_user_ends_one_others_or_all_of_their_own_sessions() -> Outcome {
    let world = World::start(&[]).await?;
    let one = world.register("ada", at(0)).await?;
    let (two, three, four) =
        (world.connect("ada", at(1)).await?, world.connect("ada", at(2)).await?, world.connect("ada", at(3)).await?);
    let stranger = world.register("eve", at(0)).await?;
    let bearer = one.access.text.as_str();

    end_one(&world.verifier, bearer, two.session.id, at(10)).await?;
    assert_eq!(code(&world.validate(&two, Activity::None, at(10)).await), "revoked");
    end_one(&world.verifier, bearer, two.session.id, at(11)).await?;

    let foreign = end_one(&world.verifier, bearer, stranger.session.id, at(12)).await;
    assert!(matches!(foreign, Err(SessionError::NotFound)), "{foreign:?}");
    assert_eq!(code(&world.validate(&stranger, Activity::None, at(12)).await), "ok");

    assert_eq!(end_many(&world.verifier, bearer, Scope::Others, at(13)).await?, 2);
    for ended in [&three, &four] {
        assert_eq!(code(&world.refresh(token(ended), &["key"], Activity::Now, at(14)).await), "revoked");
    }
    assert_eq!(code(&world.validate(&one, Activity::None, at(14)).await), "ok");

    assert_eq!(end_many(&world.verifier, bearer, Scope::All, at(15)).await?, 1);
    // A session that is over can do nothing with the others, however young its access token is.
    let late = end_many(&world.verifier, bearer, Scope::All, at(16)).await;
    assert_eq!(code(&late), "revoked");
    assert_eq!(code(&end_one(&world.verifier, bearer, two.session.id, at(16)).await), "revoked");
    assert_eq!(code(&session::list::list(&world.verifier, bearer, at(16)).await), "revoked");
    Ok(())
}

#[tokio::test]
async fn a_user_opens_at_most_200_sessions_in_a_day() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    // Not 200 password hashes: the counter is set to what they would leave.
    let mut counter = world.emulator.dump().await?;
    counter.retain(|item| text(item, "pk").is_ok_and(|pk| pk.starts_with("A#")));
    let mut counter = counter.pop().ok_or("nothing is counted")?;
    counter.insert("count".to_owned(), aws_sdk_dynamodb::types::AttributeValue::N("199".to_owned()));
    world.emulator.put(counter).await?;
    assert_eq!(code(&world.connect("ada", at(1)).await), "ok");
    assert_eq!(code(&world.connect("ada", at(2)).await), "TooManyAttempts");
    assert_eq!(code(&world.connect("ada", at(24 * 3600)).await), "ok", "the next day");
    assert_eq!(world.live(&opened, at(10)).await?.len(), 3);
    Ok(())
}
