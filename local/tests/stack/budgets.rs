//! Requests to the table and the capacity that they consume, after the functions have started.

use std::{cell::Cell, time::Duration};

use harness::{
    bill::Bill,
    budgets::{
        CONNECT_GUEST, CONNECT_PASSWORD, Call, LIST, LOGOUT, RECONNECTED, REFRESH, REGISTER, REGISTER_REMEMBERED,
        VALIDATE, VALIDATE_ACTIVE,
    },
};
use session::{
    end::{Scope, end_many, end_one},
    lifecycle::Activity,
    list::list,
};

use crate::{
    Outcome,
    world::{World, at, code, reconnect_token, token},
};

#[tokio::test]
async fn every_ordinary_call_keeps_its_budget() -> Outcome {
    let world = World::start(&[]).await?;
    let before = Cell::new(world.emulator.proxy.so_far());
    let budget = |call: Call| {
        assert_eq!(world.emulator.proxy.take(), call.requests, "{}", call.name);
        let now = world.emulator.proxy.so_far();
        let requests = u32::try_from(call.requests.len()).unwrap_or_default();
        let expected = Bill { requests, read: call.read, written: call.written };
        assert_eq!(now - before.replace(now), expected, "{}", call.name);
    };

    let opened = world.register("ada", at(0)).await?;
    budget(REGISTER);
    world.connect("ada", at(1)).await?;
    budget(CONNECT_PASSWORD);
    let guest = world.guest(at(1)).await?;
    budget(CONNECT_GUEST);
    world.validate(&opened, Activity::None, at(2)).await?;
    budget(VALIDATE);
    world.validate(&opened, Activity::Ago(Duration::ZERO), at(3)).await?;
    budget(VALIDATE_ACTIVE);
    let refreshed = world.refresh(token(&opened), &["key"], Activity::Now, at(5)).await?;
    budget(REFRESH);
    list(&world.verifier, &refreshed.access.text, at(7)).await?;
    budget(LIST);
    world.logout(&guest, at(10)).await?;
    budget(LOGOUT);
    let remembered = world.remember("eve", at(12)).await?;
    budget(REGISTER_REMEMBERED);
    world.reconnect(reconnect_token(&remembered), &["key"], at(13)).await?;
    budget(RECONNECTED);
    Ok(())
}

/// The embedded table tells no capacity where a condition fails, so these are requests alone.
#[tokio::test]
async fn what_is_refused_repeated_or_raced_keeps_its_budget_of_requests() -> Outcome {
    let world = World::start(&[]).await?;
    let budget = |call: &str, expected: &[&str]| assert_eq!(world.emulator.proxy.take(), expected, "{call}");

    let opened = world.register("ada", at(0)).await?;
    let other = world.connect("ada", at(1)).await?;
    let guest = world.guest(at(1)).await?;
    let remembered = world.remember("eve", at(1)).await?;
    world.validate(&opened, Activity::Ago(Duration::ZERO), at(3)).await?;
    world.emulator.proxy.take();

    assert_eq!(code(&world.connect("nobody", at(1)).await), "CredentialRejected");
    budget("a rejected credential", &["BatchGetItem", "TransactWriteItems"]);
    world.validate(&opened, Activity::Ago(Duration::from_secs(2)), at(4)).await?;
    budget("validate with older activity", &["UpdateItem"]);
    let refreshed = world.refresh(token(&opened), &["key"], Activity::Now, at(5)).await?;
    budget("refresh", &["UpdateItem"]);
    world.refresh(token(&opened), &["key"], Activity::Now, at(6)).await?;
    budget("refresh, repeated", &["UpdateItem"]);
    let raced = world.refresh(token(&opened), &["other"], Activity::Now, at(6)).await;
    assert_eq!(code(&raced), "RefreshSuperseded");
    budget("refresh, raced", &["UpdateItem"]);
    end_one(&world.verifier, &refreshed.access.text, other.session.id, at(8)).await?;
    budget("end one", &["TransactWriteItems"]);
    end_many(&world.verifier, &refreshed.access.text, Scope::Others, at(9)).await?;
    budget("end others", &["Query", "TransactWriteItems"]);
    world.logout(&guest, at(10)).await?;
    budget("logout", &["UpdateItem"]);
    world.logout(&guest, at(11)).await?;
    budget("logout again", &["UpdateItem"]);
    world.reconnect(reconnect_token(&remembered), &["key"], at(13)).await?;
    budget("reconnect", &["Query", "TransactWriteItems"]);
    world.reconnect(reconnect_token(&remembered), &["key"], at(14)).await?;
    budget("reconnect, repeated", &["Query"]);
    let raced = world.reconnect(reconnect_token(&remembered), &["other"], at(14)).await;
    assert_eq!(code(&raced), "RefreshSuperseded");
    budget("reconnect, raced", &["Query"]);
    Ok(())
}
