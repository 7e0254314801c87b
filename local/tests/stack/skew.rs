//! Two builds side by side, as during a deployment: on one table, in one conversation, both ways.

use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use harness::{
    clock::of_this_machine,
    conversation::{Conversation, Method, PASSWORD, Presence, Proof},
    deployment::{Build, Deployment},
    earlier::{self, Earlier},
    emulator::Emulator,
};
use serde_json::{Value, json};
use session::settings::Variables;
use tokio::process::Command;

use crate::{FOR_EVER, Outcome};

const KEYS: &[&str] = &["the-key-of-a-first-rotation"];

/// Functions of two builds, on one table.
struct Pair {
    emulator: Emulator,
    /// What opens sessions.
    one: Deployment,
    /// What goes on with them.
    other: Deployment,
}

/// Which of the two is the earlier build.
#[derive(Clone, Copy, Debug)]
enum Order {
    EarlierFirst,
    TodayFirst,
}

impl Pair {
    async fn start(earlier: &Earlier, order: Order, more: &[(&str, &str)]) -> Outcome<Self> {
        let emulator = Emulator::start().await?;
        let mut environment = emulator.deployed();
        for (name, value) in more {
            environment.set(name, *value);
        }
        let today = Build::tested(&environment).await?;
        let earlier = Build { folder: earlier.functions.clone(), ..today.clone() };
        let (one, other) = match order {
            Order::EarlierFirst => (earlier, today),
            Order::TodayFirst => (today, earlier),
        };
        let behind = emulator.embedded.url();
        let (one, other) = (Deployment::start(one, &behind).await?, Deployment::start(other, &behind).await?);
        Ok(Self { emulator, one, other })
    }

    fn clients(&self) -> (Conversation, Conversation) {
        (Conversation::with(&self.one.url), Conversation::with(&self.other.url))
    }
}

/// Every earlier build, before and after today's.
async fn pairs(more: &[(&str, &str)]) -> Outcome<Vec<(String, Pair)>> {
    let mut pairs = Vec::new();
    for earlier in earlier::builds().await? {
        for order in [Order::EarlierFirst, Order::TodayFirst] {
            pairs.push((format!("{} {order:?}", earlier.name), Pair::start(&earlier, order, more).await?));
        }
    }
    Ok(pairs)
}

#[tokio::test]
async fn a_session_of_one_build_goes_on_in_the_other() -> Outcome {
    for (case, pair) in pairs(&[]).await? {
        let (one, other) = pair.clients();
        let ada = one.register("ada", true).await?.expect(201)?.session()?;
        for presence in [Presence::Nobody, Presence::Now] {
            assert_eq!(other.poll(&ada.access, presence).await?.status, 200, "{case}");
        }
        let next = other.refresh(&ada.refresh, KEYS).await?.expect(200)?.session()?;
        assert_eq!(one.refresh(&ada.refresh, KEYS).await?.session()?.refresh, next.refresh, "{case}: the same again");
        let after = one.refresh(&next.refresh, &["the-key-of-a-second-one"]).await?.expect(200)?.session()?;
        assert_eq!(one.poll(&next.access, Presence::Nobody).await?.status, 200, "{case}: a token of the other");

        let second = other.connect(Proof::Password("ada", PASSWORD), false).await?.expect(201)?.session()?;
        let listed = one.with_bearer(Method::GET, "/sessions", &second.access).await?.expect(200)?;
        assert_eq!(listed.body["sessions"].as_array().map(Vec::len), Some(2), "{case}");
        let path = format!("/sessions/{}", after.id);
        one.with_bearer(Method::DELETE, &path, &second.access).await?.expect(204)?;
        assert_eq!(other.refresh(&after.refresh, &[]).await?.refusal(), "session_ended revoked", "{case}");
        other.logout(&second.refresh).await?.expect(204)?;
        assert_eq!(one.poll(&second.access, Presence::Nobody).await?.refusal(), "session_ended logout", "{case}");
    }
    Ok(())
}

#[tokio::test]
async fn a_credential_that_one_build_stored_reconnects_in_the_other() -> Outcome {
    for (case, pair) in pairs(&[]).await? {
        let (one, other) = pair.clients();
        let eve = one.register("eve", true).await?.expect(201)?.session()?;
        pair.emulator.lose_sessions().await?;
        let back = other.reconnect(&eve.reconnect, KEYS).await?.expect(201)?.session()?;
        let again = one.reconnect(&eve.reconnect, KEYS).await?.expect(201)?.session()?;
        assert_eq!((again.refresh, again.reconnect), (back.refresh.clone(), back.reconnect.clone()), "{case}");
        other.refresh(&back.refresh, &[]).await?.expect(200)?;
        pair.emulator.lose_sessions().await?;
        one.reconnect(&back.reconnect, &[]).await?.expect(201)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_thief_is_caught_by_either_build_and_either_tells_the_owner() -> Outcome {
    for (case, pair) in pairs(&[("SESSION_RACE_WINDOW", "1ms")]).await? {
        let (one, other) = pair.clients();
        let ada = one.register("ada", false).await?.expect(201)?.session()?;
        let stolen = other.refresh(&ada.refresh, &[]).await?.expect(200)?.session()?;
        other.refresh(&stolen.refresh, &[]).await?.expect(200)?;
        assert_eq!(one.refresh(&ada.refresh, &[]).await?.refusal(), "session_ended reuse_detected", "{case}");
        let told = other.poll(&stolen.access, Presence::Nobody).await?;
        assert_eq!(told.refusal(), "session_ended reuse_detected", "{case}");
    }
    Ok(())
}

#[tokio::test]
async fn keys_records_and_verdicts_of_one_build_are_understood_by_the_other() -> Outcome {
    for (case, pair) in pairs(&[]).await? {
        let (one, other) = pair.clients();
        let mut stream = pair.emulator.stream()?;
        let ada = one.register("ada", true).await?.expect(201)?.session()?;
        one.refresh(&ada.refresh, &[]).await?.expect(200)?;
        let passed = pair.other.invoke_recorded("authorize/bearer", |event| {
            event["identitySource"] = json!([format!("Bearer {}", ada.access)]);
        });
        let passed = passed.await?;
        assert_eq!(passed["context"]["sessionId"], ada.id, "{case}: {passed}");
        one.logout(&ada.refresh).await?.expect(204)?;
        let batch = stream.next_batch()?.ok_or("nothing was written")?;
        let recorded = pair.other.invoke("record-events", batch.get()).await?;
        assert_eq!(recorded, json!({ "batchItemFailures": [] }), "{case}");
        let keys = async |client: &Conversation| {
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(client.get("/.well-known/jwks.json").await?.body)
        };
        assert_eq!(keys(&one).await?, keys(&other).await?, "{case}");
        let lines = pair.other.stop().await?;
        let written: Vec<&Value> = lines["record-events"].iter().filter(|line| line["event"] == "audit").collect();
        let ended = written.iter().any(|line| line["action"] == "session_ended" && line["reason"] == "logout");
        assert!(ended, "{case}: {written:?}");
        assert!(lines.values().flatten().all(|line| line["event"] != "record_unreadable"), "{case}");
    }
    Ok(())
}

/// Attributes that a later build writes to the item of a session.
type Later = (&'static str, &'static [(&'static str, &'static str)]);

const LATER: [Later; 4] = [
    ("an attribute", &[("user_id", "user-7")]),
    ("a kind of credential", &[("credential", "ticket")]),
    ("a reason", &[("status", "ended"), ("end_reason", "of_2031")]),
    ("a status", &[("status", "resting")]),
];

/// What a client hears of a session with each of those, and the status of a list in which it stands. The first version
/// does not take most of them: the changelog says so, and in which order to update.
fn heard(later: &str, earlier: &Earlier) -> (u16, &'static str, u16) {
    match (later, earlier.name) {
        ("an attribute", _) => (200, "", 200),
        (_, "first") => (503, "temporarily_unavailable", 503),
        ("a kind of credential", _) => (200, "", 200),
        ("a reason", _) => (401, "session_ended of_2031", 200),
        _ => (503, "temporarily_unavailable", 200),
    }
}

#[tokio::test]
async fn what_a_later_build_wrote_stands_in_nobodys_way_from_the_base_on() -> Outcome {
    for earlier in earlier::builds().await? {
        let pair = Pair::start(&earlier, Order::TodayFirst, &[]).await?;
        let (one, other) = pair.clients();
        for (number, (later, attributes)) in LATER.into_iter().enumerate() {
            let name = format!("ada-{number}");
            let changed = one.register(&name, false).await?.expect(201)?.session()?;
            let ada = one.connect(Proof::Password(&name, PASSWORD), false).await?.expect(201)?.session()?;
            for mut item in pair.emulator.items(&format!("S#{}", changed.id)).await? {
                let text = |value: &str| AttributeValue::S(value.to_owned());
                item.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
                item.insert("ended_at".to_owned(), AttributeValue::N("1795255200000".to_owned()));
                pair.emulator.put(item).await?;
            }
            let told = other.refresh(&changed.refresh, &[]).await?;
            let listed = other.with_bearer(Method::GET, "/sessions", &ada.access).await?;
            let case = format!("{later}, read by {}", earlier.name);
            assert_eq!((told.status, told.refusal().as_str(), listed.status), heard(later, &earlier), "{case}");
            assert_eq!(other.poll(&ada.access, Presence::Now).await?.status, 200, "{case}");
        }
    }
    Ok(())
}

/// Connects, works, is reloaded, loses an answer, and logs out, all with one client and one service; what it saw.
async fn browsed(client: &Path, service: &Deployment) -> Outcome<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/clients/conversation.mjs");
    let mut node = Command::new("node");
    let node = of_this_machine(&mut node).kill_on_drop(true).arg(script).arg(client).arg(&service.url);
    let told = tokio::time::timeout(FOR_EVER, node.output()).await??;
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    let failed = || format!("{}: {said}{}", told.status, String::from_utf8_lossy(&told.stderr));
    if !told.status.success() {
        return Err(failed().into());
    }
    Ok(serde_json::from_str(said.lines().last().ok_or_else(failed)?)?)
}

#[tokio::test]
async fn a_client_of_one_build_lives_with_the_service_of_the_other() -> Outcome {
    let today = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client");
    for earlier in earlier::builds().await? {
        let Some(before) = &earlier.client else {
            assert!(Variables::from_environment().get("CI").is_none(), "Node is not installed");
            continue;
        };
        let pair = Pair::start(&earlier, Order::EarlierFirst, &[]).await?;
        let expected = json!({
            "connected": "active", "polled": "active", "refreshed": "active", "sessions": 1, "reloaded": "active",
            "sameSession": true, "lost": true, "afterLostAnswer": true, "loggedOut": "ended logout", "requests": true,
        });
        assert_eq!(browsed(before, &pair.other).await?, expected, "the client of {}", earlier.name);
        let is_built = today.join("dist/index.js").exists();
        assert!(is_built || Variables::from_environment().get("CI").is_none(), "today's client is not built");
        if is_built {
            assert_eq!(browsed(&today, &pair.one).await?, expected, "the service of {}", earlier.name);
        }
    }
    Ok(())
}
