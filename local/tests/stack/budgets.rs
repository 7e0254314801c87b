//! Requests to the table and the capacity that they consume, after the functions have started.

use std::{cell::Cell, time::Duration};

use local::counter::Bill;
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
async fn every_ordinary_call_keeps_its_request_budget() -> Outcome {
    let world = World::start(&[]).await?;
    let budget = |call: &str, expected: &[&str]| assert_eq!(world.emulator.proxy.take(), expected, "{call}");

    let opened = world.register("ada", at(0)).await?;
    budget("register", &["BatchGetItem", "Query", "TransactWriteItems"]);
    let other = world.connect("ada", at(1)).await?;
    budget("connect with a password", &["BatchGetItem", "Query", "TransactWriteItems"]);
    let wrong = world.connect("nobody", at(1)).await;
    assert_eq!(code(&wrong), "CredentialRejected");
    budget("a rejected credential", &["BatchGetItem", "TransactWriteItems"]);
    let guest = world.guest(at(1)).await?;
    budget("connect as a guest", &["TransactWriteItems"]);
    world.validate(&opened, Activity::None, at(2)).await?;
    budget("validate without activity", &["GetItem"]);
    world.validate(&opened, Activity::Ago(Duration::ZERO), at(3)).await?;
    budget("validate with activity", &["UpdateItem"]);
    world.validate(&opened, Activity::Ago(Duration::from_secs(2)), at(4)).await?;
    budget("validate with older activity", &["UpdateItem"]);
    let refreshed = world.refresh(token(&opened), &["key"], Activity::Now, at(5)).await?;
    budget("refresh", &["UpdateItem"]);
    world.refresh(token(&opened), &["key"], Activity::Now, at(6)).await?;
    budget("refresh, repeated", &["UpdateItem"]);
    let raced = world.refresh(token(&opened), &["other"], Activity::Now, at(6)).await;
    assert!(raced.is_err());
    budget("refresh, raced", &["UpdateItem"]);
    list(&world.verifier, &refreshed.access.text, at(7)).await?;
    budget("list", &["Query"]);
    end_one(&world.verifier, &refreshed.access.text, other.session.id, at(8)).await?;
    budget("end one", &["TransactWriteItems"]);
    end_many(&world.verifier, &refreshed.access.text, Scope::Others, at(9)).await?;
    budget("end others", &["Query", "TransactWriteItems"]);
    world.logout(&guest, at(10)).await?;
    budget("logout", &["UpdateItem"]);
    world.logout(&guest, at(11)).await?;
    budget("logout again", &["UpdateItem"]);
    let remembered = world.remember("eve", at(12)).await?;
    budget("register and be remembered", &["BatchGetItem", "Query", "TransactWriteItems"]);
    world.reconnect(reconnect_token(&remembered), &["key"], at(13)).await?;
    budget("reconnect", &["Query", "TransactWriteItems"]);
    world.reconnect(reconnect_token(&remembered), &["key"], at(14)).await?;
    budget("reconnect, repeated", &["Query"]);
    let raced = world.reconnect(reconnect_token(&remembered), &["other"], at(14)).await;
    assert_eq!(code(&raced), "RefreshSuperseded");
    budget("reconnect, raced", &["Query"]);
    Ok(())
}

#[tokio::test]
async fn every_ordinary_call_keeps_its_budget_of_capacity_units() -> Outcome {
    let (world, counter) = World::start_billed().await?;
    let before = Cell::new(counter.so_far());
    let budget = |call: &str, read: f64, written: f64| {
        let now = counter.so_far();
        let spent = now - before.replace(now);
        assert_eq!(spent, Bill { requests: spent.requests, read, written }, "{call}");
    };

    let opened = world.register("ada", at(0)).await?;
    budget("register", 3.0, 8.0);
    world.connect("ada", at(1)).await?;
    budget("connect with a password", 4.0, 6.0);
    let guest = world.guest(at(1)).await?;
    budget("connect as a guest", 0.0, 4.0);
    world.validate(&opened, Activity::None, at(2)).await?;
    budget("validate without activity", 1.0, 0.0);
    world.validate(&opened, Activity::Ago(Duration::ZERO), at(3)).await?;
    budget("validate with activity", 0.0, 1.0);
    let refreshed = world.refresh(token(&opened), &["key"], Activity::Now, at(5)).await?;
    budget("refresh", 0.0, 1.0);
    list(&world.verifier, &refreshed.access.text, at(7)).await?;
    budget("list", 1.0, 0.0);
    world.logout(&guest, at(10)).await?;
    budget("logout", 0.0, 1.0);
    let remembered = world.remember("eve", at(12)).await?;
    budget("register and be remembered", 3.0, 10.0);
    world.reconnect(reconnect_token(&remembered), &["key"], at(13)).await?;
    budget("reconnect", 1.0, 10.0);
    Ok(())
}
