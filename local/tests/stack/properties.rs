//! Random histories of one client that follows the protocol: only its own logout, a revocation or a limit ends its session.

use std::time::Duration;

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use session::{
    end::{Presented, Scope, end_many, logout},
    issuer::Issued,
    lifecycle::Activity,
    unix_time::UnixMillis,
};

use crate::{
    Outcome,
    world::{START, World, code, token},
};

const CASES: u32 = 64;
const IDLE: Duration = Duration::from_hours(24);
const ABSOLUTE: Duration = Duration::from_hours(7 * 24);

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// The client refreshes; the answer may be lost on its way.
    Refresh { active: bool, lost: bool },
    /// The client refreshes without a key, and gets its answer.
    RefreshWithoutKey,
    /// The client polls.
    Poll { active_ago: Option<u64> },
    /// A crash brings back the cookie from before the last refresh.
    CookieReverts,
    /// Time passes.
    Wait { seconds: u64 },
    /// The clock of the machine that answers is behind that of the last one, by no more than is allowed for.
    ClockStepsBack { seconds: u64 },
    /// Every function starts anew.
    Restart,
    /// The master secret is replaced.
    RotateKey,
    /// The user logs out.
    LogOut,
    /// The user ends all sessions.
    EndAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<bool>(), any::<bool>()).prop_map(|(active, lost)| Step::Refresh { active, lost }),
        1 => Just(Step::RefreshWithoutKey),
        4 => prop::option::of(0..7_200_u64).prop_map(|active_ago| Step::Poll { active_ago }),
        2 => Just(Step::CookieReverts),
        4 => (0..40_000_u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => (0..=10_u64).prop_map(|seconds| Step::ClockStepsBack { seconds }),
        1 => Just(Step::Restart),
        1 => Just(Step::RotateKey),
        1 => Just(Step::LogOut),
        1 => Just(Step::EndAll),
    ];
    prop::collection::vec(step, 1..40)
}

/// The client and what it must find.
struct Client {
    /// Its refresh token.
    held: String,
    /// Where its access token came from.
    access: Issued,
    /// The token before the last rotation that had a key.
    previous: Option<String>,
    pending: Option<String>,
    settled: Vec<String>,
    last_active: UnixMillis,
    ended: Option<&'static str>,
    keys_made: u32,
}

impl Client {
    /// How the session must have ended by `now`, if it must.
    fn expected_end(&self, now: UnixMillis) -> Option<&'static str> {
        let absolute = START.after(ABSOLUTE);
        let idle = self.last_active.after(IDLE);
        self.ended.or_else(|| {
            if now <= idle.min(absolute) {
                None
            } else {
                Some(if absolute <= idle { "absolute_timeout" } else { "idle_timeout" })
            }
        })
    }

    fn active(&mut self, at: UnixMillis) {
        self.last_active = self.last_active.max(at);
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each step")]
async fn play(steps: Vec<Step>) -> Outcome {
    let mut world = World::start(&[]).await?;
    let access = world.register("ada", START).await?;
    let mut client = Client {
        held: token(&access).to_owned(),
        access,
        previous: None,
        pending: None,
        settled: Vec::new(),
        last_active: START,
        ended: None,
        keys_made: 0,
    };
    let mut now = START;
    let mut latest = now;
    let mut secrets = vec!["one".to_owned()];
    let mut generation = 1;
    for step in steps {
        let before = client.expected_end(now);
        match &step {
            Step::Wait { seconds } => {
                now = now.after(Duration::from_secs(*seconds));
                latest = latest.max(now);
            }
            Step::ClockStepsBack { seconds } => {
                // Behind the furthest clock, not behind another that is behind. And not behind a limit that was met: a
                // machine whose clock is behind may find alive what another ended.
                if client.expected_end(latest).is_none() {
                    now = latest.before(Duration::from_secs(*seconds)).max(START);
                }
            }
            Step::Restart | Step::RotateKey => {
                if matches!(step, Step::RotateKey) {
                    secrets.insert(0, format!("secret-{}", secrets.len()));
                }
                let previous: Vec<&str> = secrets.iter().skip(1).map(String::as_str).collect();
                world.restart(&secrets[0], &previous, now).await?;
            }
            Step::CookieReverts => {
                // One generation back, and no further: an older token cannot be told from a stolen one.
                if client.pending.is_none()
                    && let Some(previous) = client.previous.take()
                {
                    client.held = previous;
                }
            }
            Step::LogOut => {
                logout(&world.issuer, &Presented { refresh_tokens: vec![&client.held], ..Presented::default() }, now)
                    .await?;
                client.ended = before.or(Some("logout"));
            }
            Step::EndAll => {
                let result = end_many(&world.verifier, &client.access.access.text, Scope::All, now).await;
                if now < client.access.access.expires_at {
                    assert_eq!(code(&result), before.unwrap_or("ok"), "{step:?}");
                    client.ended = before.or(Some("revoked"));
                }
            }
            Step::Poll { active_ago } => {
                let activity = active_ago.map_or(Activity::None, |ago| Activity::Ago(Duration::from_secs(ago)));
                let polled = world.validate(&client.access, activity, now).await;
                if now < client.access.access.expires_at {
                    assert_eq!(code(&polled), before.unwrap_or("ok"), "{step:?}");
                } else {
                    // A key that signs no more is forgotten when the last token it signed has expired, and looked for at
                    // most every five seconds.
                    let refused = ["TokenExpired", "TokenInvalid", "Unavailable"];
                    assert!(refused.contains(&code(&polled).as_str()), "{step:?}");
                }
                if let (Ok(_), Some(ago)) = (&polled, active_ago) {
                    client.active(now.before(Duration::from_secs(*ago)));
                }
            }
            Step::Refresh { active, lost } => {
                if client.pending.is_none() {
                    client.keys_made += 1;
                    client.pending = Some(format!("key-{}", client.keys_made));
                }
                let sent: Vec<String> =
                    client.pending.iter().chain(client.settled.iter().rev().take(2)).cloned().collect();
                let keys: Vec<&str> = sent.iter().map(String::as_str).collect();
                let activity = if *active { Activity::Now } else { Activity::None };
                let refreshed = world.refresh(&client.held, &keys, activity, now).await;
                assert_eq!(code(&refreshed), before.unwrap_or("ok"), "{step:?} at {now:?}");
                if let Ok(issued) = refreshed {
                    assert!(issued.session.generation >= generation, "a generation went back");
                    assert_eq!(issued.session.absolute_limit, START.after(ABSOLUTE), "the absolute limit moved");
                    let rotated = issued.session.generation > generation;
                    generation = issued.session.generation;
                    if rotated && *active {
                        client.active(now);
                    }
                    if !lost {
                        let repeated = world.refresh(&client.held, &keys, Activity::None, now).await?;
                        assert_eq!(token(&repeated), token(&issued), "a repeated request gave another token");
                        let replaced = std::mem::replace(&mut client.held, token(&issued).to_owned());
                        client.previous = Some(replaced).filter(|_| rotated);
                        client.settled.extend(client.pending.take());
                        client.access = issued;
                    }
                }
            }
            Step::RefreshWithoutKey => {
                // Only where no answer is outstanding: without a key none can be repeated.
                if client.pending.is_none()
                    && before.is_none()
                    && client.access.session.generation == generation
                    && client.held == token(&client.access)
                {
                    client.access = world.refresh(&client.held, &[], Activity::None, now).await?;
                    client.held = token(&client.access).to_owned();
                    generation = client.access.session.generation;
                    client.previous = None;
                    client.settled.clear();
                }
            }
        }
        if let Some(end) = client.ended {
            assert_eq!(client.expected_end(now), Some(end), "an ended session lives");
        }
    }
    Ok(())
}

#[test]
fn a_client_that_follows_the_protocol_never_loses_its_session_and_nobody_revives_one() {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    TestRunner::new(config)
        .run(&steps(), |steps| {
            let played = runtime.block_on(async { tokio::spawn(play(steps)).await });
            match played {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(TestCaseError::fail(error.to_string())),
                Err(panic) => Err(TestCaseError::fail(panic.to_string())),
            }
        })
        .unwrap();
}
