//! The public halves of signing keys, for functions that hold no secret.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::ReturnValuesOnConditionCheckFailure::AllOld,
};

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
    /// Publishes the key that signs, before it signs anything. One that is published already costs a second request only
    /// if it was noted to sign no more, or is damaged; what else another build wrote there stays.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn publish_key(&self, key: &PublicKey) -> Result<(), Fault> {
        let members = match key.numbers() {
            PublicNumbers::Ed25519 { x } => vec![("x", x)],
            PublicNumbers::Rsa { n, e } => vec![("n", n), ("e", e)],
        };
        let attributes = [("pk", KEYS), ("sk", key.kid().as_str())].into_iter();
        let attributes = attributes.chain(members.iter().map(|(name, value)| (*name, value.as_str())));
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(attributes.map(|(name, value)| (name.to_owned(), text(value))).collect()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(AllOld);
        let Err(refused) = request.send().await else { return Ok(()) };
        let Some(PutItemError::ConditionalCheckFailedException(found)) = refused.as_service_error() else {
            return Err(fault("PutItem", &refused));
        };
        let is_there = |(name, value): &(&str, &String)| {
            found.item.as_ref().is_some_and(|item| item.get(*name) == Some(&text(value.as_str())))
        };
        let retired = found.item.as_ref().is_some_and(|item| item.contains_key("ttl"));
        if !retired && members.iter().all(is_there) {
            return Ok(());
        }
        let again = members
            .iter()
            .fold(Change::of(KEYS, key.kid().as_str()), |change, (name, value)| change.set(name, text(value.as_str())));
        let updated = again.remove("ttl").update(self).send().await;
        updated.map(drop).map_err(|error| fault("UpdateItem", &error))
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
            // A key with an end that cannot be read would be needed for ever.
            let seconds: Option<u64> = match item.get("ttl") {
                None => None,
                Some(ttl) => Some(ttl.as_n().ok()?.parse().ok()?),
            };
            let until = seconds.map(|seconds| UnixMillis::from_millis(seconds.saturating_mul(1000)));
            named.then_some(PublishedKey { key, until })
        });
        Ok(keys.collect())
    }
}
