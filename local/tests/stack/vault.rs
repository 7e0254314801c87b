//! What the functions use of Secrets Manager, with outages.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, body::Body, extract::State, http::Response, routing::post};
use serde_json::json;
use tokio::net::TcpListener;

use crate::Outcome;

/// The part of Secrets Manager's API that functions use: `GetSecretValue`.
#[derive(Clone, Default)]
pub(crate) struct Vault(Arc<Mutex<(Option<String>, usize)>>);

impl Vault {
    /// Answers from now on; where.
    pub(crate) async fn serve(&self) -> Outcome<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(get_secret_value)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(endpoint)
    }

    /// Keeps this secret from now on; nothing is an outage.
    pub(crate) fn keep(&self, secret: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = secret;
    }

    /// How often it was asked since the last call.
    pub(crate) fn take(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1)
    }
}

async fn get_secret_value(State(vault): State<Vault>) -> Response<Body> {
    let mut kept = vault.0.lock().unwrap_or_else(PoisonError::into_inner);
    kept.1 += 1;
    let (status, body) = match &kept.0 {
        Some(secret) => (200, json!({ "VersionId": "1", "CreatedDate": 1_795_255_200.0, "SecretString": secret })),
        // Not one that the SDK tries again, so that every question is counted once.
        None => (400, json!({ "__type": "AccessDeniedException", "message": "planned" })),
    };
    Response::builder().status(status).body(Body::from(body.to_string())).unwrap_or_default()
}
