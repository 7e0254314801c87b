//! The events of the folder `events`, as API Gateway and other services send them.

use std::{
    fs::read_to_string,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::Outcome;

/// Where they are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// The event of that name, e.g. `connect/guest`, changed.
pub fn event(name: &str, change: impl FnOnce(&mut Value)) -> Outcome<String> {
    let mut event = serde_json::from_str(&read_to_string(folder().join(name).with_extension("json"))?)?;
    change(&mut event);
    Ok(event.to_string())
}

/// A poll with the access token of an opened session.
pub fn poll(opened: &Value, last_active_ms_ago: &Value) -> Outcome<String> {
    let token = opened["accessToken"].as_str().ok_or("no access token")?;
    event("validate-session/poll", |event| {
        event["headers"]["authorization"] = json!(format!("Bearer {token}"));
        event["body"] = json!(json!({ "lastActiveMsAgo": last_active_ms_ago }).to_string());
    })
}
