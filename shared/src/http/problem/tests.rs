use lambda_http::http::HeaderName;
use serde_json::{Value, json};

use super::*;
use crate::{error::Fault, lifecycle::EndReason, unix_time::UnixMillis};

fn every_error() -> Vec<SessionError> {
    let second = Duration::from_secs(1);
    vec![
        SessionError::invalid("/name", "is odd"),
        SessionError::BodyTooLarge,
        SessionError::UnsupportedMediaType,
        SessionError::TokenMissing,
        SessionError::TokenInvalid,
        SessionError::TokenExpired,
        SessionError::Ended(Ended { reason: EndReason::Logout, at: None, reconnect_allowed: false }),
        SessionError::rejected("the cause"),
        SessionError::CsrfRejected,
        SessionError::OriginNotAllowed,
        SessionError::NotFound,
        SessionError::RefreshSuperseded,
        SessionError::UsernameTaken,
        SessionError::TooManyAttempts { retry_after: second },
        SessionError::Unavailable { cause: Fault::new("GetItem", "secret detail"), retry_after: second },
    ]
}

fn body(response: &Response<Body>) -> Value {
    match response.body() {
        Body::Text(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn header(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn every_code_has_a_heading_in_the_documentation() {
    let documentation = include_str!("../../../../docs/errors.md");
    let codes = every_error().iter().map(|error| classify(error).1).chain([INTERNAL.1]).collect::<Vec<_>>();
    for code in codes {
        assert!(documentation.lines().any(|line| line == format!("### {code}")), "{code}");
    }
}

#[test]
fn a_problem_says_status_code_request_and_place() {
    let response = problem(&SessionError::invalid("/name", "is odd"), Presented::Nothing, "request-1");
    let body = body(&response);
    assert_eq!(response.status(), 400);
    assert_eq!(header(&response, CONTENT_TYPE), Some("application/problem+json"));
    assert_eq!(
        (&body["status"], &body["code"], &body["requestId"]),
        (&json!(400), &json!("invalid_request"), &json!("request-1"))
    );
    assert_eq!(body["errors"], json!([{ "pointer": "/name", "detail": "is odd" }]));
    assert_eq!(body["type"], format!("{DOCUMENTATION}#invalid_request"));
    assert!(body.get("sessionId").is_none());
}

#[test]
fn last_words_say_why_when_and_whether_to_reconnect() {
    let at = Some(UnixMillis::from_millis(1_795_255_200_000));
    let session = crate::lifecycle::tests::session().id;
    for (at, written) in [(at, json!("2026-11-21T10:00:00.000Z")), (None, Value::Null)] {
        let ended = Ended { reason: EndReason::Unknown, at, reconnect_allowed: true };
        let response = problem(&SessionError::Ended(ended), Presented::Token(Some(session)), "request-1");
        let body = body(&response);
        assert_eq!((&body["reason"], &body["reconnect"]), (&json!("unknown"), &json!("allowed")));
        assert_eq!((&body["endedAt"], &body["sessionId"]), (&written, &json!(session.to_string())));
    }
}

#[test]
fn a_401_carries_the_challenge_of_rfc_6750() {
    for (presented, challenge) in
        [(Presented::Nothing, "Bearer"), (Presented::Token(None), r#"Bearer error="invalid_token""#)]
    {
        let response = problem(&SessionError::TokenInvalid, presented, "request-1");
        assert_eq!(header(&response, WWW_AUTHENTICATE), Some(challenge));
    }
    let response = problem(&SessionError::CsrfRejected, Presented::Nothing, "request-1");
    assert_eq!(header(&response, WWW_AUTHENTICATE), None);
}

#[test]
fn a_token_that_cannot_be_read_names_no_session() {
    let response = problem(&SessionError::TokenInvalid, Presented::Token(None), "request-1");
    assert_eq!(body(&response).get("sessionId"), Some(&Value::Null));
}

#[test]
fn whoever_may_come_back_is_told_when_in_whole_seconds() {
    for (millis, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (90_000, "90")] {
        let error = SessionError::TooManyAttempts { retry_after: Duration::from_millis(millis) };
        assert_eq!(header(&problem(&error, Presented::Nothing, ""), RETRY_AFTER), Some(seconds), "{millis} ms");
    }
    for error in every_error() {
        let response = problem(&error, Presented::Nothing, "");
        let told = matches!(response.status().as_u16(), 429 | 503) || matches!(error, SessionError::RefreshSuperseded);
        assert_eq!(header(&response, RETRY_AFTER).is_some(), told, "{error}");
    }
}

#[test]
fn the_cause_of_a_fault_is_not_told() {
    for error in every_error() {
        let response = problem(&error, Presented::Nothing, "");
        assert!(!body(&response).to_string().contains("secret detail"), "{error}");
    }
}
