//! POST /connect and POST /register: open a session.

use lambda_http::{Body, Request, Response, http::StatusCode};
use secrecy::{ExposeSecret, SecretString};
use session::{
    authenticator::Authenticator,
    connect::connect,
    error::SessionError,
    http::{AllowedOrigins, Answer, Cookies, Device, Presenting, Transport, answer, bearer, issued, nonces, origin},
    issuer::{Issuer, StartError},
    opening::{Details, Fresh},
    random,
    reconnect::{Reconnect, reconnect},
    rotating_token::Nonce,
    settings::Variables,
    unix_time::UnixMillis,
};

mod input;
mod violations;

use input::{Input, Wanted};

/// What the function needs for its whole life.
#[derive(Debug)]
pub struct App {
    issuer: Issuer,
    authenticator: Authenticator,
    origins: AllowedOrigins,
}

impl App {
    /// Reads settings and the master secret.
    ///
    /// # Errors
    /// [`StartError`] when anything is missing.
    pub async fn start(variables: &Variables, now: UnixMillis) -> Result<Self, StartError> {
        let origins = AllowedOrigins::from_settings(variables)?;
        let issuer = Issuer::start(variables, now).await?;
        Ok(Self { authenticator: Authenticator::start(variables, &issuer)?, issuer, origins })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let now = UnixMillis::now();
    match Input::read(app, &request) {
        Err(error) => answer(&request, Presenting::Nothing, Err(error)),
        Ok(Input { wanted: Wanted::Reconnect(None, _), .. }) => {
            answer(&request, Presenting::Nothing, Err(SessionError::TokenMissing))
        }
        Ok(Input { wanted: Wanted::Reconnect(Some(token), transport), label }) => {
            let reconnected = reconnected(app, &request, (&token, transport), label, now).await;
            answer(&request, Presenting::Reconnect, reconnected)
        }
        Ok(Input { wanted: Wanted::Connect(wanted, transport), label }) => {
            let opened = async {
                let details = details(&request, label)?;
                let fresh = Fresh::draw()?;
                // Boxed, as the reconnect is: a request takes one of the two, and both are large.
                let opened = Box::pin(connect(&app.issuer, &app.authenticator, &wanted, &details, &fresh, now)).await?;
                let [chance] = random::bytes()?;
                Ok(issued(StatusCode::CREATED, &opened, transport, &app.issuer.policy, now, chance))
            };
            answer(&request, Presenting::Nothing, opened.await)
        }
    }
}

async fn reconnected(
    app: &App,
    request: &Request,
    (token, transport): (&SecretString, Transport),
    label: Option<String>,
    now: UnixMillis,
) -> Result<Answer, SessionError> {
    // The token is what is presented here, not something to be revoked beside it.
    let details = Details { reconnect_token: None, ..details(request, label)? };
    let (nonce, earlier) = Nonce::first_of(nonces(request)?, random::bytes)?;
    let presented = Reconnect { token: token.expose_secret(), nonce, earlier };
    let fresh = Fresh::draw()?;
    let opened = Box::pin(reconnect(&app.issuer, &app.authenticator, &presented, &details, &fresh, now)).await?;
    let [chance] = random::bytes()?;
    Ok(issued(StatusCode::CREATED, &opened, transport, &app.issuer.policy, now, chance))
}

/// What the request says besides the credential.
fn details(request: &Request, label: Option<String>) -> Result<Details<'_>, SessionError> {
    let cookies = Cookies::read(request)?;
    let device = Device::of(request);
    Ok(Details {
        label: label.or_else(|| device.label()),
        user_agent: device.user_agent,
        network: device.network,
        origin: origin(request),
        refresh_token: cookies.refresh,
        bearer: bearer(request).ok(),
        reconnect_token: cookies.reconnect,
    })
}
