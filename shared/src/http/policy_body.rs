//! The policy as clients see it.

use lambda_http::http::StatusCode;
use serde::Serialize;

use crate::{credential::CredentialKind, http::answer::Answer, policy::SessionPolicy, unix_time::millis};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyBody<'a> {
    version: &'a str,
    access_token_ttl_ms: u64,
    heartbeat_interval_ms: u64,
    /// The idle limit plus the time after which a client that cannot reach the server stops hoping.
    session_timeout_ms: u64,
    refresh_threshold_ms: u64,
    idle_timeout_ms: u64,
    absolute_timeout_ms: u64,
    warning_lead_ms: u64,
    guest_timeout_ms: u64,
    reconnect: ReconnectBody,
    credentials: &'a [CredentialKind],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReconnectBody {
    enabled: bool,
    ttl_ms: u64,
}

/// The policy that the service enforces, in milliseconds.
#[must_use]
pub fn policy(policy: &SessionPolicy) -> Answer {
    let body = PolicyBody {
        version: policy.version(),
        access_token_ttl_ms: millis(policy.access_ttl),
        heartbeat_interval_ms: millis(policy.heartbeat_interval),
        session_timeout_ms: millis(policy.idle_timeout + policy.timeout_buffer),
        refresh_threshold_ms: millis(policy.refresh_threshold),
        idle_timeout_ms: millis(policy.idle_timeout),
        absolute_timeout_ms: millis(policy.absolute_timeout),
        warning_lead_ms: millis(policy.warning_lead),
        guest_timeout_ms: millis(policy.guest_timeout),
        reconnect: ReconnectBody { enabled: policy.stores_credentials(), ttl_ms: millis(policy.reconnect_ttl) },
        credentials: &policy.credentials,
    };
    Answer::json(StatusCode::OK, &body)
}
