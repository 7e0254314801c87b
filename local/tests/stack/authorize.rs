//! The authorizer of an adopter's own APIs.

use harness::{
    emulator::Emulator,
    function::Function,
    proxy::{Break, Plan},
    recorded,
};
use serde_json::{Value, json};
use session::{
    authorize::{Mode, authorize},
    settings::Variables,
};

use crate::{
    Outcome,
    world::{World, at, code},
};

/// Every request to the table is refused from now on.
const OUTAGE: Plan = Plan { fault: Break::Fail, first: 1, lasting: true };

fn mode(mode: &str) -> Variables {
    [("SESSION_AUTHORIZE", mode)].into_iter().collect()
}

/// A guest, connected by the binary of connect.
async fn connected(emulator: &Emulator) -> Outcome<Value> {
    let mut connect = Function::start("connect", &emulator.deployed()).await?;
    let answer = connect.invoke(&recorded::event("connect/guest", |_| ())?).await?;
    Ok(serde_json::from_str(answer["body"].as_str().ok_or("no body")?)?)
}

fn asked_with(opened: &Value) -> Outcome<String> {
    let bearer = format!("Bearer {}", opened["accessToken"].as_str().ok_or("no access token")?);
    recorded::event("authorize/bearer", |event| event["identitySource"] = json!([bearer]))
}

async fn started(emulator: &Emulator, mode: &str) -> Outcome<Function> {
    let mut settings = emulator.deployed();
    settings.set("SESSION_AUTHORIZE", mode);
    let mut authorize = Function::start("authorize", &settings).await?;
    authorize.ready().await?;
    emulator.proxy.take();
    Ok(authorize)
}

#[tokio::test]
async fn stateless_asks_the_table_nothing_and_stateful_reads_one_item() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.guest(at(0)).await?;
    world.emulator.proxy.take();
    for (name, requests) in [("stateless", &[] as &[&str]), ("stateful", &["GetItem"])] {
        let mode = Mode::from_settings(&mode(name))?;
        let authorized = authorize(&world.verifier, mode, &opened.access.text, at(1)).await?;
        assert_eq!(
            (authorized.caller.subject, authorized.caller.session_id),
            (opened.session.subject, opened.session.id)
        );
        assert_eq!(world.emulator.proxy.take(), requests, "{name}");
        assert_eq!(authorized.session.is_some(), name == "stateful");
    }
    Ok(())
}

#[tokio::test]
async fn an_ended_session_passes_no_more_when_stateful_and_until_its_token_expires_when_stateless() -> Outcome {
    let world = World::start(&[]).await?;
    let opened = world.guest(at(0)).await?;
    let authorized =
        async |mode, seconds| code(&authorize(&world.verifier, mode, &opened.access.text, at(seconds)).await);
    assert_eq!(authorized(Mode::Stateful, 1).await, "ok");
    world.logout(&opened, at(2)).await?;
    // The very next question, and at the same instant: nothing is remembered between two of them.
    assert_eq!(authorized(Mode::Stateful, 2).await, "logout");
    assert_eq!(authorized(Mode::Stateless, 899).await, "ok");
    assert_eq!(authorized(Mode::Stateless, 900).await, "TokenExpired");
    Ok(())
}

#[tokio::test]
async fn a_call_moves_no_limit() -> Outcome {
    let world = World::start(&[("SESSION_IDLE_TIMEOUT", "15m"), ("SESSION_GUEST_TIMEOUT", "2h")]).await?;
    let opened = world.guest(at(0)).await?;
    let later = authorize(&world.verifier, Mode::Stateful, &opened.access.text, at(800)).await?;
    assert_eq!(later.session.map(|session| session.idle_limit), Some(opened.session.idle_limit));
    Ok(())
}

#[tokio::test]
async fn the_deployed_function_names_the_caller_of_a_live_session() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    for (mode, requests) in [("stateless", &[] as &[&str]), ("stateful", &["GetItem"])] {
        let mut authorize = started(&emulator, mode).await?;
        let context = json!({ "subject": opened["session"]["subject"], "sessionId": opened["session"]["id"] });
        for _ in 0..2 {
            let verdict = authorize.invoke(&asked_with(&opened)?).await?;
            assert_eq!(verdict, json!({ "isAuthorized": true, "context": context }), "{mode}");
            assert_eq!(emulator.proxy.take(), requests, "{mode}");
        }
        let lines = authorize.stop().await?;
        let first = lines.first().is_some_and(|line| line["ColdStarts"] == 1);
        assert_eq!((first, lines.len()), (true, 1), "an ordinary call writes nothing: {lines:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_store_that_does_not_answer_fails_the_invocation_and_denies_nobody() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    let mut stateful = started(&emulator, "stateful").await?;
    let mut stateless = started(&emulator, "stateless").await?;
    emulator.proxy.plan(Some(OUTAGE));
    let failed = stateful.invoke(&asked_with(&opened)?).await;
    let said = failed.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains(r#""errorType":"Unavailable""#), "{said}");
    assert_eq!(stateless.invoke(&asked_with(&opened)?).await?["isAuthorized"], true, "it needs no table");
    emulator.proxy.plan(None);
    assert_eq!(stateful.invoke(&asked_with(&opened)?).await?["isAuthorized"], true, "and the next call works");
    let lines = stateful.stop().await?;
    let fault = lines.iter().find(|line| line["event"] == "fault").ok_or("no line")?;
    assert_eq!((&fault["status"], &fault["operation"]), (&json!(500), &json!("GetItem")));
    Ok(())
}

#[tokio::test]
async fn a_session_that_ended_is_denied_and_one_line_says_why() -> Outcome {
    let emulator = Emulator::start().await?;
    let opened = connected(&emulator).await?;
    emulator.lose_sessions().await?;
    let mut authorize = started(&emulator, "stateful").await?;
    assert_eq!(authorize.invoke(&asked_with(&opened)?).await?, json!({ "isAuthorized": false }));
    let lines = authorize.stop().await?;
    let refused: Vec<_> = lines.iter().filter(|line| line["event"] == "refused").collect();
    assert_eq!(refused.len(), 1, "{lines:?}");
    let said = (&refused[0]["status"], &refused[0]["code"], &refused[0]["reason"], &refused[0]["session"]);
    assert_eq!(said, (&json!(403), &json!("session_ended"), &json!("unknown"), &opened["session"]["id"]));
    Ok(())
}

#[tokio::test]
async fn an_event_of_another_kind_fails_the_invocation_by_name() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut authorize = started(&emulator, "stateless").await?;
    for event in [
        recorded::event("authorize/bearer", |event| event["version"] = json!("1.0"))?,
        recorded::event("authorize/bearer", |event| event["identitySource"] = json!(["Bearer a", "203.0.113.77"]))?,
        recorded::event("validate-session/poll", |_| ())?,
        recorded::event("authorize/bearer", |event| event["requestContext"] = json!(null))?,
    ] {
        // A request of an HTTP API has no identity source, so it reads as one without a token.
        let answer = authorize.invoke(&event).await;
        match answer {
            Ok(verdict) => assert_eq!(verdict, json!({ "isAuthorized": false }), "{event}"),
            Err(error) => assert!(error.to_string().contains(r#""errorType":"Misconfigured""#), "{event}: {error}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_event_that_asks_for_no_verdict_gets_none_and_is_no_error() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut authorize = started(&emulator, "stateful").await?;
    let scheduled = json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "123456789012", "time": "2015-10-08T16:53:06Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/my-scheduled-rule"], "detail": {},
    });
    for event in [scheduled, json!({ "warmup": true }), json!({}), json!("ping"), json!(null)] {
        assert_eq!(authorize.invoke(&event.to_string()).await?, json!(null), "{event}");
    }
    assert_eq!(emulator.proxy.take(), [""; 0], "the table is not asked");
    let lines = authorize.stop().await?;
    assert!(lines.iter().all(|line| line.get("_aws").is_some()), "only metrics: {lines:?}");
    Ok(())
}
