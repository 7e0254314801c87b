//! An embedded DynamoDB with the template's table, behind a proxy.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use local::{
    database::{Embedded, create_table},
    stream::Stream,
    template::{Table, Template},
};
use session::{settings::Variables, store};
use tokio::{net::TcpListener, sync::watch};

use crate::{Outcome, proxy::Proxy};

/// One item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// The table of one test.
pub struct Emulator {
    /// The embedded DynamoDB.
    pub embedded: Embedded,
    /// The proxy that the functions talk to.
    pub proxy: Proxy,
    /// A client that does not pass the proxy.
    pub client: Client,
    /// The table, as the template defines it.
    pub table: Table,
    _stop: watch::Sender<bool>,
}

impl Emulator {
    /// Starts an empty one in memory, behind a proxy that keeps every request.
    pub async fn start() -> Outcome<Self> {
        let embedded = embedded().await?;
        let proxy = Proxy::start(&embedded.0.url()).await?;
        Self::of(embedded, proxy).await
    }

    /// Starts an empty one in memory, behind a proxy that only counts and bills.
    pub async fn start_counting() -> Outcome<Self> {
        let embedded = embedded().await?;
        let proxy = Proxy::counting(&embedded.0.url()).await?;
        Self::of(embedded, proxy).await
    }

    async fn of((embedded, stop): (Embedded, watch::Sender<bool>), proxy: Proxy) -> Outcome<Self> {
        let client = store::client(&credentials(&embedded.url()))?;
        let table = Template::read()?.table;
        create_table(&client, &table).await?;
        Ok(Self { embedded, proxy, client, table, _stop: stop })
    }

    /// What a function needs to reach the table through the proxy.
    #[must_use]
    pub fn settings(&self) -> Variables {
        let mut settings = credentials(&self.proxy.url);
        settings.set("SESSION_TABLE", self.table.name.as_str());
        settings
    }

    /// What a deployed function finds in its environment.
    #[must_use]
    pub fn deployed(&self) -> Variables {
        let mut settings = self.settings();
        for (name, value) in [
            ("SESSION_ISSUER", "https://sessions.example.com"),
            ("SESSION_AUDIENCE", "app"),
            ("SESSION_ORIGINS", "https://app.example.com"),
            ("SESSION_SECRET", r#"{"current":"0123456789abcdef0123456789abcdef","previous":[]}"#),
        ] {
            settings.set(name, value);
        }
        settings
    }

    /// The end of the table's stream.
    pub fn stream(&self) -> Outcome<Stream> {
        Ok(self.embedded.stream(&self.table)?)
    }

    /// Every item of the table.
    pub async fn dump(&self) -> Outcome<Vec<Item>> {
        let mut items = Vec::new();
        let mut pages = self.client.scan().table_name(&self.table.name).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// The items whose sort key starts with `prefix`.
    pub async fn items(&self, prefix: &str) -> Outcome<Vec<Item>> {
        let of_kind =
            |item: &Item| item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(prefix));
        Ok(self.dump().await?.into_iter().filter(of_kind).collect())
    }

    /// Removes an item.
    pub async fn remove(&self, item: &Item) -> Outcome {
        let (pk, sk) = (item["pk"].clone(), item["sk"].clone());
        self.client.delete_item().table_name(&self.table.name).key("pk", pk).key("sk", sk).send().await?;
        Ok(())
    }

    /// Removes every session, as if it had been lost.
    pub async fn lose_sessions(&self) -> Outcome {
        for item in self.items("S#").await? {
            self.remove(&item).await?;
        }
        Ok(())
    }

    /// The first stored credential.
    pub async fn stored_credential(&self) -> Outcome<Item> {
        Ok(self.items("R#").await?.into_iter().next().ok_or("nothing is stored")?)
    }

    /// Puts an item as it is.
    pub async fn put(&self, item: Item) -> Outcome {
        self.client.put_item().table_name(&self.table.name).set_item(Some(item)).send().await?;
        Ok(())
    }
}

async fn embedded() -> Outcome<(Embedded, watch::Sender<bool>)> {
    let (stop, stopped) = watch::channel(false);
    Ok((Embedded::start(None, TcpListener::bind("127.0.0.1:0").await?, stopped)?, stop))
}

/// What it takes to reach the DynamoDB at `endpoint`, which takes any credentials. With time-outs that a busy machine
/// does not reach: a test of time-outs sets its own.
#[must_use]
pub fn credentials(endpoint: &str) -> Variables {
    [
        ("SESSION_AWS_TIMEOUT", "1m"),
        ("AWS_REGION", "local"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
    ]
    .into_iter()
    .collect()
}

/// The value of a numeric attribute.
pub fn number(item: &Item, attribute: &str) -> Outcome<u64> {
    let value = item.get(attribute).ok_or_else(|| format!("{attribute} is not there"))?;
    Ok(value.as_n().map_err(|_| format!("{attribute} is not a number"))?.parse()?)
}

/// The value of a text attribute.
pub fn text<'a>(item: &'a Item, attribute: &str) -> Outcome<&'a str> {
    let value = item.get(attribute).ok_or_else(|| format!("{attribute} is not there"))?;
    Ok(value.as_s().map_err(|_| format!("{attribute} is not a text"))?)
}
