//! What a thief gets from each place, and from several together: the table in `docs/credentials.md`, row by row.

use aws_sdk_dynamodb::types::AttributeValue;
use harness::emulator::{Item, number, text};
use secrecy::{ExposeSecret, SecretString};
use session::{
    credential::CredentialKind,
    identity::{ReconnectId, SubjectId},
    keys::{KeyRing, KeySet},
    master_secret::MasterSecret,
    rotating_token::{ReconnectToken, Unverified},
    seal::{Bound, Sealed},
    unix_time::UnixMillis,
};

use crate::{
    Outcome,
    world::{World, at, code, reconnect_token, secret},
};

const PASSWORD: &str = "password of ada";

/// Everything there is to steal of one remembered user.
struct Loot {
    /// The browser's cookie.
    cookie: String,
    /// The stored credential in the table.
    item: Item,
    /// The keys that follow from the master secret.
    keys: KeyRing,
}

fn ring(name: &str) -> Outcome<KeyRing> {
    Ok(KeyRing::derive(&MasterSecret::parse(&SecretString::from(secret(name, &[])))?)?)
}

async fn loot(world: &World) -> Outcome<Loot> {
    let cookie = reconnect_token(&world.remember("ada", at(0)).await?).to_owned();
    let item = world.emulator.stored_credential().await?;
    Ok(Loot { cookie, item, keys: ring("one")? })
}

/// Opens the ciphertext with a token and keys, as the service would.
fn opened(item: &Item, token: &ReconnectToken, keys: &KeySet) -> Outcome<Option<String>> {
    let AttributeValue::B(sealed) = &item["sealed"] else { return Err("not sealed".into()) };
    let bound = Bound {
        subject: SubjectId::parse(&text(item, "pk")?[2..])?,
        id: ReconnectId::parse(&text(item, "sk")?[2..])?,
        kind: CredentialKind::parse(text(item, "kind")?).ok_or("no kind")?,
        origin: text(item, "origin")?,
        expires_at: UnixMillis::from_millis(number(item, "expires_at")?),
    };
    let plain = Sealed::from_bytes(sealed.as_ref().to_vec()).open(bound, token, keys);
    Ok(plain.ok().map(|plain| plain.expose_secret().to_owned()))
}

/// A token whose secret is one of the values that lie in the table.
fn made_of(item: &Item, keys: &KeySet, hash: &str) -> Outcome<ReconnectToken> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let guess = URL_SAFE_NO_PAD.decode(hash)?;
    let subject = SubjectId::parse(&text(item, "pk")?[2..])?;
    let id = ReconnectId::parse(&text(item, "sk")?[2..])?;
    let guess = guess.try_into().map_err(|_| "not 32 bytes")?;
    Ok(ReconnectToken::first(keys, subject, id, guess))
}

#[tokio::test]
async fn a_copy_of_the_table_holds_neither_the_credential_nor_a_token() -> Outcome {
    let world = World::start(&[]).await?;
    let loot = loot(&world).await?;
    let secret = loot.cookie.split('.').nth(5).ok_or("no secret")?;
    for item in world.emulator.dump().await? {
        let shown = format!("{item:?}");
        assert!(!shown.contains(PASSWORD) && !shown.contains(secret), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn the_table_and_the_master_secret_together_open_nothing() -> Outcome {
    let world = World::start(&[]).await?;
    let Loot { item, keys, .. } = loot(&world).await?;
    let token = made_of(&item, keys.current(), text(&item, "cur")?)?;
    assert_eq!(opened(&item, &token, keys.current())?, None);
    // Nor do they reconnect: the hash of the hash is not the hash.
    let forged = token.encode(keys.current());
    let refused = world.reconnect(forged.expose_secret(), &[], at(1)).await;
    assert_ne!(code(&refused), "ok");
    Ok(())
}

#[tokio::test]
async fn the_browser_and_the_table_together_open_nothing_without_the_master_secret() -> Outcome {
    let world = World::start(&[]).await?;
    let Loot { cookie, item, keys } = loot(&world).await?;
    let token = Unverified::parse(&cookie)?.verify(keys.current())?;
    assert_eq!(opened(&item, &token, ring("guess")?.current())?, None);
    Ok(())
}

#[tokio::test]
async fn the_browser_and_the_master_secret_together_have_nothing_to_open() -> Outcome {
    let world = World::start(&[]).await?;
    let Loot { cookie, item, keys } = loot(&world).await?;
    assert!(!cookie.contains(PASSWORD));
    // The record is gone: the cookie opens no session, and there is no ciphertext in it.
    world.emulator.remove(&item).await?;
    assert_eq!(code(&world.reconnect(&cookie, &[], at(1)).await), "unknown");
    assert!(cookie.len() < 256, "{} bytes", cookie.len());
    assert!(Unverified::<ReconnectId>::parse(&cookie)?.verify(keys.current()).is_ok());
    Ok(())
}

#[tokio::test]
async fn only_browser_table_and_master_secret_together_open_the_seal() -> Outcome {
    let world = World::start(&[]).await?;
    let Loot { cookie, item, keys } = loot(&world).await?;
    let token = Unverified::parse(&cookie)?.verify(keys.current())?;
    let plain = opened(&item, &token, keys.current())?.ok_or("not opened")?;
    assert!(plain.contains(PASSWORD));
    // After one use the same three of yesterday open nothing of today.
    world.reconnect(&cookie, &[], at(1)).await?;
    let today = world.emulator.stored_credential().await?;
    assert_eq!(opened(&today, &token, keys.current())?, None);
    Ok(())
}

#[tokio::test]
async fn a_stolen_cookie_is_of_one_use_and_gives_the_thief_away() -> Outcome {
    let world = World::start(&[]).await?;
    let Loot { cookie, .. } = loot(&world).await?;
    let thief = world.reconnect(&cookie, &["thief"], at(1)).await?;
    // The owner comes later, with the token that was stolen.
    assert_eq!(code(&world.reconnect(&cookie, &["owner"], at(3600)).await), "reuse_detected");
    assert_eq!(code(&world.reconnect(reconnect_token(&thief), &["again"], at(3601)).await), "reuse_detected");
    Ok(())
}
