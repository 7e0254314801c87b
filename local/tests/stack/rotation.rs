//! Many at once.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use harness::emulator::{number, text};
use session::lifecycle::Activity;

use crate::{
    Outcome,
    world::{World, at, code, token},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_refreshes_of_one_token_make_one_new_generation() -> Outcome {
    let world = World::start_without_proxy(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    let keys: Vec<String> = (0..500).map(|tab| format!("tab-{tab}")).collect();
    let answers = join_all(keys.iter().map(|key| {
        let (world, opened) = (&world, &opened);
        async move { world.refresh(token(opened), &[key], Activity::Now, at(60)).await }
    }));
    let answers = answers.await;
    let mut outcomes: HashMap<String, usize> = HashMap::new();
    let mut tokens = HashSet::new();
    for answer in &answers {
        *outcomes.entry(code(answer)).or_default() += 1;
        tokens.extend(answer.as_ref().ok().map(|issued| token(issued).to_owned()));
    }
    assert_eq!(tokens.len(), 1, "every success carries the same next token");
    assert_eq!(
        outcomes.keys().collect::<HashSet<_>>(),
        HashSet::from([&"ok".to_owned(), &"RefreshSuperseded".to_owned()])
    );
    let item = &world.emulator.items("S#").await?[0];
    assert_eq!((number(item, "generation")?, text(item, "status")?), (2, "active"));
    Ok(())
}

#[tokio::test]
async fn a_logout_wins_against_a_refresh_in_either_order() -> Outcome {
    let world = World::start(&[]).await?;
    // Logout first: the refresh finds nothing to extend.
    let opened = world.register("ada", at(0)).await?;
    world.logout(&opened, at(1)).await?;
    assert_eq!(code(&world.refresh(token(&opened), &["key"], Activity::Now, at(1)).await), "logout");
    // Refresh first: the logout still holds the token of the generation before.
    let opened = world.connect("ada", at(2)).await?;
    let refreshed = world.refresh(token(&opened), &["key"], Activity::Now, at(3)).await?;
    world.logout(&opened, at(3)).await?;
    assert_eq!(code(&world.refresh(token(&refreshed), &["key"], Activity::Now, at(4)).await), "logout");
    assert!(world.live(&opened, at(4)).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_alive_after_a_logout_that_raced_refreshes_and_polls() -> Outcome {
    let world = World::start(&[]).await?;
    world.register("ada", at(0)).await?;
    for round in 1..=20 {
        let opened = world.connect("ada", at(round * 10)).await?;
        let now = at(round * 10 + 1);
        let (refreshed, polled, logged_out) = tokio::join!(
            world.refresh(token(&opened), &["key"], Activity::Now, now),
            world.validate(&opened, Activity::Ago(std::time::Duration::ZERO), now),
            world.logout(&opened, now),
        );
        logged_out?;
        assert!(["ok", "logout"].contains(&code(&refreshed).as_str()), "{}", code(&refreshed));
        assert!(["ok", "logout"].contains(&code(&polled).as_str()), "{}", code(&polled));
        assert!(!world.live(&opened, now).await?.contains(&opened.session.id), "round {round}");
        let held = refreshed.as_ref().unwrap_or(&opened);
        assert_eq!(code(&world.refresh(token(held), &["next"], Activity::Now, now).await), "logout");
    }
    Ok(())
}

#[tokio::test]
async fn logging_out_twice_is_logging_out_once() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.register("ada", at(0)).await?;
    world.logout(&opened, at(1)).await?;
    let first = world.emulator.items("S#").await?;
    world.logout(&opened, at(2)).await?;
    assert_eq!(world.emulator.items("S#").await?, first, "the first end stands");
    Ok(())
}
