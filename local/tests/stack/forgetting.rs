//! What makes a stored credential unusable, at once and for good.

use aws_sdk_dynamodb::types::AttributeValue;
use harness::emulator::{Item, text};
use session::{
    connect::Connect,
    credential::Credential,
    end::{Presented, Scope, end_many, end_one, logout},
    issuer::Stored,
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
async fn no_stored_credential_outlives_the_end_of_its_session() -> Outcome {
    for case in ["logout", "revoked one", "revoked others", "revoked all", "reuse_detected", "replaced"] {
        let world = World::start(&[("SESSION_MAX_PER_SUBJECT", "2")]).await?;
        let opened = world.remember("ada", at(0)).await?;
        let other = world.connect("ada", at(1)).await?;
        let bearer = &other.access.text;
        match case {
            "logout" => world.logout(&opened, at(2)).await?,
            "revoked one" => end_one(&world.verifier, bearer, opened.session.id, at(2)).await?,
            "revoked others" => drop(end_many(&world.verifier, bearer, Scope::Others, at(2)).await?),
            "revoked all" => drop(end_many(&world.verifier, bearer, Scope::All, at(2)).await?),
            "reuse_detected" => {
                world.refresh(token(&opened), &["a"], Activity::Now, at(2)).await?;
                let reused = world.refresh(token(&opened), &["b"], Activity::Now, at(63)).await;
                assert_eq!(code(&reused), "reuse_detected");
            }
            _ => drop(world.connect("ada", at(2)).await?),
        }
        let reason = case.split(' ').next().unwrap_or_default();
        for now in [64, 65, 30 * HOUR] {
            let refused = world.reconnect(reconnect_token(&opened), &[], at(now)).await;
            let (refused, allowed) = ended(&refused).ok_or_else(|| format!("{case}: {}", code(&refused)))?;
            assert_eq!((refused.as_str(), allowed), (reason, false), "{case}, at {now} s");
            assert!(!world.emulator.stored_credential().await?.contains_key("sealed"), "{case}");
        }
    }
    Ok(())
}

/// K7: no session is left to say why.
#[tokio::test]
async fn ending_all_sessions_reaches_the_stored_credential_of_one_that_was_lost() -> Outcome {
    for scope in [Scope::Others, Scope::All] {
        let world = World::start(&[]).await?;
        let opened = world.remember("ada", at(0)).await?;
        world.emulator.lose_sessions().await?;
        let other = world.connect("ada", at(1)).await?;
        end_many(&world.verifier, &other.access.text, scope, at(2)).await?;
        for now in [3, 30 * HOUR] {
            let refused = world.reconnect(reconnect_token(&opened), &[], at(now)).await;
            assert_eq!(ended(&refused), Some((EndReason::Revoked, false)), "{scope:?}, at {now} s");
        }
        assert!(!world.emulator.stored_credential().await?.contains_key("sealed"));
    }
    Ok(())
}

#[tokio::test]
async fn a_logout_forgets_the_stored_credential_of_a_session_that_was_lost() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    world.emulator.lose_sessions().await?;
    let reconnect_token = Some(reconnect_token(&opened));
    let presented = Presented { refresh_tokens: vec![token(&opened)], reconnect_token, ..Presented::default() };
    world.emulator.proxy.take();
    logout(&world.issuer, &presented, at(1)).await?;
    assert_eq!(world.emulator.proxy.take(), ["UpdateItem", "UpdateItem"]);
    let refused = world.reconnect(presented.reconnect_token.unwrap_or_default(), &[], at(2)).await;
    assert_eq!(ended(&refused), Some((EndReason::Logout, false)));
    // The ordinary one ends the session, and with it what it remembers, in one request.
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let reconnect_token = Some(crate::world::reconnect_token(&opened));
    let presented = Presented { refresh_tokens: vec![token(&opened)], reconnect_token, ..Presented::default() };
    world.emulator.proxy.take();
    logout(&world.issuer, &presented, at(1)).await?;
    assert_eq!(world.emulator.proxy.take(), ["UpdateItem"]);
    Ok(())
}

#[tokio::test]
async fn ending_all_other_sessions_keeps_the_callers_own_stored_credential() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let other = world.connect("ada", at(1)).await?;
    assert_eq!(end_many(&world.verifier, &opened.access.text, Scope::Others, at(2)).await?, 1);
    let listed = list(&world.verifier, &opened.access.text, at(2)).await?;
    assert_eq!((listed.sessions.len(), listed.remembered), (1, vec![opened.session.id]));
    assert_eq!(code(&world.reconnect(reconnect_token(&opened), &[], at(3)).await), "ok");
    assert_eq!(code(&world.refresh(token(&other), &[], Activity::Now, at(3)).await), "revoked");
    Ok(())
}

#[tokio::test]
async fn a_credential_that_its_server_refuses_is_forgotten() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let mut password = world.emulator.items("PASSWORD").await?.into_iter().next().ok_or("no password")?;
    let nobody = "$argon2id$v=19$m=19456,t=2,p=1$c2Vzc2lvbi1rZWVwYWxpdmU$T40p2cDVWEwV6Sno1yrY9l2B4eiOyZ/FEZNyDlq6Ja4";
    password.insert("hash".to_owned(), AttributeValue::S(nobody.to_owned()));
    world.emulator.put(password).await?;
    for now in [1, 2, 5 * HOUR] {
        let refused = world.reconnect(reconnect_token(&opened), &[], at(now)).await;
        assert_eq!(code(&refused), "CredentialRejected", "at {now} s");
        assert!(!world.emulator.stored_credential().await?.contains_key("sealed"));
    }
    Ok(())
}

#[tokio::test]
async fn a_ciphertext_from_another_place_is_refused() -> Outcome {
    for swapped in ["user", "kind", "id", "origin", "expiry", "bit"] {
        let kinds = [("SESSION_CREDENTIALS", "password,connectionString"), ("CONNECT_ALLOWED_HOSTS", "db.example.com")];
        let world = World::start(&kinds).await?;
        let opened = world.remember("ada", at(0)).await?;
        let mut own = world.emulator.stored_credential().await?;
        let set = |item: &mut Item, name: &str, value: &str| {
            item.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
        };
        match swapped {
            "user" | "id" => {
                match swapped {
                    "user" => world.remember("eve", at(0)).await?,
                    _ => world.remember_again("ada", at(0)).await?,
                };
                let items = world.emulator.items("R#").await?;
                let other = items.iter().find(|item| item.get("session") != own.get("session")).ok_or("no other")?;
                own.insert("sealed".to_owned(), other["sealed"].clone());
            }
            "kind" => set(&mut own, "kind", "connectionString"),
            "origin" => set(&mut own, "origin", "https://evil.example"),
            "expiry" => drop(own.insert("expires_at".to_owned(), AttributeValue::N("1995255200000".to_owned()))),
            _ => {
                let sealed = own["sealed"].as_b().map_err(|_| "not bytes")?.clone().into_inner();
                let flipped = sealed.iter().enumerate().map(|(at, byte)| if at == 40 { byte ^ 1 } else { *byte });
                let flipped: Vec<u8> = flipped.collect();
                own.insert("sealed".to_owned(), AttributeValue::B(flipped.into()));
            }
        }
        world.emulator.put(own).await?;
        let refused = world.reconnect(reconnect_token(&opened), &[], at(1)).await;
        assert_eq!(code(&refused), "CredentialRejected", "{swapped}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stored_credential_that_comes_with_another_connect_is_forgotten() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.remember("ada", at(0)).await?;
    let wanted = Connect { credential: Credential::Guest, remember: false };
    let details = Details { reconnect_token: Some(reconnect_token(&opened)), ..Details::default() };
    for now in [1, 2] {
        let guest = world.connect_with(&wanted, &details, at(now)).await?;
        assert!(matches!(guest.stored, Stored::Forgotten), "at {now} s");
        let item = world.emulator.stored_credential().await?;
        assert_eq!((text(&item, "removed_for")?, item.contains_key("sealed")), ("replaced", false));
    }
    let refused = world.reconnect(reconnect_token(&opened), &[], at(3)).await;
    assert_eq!(ended(&refused), Some((EndReason::Replaced, false)));
    Ok(())
}
