//! What a client is told when something is not done: problem details (RFC 9457), a closed set of codes.

use std::time::Duration;

use lambda_http::{
    Body, Response,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::{Serialize, Serializer};

use crate::{
    error::{Ended, SessionError, Violation},
    identity::SessionId,
};

/// Where the codes are explained: every code is a heading of that page.
const DOCUMENTATION: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/errors.md");

/// The code of a failure of ours, which no request should ever see.
pub(super) const INTERNAL: (StatusCode, &str, &str) =
    (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong on our side.");

/// What the client presented, as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// No token.
    Nothing,
    /// A token, and the session it claims to belong to.
    Token(Option<SessionId>),
}

/// RFC 9457 3.1 and our extensions. Not a library's type: those keep `type` as a URI without its fragment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemDetails<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(rename = "sessionId", skip_serializing_if = "Presented::is_nothing")]
    presented: Presented,
    #[serde(flatten)]
    ended: Option<LastWords<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<Place<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastWords<'a> {
    reason: &'a str,
    ended_at: Option<String>,
    reconnect: &'static str,
}

#[derive(Serialize)]
struct Place<'a> {
    pointer: &'a str,
    detail: &'a str,
}

/// Status, code and sentence of an error. The sentences say nothing that the code does not.
pub(super) fn classify(error: &SessionError) -> (StatusCode, &'static str, &'static str) {
    match error {
        SessionError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_request", "The request is not valid."),
        SessionError::TokenMissing => (StatusCode::UNAUTHORIZED, "token_missing", "A token is needed."),
        SessionError::TokenInvalid => (StatusCode::UNAUTHORIZED, "token_invalid", "The token is not valid."),
        SessionError::TokenExpired => (StatusCode::UNAUTHORIZED, "token_expired", "The access token has expired."),
        SessionError::Ended(_) => (StatusCode::UNAUTHORIZED, "session_ended", "The session has ended."),
        SessionError::CredentialRejected { .. } => {
            (StatusCode::UNAUTHORIZED, "credential_rejected", "The credential was not accepted.")
        }
        SessionError::CsrfRejected => {
            (StatusCode::FORBIDDEN, "csrf_rejected", "The request does not prove that it comes from the app.")
        }
        SessionError::OriginNotAllowed => {
            (StatusCode::FORBIDDEN, "origin_not_allowed", "The page that sent the request is not allowed to.")
        }
        SessionError::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such resource."),
        SessionError::RefreshSuperseded => {
            (StatusCode::CONFLICT, "refresh_superseded", "Another request rotated the token a moment ago.")
        }
        SessionError::UsernameTaken => (StatusCode::CONFLICT, "username_taken", "The username is taken."),
        SessionError::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large."),
        SessionError::UnsupportedMediaType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON in UTF-8.")
        }
        SessionError::TooManyAttempts { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", "There were too many attempts.")
        }
        SessionError::Unavailable { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "A service we need did not answer.")
        }
    }
}

/// The answer to a request that was not done.
pub(super) fn problem(error: &SessionError, presented: Presented, request_id: &str) -> Response<Body> {
    let ended = match error {
        SessionError::Ended(ended) => Some(ended),
        _ => None,
    };
    let errors = match error {
        SessionError::Invalid(violations) => Some(violations.iter().map(Place::of).collect()),
        _ => None,
    };
    let mut response = render(classify(error), presented, request_id, ended.map(LastWords::of), errors);
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = match presented {
            Presented::Nothing => "Bearer",
            Presented::Token(_) => r#"Bearer error="invalid_token""#,
        };
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(wait) = retry_after(error) {
        // Rounded up, and never zero: coming back too early is coming in vain.
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        response
            .headers_mut()
            .extend(HeaderValue::from_str(&seconds.to_string()).ok().map(|value| (RETRY_AFTER, value)));
    }
    response
}

/// The answer when the handler itself failed.
pub(super) fn internal_error(request_id: &str) -> Response<Body> {
    render(INTERNAL, Presented::Nothing, request_id, None, None)
}

fn render(
    (status, code, detail): (StatusCode, &str, &str),
    presented: Presented,
    request_id: &str,
    ended: Option<LastWords<'_>>,
    errors: Option<Vec<Place<'_>>>,
) -> Response<Body> {
    let problem = ProblemDetails {
        r#type: format!("{DOCUMENTATION}#{code}"),
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail,
        code,
        request_id,
        presented,
        ended,
        errors,
    };
    // Plain strings and numbers: rendering them cannot fail, and an empty body would still carry the status.
    let mut response = Response::new(Body::Text(serde_json::to_string(&problem).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn retry_after(error: &SessionError) -> Option<Duration> {
    match error {
        SessionError::RefreshSuperseded => Some(Duration::from_secs(1)),
        SessionError::TooManyAttempts { retry_after } | SessionError::Unavailable { retry_after, .. } => {
            Some(*retry_after)
        }
        _ => None,
    }
}

impl Presented {
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}

impl Serialize for Presented {
    /// The session, or null for a token that could not be read.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Token(session) => session.serialize(serializer),
        }
    }
}

impl<'a> LastWords<'a> {
    fn of(ended: &'a Ended) -> Self {
        Self {
            reason: ended.reason.as_str(),
            ended_at: ended.at.map(crate::unix_time::UnixMillis::to_rfc3339),
            reconnect: if ended.reconnect_allowed { "allowed" } else { "forbidden" },
        }
    }
}

impl<'a> Place<'a> {
    fn of(violation: &'a Violation) -> Self {
        Self { pointer: &violation.pointer, detail: &violation.detail }
    }
}

#[cfg(test)]
mod tests;
