//! Use case: the live sessions of a user.

use crate::{
    access_token::Claims,
    error::{Ended, SessionError},
    identity::SessionId,
    lifecycle::Session,
    store::UserSessions,
    unix_time::UnixMillis,
    verifier::Verifier,
};

/// The live sessions of a user, the newest first, as one of them sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The session that asked.
    pub caller: SessionId,
    /// All that are live, the caller's own among them.
    pub sessions: Vec<Session>,
    /// Those of them whose credential is stored for a reconnect.
    pub remembered: Vec<SessionId>,
}

/// Lists the live sessions of the caller's user in one request that also tells whether the caller's own is live. One that
/// cannot be read is left out.
///
/// # Errors
/// [`SessionError::Ended`] when the caller's own session is over, and what [`Verifier::claims`] and the table report.
pub async fn list(verifier: &Verifier, bearer: &str, now: UnixMillis) -> Result<Listed, SessionError> {
    let Claims { subject, sid, .. } = verifier.claims(bearer, now).await?;
    let found = verifier.table.user_sessions(subject).await?;
    Ended::unless_live(found.session(sid)?.cloned(), &verifier.policy, now)?;
    let UserSessions { user, mut sessions, stored, .. } = found;
    sessions.retain(|session| session.is_live(now));
    sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
    let kept = stored.iter().filter(|stored| stored.is_kept(user.marker.epoch, now));
    Ok(Listed { caller: sid, sessions, remembered: kept.map(|stored| stored.session).collect() })
}
