//! GET /sessions, DELETE /sessions and DELETE /sessions/{id}: a user sees and ends their own sessions.

use lambda_http::{Body, Request, Response, http::StatusCode};
use session::{
    end::{Scope, end_many, end_one},
    error::{SessionError, Violation},
    http::{
        AllowedOrigins, Answer, Cookies, Presenting, answer, bearer, ended, listed, no_query, path_session, query,
        route,
    },
    issuer::StartError,
    list::list,
    settings::Variables,
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// What the function needs for its whole life: public keys only, so it cannot make a token.
#[derive(Debug)]
pub struct App {
    verifier: Verifier,
    origins: AllowedOrigins,
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
    answer(&request, Presenting::Bearer, respond(app, &request, UnixMillis::now()).await)
}

async fn respond(app: &App, request: &Request, now: UnixMillis) -> Result<Answer, SessionError> {
    let cookies = Cookies::read(request)?;
    match route(request) {
        "GET /sessions" => {
            no_query(request)?;
            Ok(listed(&list(&app.verifier, bearer(request)?, now).await?, now))
        }
        "DELETE /sessions" => {
            app.origins.check(request, &cookies)?;
            let scope = scope(request)?;
            Ok(ended(end_many(&app.verifier, bearer(request)?, scope, now).await?))
        }
        "DELETE /sessions/{id}" => {
            no_query(request)?;
            app.origins.check(request, &cookies)?;
            let bearer = bearer(request)?;
            end_one(&app.verifier, bearer, path_session(request)?, now).await?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(SessionError::NotFound),
    }
}

fn scope(request: &Request) -> Result<Scope, SessionError> {
    match query(request, "scope")? {
        None | Some("others") => Ok(Scope::Others),
        Some("all") => Ok(Scope::All),
        Some(_) => {
            let detail = "must be others or all".to_owned();
            Err(SessionError::Invalid(vec![Violation { pointer: "scope".to_owned(), detail }]))
        }
    }
}
