//! Lambda authorizer of an adopter's own HTTP API: may this request pass?

use session::{
    authorize::{Caller, Mode, authorize},
    error::SessionError,
    http::{AuthorizerRequest, NoVerdict, Verdict, verdict},
    issuer::StartError,
    settings::Variables,
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// What the function needs for its whole life: public keys only, so it cannot make a token.
#[derive(Debug)]
pub struct App {
    verifier: Verifier,
    mode: Mode,
}

impl App {
    /// Reads settings and published keys.
    ///
    /// # Errors
    /// [`StartError`] when a setting is missing or the table does not answer.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let mode = Mode::from_settings(variables)?;
        Ok(Self { verifier: Verifier::start(variables, now).await?, mode })
    }
}

/// Judges one request.
///
/// # Errors
/// [`NoVerdict`] when the table does not answer: API Gateway then answers 500, which ends no session.
pub async fn handle(app: &App, request: &AuthorizerRequest) -> Result<Verdict, NoVerdict> {
    verdict(request, caller(app, request, UnixMillis::now()).await)
}

async fn caller(app: &App, request: &AuthorizerRequest, now: UnixMillis) -> Result<Caller, SessionError> {
    Ok(authorize(&app.verifier, app.mode, request.bearer()?, now).await?.caller)
}
