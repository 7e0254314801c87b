//! The master secret is replaced as Secrets Manager does it, on moto's Secrets Manager: versions and stages are its own.

use std::{process::Stdio, time::Duration};

use harness::{emulator::Emulator, function::Function, recorded};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use session::{
    access_token::AccessTokens,
    issuer::Issuer,
    lifecycle::Activity,
    master_secret::MasterSecret,
    policy::SessionPolicy,
    random,
    rotate_secret::{Rotation, RotationError, Step, rotate_secret},
    secret_source::SecretVersions,
    settings::Variables,
    unix_time::UnixMillis,
    validate::validate,
    verifier::Verifier,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    Outcome,
    key_rotation::{guest, refreshed},
    world::{secret, token},
};

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// A Secrets Manager with a master secret, and the functions' table.
struct Manager {
    _server: Child,
    _emulator: Emulator,
    settings: Variables,
    arn: String,
}

impl Manager {
    /// Starts one; nothing where moto is not installed, which CI does not accept.
    async fn start() -> Outcome<Option<Self>> {
        let Some(mut server) = moto() else { return Ok(None) };
        let mut lines = BufReader::new(server.stderr.take().ok_or("no output")?).lines();
        let endpoint = loop {
            let line = lines.next_line().await?.ok_or("moto ended")?;
            if let Some((_, address)) = line.split_once("Running on ") {
                break address.trim().to_owned();
            }
        };
        // Read on, so that its output never blocks it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let emulator = Emulator::start().await?;
        let created =
            post(&endpoint, "CreateSecret", json!({ "Name": "MasterSecret", "SecretString": secret("one", &[]) }));
        let arn = created.await?["ARN"].as_str().ok_or("no secret")?.to_owned();
        let mut settings: Variables =
            emulator.deployed().iter().filter(|(name, _)| *name != "SESSION_SECRET").collect();
        settings.set("SESSION_SECRET_ARN", arn.as_str());
        settings.set("AWS_REGION", "us-east-1");
        settings.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint);
        Ok(Some(Self { _server: server, _emulator: emulator, settings, arn }))
    }

    /// What Secrets Manager sends for one step.
    fn event(&self, step: &str, version: &str) -> Outcome<String> {
        recorded::event("rotate-secret/set", |event| {
            event["Step"] = json!(step);
            event["SecretId"] = json!(self.arn);
            event["ClientRequestToken"] = json!(version);
        })
    }

    /// One step of the use case at a given instant.
    async fn step(&self, step: Step, version: &str, now: UnixMillis) -> Result<(), RotationError> {
        let policy = SessionPolicy::parse(&self.settings).map_err(|_| RotationError::NotContinued)?;
        let access = AccessTokens::from_settings(&self.settings, policy.access_ttl);
        let access = access.map_err(|_| RotationError::NotContinued)?;
        let versions = self.versions().map_err(|_| RotationError::NotContinued)?;
        let fresh = random::bytes().map_err(|_| RotationError::NotContinued)?;
        let rotation = Rotation { step, secret_id: self.arn.clone(), client_request_token: version.to_owned() };
        rotate_secret(&versions, (&policy, &access), &rotation, &fresh, now).await
    }

    fn versions(&self) -> Outcome<SecretVersions> {
        Ok(SecretVersions::from_settings(&self.settings)?)
    }
}

fn moto() -> Option<Child> {
    let mut command = Command::new("moto_server");
    command.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let server = command.spawn().ok();
    assert!(server.is_some() || Variables::from_environment().get("CI").is_none(), "moto is not installed");
    server
}

async fn post(endpoint: &str, operation: &str, body: Value) -> Outcome<Value> {
    let request = reqwest::Client::new().post(endpoint).header("x-amz-target", format!("secretsmanager.{operation}"));
    let signed = "AWS4-HMAC-SHA256 Credential=local/20261121/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0";
    Ok(request.header("authorization", signed).json(&body).send().await?.json().await?)
}

/// The version of a rotation; Secrets Manager takes 32 to 64 characters.
fn version(name: &str) -> String {
    format!("{name:0<32}")
}

#[tokio::test]
async fn a_rotation_by_the_function_takes_a_new_secret_into_use_and_ends_nothing() -> Outcome {
    let Some(manager) = Manager::start().await? else { return Ok(()) };
    let (before, opened) = {
        let issuer = Issuer::start(&manager.settings, UnixMillis::now()).await?;
        let opened = guest(&issuer, None, UnixMillis::now()).await?;
        (issuer, opened)
    };
    let mut function = Function::start("rotate-secret", &manager.settings).await?;
    let (first, last) = (version("first"), manager.versions()?.current().await?);
    for step in STEPS {
        // Secrets Manager repeats a step whose answer it did not get.
        for _ in 0..2 {
            assert_eq!(function.invoke(&manager.event(step, &first)?).await?, Value::Null, "{step}");
        }
        let current = manager.versions()?.current().await?;
        assert_eq!(current.id == first, step == "finishSecret", "{step}");
    }
    let current = manager.versions()?.current().await?;
    let (was, is) = (MasterSecret::parse(&last.text)?, MasterSecret::parse(&current.text)?);
    assert!(is.continues(&was) && !was.continues(&is));
    assert_eq!(is.previous.len(), 1);
    let lines = function.stop().await?;
    assert!(!format!("{lines:?}").contains(is.current.expose_secret()));

    let now = UnixMillis::now();
    let after = Issuer::start(&manager.settings, now).await?;
    let verifier = Verifier::start(&manager.settings, now).await?;
    assert!(
        validate(&verifier, &opened.access.text, Activity::None, now).await.is_ok_and(|s| s.id == opened.session.id)
    );
    let next = refreshed(&after, token(&opened), now).await?;
    assert_eq!(next.session.id, opened.session.id);
    assert_ne!(after.ring().current().kid(), before.ring().current().kid());
    Ok(())
}

#[tokio::test]
async fn a_second_rotation_waits_until_nothing_of_the_forgotten_secret_is_alive() -> Outcome {
    let Some(manager) = Manager::start().await? else { return Ok(()) };
    let mut function = Function::start("rotate-secret", &manager.settings).await?;
    for step in STEPS {
        function.invoke(&manager.event(step, &version("first"))?).await?;
    }
    let early = function.invoke(&manager.event("createSecret", &version("second"))?).await;
    let told = early.map_err(|error| error.to_string()).err().unwrap_or_default();
    assert!(told.contains("what was made under the previous secret is needed for 169 more hours"), "{told}");
    let since = manager.versions()?.current().await?.created_at;
    // Seven days, the absolute and the reconnect limit, and an hour.
    let due = since.after(Duration::from_hours(7 * 24 + 1));
    let early = manager.step(Step::Create, &version("second"), due.before(Duration::from_millis(1))).await;
    assert!(matches!(early, Err(RotationError::TooSoon { for_another }) if for_another == Duration::from_millis(1)));
    manager.step(Step::Create, &version("second"), due).await?;
    manager.step(Step::Finish, &version("second"), due).await?;
    let current = manager.versions()?.current().await?;
    assert_eq!((current.id, MasterSecret::parse(&current.text)?.previous.len()), (version("second"), 1));
    Ok(())
}

#[tokio::test]
async fn nothing_is_taken_into_use_that_does_not_continue_what_is_in_use() -> Outcome {
    let Some(manager) = Manager::start().await? else { return Ok(()) };
    let (now, versions) = (UnixMillis::now(), manager.versions()?);
    let in_use = versions.current().await?.id;
    for step in [Step::Test, Step::Finish] {
        let refused = manager.step(step, &version("missing"), now).await;
        assert!(matches!(refused, Err(RotationError::NotContinued)), "{step:?}: {refused:?}");
    }
    versions.prepare(&version("stranger"), &secret("two", &[]).into()).await?;
    versions.prepare(&version("short"), &r#"{"current":"short"}"#.to_owned().into()).await?;
    for step in [Step::Test, Step::Finish] {
        let refused = manager.step(step, &version("stranger"), now).await;
        assert!(matches!(refused, Err(RotationError::NotContinued)), "{step:?}: {refused:?}");
        let refused = manager.step(step, &version("short"), now).await;
        assert_eq!(refused.unwrap_err().to_string(), "every master secret must have at least 32 characters");
    }
    let mut function = Function::start("rotate-secret", &manager.settings).await?;
    let event = manager.event("createSecret", &version("other"))?.replace("MasterSecret", "AnotherSecret");
    let refused = function.invoke(&event).await.map_err(|error| error.to_string());
    assert!(refused.is_err_and(|told| told.contains("the event names another secret")));
    assert_eq!(versions.current().await?.id, in_use);
    assert!(versions.get(&version("other")).await?.is_none());
    Ok(())
}
