//! How long the table keeps what: every item that is written, and what is left when all that may go is gone.

use std::collections::{BTreeMap, BTreeSet};

use harness::emulator::{Item, number, text};
use serde_json::json;
use session::{
    connect::Connect,
    credential::{
        Credential,
        password::{Password, Username},
    },
    end::{Scope, end_many, end_one},
    lifecycle::{Activity, EndReason},
    opening::Details,
    unix_time::UnixMillis,
};

use crate::{
    Outcome,
    exchange::KINDS,
    openid_provider::{CLIENT_ID, OpenIdProvider},
    world::{World, code, ended, reconnect_token, token},
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// How long last words are kept.
const LAST_WORDS: u64 = 2 * DAY;

/// So long ago that nothing with an end is due later than today: 2001-09-09T01:30:00Z, half past, so that no window of
/// a quarter of an hour ends within the conversation.
const LONG_AGO: u64 = 1_000_000_000 - 1_000_000_000 % DAY + HOUR + HOUR / 2;

fn at(seconds: u64) -> UnixMillis {
    UnixMillis::from_millis((LONG_AGO + seconds) * 1000)
}

/// The kind of an item: what both of its keys begin with.
fn kind(item: &Item) -> Outcome<String> {
    let (pk, sk) = (text(item, "pk")?, text(item, "sk")?);
    let first = |key: &str| key.split('#').next().unwrap_or_default().to_owned();
    Ok(match first(pk).as_str() {
        "A" => pk.splitn(3, '#').take(2).collect::<Vec<_>>().join("#"),
        "KEYS" => "KEYS".to_owned(),
        _ => first(sk),
    })
}

async fn started(provider: &OpenIdProvider) -> Outcome<World> {
    World::start_at(at(0), &[KINDS, ("OIDC_ISSUERS", &provider.settings_json())]).await
}

/// Everything that writes: users and guests come, are lost, come back, are refused, and leave; a key is replaced.
async fn conversation(world: &mut World, provider: &OpenIdProvider) -> Outcome {
    let ada = world.remember("ada", at(0)).await?;
    let other = world.connect("ada", at(1)).await?;
    let third = world.connect("ada", at(2)).await?;
    world.validate(&ada, Activity::Now, at(10)).await?;
    let next = world.refresh(token(&ada), &["one"], Activity::Now, at(20)).await?;
    world.refresh(token(&next), &["two"], Activity::None, at(30)).await?;
    let reused = world.refresh(token(&ada), &["late"], Activity::Now, at(200)).await;
    assert_eq!(ended(&reused), Some((EndReason::ReuseDetected, false)));
    end_one(&world.verifier, &other.access.text, third.session.id, at(210)).await?;
    let eve = world.remember("eve", at(220)).await?;
    let back = world.reconnect(reconnect_token(&eve), &["three"], at(230)).await?;
    end_many(&world.verifier, &back.access.text, Scope::Others, at(240)).await?;
    let guest = world.guest(at(250)).await?;
    world.logout(&guest, at(260)).await?;
    world.guest(at(270)).await?;
    let details = Details { network: Some("203.0.113.0/24".to_owned()), ..Details::default() };
    let wrong = Credential::Password(Username::parse("ada")?, Password::parse("a wrong guess".into())?);
    let wrong = Connect { credential: wrong, remember: false };
    assert_eq!(code(&world.connect_with(&wrong, &details, at(280)).await), "CredentialRejected");
    let (issued, expires) = (LONG_AGO + 285, LONG_AGO + 2 * HOUR);
    let zoe = json!({ "iss": provider.issuer, "aud": CLIENT_ID, "sub": "zoe", "iat": issued, "exp": expires });
    let zoe = Credential::IdToken(provider.sign(&zoe)?.as_str().into(), None);
    let zoe = Connect { credential: zoe, remember: false };
    world.connect_with(&zoe, &Details::default(), at(290)).await?;
    world.restart("two", &["one"], at(300)).await
}

#[tokio::test]
async fn every_item_goes_when_nobody_can_need_it_any_more_and_not_before() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let mut world = started(&provider).await?;
    conversation(&mut world, &provider).await?;
    let mut seen: BTreeMap<String, BTreeSet<Option<u64>>> = BTreeMap::new();
    for item in world.emulator.dump().await? {
        let ttl = item.get("ttl").map(|_| number(&item, "ttl")).transpose()?;
        seen.entry(kind(&item)?).or_default().insert(ttl.map(|ttl| ttl - LONG_AGO));
    }
    let quarter = 15 * 60;
    let expected: BTreeMap<String, BTreeSet<Option<u64>>> = [
        // A user who has a password stays. A guest's marker goes with the guest's session.
        ("META", vec![None, Some(250 + 2 * HOUR + LAST_WORDS), Some(270 + 2 * HOUR + LAST_WORDS)]),
        ("PASSWORD", vec![None]),
        // The absolute limit or the stored credential's end, and the time for last words.
        (
            "S",
            [0, 1, 2, 220, 230, 290]
                .map(|opened| opened + 7 * DAY)
                .into_iter()
                .chain([250, 270].map(|opened| opened + 2 * HOUR))
                .map(|limit| Some(limit + LAST_WORDS))
                .collect(),
        ),
        ("R", vec![Some(7 * DAY + LAST_WORDS), Some(220 + 7 * DAY + LAST_WORDS)]),
        // The end of the window after the one in which a try was refused.
        ("A#identity", vec![Some(2 * quarter)]),
        ("A#network", vec![Some(2 * quarter)]),
        // Two days after the day began, half past one of which it was.
        ("A#connect", vec![Some(2 * DAY - HOUR - HOUR / 2)]),
        // A used token, until no clock takes it any more: a minute after its own end.
        ("A#once", vec![Some(2 * HOUR + 60)]),
        // The present key stays; the one before goes when no token of it can be alive.
        ("KEYS", vec![None, Some(300 + 7 * 60 + quarter)]),
    ]
    .into_iter()
    .map(|(kind, ttls)| (kind.to_owned(), ttls.into_iter().collect()))
    .collect();
    assert_eq!(seen, expected);
    Ok(())
}

#[tokio::test]
async fn after_a_whole_conversation_and_its_sweep_only_users_and_the_present_key_are_left() -> Outcome {
    let provider = OpenIdProvider::start().await?;
    let mut world = started(&provider).await?;
    conversation(&mut world, &provider).await?;
    let before = world.emulator.dump().await?.len();
    let swept = world.emulator.embedded.sweep()?;
    let mut left = BTreeMap::new();
    for item in world.emulator.dump().await? {
        *left.entry(kind(&item)?).or_insert(0) += 1;
    }
    // Ada, eve and zoe are users; zoe has no password.
    let expected = [("KEYS", 1), ("META", 3), ("PASSWORD", 2)].map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!(left, BTreeMap::from(expected));
    assert_eq!(swept, before - 6);
    Ok(())
}
