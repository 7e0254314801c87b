//! What happens to the clients: they arrive, they work, the service is gone for five minutes, it comes back.

use std::time::{Duration, Instant};

use bench::{Outcome, world::World};
use local::counter::Bill;
use serde_json::{Value, json};

use crate::{
    clients::{Clients, Lived},
    stack::FastStack,
};

/// Minute by which all have arrived.
pub(crate) const ARRIVED: f64 = 10.0;
/// Minutes in which nothing happens but work.
pub(crate) const STEADY: (f64, f64) = (15.0, 35.0);
/// Minutes between which the service is not reached.
pub(crate) const OUTAGE: (f64, f64) = (35.0, 40.0);
/// The minute at which it ends.
pub(crate) const LAST: f64 = 60.0;

/// What was seen.
pub(crate) struct Day {
    /// How many clients there were.
    pub(crate) clients: u64,
    /// How many sessions were in the table.
    pub(crate) sessions: u64,
    /// How many times as fast time ran.
    pub(crate) speed: u32,
    /// What the clients saw.
    pub(crate) lived: Lived,
    /// What it cost to connect once, as a guest.
    pub(crate) connect: Bill,
    /// What all cost in the steady minutes.
    pub(crate) steady: Bill,
    /// What it cost to log out once.
    pub(crate) logout: Bill,
}

/// Lets them live.
pub(crate) async fn live(world: &World, clients: u64, sessions: u64, speed: u32) -> Outcome<Day> {
    let mut stack = FastStack::start(world.counter.address, speed).await?;
    let (opened, connect) = world.counter.during(connect(&stack.url)).await;
    // Those of the clients come on top.
    world.fill(sessions - clients).await?;
    let (left, logout) = world.counter.during(logout(&stack.url, &opened?)).await;
    left?;

    let arriving = Clients::start(&stack.url, clients, speed).await?;
    let begun = Instant::now();
    let minute = |minute: f64| {
        let wait = (Duration::from_secs_f64(minute * 60.0) / speed).saturating_sub(begun.elapsed());
        tokio::time::sleep(wait)
    };
    minute(STEADY.0).await;
    let ((), steady) = world.counter.during(minute(STEADY.1)).await;
    minute(OUTAGE.0).await;
    stack.take_away().await?;
    minute(OUTAGE.1).await;
    stack.bring_back().await?;
    let lived = arriving.lived().await?;
    stack.take_away().await?;
    Ok(Day { clients, sessions, speed, lived, connect, steady, logout })
}

/// Opens a session as a guest; its access token.
async fn connect(url: &str) -> Outcome<String> {
    let body = json!({ "credential": { "kind": "guest" }, "transport": "body" });
    let request = reqwest::Client::new().post(format!("{url}/connect")).header("x-session-client", "1").json(&body);
    let opened: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(opened["accessToken"].as_str().ok_or("no access token")?.to_owned())
}

async fn logout(url: &str, access_token: &str) -> Outcome {
    let request = reqwest::Client::new().post(format!("{url}/logout")).header("x-session-client", "1");
    request.bearer_auth(access_token).send().await?.error_for_status()?;
    Ok(())
}
