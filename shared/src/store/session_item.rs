//! A session as an item, and back.

use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use super::{Item, from_item::from_item};
use crate::{
    credential::CredentialKind,
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    lifecycle::{End, EndReason, Remembered, Session},
    rotating_token::SecretHash,
    unix_time::UnixMillis,
};

/// Sort keys of sessions start with this.
pub(super) const SESSION_PREFIX: &str = "S#";

/// The values of the attribute `status`.
pub(super) const ACTIVE: &str = "active";
pub(super) const ENDED: &str = "ended";

#[derive(Serialize, Deserialize)]
struct SessionItem {
    pk: String,
    sk: String,
    /// Epoch seconds, as DynamoDB's TTL wants them; cleans up and decides nothing.
    ttl: u64,
    status: String,
    generation: u64,
    cur: SecretHash,
    rotated_at: UnixMillis,
    created_at: UnixMillis,
    last_active_at: UnixMillis,
    idle_limit: UnixMillis,
    absolute_limit: UnixMillis,
    epoch: u64,
    credential: CredentialKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect_id: Option<ReconnectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconnect_until: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<EndReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<SessionId>,
}

/// The partition of a user.
pub(super) fn user_key(subject: SubjectId) -> String {
    format!("U#{subject}")
}

/// The sort key of a session.
pub(super) fn session_key(id: SessionId) -> String {
    format!("{SESSION_PREFIX}{id}")
}

/// The attribute `status` of a session.
pub(super) fn status(session: &Session) -> &'static str {
    if session.end.is_some() { ENDED } else { ACTIVE }
}

/// The item that keeps a session.
pub(super) fn write(session: &Session) -> Result<Item, Fault> {
    let item = SessionItem {
        pk: user_key(session.subject),
        sk: session_key(session.id),
        ttl: session.forgotten_at().ceil_seconds(),
        status: status(session).to_owned(),
        generation: session.generation,
        cur: session.current,
        rotated_at: session.rotated_at,
        created_at: session.created_at,
        last_active_at: session.last_active_at,
        idle_limit: session.idle_limit,
        absolute_limit: session.absolute_limit,
        epoch: session.epoch,
        credential: session.credential,
        reconnect_id: session.remembered.map(|stored| stored.id),
        reconnect_until: session.remembered.map(|stored| stored.until),
        label: session.label.clone(),
        user_agent: session.user_agent.clone(),
        network: session.network.clone(),
        end_reason: session.end.as_ref().map(|end| end.reason),
        ended_at: session.end.as_ref().map(|end| end.at),
        ended_by: session.end.as_ref().and_then(|end| end.by),
    };
    to_item(item).map_err(|error| Fault::new("write a session item", error.to_string()))
}

/// The session that an item keeps.
pub(super) fn read(item: Item) -> Result<Session, Fault> {
    let item: SessionItem = from_item(item).map_err(|_| damaged())?;
    let end = match (item.status.as_str(), item.end_reason, item.ended_at) {
        (ACTIVE, ..) => None,
        (ENDED, Some(reason), Some(at)) => Some(End { reason, at, by: item.ended_by }),
        _ => return Err(damaged()),
    };
    Ok(Session {
        id: item.sk.strip_prefix(SESSION_PREFIX).and_then(|id| SessionId::parse(id).ok()).ok_or_else(damaged)?,
        subject: item.pk.strip_prefix("U#").and_then(|subject| SubjectId::parse(subject).ok()).ok_or_else(damaged)?,
        generation: item.generation,
        current: item.cur,
        rotated_at: item.rotated_at,
        created_at: item.created_at,
        last_active_at: item.last_active_at,
        idle_limit: item.idle_limit,
        absolute_limit: item.absolute_limit,
        epoch: item.epoch,
        credential: item.credential,
        remembered: item.reconnect_id.zip(item.reconnect_until).map(|(id, until)| Remembered { id, until }),
        label: item.label,
        user_agent: item.user_agent,
        network: item.network,
        end,
    })
}

/// An item that cannot be read: damaged, or of a form that a newer build writes.
pub(super) fn damaged() -> Fault {
    Fault::new("read a session item", "the item does not have a form that this build knows")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::lifecycle::tests::session;

    /// The longest of everything that varies.
    fn largest() -> Session {
        let at = UnixMillis::from_millis(9_999_999_999_999);
        Session {
            generation: u64::MAX,
            rotated_at: at,
            created_at: at,
            last_active_at: at,
            idle_limit: at,
            absolute_limit: at,
            epoch: u64::MAX,
            remembered: Some(Remembered { id: ReconnectId::new(at, &[255; 10]), until: at }),
            label: Some("x".repeat(128)),
            user_agent: Some("x".repeat(128)),
            network: Some("ffff:ffff:ffff:ff00::/56".to_owned()),
            end: Some(End { reason: EndReason::AbsoluteTimeout, at, by: Some(session().id) }),
            ..session()
        }
    }

    #[test]
    fn a_session_is_read_back_as_it_was_written() {
        for session in [session(), largest()] {
            assert_eq!(read(write(&session).unwrap()), Ok(session));
        }
    }

    /// The item of a session with other attributes.
    fn changed(changes: &[(&str, AttributeValue)]) -> Item {
        let mut item = write(&largest()).unwrap();
        item.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        item
    }

    #[test]
    fn what_a_newer_build_wrote_is_read_by_its_names_and_the_rest_is_ignored() {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let item = changed(&[
            ("credential", text("ticket")),
            ("end_reason", text("password_changed")),
            ("user_id", text("user-7")),
            ("claims", AttributeValue::M([("plan".to_owned(), text("gold"))].into())),
            ("amr", AttributeValue::L(vec![text("pwd")])),
            ("bound", AttributeValue::Bool(true)),
            ("key", AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(vec![1]))),
        ]);
        let read = read(item).unwrap();
        let end = read.end.as_ref().unwrap().reason;
        assert_eq!((read.credential.as_str(), end.as_str()), ("ticket", "password_changed"));
        assert_eq!(Session { credential: session().credential, end: largest().end, ..read }, largest());
    }

    #[test]
    fn the_largest_session_costs_one_write_unit() {
        // A number takes about one byte for two digits; counting every digit is the upper bound.
        let size: usize = write(&largest())
            .unwrap()
            .iter()
            .map(|(name, value)| match value {
                AttributeValue::S(value) | AttributeValue::N(value) => name.len() + value.len(),
                other => panic!("{name} is {other:?}"),
            })
            .sum();
        assert!(size <= 1024, "{size} bytes");
    }

    #[test]
    fn a_damaged_item_is_a_fault_and_not_a_missing_session() {
        for (attribute, value) in [
            ("status", "odd"),
            ("end_reason", "an odd one"),
            ("credential", ""),
            ("sk", "S#odd"),
            ("pk", "odd"),
            ("cur", "odd"),
        ] {
            let item = changed(&[(attribute, AttributeValue::S(value.to_owned()))]);
            assert_eq!(read(item).unwrap_err().operation, "read a session item", "{attribute} = {value}");
        }
        let mut without = write(&largest()).unwrap();
        without.remove("end_reason");
        assert_eq!(read(without).unwrap_err(), damaged(), "ended for no reason");
    }
}
