//! Use cases that end sessions: logging out, and ending one or many from the list.

use crate::{
    access_token::Claims,
    error::{Ended, Fault, SessionError},
    identity::{ReconnectId, SessionId, SubjectId},
    issuer::Issuer,
    lifecycle::{End, EndReason, Session},
    report,
    rotating_token::{ReconnectToken, RefreshToken},
    store::{EndAll, Ending, LOSSES, Revocation, UserSessions, pause},
    stored_credential::Removed,
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// Which of a user's sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one but the caller's.
    Others,
    /// Every one.
    All,
}

/// What a logout comes with.
#[derive(Clone, Debug, Default)]
pub struct Presented<'a> {
    /// Refresh tokens of any generation.
    pub refresh_tokens: Vec<&'a str>,
    /// An access token, even an expired one.
    pub bearer: Option<&'a str>,
    /// The token of a stored credential, of any generation.
    pub reconnect_token: Option<&'a str>,
}

/// Ends every session that one of the tokens names, and forgets the stored credential. A token that is not genuine, or whose session is over, ends nothing.
///
/// # Errors
/// [`SessionError::Unavailable`] when the table does not answer, or it is not certain that a token is not genuine.
pub async fn logout(issuer: &Issuer, presented: &Presented<'_>, now: UnixMillis) -> Result<(), SessionError> {
    let mut named: Vec<(SubjectId, SessionId)> = Vec::new();
    for token in &presented.refresh_tokens {
        let token: Option<(RefreshToken, _)> = genuine(issuer.genuine(token, now).await)?;
        named.extend(token.map(|(token, _)| (token.subject, token.id)));
    }
    if let Some(bearer) = presented.bearer {
        named.extend(genuine(issuer.named_by(bearer, now).await)?.map(|claims| (claims.subject, claims.sid)));
    }
    let mut stored: Option<ReconnectToken> = None;
    if let Some(token) = presented.reconnect_token {
        stored = genuine(issuer.genuine(token, now).await)?.map(|(token, _)| token);
    }
    named.sort_by_key(|(_, id)| *id);
    named.dedup();
    for (subject, id) in named {
        let end = End { reason: EndReason::Logout, at: now, by: Some(id) };
        match issuer.table.end(subject, id, &end).await? {
            Ending::Ended(session) => {
                report::ended(id, end.reason);
                // What a live session remembered is refused from now on by the reason that it ended.
                let remembered = session.and_then(|session| session.remembered);
                stored = stored.filter(|stored| remembered.is_none_or(|own| own.id != stored.id));
            }
            Ending::NotLive(_) | Ending::Over => {}
        }
    }
    if let Some(stored) = stored {
        let removed = Removed::Ended(EndReason::Logout);
        if issuer.table.remove_content(stored.subject, stored.id, removed).await? {
            report::forgotten(stored.id, removed);
        }
    }
    Ok(())
}

/// What a genuine token says; nothing for one that is not.
fn genuine<T>(verified: Result<T, SessionError>) -> Result<Option<T>, SessionError> {
    match verified {
        Ok(token) => Ok(Some(token)),
        Err(SessionError::TokenInvalid) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends one session of the caller's user; one that has ended already stays as it is.
///
/// # Errors
/// [`SessionError::Ended`] when the caller's own session is over, [`SessionError::NotFound`] for a session that does not
/// exist or is somebody else's, and what [`Verifier::claims`] and the table report.
pub async fn end_one(
    verifier: &Verifier,
    bearer: &str,
    target: SessionId,
    now: UnixMillis,
) -> Result<(), SessionError> {
    let Claims { subject, sid, .. } = verifier.claims(bearer, now).await?;
    let end = End { reason: EndReason::Revoked, at: now, by: Some(sid) };
    if target == sid {
        return match verifier.table.end(subject, sid, &end).await? {
            Ending::Ended(_) => {
                report::ended(sid, end.reason);
                Ok(())
            }
            Ending::NotLive(found) => Ended::unless_live(found, &verifier.policy, now).map(drop).map_err(Into::into),
            Ending::Over => Ok(()),
        };
    }
    match verifier.table.revoke(subject, sid, target, &end).await? {
        Revocation::Done => {
            report::ended(target, end.reason);
            Ok(())
        }
        Revocation::CallerNotLive(found) => {
            Ended::unless_live(found.map(|caller| *caller), &verifier.policy, now).map(drop).map_err(Into::into)
        }
        Revocation::TargetOver => Ok(()),
        Revocation::NoTarget => Err(SessionError::NotFound),
    }
}

/// Ends many sessions of the caller's user at once, and everything that a connect under way would open; returns how many.
///
/// # Errors
/// [`SessionError::Ended`] when the caller's own session is over, [`SessionError::Unavailable`] when others kept changing
/// the set of sessions, and what [`Verifier::claims`] and the table report.
pub async fn end_many(verifier: &Verifier, bearer: &str, scope: Scope, now: UnixMillis) -> Result<usize, SessionError> {
    let Claims { subject, sid, .. } = verifier.claims(bearer, now).await?;
    let end = End { reason: EndReason::Revoked, at: now, by: Some(sid) };
    let mut unread = 0;
    for attempt in 0..LOSSES {
        let found = verifier.table.user_sessions(subject).await?;
        let caller = Ended::unless_live(found.session(sid)?.cloned(), &verifier.policy, now)?;
        let kept = caller.remembered.map(|own| own.id).filter(|_| scope == Scope::Others);
        // First, because after the rest a caller who ended their own session could not ask for it again.
        let (ended, all) = end_unread(verifier, &caller, &found, kept, &end).await?;
        unread += ended;
        if !all {
            pause(attempt).await;
            continue;
        }
        let UserSessions { user, sessions, stored, unreadable_stored, .. } = found;
        let live = sessions.iter().filter(|session| session.is_live(now)).map(|session| session.id);
        let (ending, keep): (Vec<SessionId>, _) = match scope {
            Scope::All => (live.collect(), None),
            Scope::Others => {
                // The caller's own stored credential goes on in the new epoch.
                let own = stored.iter().find(|stored| stored.is_of(&caller) && stored.is_kept(user.marker.epoch, now));
                let unread = unreadable_stored.iter().filter(|stored| !stored.is_over).filter_map(|stored| stored.id);
                let own = own.map(|stored| stored.id).or_else(|| unread.clone().find(|id| Some(*id) == kept));
                (live.filter(|id| *id != sid).collect(), Some((sid, own)))
            }
        };
        match verifier.table.end_all(subject, user.marker, &ending, keep, &end).await? {
            EndAll::Done => {
                for id in &ending {
                    report::ended(*id, end.reason);
                }
                return Ok(unread + ending.len());
            }
            EndAll::Contended => pause(attempt).await,
        }
    }
    Err(Fault::new("end all sessions", "others kept changing them").into())
}

/// Ends everything of a user that cannot be read, but for the stored credential `kept`. Returns how many sessions, and
/// whether that were all.
async fn end_unread(
    verifier: &Verifier,
    caller: &Session,
    found: &UserSessions,
    kept: Option<ReconnectId>,
    end: &End,
) -> Result<(usize, bool), SessionError> {
    let sessions: Vec<_> = found.unreadable_sessions.iter().filter(|session| !session.is_over).collect();
    let stored = found.unreadable_stored.iter().filter(|stored| !stored.is_over);
    let stored: Vec<_> = stored.filter(|stored| kept.is_none() || stored.id != kept).collect();
    let done = verifier.table.end_unreadable((caller.subject, caller.id), &sessions, &stored, end).await?;
    sessions.iter().take(done).filter_map(|session| session.id).for_each(|id| report::ended(id, end.reason));
    let forgotten = stored.iter().take(done.saturating_sub(sessions.len())).filter_map(|stored| stored.id);
    forgotten.for_each(|id| report::forgotten(id, Removed::Ended(end.reason)));
    Ok((done.min(sessions.len()), done == sessions.len() + stored.len()))
}
