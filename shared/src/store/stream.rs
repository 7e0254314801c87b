//! The table's stream: what one write changed.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Item, session_item,
    session_item::SESSION_PREFIX,
    stored_credential_item::{self, STORED_PREFIX},
};
use crate::{
    audit::{Change, Written},
    error::Fault,
    unix_time::{UnixMillis, millis},
};

/// How the table signs what its TTL deletes.
const TTL: (&str, &str) = ("Service", "dynamodb.amazonaws.com");

/// One record of the stream, as Lambda hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The same whenever this record is delivered again.
    pub event_id: String,
    /// Where it stands in its shard.
    pub sequence_number: String,
    /// When the item was written, in whole seconds.
    pub written_at: UnixMillis,
    /// Whether the table deleted the item because its time was over.
    pub by_ttl: bool,
    /// What was written; nothing for items that are neither sessions nor stored credentials.
    pub written: Option<Written>,
}

/// What names a record, as far as it can be read: all that may be told of one that cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// See [`Record::event_id`].
    pub event_id: Option<String>,
    /// See [`Record::sequence_number`].
    pub sequence_number: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "eventID")]
    event_id: String,
    dynamodb: Images,
    #[serde(rename = "userIdentity")]
    user_identity: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    approximate_creation_date_time: f64,
    keys: serde_dynamo::Item,
    new_image: Option<serde_dynamo::Item>,
    old_image: Option<serde_dynamo::Item>,
    sequence_number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    r#type: String,
    principal_id: String,
}

#[derive(Default, Deserialize)]
struct Outline {
    #[serde(rename = "eventID")]
    event_id: Option<String>,
    dynamodb: Option<Position>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Position {
    sequence_number: Option<String>,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// [`Fault`] when it is not one, or holds a session or a stored credential in a form that was never written.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let damaged = || Fault::new("read a stream record", "it does not have the form that the table writes");
        let Raw { event_id, dynamodb: images, user_identity } = serde_json::from_str(text).map_err(|_| damaged())?;
        let seconds = Duration::try_from_secs_f64(images.approximate_creation_date_time).map_err(|_| damaged())?;
        let by_ttl = user_identity.is_some_and(|by| (by.r#type.as_str(), by.principal_id.as_str()) == TTL);
        let keys: Item = images.keys.into();
        let sort_key = keys.get("sk").and_then(|key| key.as_s().ok()).ok_or_else(damaged)?;
        let (before, after) = (images.old_image.map(Item::from), images.new_image.map(Item::from));
        if before.is_none() && after.is_none() {
            return Err(damaged());
        }
        let written = if sort_key.starts_with(SESSION_PREFIX) {
            Some(Written::Session(change(before, after, session_item::read)?))
        } else if sort_key.starts_with(STORED_PREFIX) {
            Some(Written::StoredCredential(change(before, after, stored_credential_item::read)?))
        } else {
            None
        };
        let written_at = UnixMillis::from_millis(millis(seconds));
        Ok(Self { event_id, sequence_number: images.sequence_number, written_at, by_ttl, written })
    }
}

impl Named {
    /// Reads what names a record.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let Outline { event_id, dynamodb } = serde_json::from_str(text).unwrap_or_default();
        Self { event_id, sequence_number: dynamodb.and_then(|position| position.sequence_number) }
    }
}

fn change<T>(
    before: Option<Item>,
    after: Option<Item>,
    read: impl Fn(Item) -> Result<T, Fault>,
) -> Result<Change<T>, Fault> {
    Ok(Change { before: before.map(&read).transpose()?, after: after.map(&read).transpose()? })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::lifecycle::{Session, tests::session};

    fn image() -> Value {
        serde_json::to_value(serde_dynamo::Item::from(session_item::write(&session()).unwrap())).unwrap()
    }

    fn record() -> Value {
        json!({
            "eventID": "e1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_255_200, "SequenceNumber": "100000000000000000001",
                "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
                "Keys": { "pk": image()["pk"], "sk": image()["sk"] }, "NewImage": image()
            }
        })
    }

    #[test]
    fn a_record_is_read_with_its_images() {
        let read = Record::read(&record().to_string()).unwrap();
        let change = Change { before: None, after: Some(session()) };
        assert_eq!(
            read,
            Record {
                event_id: "e1".to_owned(),
                sequence_number: "100000000000000000001".to_owned(),
                written_at: UnixMillis::from_millis(1_795_255_200_000),
                by_ttl: false,
                written: Some(Written::Session(change)),
            }
        );
    }

    #[test]
    fn a_record_of_a_newer_build_is_read_with_its_names() {
        let mut record = record();
        let image = &mut record["dynamodb"]["NewImage"];
        image["credential"] = json!({ "S": "ticket" });
        image["claims"] = json!({ "M": { "plan": { "S": "gold" } } });
        let read = Record::read(&record.to_string()).unwrap();
        let Some(Written::Session(Change { after: Some(after), .. })) = read.written else { panic!("no session") };
        assert_eq!(Session { credential: session().credential, ..after.clone() }, session());
        assert_eq!(after.credential.as_str(), "ticket");
    }

    #[test]
    fn only_the_table_itself_deletes_by_ttl() {
        for (kind, principal, by_ttl) in [
            ("Service", "dynamodb.amazonaws.com", true),
            ("Service", "lambda.amazonaws.com", false),
            ("User", "dynamodb.amazonaws.com", false),
        ] {
            let mut record = record();
            record["userIdentity"] = json!({ "type": kind, "principalId": principal });
            assert_eq!(Record::read(&record.to_string()).unwrap().by_ttl, by_ttl, "{kind} {principal}");
        }
    }

    #[test]
    fn items_of_other_kinds_are_nobodys_business() {
        let mut record = record();
        record["dynamodb"]["Keys"]["sk"] = json!({ "S": "META" });
        record["dynamodb"]["NewImage"] = json!({ "epoch": { "N": "1" } });
        assert_eq!(Record::read(&record.to_string()).unwrap().written, None);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_named_without_what_it_holds() {
        for (name, change) in [
            (
                "a damaged item",
                (|record| record["dynamodb"]["NewImage"]["cur"] = json!({ "S": "odd" })) as fn(&mut Value),
            ),
            ("no image", |record| drop(record["dynamodb"].as_object_mut().unwrap().remove("NewImage"))),
            ("no keys", |record| record["dynamodb"]["Keys"] = json!({})),
            ("a value of no type", |record| record["dynamodb"]["NewImage"]["label"] = json!("plain")),
            ("a time before all times", |record| record["dynamodb"]["ApproximateCreationDateTime"] = json!(-1)),
        ] {
            let mut record = record();
            change(&mut record);
            let text = record.to_string();
            let fault = Record::read(&text).unwrap_err();
            assert!(!fault.to_string().contains(&session().subject.to_string()), "{name}: {fault}");
            let named = Named::read(&text);
            assert_eq!(named.event_id.as_deref(), Some("e1"), "{name}");
            assert_eq!(named.sequence_number.as_deref(), Some("100000000000000000001"), "{name}");
        }
        for text in ["null", "[]", "{}", "\"x\""] {
            assert!(Record::read(text).is_err(), "{text}");
            assert_eq!(Named::read(text), Named::default(), "{text}");
        }
    }
}
