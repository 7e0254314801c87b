//! DynamoDB on this machine: an embedded one with its API on a port, and the table in it.

use std::{net::SocketAddr, path::Path, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, StreamSpecification,
        StreamViewType, TimeToLiveSpecification,
    },
};
/// An item as the embedded DynamoDB keeps it.
pub use dynoxide::types::Item;
use dynoxide::{Database, ImportOptions};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{stream::Stream, template::Table};

/// How often expired items are deleted; DynamoDB itself takes up to days.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The embedded DynamoDB cannot be started or used.
#[derive(Debug, thiserror::Error)]
#[error("{task}: {cause}")]
pub struct DatabaseError {
    task: &'static str,
    cause: String,
}

/// An embedded DynamoDB that serves its API until it is told to stop.
pub struct Embedded {
    /// Where it listens.
    pub address: SocketAddr,
    database: Database,
    serving: JoinHandle<()>,
    sweeping: JoinHandle<()>,
}

impl Embedded {
    /// Opens the database in a file, or in memory, and serves it on `listener` until `stop` changes.
    ///
    /// # Errors
    /// [`DatabaseError`] when the file cannot be opened.
    pub fn start(
        file: Option<&Path>,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Self, DatabaseError> {
        let opened = match file {
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory(),
        };
        let database = opened.map_err(failed("open the embedded DynamoDB"))?;
        let address = listener.local_addr().map_err(failed("listen"))?;
        let serving = tokio::spawn({
            let database = database.clone();
            async move {
                let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
                if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stopped).await {
                    tracing::error!(event = "dynamodb_failed", "{error}");
                }
            }
        });
        let sweeping = tokio::spawn(sweep_every_minute(database.clone()));
        Ok(Self { address, database, serving, sweeping })
    }

    /// The URL of its API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Deletes what has expired by this machine's clock; returns how many items.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database does not answer.
    pub fn sweep(&self) -> Result<usize, DatabaseError> {
        self.database.sweep_ttl().map_err(failed("delete expired items"))
    }

    /// Puts many items at once, past the server and the stream.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database does not answer.
    pub fn import(&self, table: &Table, items: Vec<Item>) -> Result<(), DatabaseError> {
        let imported = self.database.import_items(&table.name, items, ImportOptions::default());
        imported.map(drop).map_err(failed("import items"))
    }

    /// The end of the table's stream.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database does not answer.
    pub fn stream(&self, table: &Table) -> Result<Stream, DatabaseError> {
        Stream::open(self.database.clone(), table)
    }

    /// Waits until the last request is answered and the file is closed.
    pub async fn stopped(self) {
        self.sweeping.abort();
        let _ = self.serving.await;
    }
}

async fn sweep_every_minute(database: Database) {
    // Not at once: whoever starts it may want to see first what has expired.
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + SWEEP_INTERVAL, SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        let database = database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        match swept {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(items)) => tracing::info!(event = "expired_items_deleted", items, "expired items deleted"),
            Ok(Err(error)) => tracing::warn!(event = "sweep_failed", "{error}"),
        }
    }
}

/// Makes the table if it is not there, with the keys, the TTL attribute and the stream of the template.
///
/// # Errors
/// [`DatabaseError`] when DynamoDB refuses or does not answer.
pub async fn create_table(client: &Client, table: &Table) -> Result<(), DatabaseError> {
    let attribute =
        |name: &str| AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind);
    let unbuildable = failed("describe the table");
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::from(table.stream_view_type.as_str()));
    let request = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream.build().map_err(&unbuildable)?)
        .attribute_definitions(attribute(&table.partition_key).build().map_err(&unbuildable)?)
        .attribute_definitions(attribute(&table.sort_key).build().map_err(&unbuildable)?)
        .key_schema(key(&table.partition_key, KeyType::Hash).build().map_err(&unbuildable)?)
        .key_schema(key(&table.sort_key, KeyType::Range).build().map_err(&unbuildable)?);
    match request.send().await {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {
            return Ok(());
        }
        Err(error) => return Err(failed("make the table")(error.into_service_error())),
    }
    let ttl = TimeToLiveSpecification::builder().attribute_name(&table.ttl_attribute).enabled(true);
    let ttl = client
        .update_time_to_live()
        .table_name(&table.name)
        .time_to_live_specification(ttl.build().map_err(&unbuildable)?);
    ttl.send().await.map(drop).map_err(|error| failed("switch TTL on")(error.into_service_error()))
}

pub(crate) fn failed<E: ToString>(task: &'static str) -> impl Fn(E) -> DatabaseError {
    move |error| DatabaseError { task, cause: error.to_string() }
}
