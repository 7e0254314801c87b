//! Functions whose clocks differ: each process has its own, and none is right to the second.

use harness::{
    clock::{Clock, can_be_moved},
    conversation::{Conversation, Presence},
    deployment::{Build, Deployment},
    emulator::Emulator,
};

use crate::Outcome;

/// Seconds that two processes of one deployment may differ without anybody noticing: less than the leeway that access
/// tokens are given.
const APART: f64 = 8.0;

#[tokio::test]
async fn functions_whose_clocks_differ_by_seconds_serve_one_session() -> Outcome {
    if !can_be_moved() {
        return Ok(());
    }
    for ahead in [APART, -APART] {
        let emulator = Emulator::start().await?;
        let build = Build::tested(&emulator.deployed()).await?;
        let moved = Build { clock: Clock::Moved(ahead), ..build.clone() };
        let behind = emulator.embedded.url();
        let (one, other) = (Deployment::start(build, &behind).await?, Deployment::start(moved, &behind).await?);
        let (one, other) = (Conversation::with(&one.url), Conversation::with(&other.url));
        // Started before, so that no start lies between the two instants that are compared.
        other.poll("not.a.token", Presence::Nobody).await?.expect(401)?;
        let opened = one.register("ada", true).await?.expect(201)?;
        let elsewhere = other.poll(&opened.session()?.access, Presence::Now).await?.expect(200)?;
        let time = |answer: &serde_json::Value| answer["serverTime"].as_str().unwrap_or_default().to_owned();
        assert_eq!(time(&opened.body) < time(&elsewhere.body), ahead > 0.0, "the clocks do differ, by {ahead} s");
        let ada = opened.session()?;
        let next = other.refresh(&ada.refresh, &[]).await?.expect(200)?.session()?;
        one.poll(&next.access, Presence::Now).await?.expect(200)?;
        let back = other.reconnect(&ada.reconnect, &[]).await?.expect(201)?.session()?;
        one.refresh(&back.refresh, &[]).await?.expect(200)?;
        other.logout(&back.refresh).await?.expect(204)?;
        assert_eq!(one.refresh(&back.refresh, &[]).await?.status, 401);
    }
    Ok(())
}
