//! The table's stream: hands every change to the function that records them, as Lambda's event source mapping does.

use std::{io::stdout, time::Duration};

use dynoxide::{
    Database,
    actions::{
        get_records::GetRecordsRequest, get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
        update_table::UpdateTableRequest,
    },
};
use serde_json::{json, value::RawValue};
use session::{invocation::Invocation, random};

use crate::{
    database::{DatabaseError, failed},
    template::Table,
};

/// How often the stream is asked. Lambda asks four times a second; here each question reads all that was ever written.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Most records of one batch, as in the template.
const BATCH: usize = 100;

/// A place in the stream of a table on the embedded DynamoDB.
pub struct Stream {
    database: Database,
    iterator: String,
}

impl Stream {
    /// The end of the table's stream. A table that was made without one gets it now.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database does not answer.
    pub fn open(database: Database, table: &Table) -> Result<Self, DatabaseError> {
        let find = || {
            let request = ListStreamsRequest { table_name: Some(table.name.clone()), ..ListStreamsRequest::default() };
            let found = database.list_streams(request).map_err(failed("look for the stream"))?;
            Ok::<_, DatabaseError>(found.streams.into_iter().next())
        };
        let found = match find()? {
            None => {
                let request = json!({
                    "TableName": table.name,
                    "StreamSpecification": { "StreamEnabled": true, "StreamViewType": table.stream_view_type },
                });
                let request: UpdateTableRequest =
                    serde_json::from_value(request).map_err(failed("describe the stream"))?;
                database.update_table(request).map_err(failed("switch the stream on"))?;
                find()?
            }
            found => found,
        };
        let stream = found.ok_or_else(|| failed("find the stream")("the table has none"))?;
        let request = GetShardIteratorRequest {
            stream_arn: stream.stream_arn,
            shard_id: dynoxide::streams::shard_id(&table.name),
            shard_iterator_type: "LATEST".to_owned(),
            sequence_number: None,
        };
        let answer = database.get_shard_iterator(request).map_err(failed("find the end of the stream"))?;
        Ok(Self { iterator: answer.shard_iterator.unwrap_or_default(), database })
    }

    /// What was written since the last call, as the event that Lambda makes of it; nothing if nothing was.
    ///
    /// # Errors
    /// [`DatabaseError`] when the database does not answer.
    pub fn next_batch(&mut self) -> Result<Option<Box<RawValue>>, DatabaseError> {
        let request = GetRecordsRequest { shard_iterator: self.iterator.clone(), limit: Some(BATCH) };
        let answer = self.database.get_records(request).map_err(failed("read the stream"))?;
        if let Some(next) = &answer.next_shard_iterator {
            self.iterator.clone_from(next);
        }
        if answer.records.is_empty() {
            return Ok(None);
        }
        // The records have the names that Lambda gives them; what else is in the answer is not looked at.
        serde_json::value::to_raw_value(&answer).map(Some).map_err(failed("render a batch"))
    }

    /// Records everything that is written from now on, on standard output.
    pub(crate) async fn record(mut self) {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        loop {
            ticks.tick().await;
            match self.next_batch() {
                Ok(None) => {}
                Ok(Some(batch)) => record(&batch),
                Err(error) => tracing::warn!(event = "stream_failed", "{error}"),
            }
        }
    }
}

fn record(batch: &RawValue) {
    let request_id = format!("{:016x}", u64::from_be_bytes(random::bytes().unwrap_or_default()));
    let invocation = Invocation { request_id: &request_id, trace_id: None };
    // What standard output does not take is lost here; on Lambda it would come again.
    if let Err(error) = record_events::handle(batch, &invocation, &mut stdout().lock()) {
        tracing::error!(event = "stream_failed", "{error}");
    }
}
