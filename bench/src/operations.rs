//! What each operation costs in DynamoDB: requests and units of the running functions, after their start.

use std::collections::BTreeMap;

use harness::{
    bill::Bill,
    budgets,
    function::{Function, body},
    recorded::{event, poll},
};
use serde_json::{Value, json};

use bench::{
    Outcome,
    variant::{self, Variant},
    world::World,
};

/// A poll of express-session.
pub(crate) const EXPRESS: &str = "express-session, any request";

/// A bill for each operation, in the order in which they are told.
pub(crate) type Bills = Vec<(&'static str, Bill)>;

/// The running functions and what they have cost.
struct Till<'a> {
    world: &'a World,
    running: BTreeMap<&'static str, Function>,
    bills: Bills,
}

impl Till<'_> {
    /// Hands a function an event and notes what it cost under `operation`.
    async fn ring(&mut self, operation: &'static str, function: &'static str, event: &str) -> Outcome<Value> {
        let running = self.running.get_mut(function).ok_or("not started")?;
        let (answered, bill) = self.world.emulator.proxy.during(succeeded(running, event)).await;
        self.bills.push((operation, bill));
        answered
    }
}

/// Goes through the life of sessions. `express` is a poll of express-session.
pub(crate) async fn bills(world: &World, express: (Variant, &str)) -> Outcome<Bills> {
    let opened = world.connect().await?;
    let mut till = Till { world, running: BTreeMap::new(), bills: Bills::new() };
    let post = |name: &str, content: Value| {
        event(name, |event| {
            without_cookies(event);
            event["body"] = json!(content.to_string());
        })
    };
    let guest = post("connect/guest", json!({ "credential": { "kind": "guest" }, "transport": "body" }))?;
    let user = |name: &str, remember: bool| {
        let body = json!({ "username": name, "password": "correct horse", "transport": "body", "remember": remember });
        post("connect/register", body)
    };
    let password = json!({ "kind": "password", "username": "ada", "password": "correct horse" });
    let password = post("connect/password", json!({ "credential": password, "transport": "body" }))?;
    let poll = |active: Value| poll(&opened, &active);

    for (name, first) in [("connect", &guest), ("validate-session", &poll(Value::Null)?)] {
        let variant = Variant::function(name, &world.without_tls)?;
        till.running.insert(name, started(&variant, first).await?);
    }
    till.ring(budgets::CONNECT_GUEST.name, "connect", &guest).await?;
    till.ring(budgets::REGISTER.name, "connect", &user("ada", false)?).await?;
    till.ring(budgets::CONNECT_PASSWORD.name, "connect", &password).await?;
    let remembered = till.ring(budgets::REGISTER_REMEMBERED.name, "connect", &user("eve", true)?).await?;
    let stored = json!({ "kind": "reconnect", "reconnectToken": body(&remembered)?["reconnectToken"] });
    let reconnect = post("connect/reconnect", json!({ "credential": stored, "transport": "body" }))?;
    till.ring(budgets::RECONNECTED.name, "connect", &reconnect).await?;
    till.ring(budgets::VALIDATE.name, "validate-session", &poll(Value::Null)?).await?;
    till.ring(budgets::VALIDATE_ACTIVE.name, "validate-session", &poll(json!(0))?).await?;

    let refresh = |answer: &Value| post("refresh/body", json!({ "refreshToken": answer["refreshToken"] }));
    let variant = Variant::function("refresh", &world.without_tls)?;
    till.running.insert("refresh", started(&variant, &refresh(&world.connect().await?)?).await?);
    till.ring(budgets::REFRESH.name, "refresh", &refresh(&opened)?).await?;

    let logout = |opened: &Value| {
        let token = opened["accessToken"].as_str().ok_or("no access token")?;
        event("logout/cookie", |event| {
            event["headers"]["authorization"] = json!(format!("Bearer {token}"));
            without_cookies(event);
        })
    };
    let variant = Variant::function("logout", &world.without_tls)?;
    till.running.insert("logout", started(&variant, &logout(&world.connect().await?)?).await?);
    till.ring(budgets::LOGOUT.name, "logout", &logout(&opened)?).await?;

    let (variant, event) = express;
    till.running.insert(variant.name, started(&variant, event).await?);
    till.ring(EXPRESS, variant::EXPRESS, event).await?;
    Ok(till.bills)
}

/// A process that has answered its first event.
async fn started(variant: &Variant, event: &str) -> Outcome<Function> {
    Ok(Function::cold_start(&variant.program, event).await?.0)
}

/// The answer to an event, if it is not a refusal.
pub(crate) async fn succeeded(function: &mut Function, event: &str) -> Outcome<Value> {
    let answer = function.invoke(event).await?;
    let done = matches!(answer["statusCode"].as_u64(), Some(200..=299));
    if done { Ok(answer) } else { Err(format!("refused: {answer}").into()) }
}

/// Tokens come in bodies and headers here, never in both ways at once.
fn without_cookies(event: &mut Value) {
    if let Some(members) = event.as_object_mut() {
        members.remove("cookies");
    }
}

/// A poll with the cookie of a session of express-session's, opened now.
pub(crate) async fn express_poll(variant: &Variant) -> Outcome<String> {
    let connect = event("validate-session/poll", |event| {
        event["rawPath"] = json!("/connect");
        event["requestContext"]["http"]["path"] = json!("/connect");
        event["body"] = json!("");
    })?;
    let mut express = started(variant, &connect).await?;
    let answer = succeeded(&mut express, &connect).await?;
    express.stop().await?;
    let set = answer["cookies"][0].as_str().or_else(|| answer["headers"]["set-cookie"].as_str()).ok_or("no cookie")?;
    let cookie = set.split(';').next().unwrap_or_default().to_owned();
    event("validate-session/poll", |event| event["cookies"] = json!([cookie]))
}

/// What an opened session is known by.
pub(crate) fn is_session(answer: &Value) -> Outcome<bool> {
    Ok(body(answer)?.get("session").is_some())
}
