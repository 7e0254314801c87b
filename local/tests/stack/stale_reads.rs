//! A transaction that opens a session loses against whatever happened since it read.

use session::{
    error::Fault,
    identity::SessionId,
    issuer::Issued,
    lifecycle::{End, EndReason, Session},
    rotating_token::Rotation,
    store::{Effect, Open, Opening, UserSessions},
    stored_credential::{Removed, StoredCredential},
};

use crate::{
    Outcome,
    world::{World, at},
};

/// Opens a session with this effect and nothing else.
async fn open(world: &World, opened: &Issued, read: &UserSessions, effect: Effect<'_>) -> Result<Open, Fault> {
    let session = Session { id: SessionId::new(at(10), &[9; 10]), ..opened.session.clone() };
    let marker = read.user.marker;
    let opening = Opening { session: &session, marker, evicted: &[], effects: &[effect], single: false };
    world.issuer.table.open(&opening, &End { reason: EndReason::Replaced, at: at(10), by: None }).await
}

fn rotated(stored: &StoredCredential) -> StoredCredential {
    let rotation = Rotation { generation: stored.rotation.generation + 1, ..stored.rotation };
    StoredCredential { rotation, ..stored.clone() }
}

#[tokio::test]
async fn a_stored_credential_that_was_removed_meanwhile_opens_nothing() -> Outcome {
    for removed in [false, true] {
        let world = World::start(&[]).await?;
        let opened = world.remember("ada", at(0)).await?;
        let table = &world.issuer.table;
        let read = table.user_sessions(opened.session.subject).await?;
        let before = read.stored.first().ok_or("nothing is stored")?;
        if removed {
            let reason = Removed::Ended(EndReason::Logout);
            assert!(table.remove_content(before.subject, before.id, reason).await?);
        }
        let effect = Effect::Rotate { before, after: &rotated(before) };
        let expected = if removed { Open::Contended } else { Open::Opened };
        assert_eq!(open(&world, &opened, &read, effect).await?, expected, "removed: {removed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_ended_or_came_back_meanwhile_is_read_again() -> Outcome {
    for (meanwhile, expected) in
        [("nothing", Open::Opened), ("it was ended", Open::Contended), ("it came back", Open::Contended)]
    {
        let world = World::start(&[]).await?;
        let opened = world.remember("ada", at(0)).await?;
        let (subject, id) = (opened.session.subject, opened.session.id);
        let read = world.issuer.table.user_sessions(subject).await?;
        let session = read.sessions.first().ok_or("no session")?;
        let found = if meanwhile == "it came back" { None } else { Some(session) };
        if meanwhile == "it was ended" {
            let end = End { reason: EndReason::Logout, at: at(5), by: None };
            world.issuer.table.end(subject, id, &end).await?;
        }
        let effect = Effect::Unchanged(subject, id, found);
        assert_eq!(open(&world, &opened, &read, effect).await?, expected, "{meanwhile}");
    }
    Ok(())
}
