//! Use case: is this session live, and was somebody there?

use crate::{
    access_token::Claims,
    error::{Ended, SessionError},
    lifecycle::{Activity, Session},
    store::Conditional,
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// The live session that an access token belongs to, its idle limit moved by activity that is news.
///
/// Without activity this reads; with activity it writes in place of reading: one request either way.
///
/// # Errors
/// [`SessionError::Ended`] when the session is over, and what [`Verifier::claims`] and the table report.
pub async fn validate(
    verifier: &Verifier,
    bearer: &str,
    activity: Activity,
    now: UnixMillis,
) -> Result<Session, SessionError> {
    let Claims { subject, sid, .. } = verifier.claims(bearer, now).await?;
    let found = match activity.slide(verifier.policy.idle_timeout, now) {
        None => verifier.table.session(subject, sid).await?,
        Some(slide) => match verifier.table.slide(subject, sid, slide, now).await? {
            Conditional::Applied(session) => Some(session),
            // Older activity changes nothing and ends nothing: the item that came back tells what the session is.
            Conditional::Refused(found) => found,
        },
    };
    Ok(Ended::unless_live(found, &verifier.policy, now)?)
}
