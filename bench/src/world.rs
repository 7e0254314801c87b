//! What every program meets: the table behind TLS, the settings, and a session that is alive.

use std::{collections::HashMap, fs, path::Path};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        StreamSpecification,
    },
};
use harness::{
    emulator::Emulator,
    function::{Function, body},
    recorded,
};
use local::database::Item;
use serde_json::{Value, json};
use session::settings::Variables;
use tempfile::TempDir;

use crate::{Outcome, tls::Terminator, variant::Variant};

/// The roots that the functions are deployed with.
const AMAZON_ROOTS: &str = include_str!("../../shared/src/aws/roots.pem");
/// Where Linux distributions keep the roots that programs trust unless they bring their own; Lambda's is the first.
const SYSTEM_ROOTS: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
/// How many items one transaction puts into the embedded database.
const IMPORTED_AT_ONCE: usize = 10_000;
/// The table of connect-dynamodb.
const EXPRESS_TABLE: &str = "ExpressSessions";

/// A running one.
pub struct World {
    /// Settings of a function that reaches the table over TLS and trusts as many roots as a deployed one.
    pub own_roots: Variables,
    /// Settings of a program that trusts what the system trusts.
    pub system_roots: Variables,
    /// The same without TLS, past the proxy that counts.
    pub without_tls: Variables,
    /// The table.
    pub emulator: Emulator,
    _folder: TempDir,
}

impl World {
    /// Starts one with an empty table.
    pub async fn start() -> Outcome<Self> {
        let emulator = Emulator::start_counting().await?;
        let terminator = Terminator::start(emulator.embedded.address).await?;
        without_stream(&emulator).await?;
        create_express_table(&emulator.client).await?;

        let folder = TempDir::new()?;
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).map(|()| path.to_string_lossy().into_owned())
        };
        let system = SYSTEM_ROOTS.iter().find(|path| Path::new(path).exists()).ok_or("no roots on this system")?;
        let system = fs::read_to_string(system)?;
        let own = file("own.pem", format!("{AMAZON_ROOTS}\n{}", terminator.root))?;
        let both = file("all.pem", format!("{system}\n{}", terminator.root))?;
        let added = file("root.pem", terminator.root)?;

        let over_tls = format!("https://{}", terminator.address);
        let mut own_roots = settings(&over_tls);
        own_roots.set("SESSION_TLS_ROOTS", "system");
        own_roots.set("SSL_CERT_FILE", own);
        let mut system_roots = settings(&over_tls);
        for (name, value) in [("SSL_CERT_FILE", &both), ("AWS_CA_BUNDLE", &both), ("NODE_EXTRA_CA_CERTS", &added)] {
            system_roots.set(name, value.as_str());
        }
        let without_tls = settings(&emulator.proxy.url);
        Ok(Self { own_roots, system_roots, without_tls, emulator, _folder: folder })
    }

    /// Opens a session as a guest; its tokens. Publishes the key that the tokens are signed with.
    pub async fn connect(&self) -> Outcome<Value> {
        let connect = Variant::function("connect", &self.without_tls)?;
        let event = recorded::event("connect/guest", |event| {
            event["body"] = json!(json!({ "credential": { "kind": "guest" }, "transport": "body" }).to_string());
        })?;
        let (running, _, answer) = Function::cold_start(&connect.program, &event).await?;
        running.stop().await?;
        body(&answer)
    }

    /// The published key as a JWK (RFC 8037), for programs that get it in a setting.
    pub async fn public_key(&self) -> Outcome<String> {
        let query =
            self.emulator.client.query().table_name(&self.emulator.table.name).key_condition_expression("pk = :pk");
        let found = query.expression_attribute_values(":pk", AttributeValue::S("KEYS".to_owned())).send().await?;
        let key = found.items().first().ok_or("no key is published")?;
        let member = |name: &str| key.get(name).and_then(|value| value.as_s().ok()).ok_or("not an Ed25519 key");
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": member("x")?, "kid": member("sk")? });
        Ok(jwk.to_string())
    }

    /// The bytes that DynamoDB counts for the first session in the table.
    pub async fn session_bytes(&self) -> Outcome<usize> {
        let size = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            // Two digits to a byte and one for the sign and the exponent.
            AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            _ => 1,
        };
        Ok(self.session().await?.iter().map(|(name, value)| name.len() + size(value)).sum())
    }

    /// Adds sessions like the first one in the table, each of another user.
    pub async fn fill(&self, sessions: u64) -> Outcome {
        let mut like = Item::new();
        for (name, value) in self.session().await? {
            let value = match value {
                AttributeValue::S(text) => json!({ "S": text }),
                AttributeValue::N(digits) => json!({ "N": digits }),
                _ => return Err(format!("{name} is neither text nor a number").into()),
            };
            like.insert(name, serde_json::from_value(value)?);
        }
        let numbers: Vec<u64> = (1..=sessions).collect();
        for some in numbers.chunks(IMPORTED_AT_ONCE) {
            let items = some.iter().map(|number| with_keys(&like, *number)).collect::<Outcome<_>>()?;
            self.emulator.embedded.import(&self.emulator.table, items)?;
        }
        Ok(())
    }

    /// The first session in the table.
    async fn session(&self) -> Outcome<HashMap<String, AttributeValue>> {
        Ok(self.emulator.items("S#").await?.into_iter().next().ok_or("no session")?)
    }
}

/// The same item of another user and session: keys as long as real ones, and as scattered.
fn with_keys(item: &Item, number: u64) -> Outcome<Item> {
    // Multiplying by an odd number gives each its own.
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut item = item.clone();
    for (name, value) in
        [("pk", format!("U#{scattered:022x}")), ("sk", format!("S#{scattered:016x}-0000-7000-8000-{number:08x}"))]
    {
        item.insert(name.to_owned(), serde_json::from_value(json!({ "S": value }))?);
    }
    Ok(item)
}

fn settings(endpoint: &str) -> Variables {
    let mut settings: Variables = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
        ("AWS_LAMBDA_FUNCTION_NAME", "function"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("SESSION_TABLE", "SessionTable"),
        ("SESSION_ISSUER", "https://sessions.example.com"),
        ("SESSION_AUDIENCE", "app"),
        ("SESSION_ORIGINS", "https://app.example.com"),
        ("SESSION_SECRET", r#"{"current":"0123456789abcdef0123456789abcdef","previous":[]}"#),
        // Longer than a run.
        ("SESSION_ACCESS_TTL", "6h"),
        ("EXPRESS_TABLE", EXPRESS_TABLE),
        ("EXPRESS_SECRET", "0123456789abcdef0123456789abcdef"),
        ("NODE_ENV", "production"),
        // Writing the warning would take its time.
        ("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true"),
    ]
    .into_iter()
    .collect();
    if let Some(path) = Variables::from_environment().get("PATH") {
        settings.set("PATH", path);
    }
    settings
}

/// Nobody reads the stream here, and the embedded DynamoDB looks through all records of it in every write.
async fn without_stream(emulator: &Emulator) -> Outcome {
    let off = StreamSpecification::builder().stream_enabled(false).build()?;
    emulator.client.update_table().table_name(&emulator.table.name).stream_specification(off).send().await?;
    Ok(())
}

async fn create_express_table(client: &Client) -> Outcome {
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build()?;
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build()?;
    let request = client.create_table().table_name(EXPRESS_TABLE).billing_mode(BillingMode::PayPerRequest);
    request.attribute_definitions(id).key_schema(key).send().await?;
    Ok(())
}
