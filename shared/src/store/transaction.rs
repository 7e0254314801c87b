//! A transaction and the part of it that was refused.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, TransactWriteItem},
};

use super::{Item, SessionTable, fault, retry::past_conflicts};
use crate::error::Fault;

/// What became of a transaction.
pub(super) enum Outcome {
    /// Every part was written.
    Applied,
    /// Nothing was written: the condition of this part did not hold, and this is the item it was about.
    Refused {
        /// The position of the first part that was refused.
        at: usize,
        /// The item, if there is one.
        item: Option<Item>,
    },
}

impl SessionTable {
    /// Writes all parts or none. The SDK repeats a lost request with the same client token, so it is applied once.
    pub(super) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Outcome, Fault> {
        let send = || self.client.transact_write_items().set_transact_items(Some(writes.clone())).send();
        // A refused condition is an answer; only a meeting with another transaction is worth another try.
        let met_another = |error: &SdkError<TransactWriteItemsError, _>| {
            reasons(error).iter().any(|reason| reason.code() == Some("TransactionConflict")) && refused(error).is_none()
        };
        match past_conflicts(send, met_another).await {
            Ok(_) => Ok(Outcome::Applied),
            Err(error) => refused(&error).ok_or_else(|| fault("TransactWriteItems", &error)),
        }
    }
}

fn refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<Outcome> {
    let reasons = reasons(error);
    let at = reasons.iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"))?;
    let item = reasons.get(at).and_then(|reason| reason.item()).filter(|item| !item.is_empty());
    Some(Outcome::Refused { at, item: item.cloned() })
}

fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => &[],
    }
}
