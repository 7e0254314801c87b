//! POST /logout: end every session that the request proves to hold.

use lambda_http::{Body, Request, Response, http::StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use session::{
    end::{Presented, logout},
    error::SessionError,
    http::{AllowedOrigins, Answer, Cookies, Presenting, answer, bearer, json, no_query, route},
    issuer::{Issuer, StartError},
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
struct LogoutBody {
    refresh_token: Option<SecretString>,
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
    match json::<LogoutBody>(&request) {
        Err(error) => answer(&request, Presenting::Refresh(None), Err(error)),
        Ok(body) => {
            let body = body.unwrap_or_default();
            let token = body.refresh_token.as_ref().map(ExposeSecret::expose_secret);
            let ended = logged_out(app, &request, token, UnixMillis::now()).await;
            answer(&request, Presenting::Refresh(token), ended)
        }
    }
}

async fn logged_out(
    app: &App,
    request: &Request,
    in_body: Option<&str>,
    now: UnixMillis,
) -> Result<Answer, SessionError> {
    no_query(request)?;
    if route(request) != "POST /logout" {
        return Err(SessionError::NotFound);
    }
    let cookies = Cookies::read(request)?;
    app.origins.check(request, &cookies)?;
    let presented = Presented {
        refresh_tokens: cookies.refresh.into_iter().chain(in_body).collect(),
        bearer: bearer(request).ok(),
        reconnect_token: cookies.reconnect,
    };
    logout(&app.issuer, &presented, now).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT).without_cookies())
}
