//! Every recorded event, handed to the function it is for.

use std::{
    fs::{read_dir, read_to_string},
    path::Path,
};

use serde_json::value::RawValue;
use session::{http::answer_event, settings::Variables};

use crate::{Outcome, emulator::Emulator, world::START};

/// Status of the answer to each event; the tokens in them are not genuine.
const ANSWERS: [(&str, i64); 14] = [
    ("connect/guest", 201),
    ("connect/password", 401),
    ("connect/register", 201),
    ("logout/cookie", 204),
    ("refresh/body", 401),
    ("refresh/cookie", 401),
    ("session-policy/configuration", 200),
    ("session-policy/keys", 200),
    ("session-policy/policy", 200),
    ("sessions/end-all", 401),
    ("sessions/end-one", 401),
    ("sessions/list", 401),
    ("validate-session/poll", 401),
    ("validate-session/session", 401),
];

async fn answered(function: &str, event: &RawValue, settings: &Variables) -> Outcome<i64> {
    macro_rules! answer {
        ($function:ident) => {{
            let app = $function::App::start(settings, START).await?;
            answer_event(event, "", |request| $function::handle(&app, request)).await.status_code
        }};
    }
    Ok(match function {
        "connect" => answer!(connect),
        "refresh" => answer!(refresh),
        "logout" => answer!(logout),
        "validate-session" => answer!(validate_session),
        "sessions" => answer!(sessions),
        "session-policy" => answer!(session_policy),
        other => return Err(format!("there is no function {other}").into()),
    })
}

#[tokio::test]
async fn every_function_answers_its_events() -> Outcome {
    let emulator = Emulator::start().await?;
    let mut settings = emulator.settings();
    for (name, value) in [
        ("SESSION_ISSUER", "https://sessions.example.com"),
        ("SESSION_AUDIENCE", "app"),
        ("SESSION_ORIGINS", "https://app.example.com"),
        ("SESSION_SECRET", r#"{"current":"0123456789abcdef0123456789abcdef","previous":[]}"#),
    ] {
        settings.set(name, value);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut recorded = Vec::new();
    for function in read_dir(&folder)? {
        for event in read_dir(function?.path())? {
            let path = event?.path().with_extension("");
            recorded.push(path.strip_prefix(&folder)?.to_string_lossy().into_owned());
        }
    }
    // One table for all, so the order matters.
    recorded.sort();
    let mut answers = Vec::new();
    for name in &recorded {
        let event = read_to_string(folder.join(name).with_extension("json"))?;
        let event = RawValue::from_string(event.trim_end().to_owned())?;
        let function = name.split('/').next().unwrap_or_default();
        answers.push((name.as_str(), answered(function, &event, &settings).await?));
    }
    assert_eq!(answers, ANSWERS);
    Ok(())
}
