//! A master secret in Secrets Manager that is replaced under running functions.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, body::Body, extract::State, http::Response, routing::post};
use serde_json::json;
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
};
use tokio::net::TcpListener;

use crate::{
    Outcome,
    emulator::Emulator,
    world::{at, code, secret, token},
};

/// The part of Secrets Manager's API that functions use: `GetSecretValue`.
#[derive(Clone, Default)]
struct Vault(Arc<Mutex<(Option<String>, usize)>>);

impl Vault {
    async fn serve(&self) -> Outcome<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(get_secret_value)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(endpoint)
    }

    /// Keeps this secret from now on; nothing is an outage.
    fn keep(&self, secret: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = secret;
    }

    /// How often it was asked since the last call.
    fn take(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1)
    }
}

async fn get_secret_value(State(vault): State<Vault>) -> Response<Body> {
    let mut kept = vault.0.lock().unwrap_or_else(PoisonError::into_inner);
    kept.1 += 1;
    let (status, body) = match &kept.0 {
        Some(secret) => (200, json!({ "ARN": "arn", "Name": "name", "SecretString": secret })),
        // Not one that the SDK tries again, so that every question is counted once.
        None => (400, json!({ "__type": "AccessDeniedException", "message": "planned" })),
    };
    Response::builder().status(status).body(Body::from(body.to_string())).unwrap_or_default()
}

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

async fn guest(issuer: &Issuer, cookie: Option<&str>, seconds: u64) -> Result<Issued, SessionError> {
    let authenticator = Authenticator::start(&Variables::default(), issuer).map_err(|_| SessionError::NotFound)?;
    let wanted = Connect { credential: Credential::Guest, remember: false };
    let details = Details { refresh_token: cookie, ..Details::default() };
    connect(issuer, &authenticator, &wanted, &details, &Fresh::draw()?, at(seconds)).await
}

async fn refreshed(issuer: &Issuer, token: &str, seconds: u64) -> Result<Issued, SessionError> {
    let request = Refresh { token, nonce: Nonce::random(&[6; 32]), earlier: Vec::new(), activity: Activity::Now };
    refresh(issuer, &request, at(seconds), &[7; 16]).await
}

#[tokio::test]
async fn a_function_that_runs_learns_of_a_new_key_within_a_minute_and_refuses_nobody_until_then() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let old = Issuer::start(&settings, at(0)).await?;
    vault.keep(Some(secret("two", &["one"])));
    let new = Issuer::start(&settings, at(10)).await?;
    let opened = guest(&new, None, 11).await?;
    vault.take();
    for seconds in [12, 59] {
        let early = refreshed(&old, token(&opened), seconds).await;
        let Err(SessionError::Unavailable { retry_after, .. }) = early else { panic!("{}", code(&early)) };
        assert_eq!(retry_after.as_secs(), 60 - seconds);
    }
    assert_eq!(vault.take(), 0, "at most one question a minute");
    assert_eq!(code(&refreshed(&old, token(&opened), 60).await), "ok");
    assert_eq!(vault.take(), 1);
    Ok(())
}

#[tokio::test]
async fn a_key_that_nobody_has_costs_one_question_a_minute_and_keeps_nobody_out() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let issuer = Issuer::start(&settings, at(0)).await?;
    let stranger = guest(&issuer, None, 0).await?;
    let forged = token(&stranger).replacen(token(&stranger).split('.').nth(1).ok_or("no kid")?, "AAAAAAAAAAA", 1);
    vault.take();
    assert_eq!(code(&refreshed(&issuer, &forged, 60).await), "TokenInvalid", "after a look it is certain");
    for seconds in [61, 119] {
        assert_eq!(code(&refreshed(&issuer, &forged, seconds).await), "Unavailable");
    }
    assert_eq!(vault.take(), 1);
    // The cookie of a key that is gone is no reason not to connect.
    vault.keep(Some(secret("two", &[])));
    let issuer = Issuer::start(&settings, at(200)).await?;
    assert_eq!(code(&guest(&issuer, Some(token(&stranger)), 201).await), "ok");
    Ok(())
}

#[tokio::test]
async fn a_vault_that_does_not_answer_is_a_503_and_stops_a_start() -> Outcome {
    let vault = Vault::default();
    let (_emulator, settings) = started(&vault).await?;
    let issuer = Issuer::start(&settings, at(0)).await?;
    let opened = guest(&issuer, None, 0).await?;
    vault.keep(None);
    let stopped = Issuer::start(&settings, at(100)).await;
    assert!(stopped.is_err_and(|error| error.to_string() == "GetSecretValue failed: planned"));
    assert_eq!(code(&refreshed(&issuer, token(&opened), 100).await), "ok", "known keys go on");
    let forged = token(&opened).replacen(token(&opened).split('.').nth(1).ok_or("no kid")?, "AAAAAAAAAAA", 1);
    assert_eq!(code(&refreshed(&issuer, &forged, 101).await), "Unavailable");
    Ok(())
}
