//! Single sessions: one request each.

use aws_sdk_dynamodb::{error::SdkError, operation::update_item::UpdateItemError, types::ReturnValue::AllNew};

use super::{Item, SessionTable, change::Change, fault, number, retry::past_conflicts, session_item, text, unreadable};
use crate::{
    error::Fault,
    identity::{SessionId, SubjectId},
    lifecycle::{End, Session, Slide},
    rotating_token::SecretHash,
    unix_time::UnixMillis,
};

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conditional {
    /// The condition held; the session as it is now.
    Applied(Session),
    /// It did not; the session as it was found, if it was found.
    Refused(Option<Session>),
}

/// What became of an attempt to end a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is ended; the session as it is now, `None` for one that cannot be read.
    Ended(Option<Session>),
    /// It was not live; the session as it was found, if it was found.
    NotLive(Option<Session>),
    /// It had been ended already, and more cannot be read.
    Over,
}

/// What became of a conditional change of any item.
pub(super) enum Applied {
    /// The condition held; the item as it is now.
    Done(Item),
    /// It did not; the item as it was found, if it was found.
    Refused(Option<Item>),
}

impl SessionTable {
    /// The session as it is now.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn session(&self, subject: SubjectId, id: SessionId) -> Result<Option<Session>, Fault> {
        let request = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", text(session_item::user_key(subject)))
            .key("sk", text(session_item::session_key(id)))
            .consistent_read(true);
        let answer = request.send().await.map_err(|error| fault("GetItem", &error))?;
        answer.item.map(session_item::read).transpose()
    }

    /// Moves the idle limit, if the session is live and the activity is news.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn slide(
        &self,
        subject: SubjectId,
        id: SessionId,
        slide: Slide,
        now: UnixMillis,
    ) -> Result<Conditional, Fault> {
        self.apply(|| slid(Change::of_live_session(subject, id, now), slide)).await
    }

    /// Replaces the secret `presented` by `next` and counts the rotation, if the session is live, `presented` is its
    /// current secret, and the activity (if any) is news. Token and idle limit move in one write, or neither does.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn rotate(
        &self,
        (subject, id): (SubjectId, SessionId),
        presented: SecretHash,
        next: SecretHash,
        slide: Option<Slide>,
        now: UnixMillis,
    ) -> Result<Conditional, Fault> {
        self.apply(|| {
            let change = Change::of_live_session(subject, id, now)
                .when("cur", "#cur = :presented")
                .value("presented", text(presented))
                .set("cur", text(next))
                .set("rotated_at", number(now.as_millis()))
                .compute("generation", "#generation + :one")
                .value("one", number(1));
            match slide {
                Some(slide) => slid(change, slide),
                None => change,
            }
        })
        .await
    }

    /// Ends the session, if it is live. One that cannot be read takes a second request, and is ended unless it says that it
    /// was.
    ///
    /// # Errors
    /// [`Fault`] when the table does not answer.
    pub async fn end(&self, subject: SubjectId, id: SessionId, end: &End) -> Result<Ending, Fault> {
        let found = match self.apply_to(|| Change::of_live_session(subject, id, end.at).end(end)).await? {
            Applied::Done(item) => return Ok(Ending::Ended(unreadable::session(item).ok())),
            Applied::Refused(found) => found.map(unreadable::session).transpose(),
        };
        match found {
            Ok(found) => Ok(Ending::NotLive(found)),
            Err(session) if session.is_over => Ok(Ending::Over),
            Err(session) => Ok(match self.apply_to(|| session.end(subject, end)).await? {
                Applied::Done(_) => Ending::Ended(None),
                Applied::Refused(_) => Ending::Over,
            }),
        }
    }

    async fn apply(&self, change: impl Fn() -> Change) -> Result<Conditional, Fault> {
        Ok(match self.apply_to(change).await? {
            Applied::Done(item) => Conditional::Applied(session_item::read(item)?),
            Applied::Refused(found) => Conditional::Refused(found.map(session_item::read).transpose()?),
        })
    }

    /// Sends a conditional change of one item.
    pub(super) async fn apply_to(&self, change: impl Fn() -> Change) -> Result<Applied, Fault> {
        let send = || change().update(self).return_values(AllNew).send();
        let is_conflict = |error: &SdkError<UpdateItemError, _>| {
            error.as_service_error().is_some_and(UpdateItemError::is_transaction_conflict_exception)
        };
        match past_conflicts(send, is_conflict).await {
            Ok(answer) => Ok(Applied::Done(answer.attributes.unwrap_or_default())),
            Err(error) => Ok(Applied::Refused(found(error)?)),
        }
    }
}

fn slid(change: Change, slide: Slide) -> Change {
    change
        .when("last_active_at", "#last_active_at < :last_active_at")
        .set("last_active_at", number(slide.last_active_at.as_millis()))
        .set("idle_limit", number(slide.idle_limit.as_millis()))
}

/// The item that a failed condition returned, `None` if there was none; any other error is a fault.
fn found<R>(error: SdkError<UpdateItemError, R>) -> Result<Option<Item>, Fault> {
    match error {
        SdkError::ServiceError(service) if service.err().is_conditional_check_failed_exception() => {
            match service.into_err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => Ok(failed.item),
                _ => Ok(None),
            }
        }
        error => Err(fault("UpdateItem", &error)),
    }
}
