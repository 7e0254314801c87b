//! The events of the folder `events`, as API Gateway and other services send them.

use std::{
    error::Error,
    fs::read_to_string,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

/// Where they are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// The event of that name, e.g. `connect/guest`, changed.
///
/// # Errors
/// When there is none.
pub fn event(name: &str, change: impl FnOnce(&mut Value)) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut event = serde_json::from_str(&read_to_string(folder().join(name).with_extension("json"))?)?;
    change(&mut event);
    Ok(event.to_string())
}

/// A poll with the access token of an opened session.
///
/// # Errors
/// When what was opened has none.
#[expect(clippy::indexing_slicing, reason = "a member of an answer that is not there reads as null")]
pub fn poll(opened: &Value, last_active_ms_ago: &Value) -> Result<String, Box<dyn Error + Send + Sync>> {
    let token = opened["accessToken"].as_str().ok_or("no access token")?;
    event("validate-session/poll", |event| {
        event["headers"]["authorization"] = json!(format!("Bearer {token}"));
        event["body"] = json!(json!({ "lastActiveMsAgo": last_active_ms_ago }).to_string());
    })
}
