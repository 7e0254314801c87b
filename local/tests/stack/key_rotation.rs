//! A master secret in Secrets Manager that is replaced under running functions.

use futures_util::future::try_join_all;
use harness::emulator::Emulator;
use session::{
    authenticator::Authenticator,
    connect::{Connect, connect},
    credential::Credential,
    error::SessionError,
    issuer::{Issued, Issuer},
    lifecycle::Activity,
    opening::{Details, Fresh},
    refresh::{Refresh, refresh},
    rotating_token::Nonce,
    settings::Variables,
    unix_time::UnixMillis,
    validate::validate,
    verifier::Verifier,
};

use crate::{
    Outcome,
    vault::Vault,
    world::{at, code, secret, token},
};

async fn started(vault: &Vault) -> Outcome<(Emulator, Variables)> {
    let emulator = Emulator::start().await?;
    let mut settings = emulator.settings();
    settings.set("SESSION_ISSUER", "https://sessions.example.com");
    settings.set("SESSION_AUDIENCE", "app");
    settings.set("SESSION_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:master");
    settings.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", vault.serve().await?);
    vault.keep(Some(secret("one", &[])));
    Ok((emulator, settings))
}

/// Opens a guest's session.
pub(crate) async fn guest(issuer: &Issuer, cookie: Option<&str>, now: UnixMillis) -> Result<Issued, SessionError> {
    let authenticator = Authenticator::start(&Variables::default(), issuer).map_err(|_| SessionError::NotFound)?;
    let wanted = Connect { credential: Credential::Guest, remember: false };
    let details = Details { refresh_token: cookie, ..Details::default() };
    connect(issuer, &authenticator, &wanted, &details, &Fresh::draw()?, now).await
}

/// Refreshes with a token.
pub(crate) async fn refreshed(issuer: &Issuer, token: &str, now: UnixMillis) -> Result<Issued, SessionError> {
    let request = Refresh { token, nonce: Nonce::random(&[6; 32]), earlier: Vec::new(), activity: Activity::Now };
    refresh(issuer, &request, now, &[7; 16]).await
}

#[tokio::test]
async fn a_function_that_runs_learns_of_a_new_key_within_a_minute_and_refuses_nobody_until_then() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let old = Issuer::start(&settings, at(0)).await?;
    vault.keep(Some(secret("two", &["one"])));
    let new = Issuer::start(&settings, at(10)).await?;
    let opened = guest(&new, None, at(11)).await?;
    vault.take();
    for seconds in [12, 59] {
        let early = refreshed(&old, token(&opened), at(seconds)).await;
        let Err(SessionError::Unavailable { retry_after, .. }) = early else { panic!("{}", code(&early)) };
        assert_eq!(retry_after.as_secs(), 60 - seconds);
    }
    assert_eq!(vault.take(), 0, "at most one question a minute");
    assert_eq!(code(&refreshed(&old, token(&opened), at(60)).await), "ok");
    assert_eq!(vault.take(), 1);
    Ok(())
}

#[tokio::test]
async fn a_key_that_nobody_has_costs_one_question_a_minute_and_keeps_nobody_out() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let issuer = Issuer::start(&settings, at(0)).await?;
    let stranger = guest(&issuer, None, at(0)).await?;
    let forged = token(&stranger).replacen(token(&stranger).split('.').nth(1).ok_or("no kid")?, "AAAAAAAAAAA", 1);
    vault.take();
    assert_eq!(code(&refreshed(&issuer, &forged, at(60)).await), "TokenInvalid", "after a look it is certain");
    for seconds in [61, 119] {
        assert_eq!(code(&refreshed(&issuer, &forged, at(seconds)).await), "Unavailable");
    }
    assert_eq!(vault.take(), 1);
    // The cookie of a key that is gone is no reason not to connect.
    vault.keep(Some(secret("two", &[])));
    let issuer = Issuer::start(&settings, at(200)).await?;
    assert_eq!(code(&guest(&issuer, Some(token(&stranger)), at(201)).await), "ok");
    Ok(())
}

#[tokio::test]
async fn a_vault_that_does_not_answer_is_a_503_and_stops_a_start() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let issuer = Issuer::start(&settings, at(0)).await?;
    let opened = guest(&issuer, None, at(0)).await?;
    vault.keep(None);
    let stopped = Issuer::start(&settings, at(100)).await;
    assert!(stopped.is_err_and(|error| error.to_string() == "GetSecretValue failed: planned"));
    assert_eq!(code(&refreshed(&issuer, token(&opened), at(100)).await), "ok", "known keys go on");
    let forged = token(&opened).replacen(token(&opened).split('.').nth(1).ok_or("no kid")?, "AAAAAAAAAAA", 1);
    assert_eq!(code(&refreshed(&issuer, &forged, at(101)).await), "Unavailable");
    Ok(())
}

#[tokio::test]
async fn the_secret_is_looked_at_every_five_minutes_and_an_outage_then_stops_nobody() -> Outcome {
    let vault = Vault::default();
    let (emulator, settings) = started(&vault).await?;
    let issuer = Issuer::start(&settings, at(0)).await?;
    let mut latest = guest(&issuer, None, at(0)).await?;
    vault.take();
    emulator.proxy.take();
    for (seconds, outage, looks) in
        [(299, false, 0), (300, false, 1), (599, true, 0), (600, true, 1), (659, true, 0), (660, false, 1)]
    {
        vault.keep((!outage).then(|| secret("one", &[])));
        latest = refreshed(&issuer, token(&latest), at(seconds)).await?;
        assert_eq!(vault.take(), looks, "{seconds} s");
        assert_eq!(emulator.proxy.take(), ["UpdateItem"], "{seconds} s: a secret that is as it was is not published");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_signed_before_a_process_looks_again_is_accepted_for_its_whole_life() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let old = Issuer::start(&settings, at(0)).await?;
    let opened = guest(&old, None, at(0)).await?;
    vault.keep(Some(secret("two", &["one"])));
    Issuer::start(&settings, at(1)).await?;
    let late = refreshed(&old, token(&opened), at(299)).await?;
    for (seconds, expected) in [(299 + 899, "ok"), (299 + 900, "TokenExpired")] {
        let verifier = Verifier::start(&settings, at(seconds)).await?;
        let polled = validate(&verifier, &late.access.text, Activity::None, at(seconds)).await;
        assert_eq!(code(&polled), expected, "{seconds} s");
    }
    Ok(())
}

#[tokio::test]
async fn a_new_public_key_is_found_at_once_and_one_more_only_after_five_seconds() -> Outcome {
    let vault = Vault::default();
    let (emulator, settings) = started(&vault).await?;
    let polled = async |verifier: &Verifier, issued: &Issued, seconds| {
        validate(verifier, &issued.access.text, Activity::None, at(seconds)).await
    };
    let first = Issuer::start(&settings, at(0)).await?;
    let verifier = Verifier::start(&settings, at(0)).await?;
    let forged = guest(&first, None, at(0)).await?;
    vault.keep(Some(secret("two", &["one"])));
    let opened = guest(&Issuer::start(&settings, at(1)).await?, None, at(1)).await?;
    assert_eq!(code(&polled(&verifier, &opened, 1).await), "ok", "the read at the start does not count");
    // Its own key is known; one that nobody has looked for is not.
    vault.keep(Some(secret("three", &["two", "one"])));
    let third = Issuer::start(&settings, at(2)).await?;
    let latest = guest(&third, None, at(2)).await?;
    emulator.proxy.take();
    for (seconds, expected) in [(2, "Unavailable"), (5, "Unavailable"), (6, "ok")] {
        assert_eq!(code(&polled(&verifier, &latest, seconds).await), expected, "{seconds} s");
    }
    assert_eq!(emulator.proxy.take(), ["Query", "GetItem"]);
    assert_eq!(code(&polled(&verifier, &forged, 7).await), "ok");
    Ok(())
}

#[tokio::test]
async fn a_secret_that_is_dropped_vouches_for_nothing_more() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let issuer = Issuer::start(&settings, at(0)).await?;
    let stolen = guest(&issuer, None, at(0)).await?;
    vault.keep(Some(secret("two", &[])));
    guest(&issuer, None, at(300)).await?;
    for (seconds, expected) in [(300, "ok"), (301, "TokenInvalid")] {
        let verifier = Verifier::start(&settings, at(seconds)).await?;
        let polled = validate(&verifier, &stolen.access.text, Activity::None, at(seconds)).await;
        assert_eq!(code(&polled), expected, "{seconds} s");
    }
    Ok(())
}

/// Functions of different age, some of which had started before a rotation, some after.
struct Fleet {
    settings: Variables,
    issuers: Vec<Issuer>,
    verifiers: Vec<Verifier>,
}

impl Fleet {
    async fn grow(&mut self, seconds: u64) -> Outcome {
        self.issuers.push(Issuer::start(&self.settings, at(seconds)).await?);
        self.verifiers.push(Verifier::start(&self.settings, at(seconds)).await?);
        Ok(())
    }

    /// One round of a session: a refresh at any process, then a poll at each.
    async fn round(&self, issued: &Issued, turn: usize, seconds: u64) -> Result<Issued, String> {
        let process = self.issuers.get(turn % self.issuers.len()).ok_or("no process")?;
        let mut answer = refreshed(process, token(issued), at(seconds)).await;
        if let Err(SessionError::Unavailable { retry_after, .. }) = &answer {
            // The same process: the worst choice that a balancer can make.
            answer = refreshed(process, token(issued), at(seconds + retry_after.as_secs())).await;
        }
        let next = answer.map_err(|error| format!("refresh at {seconds} s in process {turn}: {error}"))?;
        for (age, verifier) in self.verifiers.iter().enumerate() {
            let polled = validate(verifier, &next.access.text, Activity::None, at(seconds + 60)).await;
            match polled {
                Ok(_) | Err(SessionError::Unavailable { .. }) => {}
                Err(error) => return Err(format!("poll at {seconds} s in process {age}: {error}")),
            }
        }
        Ok(next)
    }
}

#[tokio::test]
async fn two_rotations_under_load_refuse_nobody_however_old_the_processes_are() -> Outcome {
    const SESSIONS: usize = 8;
    let vault = Vault::default();
    let (_emulator, mut settings) = started(&vault).await?;
    settings.set("SESSION_GUEST_TIMEOUT", "24h");
    let mut fleet = Fleet { settings, issuers: Vec::new(), verifiers: Vec::new() };
    fleet.grow(0).await?;
    let opened = (0..SESSIONS).map(|_| guest(&fleet.issuers[0], None, at(0)));
    let mut sessions = try_join_all(opened).await?;
    // Seven minutes between two refreshes, as a client does with the default policy; an hour between rotations, so that
    // what a process of before signs for longer than an access token lives would be refused.
    for round in 1..=24_u64 {
        let seconds = round * 420;
        match round {
            4 => vault.keep(Some(secret("two", &["one"]))),
            13 => vault.keep(Some(secret("three", &["two", "one"]))),
            5 | 14 => fleet.grow(seconds).await?,
            _ => {}
        }
        let turn = usize::try_from(round)?;
        let rounds = sessions.iter().enumerate().map(|(n, issued)| fleet.round(issued, turn + n, seconds));
        sessions = try_join_all(rounds).await?;
    }
    assert_eq!(fleet.issuers.len(), 3);
    Ok(())
}
