//! Answers: what every one of them carries, and one log line for each that refuses something.

use lambda_http::{
    Body, Request, RequestExt, Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE,
            STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    request::RequestContext,
};
use serde::Serialize;

use crate::{
    access_token,
    error::SessionError,
    http::{
        cookies::{self, Cookies},
        incoming::bearer,
        problem::{Presented, classify, problem},
    },
    report,
    rotating_token::Unverified,
};

/// An answer to a request that was done.
#[derive(Debug)]
pub struct Answer(Response<Body>);

/// Which token a route takes, so that a refusal can name the session it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presenting<'a> {
    /// None.
    Nothing,
    /// An access token.
    Bearer,
    /// A refresh token: this one from the body, or the one in the cookie.
    Refresh(Option<&'a str>),
    /// The token of a stored credential, from the body or the cookie. It names no session.
    Reconnect,
}

impl Answer {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Bodies are our own structs with string keys, which always render.
        let mut response = Response::new(Body::Text(serde_json::to_string(body).unwrap_or_default()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self(response)
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = status;
        Self(response)
    }

    /// The answer with one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// The answer without any session cookie left in the browser.
    #[must_use]
    pub fn without_cookies(self) -> Self {
        self.with_cookies(cookies::cleared())
    }

    pub(super) fn with_cookies(mut self, cookies: impl IntoIterator<Item = HeaderValue>) -> Self {
        for cookie in cookies {
            self.0.headers_mut().append(SET_COOKIE, cookie);
        }
        self
    }
}

/// The response to a request, whatever became of it. A refusal is logged here, once, and only its code is told.
#[must_use]
pub fn answer(request: &Request, presenting: Presenting<'_>, result: Result<Answer, SessionError>) -> Response<Body> {
    match result {
        Ok(Answer(response)) => hardened(response),
        Err(error) => {
            let presented = presented(request, presenting);
            log(classify(&error).0, &error, presented);
            hardened(problem(&error, presented, request_id(request)))
        }
    }
}

/// The id that API Gateway gave the request, for users to quote and for operators to find.
pub(super) fn request_id(request: &Request) -> &str {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.as_deref().unwrap_or_default(),
        _ => "",
    }
}

/// Adds what every answer carries (api contract; OWASP REST Security Cheat Sheet). Answers that may be cached say so first.
pub(super) fn hardened(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let nothing = HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, nothing);
    // A year, for this host and those below it (ASVS 3.4.1). Browsers pass it over on one machine, without TLS.
    let always = HeaderValue::from_static("max-age=31536000; includeSubDomains");
    headers.insert(STRICT_TRANSPORT_SECURITY, always);
    response
}

/// The session that the presented token claims to belong to. Not verified: a token that is refused is not genuine.
fn presented(request: &Request, presenting: Presenting<'_>) -> Presented {
    match presenting {
        Presenting::Nothing => Presented::Nothing,
        Presenting::Reconnect => Presented::Token(None),
        Presenting::Bearer if !request.headers().contains_key(AUTHORIZATION) => Presented::Nothing,
        Presenting::Bearer => Presented::Token(bearer(request).ok().and_then(access_token::claimed_session)),
        Presenting::Refresh(body) => {
            let cookies = Cookies::read(request).unwrap_or_default();
            match body.or(cookies.refresh) {
                None => Presented::Nothing,
                Some(token) => Presented::Token(Unverified::parse(token).ok().map(|token| token.claimed_id())),
            }
        }
    }
}

/// Tells operators of a refusal, and which status the client sees.
pub(super) fn log(status: StatusCode, error: &SessionError, presented: Presented) {
    let (_, code, _) = classify(error);
    let session = match presented {
        Presented::Token(session) => session,
        Presented::Nothing => None,
    };
    match error {
        SessionError::Unavailable { cause, .. } => report::failed(status.as_u16(), code, cause, session),
        SessionError::Ended(ended) => report::refused(status.as_u16(), code, Some(ended.reason.as_str()), session),
        SessionError::CredentialRejected { cause } => report::refused(status.as_u16(), code, Some(cause), session),
        _ => report::refused(status.as_u16(), code, None, session),
    }
}
