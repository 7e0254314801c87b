//! An embedded DynamoDB with the template's table, behind a proxy that counts.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use local::{
    database::{Embedded, create_table},
    template::Template,
};
use session::{settings::Variables, store};
use tokio::{net::TcpListener, sync::watch};

use crate::{Outcome, proxy::Proxy};

/// One item of the table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The table of one test.
pub(crate) struct Emulator {
    /// The embedded DynamoDB.
    pub(crate) embedded: Embedded,
    /// What the functions talk to.
    pub(crate) proxy: Proxy,
    /// A client that does not pass the proxy.
    pub(crate) client: Client,
    table: String,
    _stop: watch::Sender<bool>,
}

impl Emulator {
    /// Starts an empty one in memory.
    pub(crate) async fn start() -> Outcome<Self> {
        let (stop, stopped) = watch::channel(false);
        let embedded = Embedded::start(None, TcpListener::bind("127.0.0.1:0").await?, stopped)?;
        let behind = format!("http://{}", embedded.address);
        let proxy = Proxy::start(behind.clone()).await?;
        let client = store::client(&credentials(&behind))?;
        let table = Template::read()?.table;
        create_table(&client, &table).await?;
        Ok(Self { embedded, proxy, client, table: table.name, _stop: stop })
    }

    /// What a function needs to reach the table through the proxy.
    pub(crate) fn settings(&self) -> Variables {
        let mut settings = credentials(&format!("http://{}", self.proxy.address));
        settings.set("SESSION_TABLE", self.table.as_str());
        settings
    }

    /// Every item of the table.
    pub(crate) async fn dump(&self) -> Outcome<Vec<Item>> {
        Ok(self.client.scan().table_name(&self.table).send().await?.items.unwrap_or_default())
    }

    /// The items whose sort key starts with `prefix`.
    pub(crate) async fn items(&self, prefix: &str) -> Outcome<Vec<Item>> {
        let of_kind =
            |item: &Item| item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(prefix));
        Ok(self.dump().await?.into_iter().filter(of_kind).collect())
    }

    /// Removes an item.
    pub(crate) async fn remove(&self, item: &Item) -> Outcome {
        let (pk, sk) = (item["pk"].clone(), item["sk"].clone());
        self.client.delete_item().table_name(&self.table).key("pk", pk).key("sk", sk).send().await?;
        Ok(())
    }

    /// Removes every session, as if it had been lost.
    pub(crate) async fn lose_sessions(&self) -> Outcome {
        for item in self.items("S#").await? {
            self.remove(&item).await?;
        }
        Ok(())
    }

    /// The first stored credential.
    pub(crate) async fn stored_credential(&self) -> Outcome<Item> {
        Ok(self.items("R#").await?.into_iter().next().ok_or("nothing is stored")?)
    }

    /// Puts an item as it is.
    pub(crate) async fn put(&self, item: Item) -> Outcome {
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }
}

fn credentials(endpoint: &str) -> Variables {
    [
        ("AWS_REGION", "local"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
    ]
    .into_iter()
    .collect()
}

/// The value of a numeric attribute.
pub(crate) fn number(item: &Item, attribute: &str) -> Outcome<u64> {
    let value = item.get(attribute).ok_or_else(|| format!("{attribute} is not there"))?;
    Ok(value.as_n().map_err(|_| format!("{attribute} is not a number"))?.parse()?)
}

/// The value of a text attribute.
pub(crate) fn text<'a>(item: &'a Item, attribute: &str) -> Outcome<&'a str> {
    let value = item.get(attribute).ok_or_else(|| format!("{attribute} is not there"))?;
    Ok(value.as_s().map_err(|_| format!("{attribute} is not a text"))?)
}
