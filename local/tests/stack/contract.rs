//! The contract as it was recorded at the last version, and today's: what differs stands in the changelog.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use harness::{
    conversation::{Answer, Conversation, Method, Presence, Proof, Session},
    emulator::{Emulator, Item},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use session::{settings::Variables, unix_time::UnixMillis};

use crate::{Outcome, api::Api};

/// Members of one answer, one token or one item: each with its path and its type.
type Shape = BTreeSet<String>;

/// Everything that others rely on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Contract {
    /// The version at which it was recorded.
    version: String,
    /// Shapes by what has them.
    shapes: BTreeMap<String, Shape>,
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn recording() -> PathBuf {
    repository("local/tests/stack/contract/recorded.json")
}

/// Adds the members of a value under a path. Of a list, its first member stands for all.
fn add_members(shape: &mut Shape, path: &str, value: &Value) {
    let told = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(members) => {
            members.iter().take(1).for_each(|member| add_members(shape, &format!("{path}[]"), member));
            "list"
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| add_members(shape, &format!("{path}.{name}"), member));
            "object"
        }
    };
    shape.insert(format!("{}: {told}", path.trim_start_matches('.')));
}

/// Headers that no function sets, but the way from it.
const NOT_OURS: [&str; 2] = ["content-length", "date"];

const KEYS: &[&str] = &["a-key-of-a-reconnect"];

fn shape(answer: &Answer) -> Shape {
    let mut shape = Shape::from([format!("status: {}", answer.status)]);
    let refusal = answer.refusal();
    if !refusal.is_empty() {
        shape.insert(format!("refusal: {refusal}"));
    }
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    shape.extend(names.filter(|name| !NOT_OURS.contains(name)).map(|name| format!("header: {name}")));
    add_members(&mut shape, "", &answer.body);
    shape
}

/// The header and the claims of an access token.
fn token_shape(token: &str) -> Outcome<Shape> {
    let mut shape = Shape::new();
    for (part, text) in ["header", "claims"].iter().zip(token.split('.')) {
        add_members(&mut shape, part, &serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text)?)?);
    }
    Ok(shape)
}

fn item_shape(item: &Item) -> Shape {
    let told = |value: &AttributeValue| match value {
        AttributeValue::S(_) => "text",
        AttributeValue::N(_) => "number",
        AttributeValue::B(_) => "bytes",
        _ => "something else",
    };
    item.iter().map(|(name, value)| format!("{name}: {}", told(value))).collect()
}

/// What is answered, signed and written today.
async fn today() -> Outcome<Contract> {
    let emulator = Emulator::start().await?;
    let api = Api::on(&emulator).await?;
    let client = &api.client;
    let mut shapes = BTreeMap::new();
    let mut record = |name: &str, shape: Shape| drop(shapes.insert(name.to_owned(), shape));

    for path in ["/session-policy", "/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        record(&format!("GET {path}"), shape(&client.get(path).await?));
    }
    record("POST /connect as a guest", shape(&client.connect(Proof::Guest, false).await?));
    let opened = client.register("ada", true).await?;
    record("POST /register and be remembered", shape(&opened));
    let in_cookies = json!({ "credential": { "kind": "guest" } });
    record("POST /connect with cookies", shape(&client.post("/connect", &in_cookies, &[]).await?));
    let opened = opened.session()?;
    record("an access token", token_shape(&opened.access)?);
    record("POST /register of a name that is taken", shape(&client.register("ada", false).await?));
    let wrong = Proof::Password("ada", "wrong horse");
    record("POST /connect with a wrong password", shape(&client.connect(wrong, false).await?));
    record("POST /validate-session", shape(&client.poll(&opened.access, Presence::Nobody).await?));
    record(
        "POST /validate-session with a token of somebody else's",
        shape(&client.poll("a.b.c", Presence::Now).await?),
    );
    let with_bearer = async |method, path: &str| client.with_bearer(method, path, &opened.access).await;
    record("POST /validate-session, about to end", shape(&about_to_end(&emulator, client, &opened).await?));
    record("GET /session", shape(&with_bearer(Method::GET, "/session").await?));
    record("GET /session without a token", shape(&client.get("/session").await?));
    record("GET /sessions", shape(&with_bearer(Method::GET, "/sessions").await?));
    record("DELETE /sessions/{id} of nobody's", shape(&with_bearer(Method::DELETE, "/sessions/none").await?));
    record("DELETE /sessions", shape(&with_bearer(Method::DELETE, "/sessions").await?));
    record("DELETE /sessions?scope=odd", shape(&with_bearer(Method::DELETE, "/sessions?scope=odd").await?));
    record("POST /refresh", shape(&client.refresh(&opened.refresh, &[]).await?));
    record("POST /refresh, raced", shape(&client.refresh(&opened.refresh, &["another-key-than-before"]).await?));
    record("POST /connect with a stored credential", shape(&client.reconnect(&opened.reconnect, KEYS).await?));
    record("POST /logout", shape(&client.logout(&opened.refresh).await?));
    record("POST /refresh after a logout", shape(&client.refresh(&opened.refresh, &[]).await?));
    for (kind, prefix) in
        [("a session", "S#"), ("a stored credential", "R#"), ("a user", "META"), ("a password", "PASSWORD")]
    {
        let items = emulator.items(prefix).await?;
        record(&format!("the item of {kind}"), items.iter().flat_map(item_shape).collect());
    }
    Ok(Contract { version: env!("CARGO_PKG_VERSION").to_owned(), shapes })
}

/// A poll of a session that has four minutes left; after it the session is as it was.
async fn about_to_end(emulator: &Emulator, client: &Conversation, session: &Session) -> Outcome<Answer> {
    let items = emulator.items(&format!("S#{}", session.id)).await?;
    let before = items.into_iter().next().ok_or("no such session")?;
    let mut item = before.clone();
    let limit = UnixMillis::now().after(Duration::from_mins(4)).as_millis();
    item.insert("idle_limit".to_owned(), AttributeValue::N(limit.to_string()));
    emulator.put(item).await?;
    let answer = client.poll(&session.access, Presence::Nobody).await?;
    emulator.put(before).await?;
    Ok(answer)
}

/// The section of the changelog that a version has, without its heading.
fn section<'a>(changelog: &'a str, version: &str) -> &'a str {
    let sections = changelog.split("\n## ").skip(1);
    sections
        .filter_map(|section| section.split_once('\n'))
        .find(|(name, _)| *name == version)
        .map_or("", |(_, text)| text)
}

/// The names of members that differ between two contracts: the last part of each path.
fn differences(before: &Contract, after: &Contract) -> BTreeSet<String> {
    let members = |contract: &Contract| -> BTreeSet<(String, String)> {
        let shapes = contract.shapes.iter();
        shapes.flat_map(|(of, shape)| shape.iter().map(move |member| (of.clone(), member.clone()))).collect()
    };
    let (before, after) = (members(before), members(after));
    let named = |(_, member): &(String, String)| {
        let (path, value) = member.split_once(": ").unwrap_or((member, ""));
        let of_values = ["status", "refusal", "header"].contains(&path);
        let name = if of_values { value } else { path.rsplit('.').next().unwrap_or_default() };
        name.trim_end_matches("[]").to_owned()
    };
    before.symmetric_difference(&after).map(named).collect()
}

/// Members that differ and are not named, in backticks, in a section of the changelog.
fn unsaid(before: &Contract, after: &Contract, said: &str) -> Vec<String> {
    let said = said.to_lowercase();
    let mut unsaid: Vec<_> = differences(before, after).into_iter().collect();
    unsaid.retain(|name| name.split(' ').any(|word| !said.contains(&format!("`{}`", word.to_lowercase()))));
    unsaid
}

/// `RECORD_CONTRACT=1` records it for a new version, once the changelog has a section of that name.
#[tokio::test]
async fn what_differs_from_the_last_version_stands_in_the_changelog() -> Outcome {
    let today = today().await?;
    let changelog = fs::read_to_string(repository("CHANGELOG.md"))?;
    assert!(!section(&changelog, &today.version).is_empty(), "the changelog does not know {}", today.version);
    let recorded: Contract = serde_json::from_str(&fs::read_to_string(recording())?)?;
    let records = Variables::from_environment().get("RECORD_CONTRACT").is_some();
    // What a new version changed stands under its own name by then.
    let named = if records { today.version.as_str() } else { "Unreleased" };
    let unsaid = unsaid(&recorded, &today, section(&changelog, named));
    assert_eq!(unsaid, [""; 0], "not in CHANGELOG.md under {named}, in backticks");
    if records {
        fs::write(recording(), serde_json::to_string_pretty(&today)? + "\n")?;
    } else {
        assert_eq!(recorded.version, today.version, "a new version: record its contract, as CONTRIBUTING.md says");
    }
    Ok(())
}

#[test]
fn a_member_that_comes_goes_or_changes_its_type_must_be_named() {
    let contract = |members: &[&str]| Contract {
        version: "1".to_owned(),
        shapes: BTreeMap::from([("GET /a".to_owned(), members.iter().map(|member| (*member).to_owned()).collect())]),
    };
    let before = contract(&["status: 200", "session.id: text", "session.label: null"]);
    for (after, changelog, expected) in [
        (vec!["status: 200", "session.id: text", "session.label: null"], "", vec![]),
        (vec!["status: 200", "session.id: text"], "", vec!["label"]),
        (vec!["status: 200", "session.id: text", "session.label: text"], "", vec!["label"]),
        (vec!["status: 200", "session.id: text", "session.label: text"], "- `label` is a text now", vec![]),
        (vec!["status: 201", "session.id: text", "session.label: null"], "- `201` it is", vec!["200"]),
        (
            vec!["status: 200", "refusal: ended late", "session.id: text", "session.label: null"],
            "`ended`",
            vec!["ended late"],
        ),
    ] {
        let changelog =
            format!("# Changelog\n\n## Unreleased\n\n{changelog}\n\n## 1\n\n- `label`, `200`, `ended`, `late`\n");
        assert_eq!(unsaid(&before, &contract(&after), section(&changelog, "Unreleased")), expected, "{after:?}");
    }
}
