//! The table: the only module that names the DynamoDB SDK, and the only one that knows attribute names.
//!
//! One table, no index. A user's items share a partition key, so listing and ending sessions is strongly consistent and
//! every write costs one unit. Every read that decides something is consistent.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};

use crate::{
    aws::{self, WithoutTelemetry},
    error::Fault,
    settings::{SettingError, Variables},
};

mod attempts;
mod change;
mod from_item;
mod public_keys;
mod retry;
mod session_item;
mod sessions;
mod stored_credential_item;
mod stream;
mod transaction;
mod unreadable;
mod user;

pub use attempts::{Asked, Before};
pub use public_keys::PublishedKey;
pub(crate) use retry::{LOSSES, pause};
pub use sessions::{Conditional, Ending};
pub use stream::{Named, Record};
pub use unreadable::Unreadable;
pub use user::{Effect, EndAll, Marker, NewPassword, Open, Opening, Revocation, User, UserSessions};

/// One item as the SDK carries it.
type Item = HashMap<String, AttributeValue>;

/// The table of one stage.
#[derive(Clone, Debug)]
pub struct SessionTable {
    client: Client,
    name: String,
}

impl SessionTable {
    /// The table named by `SESSION_TABLE`, reached as the environment says.
    ///
    /// # Errors
    /// [`SettingError`] when a setting is missing or not readable.
    pub fn from_settings(variables: &Variables) -> Result<Self, SettingError> {
        let name = variables.required("SESSION_TABLE")?.to_owned();
        Ok(Self { client: client(variables)?, name })
    }

    /// The items of one partition whose sort keys lie between two, both included.
    async fn between(&self, pk: &str, first: &str, last: &str) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            items.extend(page.map_err(|error| fault("Query", &error))?.items.unwrap_or_default());
        }
        Ok(items)
    }
}

/// A client for the DynamoDB that the environment names.
///
/// # Errors
/// [`SettingError`] when a setting is missing or not readable.
pub fn client(variables: &Variables) -> Result<Client, SettingError> {
    let mut config = Builder::from(&aws::config(variables)?).interceptor(WithoutTelemetry);
    config.set_endpoint_url(variables.get("AWS_ENDPOINT_URL_DYNAMODB").map(str::to_owned));
    Ok(Client::from_conf(config.build()))
}

fn fault<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Fault {
    Fault::of_sdk(operation, error)
}

fn sort_key(item: &Item) -> &str {
    item.get("sk").and_then(|sk| sk.as_s().ok()).map_or("", String::as_str)
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_request_carries_the_headers_that_dynamodb_needs_and_no_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let settings = [
            ("AWS_REGION", "local"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoint),
        ];
        let client = client(&settings.into_iter().collect()).unwrap();
        tokio::spawn(client.list_tables().send());
        let (connection, _) = listener.accept().await.unwrap();
        let mut lines = BufReader::new(connection).lines();
        let mut names = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
            names.extend(line.split_once(": ").map(|(name, _)| name.to_owned()));
        }
        names.sort();
        let needed = ["authorization", "content-length", "content-type", "host", "x-amz-date", "x-amz-target"];
        assert_eq!(names, needed);
    }
}
