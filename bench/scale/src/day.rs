//! What happens to the clients: they arrive, they work, the service is gone for five minutes, it comes back.

use std::time::{Duration, Instant};

use bench::{Outcome, world::World};
use harness::{
    bill::Bill,
    binaries,
    clock::Clock,
    conversation::{Conversation, Method, Proof},
    emulator::credentials,
    local_stack::{Launch, LocalStack},
};

use crate::clients::{Clients, Lived};

const SECRET: &str = r#"{"current":"0123456789abcdef0123456789abcdef","previous":[]}"#;

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
    let begun = Instant::now();
    let fast = |ahead| Clock::Faster { ahead, speed };
    let mut environment = credentials("");
    environment.set("SESSION_SECRET", SECRET);
    let launch = Launch {
        dynamodb: Some(world.emulator.proxy.url.clone()),
        environment,
        clock: fast(Duration::ZERO),
        ..Launch::of(&binaries::target()?.join("harness/local"))
    };
    let mut stack = LocalStack::start(launch).await?;
    let proxy = &world.emulator.proxy;
    let client = Conversation::with(&stack.url);
    let (opened, connect) = proxy.during(client.connect(Proof::Guest, false)).await;
    // Those of the clients come on top.
    world.fill(sessions - clients).await?;
    let opened = opened?.session()?;
    let (left, logout) = proxy.during(client.with_bearer(Method::POST, "/logout", &opened.access)).await;
    left?.expect(204)?;

    let arriving = Clients::start(&stack.url, clients, speed).await?;
    let arrived = Instant::now();
    let minute = |minute: f64| {
        let wait = (Duration::from_secs_f64(minute * 60.0) / speed).saturating_sub(arrived.elapsed());
        tokio::time::sleep(wait)
    };
    minute(STEADY.0).await;
    let ((), steady) = proxy.during(minute(STEADY.1)).await;
    minute(OUTAGE.0).await;
    stack.kill().await?;
    minute(OUTAGE.1).await;
    // At the same address, and at the time that its clock would show by now.
    stack.launch.port = stack.url.rsplit(':').next().unwrap_or_default().parse()?;
    stack.launch.clock = fast(begun.elapsed() * (speed - 1));
    stack.run().await?;
    let lived = arriving.lived().await?;
    stack.kill().await?;
    Ok(Day { clients, sessions, speed, lived, connect, steady, logout })
}
