//! Sessions and tokens as clients see them.

use std::time::Duration;

use lambda_http::http::{HeaderName, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::{
    http::{
        answer::Answer,
        cookies::{self, Transport},
    },
    identity::{SessionId, SubjectId},
    issuer::{Issued, Stored},
    lifecycle::{EndReason, Session},
    list::Listed,
    policy::SessionPolicy,
    unix_time::{UnixMillis, millis},
};

/// How much of the heartbeat interval is left to chance, so that clients that started together part ways.
const JITTER: f64 = 0.1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody<'a> {
    id: SessionId,
    subject: SubjectId,
    credential: &'a str,
    label: Option<&'a str>,
    created_at: String,
    last_active_at: String,
    idle_expires_at: String,
    absolute_expires_at: String,
    idle_expires_in_ms: u64,
    absolute_expires_in_ms: u64,
    /// In a list: whether it is the one that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<bool>,
    /// In a list: whether a credential is stored with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remembered: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateBody<'a> {
    session: SessionBody<'a>,
    #[serde(flatten)]
    tokens: Option<TokensBody<'a>>,
    warning: Option<Warning>,
    next_poll_ms: u64,
    policy_version: &'a str,
    server_time: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokensBody<'a> {
    access_token: &'a str,
    access_expires_in_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Warning {
    reason: &'static str,
    in_ms: u64,
}

#[derive(Serialize)]
struct ListBody<'a> {
    sessions: Vec<SessionBody<'a>>,
}

#[derive(Serialize)]
struct EndedBody {
    ended: usize,
}

impl<'a> SessionBody<'a> {
    fn of(session: &'a Session, now: UnixMillis) -> Self {
        // The idle limit as it counts: never beyond the absolute one.
        let (idle_limit, _) = session.first_limit();
        Self {
            id: session.id,
            subject: session.subject,
            credential: session.credential.as_str(),
            label: session.label.as_deref(),
            created_at: session.created_at.to_rfc3339(),
            last_active_at: session.last_active_at.to_rfc3339(),
            idle_expires_at: idle_limit.to_rfc3339(),
            absolute_expires_at: session.absolute_limit.to_rfc3339(),
            idle_expires_in_ms: millis(idle_limit.since(now)),
            absolute_expires_in_ms: millis(session.absolute_limit.since(now)),
            current: None,
            remembered: None,
        }
    }
}

/// A live session without tokens. `chance` is a fresh random byte that spreads the next poll.
#[must_use]
pub fn session(session: &Session, policy: &SessionPolicy, now: UnixMillis, chance: u8) -> Answer {
    state(StatusCode::OK, session, None, policy, now, chance)
}

/// A session with the tokens that were made for it.
#[must_use]
pub fn issued(
    status: StatusCode,
    issued: &Issued,
    transport: Transport,
    policy: &SessionPolicy,
    now: UnixMillis,
    chance: u8,
) -> Answer {
    let Issued { session, access, refresh, stored } = issued;
    let (in_body, reconnect_token) = match (transport, stored) {
        (Transport::Cookie, _) => (None, None),
        (Transport::Body, Stored::Token { token, .. }) => (Some(refresh), Some(token)),
        (Transport::Body, Stored::Unchanged | Stored::Forgotten) => (Some(refresh), None),
    };
    let tokens = TokensBody {
        access_token: &access.text,
        access_expires_in_ms: millis(access.expires_at.since(now)),
        refresh_token: in_body.map(ExposeSecret::expose_secret),
        reconnect_token: reconnect_token.map(ExposeSecret::expose_secret),
    };
    let answer = state(status, session, Some(tokens), policy, now, chance);
    let refresh = match transport {
        Transport::Body => None,
        Transport::Cookie => cookies::refresh(refresh, session, now),
    };
    let reconnect = match (transport, stored) {
        (_, Stored::Forgotten) => cookies::without_reconnect(),
        (Transport::Cookie, Stored::Token { token, expires_at }) => cookies::reconnect(token, *expires_at, now),
        (Transport::Body, Stored::Token { .. }) | (_, Stored::Unchanged) => None,
    };
    answer.with_cookies(refresh.into_iter().chain(reconnect))
}

/// The live sessions of a user.
#[must_use]
pub fn listed(listed: &Listed, now: UnixMillis) -> Answer {
    let sessions = listed.sessions.iter().map(|session| SessionBody {
        current: Some(session.id == listed.caller),
        remembered: Some(listed.remembered.contains(&session.id)),
        ..SessionBody::of(session, now)
    });
    Answer::json(StatusCode::OK, &ListBody { sessions: sessions.collect() })
}

/// How many sessions were ended.
#[must_use]
pub fn ended(count: usize) -> Answer {
    Answer::json(StatusCode::OK, &EndedBody { ended: count })
}

fn state(
    status: StatusCode,
    session: &Session,
    tokens: Option<TokensBody<'_>>,
    policy: &SessionPolicy,
    now: UnixMillis,
    chance: u8,
) -> Answer {
    let warning = warning(session, policy.warning_lead, now);
    let headers = warning.as_ref().map(headers);
    let body = StateBody {
        session: SessionBody::of(session, now),
        tokens,
        warning,
        next_poll_ms: next_poll(policy.heartbeat_interval, chance),
        policy_version: policy.version(),
        server_time: now.to_rfc3339(),
    };
    headers.into_iter().flatten().fold(Answer::json(status, &body), |answer, (name, value)| answer.with(name, value))
}

/// The headers that say that a session is about to end, if it is.
pub(super) fn warning_headers(session: &Session, lead: Duration, now: UnixMillis) -> Vec<(HeaderName, HeaderValue)> {
    warning(session, lead, now).as_ref().map(headers).into_iter().flatten().collect()
}

fn headers(warning: &Warning) -> [(HeaderName, HeaderValue); 2] {
    let expires = (HeaderName::from_static("x-session-expires-in"), HeaderValue::from(warning.in_ms / 1000));
    [expires, (HeaderName::from_static("x-session-warning"), HeaderValue::from_static(warning.reason))]
}

/// What will end the session within the lead, if anything.
fn warning(session: &Session, lead: Duration, now: UnixMillis) -> Option<Warning> {
    let (ends_at, reason) = session.first_limit();
    let left = ends_at.since(now);
    let reason = match reason {
        EndReason::AbsoluteTimeout => EndReason::AbsoluteTimeout,
        _ => EndReason::IdleTimeout,
    };
    (left <= lead).then(|| Warning { reason: reason.closed_name(), in_ms: millis(left) })
}

fn next_poll(heartbeat_interval: Duration, chance: u8) -> u64 {
    millis(heartbeat_interval.mul_f64(1.0 - JITTER * f64::from(chance) / 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tests::session as example;

    #[test]
    fn a_warning_begins_with_the_lead_and_names_what_ends_the_session() {
        // Idle at second 1,060, over at 1,300.
        let at = |seconds: u64| UnixMillis::from_millis(seconds * 1000);
        let active = Session { idle_limit: at(1_400), ..example() };
        let lead = Duration::from_secs(20);
        for (session, now, expected) in [
            (&example(), 1_039, None),
            (&example(), 1_040, Some(("idle_timeout", 20_000))),
            (&example(), 1_060, Some(("idle_timeout", 0))),
            (&active, 1_279, None),
            (&active, 1_280, Some(("absolute_timeout", 20_000))),
        ] {
            let warning = warning(session, lead, at(now)).map(|warning| (warning.reason, warning.in_ms));
            assert_eq!(warning, expected, "at {now} s");
        }
    }

    #[test]
    fn the_next_poll_is_spread_over_the_last_tenth_of_the_interval() {
        let interval = Duration::from_secs(300);
        assert_eq!((next_poll(interval, 0), next_poll(interval, 255)), (300_000, 270_000));
    }

    #[test]
    fn the_idle_limit_is_shown_as_it_counts() {
        let session = Session { idle_limit: UnixMillis::from_millis(9_000_000), ..example() };
        let body = SessionBody::of(&session, UnixMillis::from_millis(1_299_000));
        assert_eq!((body.idle_expires_in_ms, body.absolute_expires_in_ms), (1_000, 1_000));
    }
}
