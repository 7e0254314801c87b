use serde_json::{Value, json};

use super::*;
use crate::{
    error::{Ended, Fault},
    lifecycle::EndReason,
    unix_time::UnixMillis,
};

fn event(change: impl FnOnce(&mut Value)) -> Box<RawValue> {
    let mut event = json!({ "version": "2.0", "type": "REQUEST", "routeKey": "GET /orders",
        "identitySource": ["Bearer abc"], "headers": { "authorization": "Bearer of-a-header" },
        "requestContext": { "requestId": "id" } });
    change(&mut event);
    RawValue::from_string(event.to_string()).unwrap()
}

fn read(change: impl FnOnce(&mut Value)) -> Result<AuthorizerRequest, NoVerdict> {
    AuthorizerRequest::read(&event(change))
}

#[test]
fn the_token_is_read_from_what_the_verdict_is_remembered_by() {
    assert_eq!(read(|_| ()).unwrap().bearer().unwrap(), "abc");
    for source in [Value::Null, json!([])] {
        let request = read(|event| event["identitySource"] = source.clone()).unwrap();
        assert!(matches!(request.bearer(), Err(SessionError::TokenMissing)), "{source}");
    }
    for source in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
        let request = read(|event| event["identitySource"] = json!([source])).unwrap();
        assert!(matches!(request.bearer(), Err(SessionError::TokenInvalid)), "{source}");
    }
}

#[test]
fn an_authorizer_that_is_set_up_otherwise_has_no_verdict() {
    for (member, value) in [
        ("version", json!("1.0")),
        ("version", Value::Null),
        ("identitySource", json!(["Bearer abc", "203.0.113.77"])),
        ("identitySource", json!("Bearer abc")),
        ("routeKey", Value::Null),
    ] {
        let read = read(|event| event[member] = value.clone());
        assert_eq!(read.unwrap_err(), NoVerdict::Misconfigured, "{member}: {value}");
    }
}

#[test]
fn the_api_behind_is_told_subject_and_session_and_nothing_else() {
    let caller = Caller {
        subject: SubjectId::of("password", "", "ada"),
        session_id: SessionId::new(UnixMillis::from_millis(1_795_255_200_000), &[1; 10]),
    };
    let verdict = verdict(&read(|_| ()).unwrap(), Ok(caller)).unwrap();
    let context = json!({ "subject": caller.subject, "sessionId": caller.session_id });
    assert_eq!(serde_json::to_value(verdict).unwrap(), json!({ "isAuthorized": true, "context": context }));
}

#[test]
fn only_what_is_certain_is_refused() {
    let ended = Ended { reason: EndReason::Logout, at: None, reconnect_allowed: false };
    let denied = || Ok(Verdict { is_authorized: false, context: None });
    for (error, expected) in [
        (SessionError::TokenMissing, denied()),
        (SessionError::TokenInvalid, denied()),
        (SessionError::TokenExpired, denied()),
        (SessionError::Ended(ended), denied()),
        (SessionError::from(Fault::new("GetItem", "no answer in time")), Err(NoVerdict::Unavailable)),
    ] {
        let said = error.to_string();
        assert_eq!(verdict(&read(|_| ()).unwrap(), Err(error)), expected, "{said}");
    }
    let denied = Verdict { is_authorized: false, context: None };
    assert_eq!(serde_json::to_value(denied).unwrap(), json!({ "isAuthorized": false }));
}
