//! A stored credential as an item, and back.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::to_item;

use super::{Item, from_item::from_item, session_item::user_key};
use crate::{
    credential::CredentialKind,
    error::Fault,
    identity::{ReconnectId, SessionId, SubjectId},
    keys::Kid,
    rotating_token::{Rotation, SecretHash},
    seal::Sealed,
    stored_credential::{Content, Removed, StoredCredential},
    unix_time::UnixMillis,
};

/// Sort keys of stored credentials start with this. They sort before sessions, so one query reads both.
pub(super) const STORED_PREFIX: &str = "R#";

/// The attribute that holds the ciphertext.
pub(super) const SEALED: &str = "sealed";

/// Everything but the ciphertext.
#[derive(Serialize, Deserialize)]
struct StoredItem {
    pk: String,
    sk: String,
    /// Epoch seconds; cleans up and decides nothing.
    ttl: u64,
    kind: CredentialKind,
    origin: String,
    created_at: UnixMillis,
    expires_at: UnixMillis,
    epoch: u64,
    generation: u64,
    cur: SecretHash,
    rotated_at: UnixMillis,
    session: SessionId,
    session_kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_for: Option<String>,
}

/// The sort key of a stored credential.
pub(super) fn stored_key(id: ReconnectId) -> String {
    format!("{STORED_PREFIX}{id}")
}

/// The ciphertext as an attribute.
pub(super) fn sealed_value(sealed: &Sealed) -> AttributeValue {
    AttributeValue::B(Blob::new(sealed.as_bytes()))
}

/// The item that keeps a stored credential.
pub(super) fn write(stored: &StoredCredential) -> Result<Item, Fault> {
    let (sealed, removed) = match &stored.content {
        Content::Sealed(sealed) => (Some(sealed), None),
        Content::Removed(removed) => (None, Some(removed.as_str().to_owned())),
    };
    let item = StoredItem {
        pk: user_key(stored.subject),
        sk: stored_key(stored.id),
        ttl: stored.forgotten_at().ceil_seconds(),
        kind: stored.kind,
        origin: stored.origin.clone(),
        created_at: stored.created_at,
        expires_at: stored.expires_at,
        epoch: stored.epoch,
        generation: stored.rotation.generation,
        cur: stored.rotation.current,
        rotated_at: stored.rotation.rotated_at,
        session: stored.session,
        session_kid: stored.session_kid.as_str().to_owned(),
        removed_for: removed,
    };
    let mut item: Item = to_item(item).map_err(|error| Fault::new("write a stored credential", error.to_string()))?;
    item.extend(sealed.map(|sealed| (SEALED.to_owned(), sealed_value(sealed))));
    Ok(item)
}

/// The stored credential that an item keeps.
pub(super) fn read(mut item: Item) -> Result<StoredCredential, Fault> {
    let sealed = match item.remove(SEALED) {
        None => None,
        Some(AttributeValue::B(bytes)) => Some(Sealed::from_bytes(bytes.into_inner())),
        Some(_) => return Err(damaged()),
    };
    let item: StoredItem = from_item(item).map_err(|_| damaged())?;
    let removed = item.removed_for.as_deref().map(Removed::parse).transpose().map_err(|_| damaged())?;
    let content = match (sealed, removed) {
        (Some(sealed), None) => Content::Sealed(sealed),
        (None, Some(removed)) => Content::Removed(removed),
        _ => return Err(damaged()),
    };
    Ok(StoredCredential {
        id: item.sk.strip_prefix(STORED_PREFIX).and_then(|id| ReconnectId::parse(id).ok()).ok_or_else(damaged)?,
        subject: item.pk.strip_prefix("U#").and_then(|subject| SubjectId::parse(subject).ok()).ok_or_else(damaged)?,
        kind: item.kind,
        origin: item.origin,
        created_at: item.created_at,
        expires_at: item.expires_at,
        epoch: item.epoch,
        rotation: Rotation { generation: item.generation, current: item.cur, rotated_at: item.rotated_at },
        session: item.session,
        session_kid: Kid::from_text(&item.session_kid),
        content,
    })
}

/// An item that cannot be read: damaged, or of a form that a newer build writes.
pub(super) fn damaged() -> Fault {
    Fault::new("read a stored credential", "the item does not have a form that this build knows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored_credential::tests::stored;

    #[test]
    fn a_stored_credential_is_read_back_as_it_was_written() {
        let removed = |removed| StoredCredential { content: Content::Removed(removed), ..stored() };
        let reasons = [
            "logout",
            "revoked",
            "replaced",
            "reuse_detected",
            "unknown",
            "idle_timeout",
            "rejected",
            "password_changed",
        ];
        let all = reasons.map(|reason| removed(Removed::parse(reason).unwrap()));
        for stored in all.into_iter().chain([stored()]) {
            assert_eq!(read(write(&stored).unwrap()), Ok(stored));
        }
    }

    #[test]
    fn what_a_newer_build_wrote_is_read_by_its_names_and_the_rest_is_ignored() {
        let mut item = write(&stored()).unwrap();
        item.insert("kind".to_owned(), AttributeValue::S("ticket".to_owned()));
        item.insert("claims".to_owned(), AttributeValue::B(Blob::new(vec![1])));
        let read = read(item).unwrap();
        assert_eq!(read.kind.as_str(), "ticket");
        assert_eq!(StoredCredential { kind: stored().kind, ..read }, stored());
    }

    #[test]
    fn a_damaged_item_is_a_fault_and_not_a_missing_credential() {
        for (attribute, value) in [
            ("removed_for", "logout"),
            ("kind", "a kind"),
            ("sealed", "text"),
            ("sk", "R#odd"),
            ("pk", "odd"),
            ("cur", "odd"),
        ] {
            let mut item = write(&stored()).unwrap();
            item.insert(attribute.to_owned(), AttributeValue::S(value.to_owned()));
            assert_eq!(read(item).unwrap_err().operation, "read a stored credential", "{attribute} = {value}");
        }
    }
}
