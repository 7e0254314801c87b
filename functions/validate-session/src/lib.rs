//! POST /validate-session and GET /session: is the session live, and was somebody there?

use std::time::Instant;

use lambda_http::{Body, Request, Response};
use serde::Deserialize;
use session::{
    error::SessionError,
    http::{self, AllowedOrigins, Answer, Cookies, LastActive, Presenting, answer, bearer, json, no_query, route},
    issuer::StartError,
    lifecycle::Activity,
    random, report,
    settings::Variables,
    unix_time::UnixMillis,
    validate::validate,
    verifier::Verifier,
};

/// What the function needs for its whole life: public keys only, so it cannot make a token.
#[derive(Debug)]
pub struct App {
    verifier: Verifier,
    origins: AllowedOrigins,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ValidateBody {
    #[serde(default)]
    last_active_ms_ago: LastActive,
}

impl App {
    /// Reads settings and published keys.
    ///
    /// # Errors
    /// [`StartError`] when a setting is missing or the table does not answer.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let origins = AllowedOrigins::from_settings(variables)?;
        Ok(Self { verifier: Verifier::start(variables, now).await?, origins })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let started = Instant::now();
    let validated = validated(app, &request, UnixMillis::now()).await;
    if validated.is_ok() {
        report::validated(started.elapsed());
    }
    answer(&request, Presenting::Bearer, validated)
}

async fn validated(app: &App, request: &Request, now: UnixMillis) -> Result<Answer, SessionError> {
    no_query(request)?;
    let cookies = Cookies::read(request)?;
    let activity = match route(request) {
        "POST /validate-session" => {
            app.origins.check(request, &cookies)?;
            json::<ValidateBody>(request)?.unwrap_or_default().last_active_ms_ago.or(Activity::None)
        }
        "GET /session" => Activity::None,
        _ => return Err(SessionError::NotFound),
    };
    let session = validate(&app.verifier, bearer(request)?, activity, now).await?;
    let [chance] = random::bytes()?;
    Ok(http::session(&session, &app.verifier.policy, now, chance))
}
