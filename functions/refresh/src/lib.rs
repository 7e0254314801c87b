//! POST /refresh: replace the refresh token, extend the session.

use lambda_http::{Body, Request, Response, http::StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use session::{
    error::{SessionError, Violation},
    http::{
        AllowedOrigins, Answer, Cookies, LastActive, Presenting, Transport, answer, issued, json, no_query, nonces,
        route,
    },
    issuer::{Issuer, StartError},
    lifecycle::Activity,
    random,
    refresh::{Refresh, refresh},
    rotating_token::Nonce,
    settings::Variables,
    unix_time::UnixMillis,
};

/// What the function needs for its whole life.
#[derive(Debug)]
pub struct App {
    issuer: Issuer,
    origins: AllowedOrigins,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RefreshBody {
    refresh_token: Option<SecretString>,
    #[serde(default)]
    last_active_ms_ago: LastActive,
    /// Taken, so that a client can send what it sends to connect; the answer follows the token.
    #[serde(default, rename = "transport")]
    _transport: Transport,
}

impl App {
    /// Reads settings and the master secret.
    ///
    /// # Errors
    /// [`StartError`] when anything is missing.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let origins = AllowedOrigins::from_settings(variables)?;
        Ok(Self { issuer: Issuer::start(variables, now).await?, origins })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    match json::<RefreshBody>(&request) {
        Err(error) => answer(&request, Presenting::Refresh(None), Err(error)),
        Ok(body) => {
            let body = body.unwrap_or_default();
            let token = body.refresh_token.as_ref().map(ExposeSecret::expose_secret);
            let refreshed = refreshed(app, &request, token, body.last_active_ms_ago, UnixMillis::now()).await;
            answer(&request, Presenting::Refresh(token), refreshed)
        }
    }
}

async fn refreshed(
    app: &App,
    request: &Request,
    in_body: Option<&str>,
    last_active: LastActive,
    now: UnixMillis,
) -> Result<Answer, SessionError> {
    no_query(request)?;
    if route(request) != "POST /refresh" {
        return Err(SessionError::NotFound);
    }
    let cookies = Cookies::read(request)?;
    app.origins.check(request, &cookies)?;
    let (token, transport) = match (in_body, cookies.refresh) {
        (Some(token), None) => (token, Transport::Body),
        (None, Some(token)) => (token, Transport::Cookie),
        (None, None) => return Err(SessionError::TokenMissing),
        (Some(_), Some(_)) => {
            let detail = "must not come beside a refresh cookie".to_owned();
            return Err(SessionError::Invalid(vec![Violation { pointer: "/refreshToken".to_owned(), detail }]));
        }
    };
    let (nonce, earlier) = Nonce::first_of(nonces(request)?, random::bytes)?;
    let presented = Refresh { token, nonce, earlier, activity: last_active.or(Activity::Now) };
    let refreshed = refresh(&app.issuer, &presented, now, &random::bytes()?).await?;
    let [chance] = random::bytes()?;
    Ok(issued(StatusCode::OK, &refreshed, transport, &app.issuer.policy, now, chance))
}
