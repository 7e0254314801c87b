//! Stored credentials that this build cannot read.

use harness::emulator::{Item, text};
use session::{
    connect::Connect,
    credential::Credential,
    end::{Presented, Scope, end_many, logout},
    issuer::Issued,
    list::list,
    opening::Details,
};

use super::{Form, number, string, write};
use crate::{
    Outcome,
    world::{World, at, code, reconnect_token},
};

/// How the item of a stored credential becomes unreadable.
const FORMS: [Form; 3] = [
    ("damaged", |item| drop(item.remove("session_kid"))),
    ("of another type", |item| drop(item.insert("expires_at".to_owned(), string("never")))),
    ("of another seal", |item| drop(item.insert("sealed".to_owned(), number(1)))),
];

/// A user whose stored credential cannot be read.
async fn remembered(world: &World, damage: fn(&mut Item)) -> Outcome<Issued> {
    let opened = world.remember("ada", at(0)).await?;
    write(&world.emulator, world.emulator.stored_credential().await?, damage).await?;
    Ok(opened)
}

/// Why the ciphertext was removed, if it was.
async fn removed(world: &World) -> Outcome<Option<String>> {
    let item = world.emulator.stored_credential().await?;
    let removed = text(&item, "removed_for").map(str::to_owned).ok();
    assert_eq!(item.contains_key("sealed"), removed.is_none());
    Ok(removed)
}

#[tokio::test]
async fn it_is_left_out_and_a_reconnect_with_it_waits_and_loses_nothing() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[]).await?;
        let opened = remembered(&world, damage).await?;
        let other = world.connect("ada", at(1)).await?;
        let listed = list(&world.verifier, &other.access.text, at(2)).await?;
        assert_eq!((listed.sessions.len(), listed.remembered.len()), (2, 0), "{name}");
        let before = world.emulator.stored_credential().await?;
        for now in [3, 4] {
            assert_eq!(code(&world.reconnect(reconnect_token(&opened), &["key"], at(now)).await), "Unavailable");
            world.emulator.lose_sessions().await?;
        }
        assert_eq!(world.emulator.stored_credential().await?, before, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn it_ends_by_its_key_with_whoever_holds_its_token_and_with_all_others() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[]).await?;
        let opened = remembered(&world, damage).await?;
        let held = Presented { reconnect_token: Some(reconnect_token(&opened)), ..Presented::default() };
        logout(&world.issuer, &held, at(1)).await?;
        assert_eq!(removed(&world).await?.as_deref(), Some("logout"), "{name}");

        let world = World::start(&[]).await?;
        let opened = remembered(&world, damage).await?;
        let reconnect_token = Some(reconnect_token(&opened));
        let guest = Connect { credential: Credential::Guest, remember: false };
        world.connect_with(&guest, &Details { reconnect_token, ..Details::default() }, at(1)).await?;
        assert_eq!(removed(&world).await?.as_deref(), Some("replaced"), "{name}");

        for scope in [Scope::Others, Scope::All] {
            let world = World::start(&[]).await?;
            remembered(&world, damage).await?;
            let other = world.connect("ada", at(1)).await?;
            assert_eq!(
                end_many(&world.verifier, &other.access.text, scope, at(2)).await?,
                1 + usize::from(scope == Scope::All)
            );
            assert_eq!(removed(&world).await?.as_deref(), Some("revoked"), "{name}, {scope:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_callers_own_goes_on_when_the_others_end() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[]).await?;
        let opened = remembered(&world, damage).await?;
        let before = world.emulator.stored_credential().await?;
        end_many(&world.verifier, &opened.access.text, Scope::Others, at(1)).await?;
        let mut after = world.emulator.stored_credential().await?;
        assert_eq!(after.insert("epoch".to_owned(), number(0)), Some(number(1)), "{name}");
        assert_eq!(after, before, "{name}");
    }
    Ok(())
}
