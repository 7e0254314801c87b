//! The layer that guards an adopter's own function, in the example that is one.

use harness::{
    emulator::Emulator,
    function::Function,
    proxy::{Break, Plan},
    recorded,
};
use serde_json::{Value, json};

use crate::Outcome;

/// A guest, connected by the binary of connect.
async fn connected(emulator: &Emulator) -> Outcome<Value> {
    let mut connect = Function::start("connect", &emulator.deployed()).await?;
    let answer = connect.invoke(&recorded::event("connect/guest", |_| ())?).await?;
    body(&answer)
}

fn body(answer: &Value) -> Outcome<Value> {
    Ok(serde_json::from_str(answer["body"].as_str().ok_or("no body")?)?)
}

fn request(opened: &Value) -> Outcome<String> {
    let bearer = format!("Bearer {}", opened["accessToken"].as_str().ok_or("no access token")?);
    recorded::event("validate-session/session", |event| event["headers"]["authorization"] = json!(bearer))
}

/// The example with these settings more.
async fn started(emulator: &Emulator, more: &[(&str, &str)]) -> Outcome<Function> {
    let mut settings = emulator.deployed();
    for (name, value) in more {
        settings.set(name, *value);
    }
    let mut function = Function::start("rust-function", &settings).await?;
    function.ready().await?;
    emulator.proxy.take();
    Ok(function)
}

#[tokio::test]
async fn a_guarded_function_knows_its_caller_for_one_read() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    for (mode, requests) in [("stateful", &["GetItem"] as &[&str]), ("stateless", &[])] {
        let mut function = started(&emulator, &[("SESSION_AUTHORIZE", mode)]).await?;
        let answer = function.invoke(&request(&opened)?).await?;
        let caller =
            json!({ "subject": opened["session"]["subject"], "sessionId": opened["session"]["id"], "orders": [] });
        assert_eq!((&answer["statusCode"], body(&answer)?), (&json!(200), caller));
        assert_eq!(answer["headers"].get("x-session-warning"), None, "two hours are left");
        assert_eq!(emulator.proxy.take(), requests, "{mode}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_within_the_warning_lead_is_told_in_the_headers() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    // A guest has two hours.
    let lead = [("SESSION_WARNING_LEAD", "3h"), ("SESSION_GUEST_TIMEOUT", "4h")];
    let answer = started(&emulator, &lead).await?.invoke(&request(&opened)?).await?;
    assert_eq!((&answer["statusCode"], &answer["headers"]["content-type"]), (&json!(200), &json!("application/json")));
    assert_eq!(answer["headers"]["x-session-warning"], "absolute_timeout");
    let seconds: u64 = answer["headers"]["x-session-expires-in"].as_str().ok_or("no header")?.parse()?;
    assert!((7_000..=7_200).contains(&seconds), "{seconds}");
    Ok(())
}

#[tokio::test]
async fn whoever_has_no_session_does_not_reach_the_function() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    let mut function = started(&emulator, &[]).await?;
    let missing = recorded::event("validate-session/session", |event| {
        event["headers"].as_object_mut().map(|headers| headers.remove("authorization"));
    })?;
    let forged = recorded::event("validate-session/session", |_| ())?;
    let live = request(&opened)?;
    for (event, code, challenge) in [
        (&missing, "token_missing", "Bearer"),
        (&forged, "token_invalid", r#"Bearer error="invalid_token""#),
        (&live, "session_ended", r#"Bearer error="invalid_token""#),
    ] {
        emulator.lose_sessions().await?;
        let answer = function.invoke(event).await?;
        assert_eq!((&answer["statusCode"], &answer["headers"]["www-authenticate"]), (&json!(401), &json!(challenge)));
        assert_eq!(answer["headers"]["content-type"], "application/problem+json");
        let problem = body(&answer)?;
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(401)));
        let ended = code == "session_ended";
        assert_eq!((problem["reason"] == "unknown", problem["sessionId"] == opened["session"]["id"]), (ended, ended));
    }
    Ok(())
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_a_503_to_come_back_from() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    let mut function = started(&emulator, &[]).await?;
    emulator.proxy.plan(Some(Plan { fault: Break::Fail, first: 1, lasting: true }));
    let answer = function.invoke(&request(&opened)?).await?;
    assert_eq!((&answer["statusCode"], &answer["headers"]["retry-after"]), (&json!(503), &json!("1")));
    assert_eq!(body(&answer)?["code"], "temporarily_unavailable");
    emulator.proxy.plan(None);
    assert_eq!(function.invoke(&request(&opened)?).await?["statusCode"], 200);
    Ok(())
}
