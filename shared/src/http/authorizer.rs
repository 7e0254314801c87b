//! The edge of a Lambda authorizer: HTTP API, payload format 2.0, simple responses.
//!
//! API Gateway answers 403 to a request that is not authorized, and 500 when the authorizer fails. So whatever is not
//! certain is a failure: a store that does not answer must not look like the end of a session.

use lambda_http::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::{
    access_token,
    authorize::Caller,
    error::SessionError,
    http::{answer::log, incoming::bearer_in, problem::Presented},
    identity::{SessionId, SubjectId},
    invocation::Invocation,
};

/// What an authorizer looks at. The rest of the event is the business of the API behind it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerRequest {
    version: String,
    route_key: String,
    /// The values that API Gateway remembers the verdict by. Null when the request or the authorizer has none.
    identity_source: Option<Vec<String>>,
    request_context: Context,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    request_id: String,
}

/// Whether a request may pass, and what the API behind is told of its caller.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    is_authorized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<CallerBody>,
}

/// `requestContext.authorizer.lambda` of the event that the API behind gets.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallerBody {
    subject: SubjectId,
    session_id: SessionId,
}

/// There is no verdict: the invocation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// What the verdict depends on did not answer. Nothing is known of the session.
    #[error("temporarily unavailable")]
    Unavailable,
    /// A verdict would be remembered by something other than the token it is about.
    #[error("this authorizer takes payload format 2.0 with the Authorization header as its only identity source")]
    Misconfigured,
}

impl AuthorizerRequest {
    fn read(event: &RawValue) -> Result<Self, NoVerdict> {
        let request: Self = serde_json::from_str(event.get()).map_err(|_| NoVerdict::Misconfigured)?;
        let sources = request.identity_source.as_ref().map_or(0, Vec::len);
        if request.version == "2.0" && sources <= 1 { Ok(request) } else { Err(NoVerdict::Misconfigured) }
    }

    /// The access token in the identity source. Never read from the headers: the verdict is remembered by the identity
    /// source, and must be about nothing else.
    ///
    /// # Errors
    /// [`SessionError::TokenMissing`] without one, [`SessionError::TokenInvalid`] when it is anything but one bearer token.
    pub fn bearer(&self) -> Result<&str, SessionError> {
        let source = self.identity_source.as_ref().and_then(|sources| sources.first());
        bearer_in(source.ok_or(SessionError::TokenMissing)?)
    }
}

/// The verdict on a request. A refusal is logged here, once, and nothing of it is told.
///
/// # Errors
/// [`NoVerdict`] when it is not certain that the request must be refused.
pub fn verdict(request: &AuthorizerRequest, result: Result<Caller, SessionError>) -> Result<Verdict, NoVerdict> {
    let error = match result {
        Ok(Caller { subject, session_id }) => {
            return Ok(Verdict { is_authorized: true, context: Some(CallerBody { subject, session_id }) });
        }
        Err(error) => error,
    };
    let presented = match request.bearer() {
        Ok(token) => Presented::Token(access_token::claimed_session(token)),
        Err(_) => Presented::Nothing,
    };
    match error {
        SessionError::TokenMissing
        | SessionError::TokenInvalid
        | SessionError::TokenExpired
        | SessionError::Ended(_) => {
            log(StatusCode::FORBIDDEN, &error, presented);
            Ok(Verdict { is_authorized: false, context: None })
        }
        error => {
            log(StatusCode::INTERNAL_SERVER_ERROR, &error, presented);
            Err(NoVerdict::Unavailable)
        }
    }
}

/// Whether somebody asks for a verdict with this event. A warm-up ping or a scheduled event does not: whatever an API
/// sends to an authorizer names the route or the method that is asked for.
fn is_asked(event: &RawValue) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Question<'a> {
        #[serde(borrow)]
        route_arn: Option<&'a RawValue>,
        #[serde(borrow)]
        method_arn: Option<&'a RawValue>,
        #[serde(borrow)]
        request_context: Option<&'a RawValue>,
    }
    serde_json::from_str(event.get()).is_ok_and(|question: Question<'_>| {
        [question.route_arn, question.method_arn, question.request_context].iter().any(Option::is_some)
    })
}

/// Answers one event: nothing where nobody asks for a verdict. `invocation` names one that cannot be read.
pub(super) async fn answer_event(
    event: &RawValue,
    invocation: &Invocation<'_>,
    judge: impl AsyncFnOnce(&AuthorizerRequest) -> Result<Verdict, NoVerdict>,
) -> Result<Option<Verdict>, NoVerdict> {
    if !is_asked(event) {
        return Ok(None);
    }
    let request = AuthorizerRequest::read(event).inspect_err(|error| {
        tracing::error!(event = "misconfigured", request_id = invocation.request_id, "{error}");
    })?;
    let (request_id, route) = (request.request_context.request_id.as_str(), request.route_key.as_str());
    let span = tracing::info_span!("request", request_id, trace_id = invocation.trace_id, route);
    judge(&request).instrument(span).await.map(Some)
}

#[cfg(test)]
mod tests;
