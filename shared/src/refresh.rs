//! Use case: replace a refresh token by its successor, once, whatever the network does.

use crate::{
    error::{Ended, Fault, SessionError},
    issuer::{Issued, Issuer},
    lifecycle::{Activity, End, EndReason},
    report::{self, Refreshed},
    rotating_token::{Nonce, RefreshToken, Verdict},
    store::{Conditional, Ending},
    unix_time::UnixMillis,
};

/// What a client presents to be refreshed.
pub struct Refresh<'a> {
    /// The refresh token it holds.
    pub token: &'a str,
    /// The nonce that a new rotation is bound to.
    pub nonce: Nonce,
    /// The nonces of earlier requests, whose answers may have been lost.
    pub earlier: Vec<Nonce>,
    /// What it says about the user's presence.
    pub activity: Activity,
}

/// Rotates the token and extends the session in one write.
///
/// # Errors
/// [`SessionError::Ended`] when the session is over, or is ended here because the token gives away that two parties hold
/// it; [`SessionError::RefreshSuperseded`] when another request was faster; what [`Issuer::genuine`] and the table report.
pub async fn refresh(
    issuer: &Issuer,
    request: &Refresh<'_>,
    now: UnixMillis,
    token_id: &[u8; 16],
) -> Result<Issued, SessionError> {
    let (token, ring): (RefreshToken, _) = issuer.genuine(request.token, now).await?;
    let keys = ring.get(token.kid()).ok_or(SessionError::TokenInvalid)?;
    let next = token.successor(keys, &request.nonce);
    let earlier: Vec<_> = request.earlier.iter().map(|nonce| token.successor(keys, nonce)).collect();
    let mut slide = request.activity.slide(issuer.policy.idle_timeout, now);
    let (session, current) = loop {
        let named = (token.subject, token.id);
        match issuer.table.rotate(named, token.hash(), next.hash(), slide, now).await? {
            Conditional::Applied(session) => {
                report::refreshed(Refreshed::Rotated);
                break (session, &next);
            }
            Conditional::Refused(found) => {
                let session = Ended::unless_live(found, &issuer.policy, now)?;
                let successors = std::iter::once(&next).chain(&earlier);
                match session.rotation().judge(&token, successors, issuer.policy.race_window, now) {
                    Verdict::Replay(successor) => {
                        report::refreshed(Refreshed::Replayed);
                        break (session, successor);
                    }
                    // Only the reported activity was in the way: it is older than what is stored.
                    Verdict::Current if slide.take().is_some() => {}
                    Verdict::Current => return Err(Fault::new("rotate", "refused although it was due").into()),
                    Verdict::Race => return Err(SessionError::RefreshSuperseded),
                    Verdict::Ahead => return Err(end(issuer, &token, EndReason::Unknown, now).await?),
                    Verdict::Reuse => return Err(end(issuer, &token, EndReason::ReuseDetected, now).await?),
                }
            }
        }
    };
    issuer.issue(session, current.encode(keys), now, token_id)
}

/// Ends a session whose token gave it away, and returns its last words.
async fn end(
    issuer: &Issuer,
    token: &RefreshToken,
    reason: EndReason,
    now: UnixMillis,
) -> Result<SessionError, SessionError> {
    let end = End { reason, at: now, by: None };
    let session = match issuer.table.end(token.subject, token.id, &end).await? {
        Ending::Ended(Some(session)) => Some(session),
        // Somebody else ended it first, and their reason stands; or the SDK repeated a write that had been applied.
        Ending::NotLive(found) => found,
        // It could be read a moment ago: the next build to be asked says what it is now.
        Ending::Ended(None) | Ending::Over => {
            return Err(Fault::new("end a session", "it cannot be read any more").into());
        }
    };
    if session.as_ref().is_some_and(|session| session.end.as_ref() == Some(&end)) {
        report::ended(token.id, reason);
    }
    Ok(Ended::unless_live(session, &issuer.policy, now)
        .map_or_else(SessionError::from, |_| SessionError::RefreshSuperseded))
}
