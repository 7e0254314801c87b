//! What can come out of a request besides an answer. No status codes here: `http` alone knows them.

use std::time::Duration;

use crate::{
    lifecycle::{EndReason, Session, State},
    policy::SessionPolicy,
    random::RandomUnavailable,
    seal::SealingFailed,
    unix_time::UnixMillis,
};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The request is not one of the contract.
    #[error("the request is not valid: {0:?}")]
    Invalid(Vec<Violation>),
    /// The body is longer than any valid one.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body is not declared as JSON.
    #[error("the body is not declared as JSON")]
    UnsupportedMediaType,
    /// No token where one is needed.
    #[error("no token was presented")]
    TokenMissing,
    /// The token was not made here, or not for this.
    #[error("the token is not valid")]
    TokenInvalid,
    /// The access token was genuine and its time is over.
    #[error("the token has expired")]
    TokenExpired,
    /// The session is over.
    #[error("the session has ended: {}", .0.reason.as_str())]
    Ended(Ended),
    /// The credential was refused.
    #[error("the credential was rejected: {cause}")]
    CredentialRejected {
        /// Why, from a closed set; in the log, never in the answer.
        cause: String,
    },
    /// A request with a session cookie that may come from another site.
    #[error("the request does not prove that it comes from the app")]
    CsrfRejected,
    /// A request from a page that is not on the list.
    #[error("the origin is not allowed")]
    OriginNotAllowed,
    /// There is no such thing, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// Another request rotated the token a moment ago.
    #[error("another request rotated the token a moment ago")]
    RefreshSuperseded,
    /// The name belongs to somebody.
    #[error("the username is taken")]
    UsernameTaken,
    /// The caller must slow down.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to come back.
        retry_after: Duration,
    },
    /// Something that this needs did not answer; the session is as it was.
    #[error("temporarily unavailable: {cause}")]
    Unavailable {
        /// What did not answer.
        cause: Fault,
        /// When to come back.
        retry_after: Duration,
    },
}

/// A part of the request that the contract does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where: a JSON pointer into the body (RFC 6901), or the name of the header or query parameter.
    pub pointer: String,
    /// What is wrong with it, without the value.
    pub detail: String,
}

/// Last words: how a session ended, and whether a stored credential may open the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// When, if there is a record of it.
    pub at: Option<UnixMillis>,
    /// Whether the policy lets a stored credential be used after this reason.
    pub reconnect_allowed: bool,
}

/// A dependency did not do what it was asked. Never holds a value that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {cause}")]
pub struct Fault {
    /// What was asked.
    pub operation: &'static str,
    /// The error code of the service, if it answered.
    pub code: Option<String>,
    /// What is known of the cause.
    pub cause: String,
}

/// When a client should try again after a fault, before it starts to back off.
const RETRY_AFTER_FAULT: Duration = Duration::from_secs(1);

impl SessionError {
    /// A credential that was refused, and why.
    pub(crate) fn rejected(cause: impl Into<String>) -> Self {
        Self::CredentialRejected { cause: cause.into() }
    }

    /// A request that breaks the contract in one place.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { pointer: pointer.into(), detail: detail.into() }])
    }
}

impl Ended {
    /// The session if it is live at `now`.
    ///
    /// # Errors
    /// Its last words if it is not.
    pub fn unless_live(found: Option<Session>, policy: &SessionPolicy, now: UnixMillis) -> Result<Session, Self> {
        let (reason, at) = match found.map(|session| (session.state(now), session)) {
            Some((State::Live { .. }, session)) => return Ok(session),
            Some((State::Ended { reason, at }, _)) => (reason, Some(at)),
            None => (EndReason::Unknown, None),
        };
        Err(Self { reason, at, reconnect_allowed: policy.allows_reconnect_after(reason) })
    }
}

impl Fault {
    /// A fault that no service reported.
    pub(crate) fn new(operation: &'static str, cause: impl Into<String>) -> Self {
        Self { operation, code: None, cause: cause.into() }
    }
}

impl From<Fault> for SessionError {
    fn from(cause: Fault) -> Self {
        Self::Unavailable { cause, retry_after: RETRY_AFTER_FAULT }
    }
}

impl From<Ended> for SessionError {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<SealingFailed> for SessionError {
    fn from(cause: SealingFailed) -> Self {
        Fault::new("seal a credential", cause.to_string()).into()
    }
}

impl From<RandomUnavailable> for SessionError {
    fn from(cause: RandomUnavailable) -> Self {
        Fault::new("random", cause.to_string()).into()
    }
}
