//! Answers that were lost, and tokens that were stolen.

use session::{
    end::{Presented, logout},
    issuer::Issued,
    lifecycle::Activity,
};

use crate::{
    Outcome,
    world::{World, at, code, token},
};

const HOUR: u64 = 3600;

/// A session whose token was rotated once with the key "lost"; the answer never arrived.
async fn answer_lost(world: &World) -> Outcome<(Issued, Issued)> {
    let opened = world.register("ada", at(0)).await?;
    let lost = world.refresh(token(&opened), &["lost"], Activity::Now, at(60)).await?;
    world.emulator.proxy.take();
    Ok((opened, lost))
}

#[tokio::test]
async fn the_same_token_with_the_same_key_gives_the_same_next_token_however_late() -> Outcome {
    let world = World::start(&[]).await?;
    let (opened, lost) = answer_lost(&world).await?;
    for seconds in [60, 61, HOUR, 20 * HOUR] {
        let again = world.refresh(token(&opened), &["lost"], Activity::None, at(seconds)).await?;
        assert_eq!(token(&again), token(&lost), "after {seconds} s");
        assert_eq!(again.session.generation, 2);
        assert_eq!(world.emulator.proxy.take(), ["UpdateItem"], "one request, which wrote nothing");
    }
    // The token that was handed out again goes on as if nothing had happened.
    let next = world.refresh(token(&lost), &["next"], Activity::Now, at(20 * HOUR)).await?;
    assert_eq!(next.session.generation, 3);
    Ok(())
}

#[tokio::test]
async fn a_replay_survives_a_restart_and_a_key_rotation() -> Outcome {
    let mut world = World::start(&[]).await?;
    let (opened, lost) = answer_lost(&world).await?;
    world.restart("one", &[], at(120)).await?;
    assert_eq!(token(&world.refresh(token(&opened), &["lost"], Activity::None, at(121)).await?), token(&lost));
    world.restart("two", &["one"], at(HOUR)).await?;
    let again = world.refresh(token(&opened), &["lost"], Activity::None, at(HOUR + 1)).await?;
    assert_eq!(token(&again), token(&lost));
    // The new access token is signed with the new key, and verifies.
    assert_eq!(code(&world.validate(&again, Activity::None, at(HOUR + 2)).await), "ok");
    // The refresh token stays under its own key for its whole life.
    let next = world.refresh(token(&lost), &["next"], Activity::Now, at(HOUR + 3)).await?;
    assert_eq!(token(&next).split('.').nth(1), token(&opened).split('.').nth(1));
    Ok(())
}

#[tokio::test]
async fn an_access_token_of_the_previous_key_is_accepted_until_it_expires() -> Outcome {
    let mut world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    world.restart("two", &["one"], at(600)).await?;
    for (seconds, expected) in [(601, "ok"), (899, "ok"), (900, "TokenExpired")] {
        assert_eq!(code(&world.validate(&opened, Activity::None, at(seconds)).await), expected, "after {seconds} s");
    }
    // Once the secret is gone, so is everything that was made under it.
    world.restart("two", &[], at(700)).await?;
    assert_eq!(code(&world.refresh(token(&opened), &["key"], Activity::Now, at(701)).await), "TokenInvalid");
    Ok(())
}

#[tokio::test]
async fn a_function_without_the_secret_meets_a_new_key_and_finds_it() -> Outcome {
    let mut world = World::start(&[]).await?;
    let old_verifier = session::verifier::Verifier::start(&world.settings, at(0)).await?;
    world.restart("two", &["one"], at(600)).await?;
    let opened = world.register("ada", at(601)).await?;
    world.emulator.proxy.take();
    let claims = old_verifier.claims(&opened.access.text, at(602)).await?;
    assert_eq!(claims.sid, opened.session.id);
    assert_eq!(world.emulator.proxy.take(), ["Query"]);
    Ok(())
}

#[tokio::test]
async fn another_key_is_a_race_inside_the_window_and_theft_after_it() -> Outcome {
    let world = World::start(&[]).await?;
    let (opened, lost) = answer_lost(&world).await?;
    for seconds in [60, 120] {
        let raced = world.refresh(token(&opened), &["thief"], Activity::Now, at(seconds)).await;
        assert_eq!(code(&raced), "RefreshSuperseded", "after {seconds} s");
    }
    assert_eq!(code(&world.validate(&lost, Activity::None, at(120)).await), "ok", "a race ends nothing");
    world.emulator.proxy.take();
    let reused = world.refresh(token(&opened), &["thief"], Activity::Now, at(121)).await;
    assert_eq!(code(&reused), "reuse_detected");
    assert_eq!(world.emulator.proxy.take(), ["UpdateItem", "UpdateItem"]);
    // Both holders are out.
    assert_eq!(code(&world.validate(&lost, Activity::None, at(122)).await), "reuse_detected");
    assert_eq!(code(&world.refresh(token(&lost), &["next"], Activity::Now, at(122)).await), "reuse_detected");
    Ok(())
}

#[tokio::test]
async fn several_keys_are_tried_in_order() -> Outcome {
    let world = World::start(&[]).await?;
    let (opened, lost) = answer_lost(&world).await?;
    let again = world.refresh(token(&opened), &["newer", "other", "lost"], Activity::None, at(HOUR)).await?;
    assert_eq!(token(&again), token(&lost));
    // The first key is the one that a new rotation is bound to.
    let next = world.refresh(token(&lost), &["newer", "lost"], Activity::None, at(HOUR)).await?;
    let repeated = world.refresh(token(&lost), &["newer"], Activity::None, at(2 * HOUR)).await?;
    assert_eq!(token(&repeated), token(&next));
    Ok(())
}

#[tokio::test]
async fn without_a_key_nothing_can_be_repeated() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    world.refresh(token(&opened), &[], Activity::Now, at(60)).await?;
    assert_eq!(code(&world.refresh(token(&opened), &[], Activity::Now, at(61)).await), "RefreshSuperseded");
    assert_eq!(code(&world.refresh(token(&opened), &[], Activity::Now, at(121)).await), "reuse_detected");
    Ok(())
}

#[tokio::test]
async fn a_token_two_generations_old_ends_the_session_at_once() -> Outcome {
    let world = World::start(&[]).await?;
    let first = world.register("ada", at(0)).await?;
    let second = world.refresh(token(&first), &["a"], Activity::Now, at(1)).await?;
    let third = world.refresh(token(&second), &["b"], Activity::Now, at(2)).await?;
    let reused = world.refresh(token(&first), &["a"], Activity::Now, at(3)).await;
    assert_eq!(code(&reused), "reuse_detected", "even with the key of its own rotation");
    assert_eq!(code(&world.refresh(token(&third), &["c"], Activity::Now, at(4)).await), "reuse_detected");
    Ok(())
}

#[tokio::test]
async fn a_restored_table_ends_the_session_as_unknown_and_not_as_theft() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let backup = world.emulator.items("S#").await?.remove(0);
    let held = world.refresh(token(&opened), &["a"], Activity::Now, at(60)).await?;
    world.emulator.put(backup).await?;
    let ended = world.refresh(token(&held), &["b"], Activity::Now, at(120)).await;
    assert_eq!(code(&ended), "unknown");
    assert_eq!(code(&world.validate(&held, Activity::None, at(121)).await), "unknown");
    Ok(())
}

#[tokio::test]
async fn a_token_with_a_bad_tag_changes_nothing_and_asks_nothing_of_the_table() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let before = world.emulator.dump().await?;
    world.emulator.proxy.take();
    let good = token(&opened);
    let (signed, tag) = good.rsplit_once('.').ok_or("no tag")?;
    let other_tag = format!("{}{}", if tag.starts_with('A') { 'B' } else { 'A' }, &tag[1..]);
    for forged in
        [format!("{signed}.{other_tag}"), format!("{signed}."), good.replace(".1.", ".2."), "garbage".to_owned()]
    {
        let refused = world.refresh(&forged, &["key"], Activity::Now, at(1)).await;
        assert_eq!(code(&refused), "TokenInvalid", "{forged}");
        let presented = Presented { refresh_tokens: vec![&forged], ..Presented::default() };
        logout(&world.issuer, &presented, at(1)).await?;
    }
    assert_eq!(world.emulator.proxy.take(), [""; 0]);
    assert_eq!(world.emulator.dump().await?, before);
    Ok(())
}
