//! How long a session lives.

use std::time::Duration;

use harness::emulator::number;
use session::{lifecycle::Activity, unix_time::UnixMillis};

use crate::{
    Outcome,
    world::{World, at, code, token},
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

#[tokio::test]
async fn a_refresh_extends_the_stored_idle_limit_and_not_only_the_token() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let refreshed = world.refresh(token(&opened), &["key"], Activity::Now, at(12 * HOUR)).await?;
    let item = &world.emulator.items("S#").await?[0];
    assert_eq!(number(item, "idle_limit")?, at(36 * HOUR).as_millis());
    // Past the first idle limit, with a token of the right age.
    let again = world.refresh(token(&refreshed), &["key"], Activity::Now, at(35 * HOUR)).await?;
    assert_eq!(code(&world.validate(&again, Activity::None, at(35 * HOUR)).await), "ok");
    Ok(())
}

#[tokio::test]
async fn a_session_past_its_limit_is_over_although_the_table_still_has_it() -> Outcome {
    // The embedded table deletes by the real clock, so by that clock the limit has passed a moment ago.
    let now = UnixMillis::now();
    let begin = now.before(Duration::from_secs(DAY + 1));
    let world = World::start_at(begin, &[]).await?;
    let opened = world.register("ada", begin).await?;
    assert_eq!(code(&world.refresh(token(&opened), &["key"], Activity::Now, now).await), "idle_timeout");
    assert_eq!(world.emulator.embedded.sweep()?, 0, "nothing is due for deletion");
    assert_eq!(world.emulator.items("S#").await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_idle_tab_that_polls_and_refreshes_ends_exactly_at_the_idle_limit() -> Outcome {
    let world = World::start(&[]).await?;
    let mut held = world.register("ada", at(0)).await?;
    for minutes in (10..24 * 60).step_by(10) {
        let now = at(minutes * MINUTE);
        held = world.refresh(token(&held), &["key"], Activity::None, now).await?;
        assert_eq!(code(&world.validate(&held, Activity::None, now).await), "ok", "after {minutes} minutes");
    }
    let after = at(DAY).after(Duration::from_millis(1));
    assert_eq!(code(&world.validate(&held, Activity::None, at(DAY)).await), "ok", "at the limit itself");
    assert_eq!(code(&world.validate(&held, Activity::None, after).await), "idle_timeout");
    assert_eq!(code(&world.refresh(token(&held), &["key"], Activity::Now, after).await), "idle_timeout");
    Ok(())
}

#[tokio::test]
async fn the_absolute_limit_never_moves() -> Outcome {
    let world = World::start(&[]).await?;
    let mut held = world.register("ada", at(0)).await?;
    for hours in (6..7 * 24).step_by(6) {
        held = world.refresh(token(&held), &["key"], Activity::Now, at(hours * HOUR)).await?;
        assert_eq!(held.session.absolute_limit, at(7 * DAY));
    }
    held = world.refresh(token(&held), &["key"], Activity::Now, at(7 * DAY - 1)).await?;
    assert_eq!(held.access.expires_at, at(7 * DAY), "the access token ends with the session");
    assert_eq!(code(&world.refresh(token(&held), &["key"], Activity::Now, at(7 * DAY)).await), "ok");
    let after = at(7 * DAY).after(Duration::from_millis(1));
    assert_eq!(code(&world.refresh(token(&held), &["other"], Activity::Now, after).await), "absolute_timeout");
    Ok(())
}

#[tokio::test]
async fn activity_extends_from_when_it_was_and_never_backwards() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let ago = |seconds| Activity::Ago(Duration::from_secs(seconds));
    for (now, activity, last_active) in [
        (10 * MINUTE, ago(4 * MINUTE), 6 * MINUTE),
        // Older than what is known: nothing moves.
        (11 * MINUTE, ago(6 * MINUTE), 6 * MINUTE),
        (12 * MINUTE, Activity::None, 6 * MINUTE),
        // Before the session began.
        (13 * MINUTE, ago(2 * HOUR), 6 * MINUTE),
        (14 * MINUTE, ago(0), 14 * MINUTE),
    ] {
        let session = world.validate(&opened, activity, at(now)).await?;
        assert_eq!(session.last_active_at, at(last_active), "{activity:?} at {now}");
        assert_eq!(session.idle_limit, at(last_active + DAY), "{activity:?} at {now}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refresh_that_reports_older_activity_rotates_and_moves_nothing() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    world.validate(&opened, Activity::Ago(Duration::ZERO), at(10 * MINUTE)).await?;
    world.emulator.proxy.take();
    let ago = Activity::Ago(Duration::from_secs(5 * MINUTE));
    let refreshed = world.refresh(token(&opened), &["key"], ago, at(11 * MINUTE)).await?;
    assert_eq!((refreshed.session.generation, refreshed.session.last_active_at), (2, at(10 * MINUTE)));
    assert_eq!(world.emulator.proxy.take(), ["UpdateItem", "UpdateItem"]);
    Ok(())
}

#[tokio::test]
async fn a_guest_has_an_absolute_limit_of_its_own() -> Outcome {
    let world = World::start(&[("SESSION_GUEST_TIMEOUT", "1h")]).await?;
    let guest = world.guest(at(0)).await?;
    let held = world.refresh(token(&guest), &["key"], Activity::Now, at(HOUR)).await?;
    let after = at(HOUR).after(Duration::from_millis(1));
    assert_eq!(code(&world.refresh(token(&held), &["key"], Activity::Now, after).await), "absolute_timeout");
    Ok(())
}

#[tokio::test]
async fn last_words_are_kept_until_48_hours_after_the_absolute_limit() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let item = &world.emulator.items("S#").await?[0];
    assert_eq!(number(item, "ttl")?, at(9 * DAY).floor_seconds(), "epoch seconds");
    world.logout(&opened, at(MINUTE)).await?;
    let asked_late = world.refresh(token(&opened), &["key"], Activity::Now, at(8 * DAY)).await;
    assert_eq!(code(&asked_late), "logout");
    Ok(())
}

#[tokio::test]
async fn the_table_deletes_what_is_past_its_ttl_and_nothing_else() -> Outcome {
    // The embedded table deletes by the real clock, so one session is opened long before it and one is not.
    let long_ago = UnixMillis::from_millis(1_000_000_000_000);
    let world = World::start_at(long_ago, &[]).await?;
    world.guest(long_ago).await?;
    let recent = world.register("ada", UnixMillis::now()).await?;
    assert_eq!(world.emulator.items("S#").await?.len(), 2);
    // The guest's session and marker.
    assert_eq!(world.emulator.embedded.sweep()?, 2);
    let left = world.emulator.items("S#").await?;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["sk"].as_s().ok(), Some(&format!("S#{}", recent.session.id)));
    Ok(())
}
