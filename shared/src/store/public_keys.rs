//! The public halves of signing keys, for functions that hold no secret.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use super::{SessionTable, change::Change, fault, number, text};
use crate::{
    error::Fault,
    keys::{Kid, PublicKey, PublicNumbers},
    unix_time::UnixMillis,
};

/// The partition of public keys. Only roles that read the master secret may write it.
const KEYS: &str = "KEYS";

/// A key that verifies access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// The key; its name is computed from it, not taken from the table.
    pub key: PublicKey,
    /// When the last token signed with it expires; `None` for the key that signs.
    pub until: Option<UnixMillis>,
}

impl PublishedKey {
    /// Whether tokens signed with it can still be accepted. TTL deletion is late by up to days, so the time is compared
    /// wherever a key is used.
    #[must_use]
    pub fn is_needed(&self, now: UnixMillis) -> bool {
        self.until.is_none_or(|until| now <= until)
    }
}

impl SessionTable {
    /// Publishes the key that signs, before it signs anything.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn publish_key(&self, key: &PublicKey) -> Result<(), Fault> {
        let request =
            self.client.put_item().table_name(&self.name).item("pk", text(KEYS)).item("sk", text(key.kid().as_str()));
        let request = match key.numbers() {
            PublicNumbers::Ed25519 { x } => request.item("x", text(x)),
            PublicNumbers::Rsa { n, e } => request.item("n", text(n)).item("e", text(e)),
        };
        request.send().await.map(drop).map_err(|error| fault("PutItem", &error))
    }

    /// Notes that a key signs no more and is needed until `until`; what an earlier start noted stands.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn retire_key(&self, kid: &Kid, until: UnixMillis) -> Result<(), Fault> {
        let change = Change::of(KEYS, kid.as_str())
            .when("pk", "attribute_exists(#pk)")
            .compute("ttl", "if_not_exists(#ttl, :ttl)")
            .value("ttl", number(until.ceil_seconds()));
        match change.update(self).send().await {
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                // Never published, or forgotten already.
                Ok(())
            }
            answer => answer.map(drop).map_err(|error| fault("UpdateItem", &error)),
        }
    }

    /// Every key that is published. What is not a key is left out.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn published_keys(&self) -> Result<Vec<PublishedKey>, Fault> {
        let items = self.between(KEYS, " ", "~").await?;
        let keys = items.into_iter().filter_map(|item| {
            let member = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
            let numbers = match (member("x"), member("n"), member("e")) {
                (Some(x), None, None) => PublicNumbers::Ed25519 { x },
                (None, Some(n), Some(e)) => PublicNumbers::Rsa { n, e },
                _ => return None,
            };
            let key = PublicKey::new(numbers)?;
            let named = item.get("sk")?.as_s().is_ok_and(|sk| sk == key.kid().as_str());
            let seconds = item.get("ttl").and_then(|ttl| ttl.as_n().ok()?.parse::<u64>().ok());
            let until = seconds.map(|seconds| UnixMillis::from_millis(seconds.saturating_mul(1000)));
            named.then_some(PublishedKey { key, until })
        });
        Ok(keys.collect())
    }
}
