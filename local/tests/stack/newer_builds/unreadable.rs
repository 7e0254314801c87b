//! Items that this build cannot read: left out where many are read, ended by their key, and never taken for what they
//! may not be.

use harness::emulator::{Item, text};
use session::{
    connect::Connect,
    credential::{
        Credential,
        password::{Password, Username},
    },
    end::{Presented, Scope, end_many, end_one, logout},
    issuer::Issued,
    lifecycle::Activity,
    list::list,
    opening::Details,
};

use super::{Form, item, number, string, write};
use crate::{
    Outcome,
    world::{World, at, code, ended, reconnect_token, token},
};

/// How the item of a session becomes unreadable.
const FORMS: [Form; 5] = [
    ("damaged", |item| drop(item.remove("cur"))),
    ("of another type", |item| drop(item.insert("generation".to_owned(), string("two")))),
    ("of an unknown status", |item| drop(item.insert("status".to_owned(), string("paused")))),
    ("of a status of another type", |item| drop(item.insert("status".to_owned(), number(1)))),
    ("without status and limits", |item| item.retain(|name, _| name != "status" && !name.ends_with("_limit"))),
];

/// A user with a session that can be read, and one that cannot.
async fn two(world: &World, damage: fn(&mut Item)) -> Outcome<(Issued, Issued)> {
    let readable = world.register("ada", at(0)).await?;
    let other = world.remember_again("ada", at(1)).await?;
    write(&world.emulator, item(world, &other).await?, damage).await?;
    Ok((readable, other))
}

/// Why the item of a session says that it was ended.
async fn end_of(world: &World, session: &Issued) -> Outcome<Option<String>> {
    let item = item(world, session).await?;
    let is_ended = item.get("status") == Some(&string("ended"));
    Ok(if is_ended { Some(text(&item, "end_reason")?.to_owned()) } else { None })
}

async fn login(world: &World, details: &Details<'_>, now: u64) -> Outcome<Issued> {
    let (name, password) = (Username::parse("ada")?, Password::parse("password of ada".into())?);
    let wanted = Connect { credential: Credential::Password(name, password), remember: false };
    Ok(world.connect_with(&wanted, details, at(now)).await?)
}

#[tokio::test]
async fn it_is_left_out_of_a_list_and_the_others_stay() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[]).await?;
        let (readable, other) = two(&world, damage).await?;
        for sk in ["Q#of-the-future", "S#of-the-future"] {
            write(&world.emulator, item(&world, &other).await?, |item| drop(item.insert("sk".to_owned(), string(sk))))
                .await?;
        }
        let listed = list(&world.verifier, &readable.access.text, at(2)).await?;
        let ids: Vec<_> = listed.sessions.iter().map(|session| session.id).collect();
        assert_eq!(ids, [readable.session.id], "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_call_about_it_waits_for_a_build_that_reads_it_and_loses_nothing() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[]).await?;
        let (_, other) = two(&world, damage).await?;
        let before = world.emulator.dump().await?.len();
        for activity in [Activity::None, Activity::Now] {
            assert_eq!(code(&world.validate(&other, activity, at(2)).await), "Unavailable", "{name}");
        }
        assert_eq!(code(&list(&world.verifier, &other.access.text, at(2)).await), "Unavailable", "{name}");
        let revoked = end_many(&world.verifier, &other.access.text, Scope::All, at(2)).await;
        assert_eq!(code(&revoked), "Unavailable", "{name}");
        let refreshed = world.refresh(token(&other), &["key"], Activity::Now, at(2)).await;
        assert_eq!(code(&refreshed), "Unavailable", "{name}");
        let reconnected = world.reconnect(reconnect_token(&other), &["key"], at(2)).await;
        assert_eq!(code(&reconnected), "Unavailable", "{name}");
        assert_eq!((world.emulator.dump().await?.len(), end_of(&world, &other).await?), (before, None), "{name}");
        assert!(world.emulator.stored_credential().await?.contains_key("sealed"), "{name}");
    }
    // What such a refresh may have written, the same key gets from a build that reads the item.
    let world = World::start(&[]).await?;
    let (_, other) = two(&world, |item| drop(item.insert("label".to_owned(), number(1)))).await?;
    assert_eq!(code(&world.refresh(token(&other), &["key"], Activity::Now, at(2)).await), "Unavailable");
    write(&world.emulator, item(&world, &other).await?, |item| drop(item.remove("label"))).await?;
    assert_eq!(code(&world.refresh(token(&other), &["key"], Activity::Now, at(300)).await), "ok");
    Ok(())
}

#[tokio::test]
async fn a_user_ends_it_alone_with_all_or_with_the_others() -> Outcome {
    for (name, damage) in FORMS {
        for scope in [None, Some(Scope::Others), Some(Scope::All)] {
            let world = World::start(&[]).await?;
            let (readable, other) = two(&world, damage).await?;
            let third = world.connect("ada", at(2)).await?;
            let (bearer, case) = (readable.access.text.as_str(), format!("{name}, {scope:?}"));
            match scope {
                None => end_one(&world.verifier, bearer, other.session.id, at(3)).await?,
                Some(scope) => {
                    let count = end_many(&world.verifier, bearer, scope, at(3)).await?;
                    assert_eq!(count, if scope == Scope::All { 3 } else { 2 }, "{case}");
                }
            }
            assert_eq!(end_of(&world, &other).await?.as_deref(), Some("revoked"), "{case}");
            assert_eq!(end_of(&world, &third).await?.is_some(), scope.is_some(), "{case}");
            assert_eq!(end_of(&world, &readable).await?.is_some(), scope == Some(Scope::All), "{case}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_that_is_over_already_stays_as_it_is_and_stops_nobody() -> Outcome {
    let world = World::start(&[]).await?;
    let over: fn(&mut Item) = |item| {
        item.insert("status".to_owned(), string("ended"));
        item.remove("cur");
    };
    let (readable, other) = two(&world, over).await?;
    let before = item(&world, &other).await?;
    end_one(&world.verifier, &readable.access.text, other.session.id, at(2)).await?;
    world.logout(&other, at(2)).await?;
    assert_eq!(end_many(&world.verifier, &readable.access.text, Scope::Others, at(3)).await?, 0);
    login(&world, &Details { refresh_token: Some(token(&other)), ..Details::default() }, 4).await?;
    assert_eq!(item(&world, &other).await?, before);
    Ok(())
}

#[tokio::test]
async fn more_of_them_than_a_transaction_takes_are_ended_too() -> Outcome {
    let world = World::start_without_proxy(&[]).await?;
    let (readable, other) = two(&world, |item| drop(item.remove("cur"))).await?;
    let template = item(&world, &other).await?;
    for number in 0..210 {
        write(&world.emulator, template.clone(), |item| {
            item.insert("sk".to_owned(), string(&format!("S#{number}")));
        })
        .await?;
    }
    login(&world, &Details::default(), 2).await?;
    assert_eq!(end_many(&world.verifier, &readable.access.text, Scope::All, at(3)).await?, 213);
    let live: Vec<_> = world.emulator.items("S#").await?.into_iter().collect();
    assert!(live.iter().all(|item| item.get("status") == Some(&string("ended"))));
    Ok(())
}

#[tokio::test]
async fn whoever_holds_its_token_logs_out_of_it() -> Outcome {
    for (name, damage) in FORMS {
        for by_bearer in [false, true] {
            let world = World::start(&[]).await?;
            let (_, other) = two(&world, damage).await?;
            let held = Presented { reconnect_token: Some(reconnect_token(&other)), ..Presented::default() };
            let held = if by_bearer {
                Presented { bearer: Some(&other.access.text), ..held }
            } else {
                Presented { refresh_tokens: vec![token(&other)], ..held }
            };
            for now in [2, 3] {
                logout(&world.issuer, &held, at(now)).await?;
                assert_eq!(end_of(&world, &other).await?.as_deref(), Some("logout"), "{name}");
                assert_eq!(text(&item(&world, &other).await?, "ended_by")?, other.session.id.to_string());
                assert!(!world.emulator.stored_credential().await?.contains_key("sealed"), "{name}");
            }
            let refused = world.reconnect(reconnect_token(&other), &[], at(4)).await;
            assert_eq!(
                ended(&refused).map(|(reason, allowed)| (reason.as_str() == "logout", allowed)),
                Some((true, false))
            );
            // One's own, from the list.
            let world = World::start(&[]).await?;
            let (_, other) = two(&world, damage).await?;
            end_one(&world.verifier, &other.access.text, other.session.id, at(2)).await?;
            assert_eq!(end_of(&world, &other).await?.as_deref(), Some("revoked"), "{name}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_next_session_of_its_browser_takes_its_place() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[]).await?;
        let (_, other) = two(&world, damage).await?;
        let refresh_token = Some(token(&other));
        login(&world, &Details { refresh_token, ..Details::default() }, 2).await?;
        assert_eq!(end_of(&world, &other).await?.as_deref(), Some("replaced"), "{name}, by the same user");
        let world = World::start(&[]).await?;
        let (_, other) = two(&world, damage).await?;
        let details = Details { refresh_token: Some(token(&other)), ..Details::default() };
        let guest = Connect { credential: Credential::Guest, remember: false };
        world.connect_with(&guest, &details, at(2)).await?;
        assert_eq!(end_of(&world, &other).await?.as_deref(), Some("replaced"), "{name}, by a guest");
    }
    Ok(())
}

#[tokio::test]
async fn it_is_not_counted_and_goes_when_there_is_no_room() -> Outcome {
    for (name, damage) in FORMS {
        let world = World::start(&[("SESSION_MAX_PER_SUBJECT", "3")]).await?;
        let (readable, other) = two(&world, damage).await?;
        let second = login(&world, &Details::default(), 2).await?;
        assert_eq!(end_of(&world, &other).await?, None, "{name}");
        let third = login(&world, &Details::default(), 3).await?;
        assert_eq!(end_of(&world, &other).await?.as_deref(), Some("replaced"), "{name}");
        let live = world.live(&readable, at(4)).await?;
        assert_eq!(live, [readable.session.id, second.session.id, third.session.id], "{name}");
    }
    Ok(())
}
