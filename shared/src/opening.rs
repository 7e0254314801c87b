//! What every use case that opens a session has in common.

use crate::{
    credential::CredentialKind,
    identity::{SessionId, SubjectId},
    issuer::Issuer,
    lifecycle::{Remembered, Session},
    random::{self, RandomUnavailable},
    rotating_token::{ReconnectToken, RefreshToken},
    store::{Unreadable, UserSessions},
    unix_time::UnixMillis,
};

/// Sessions that one transaction can end beside all else that opening one may take: DynamoDB takes 100 parts.
const MOST_ENDED: usize = 90;

/// What a request says besides the credential.
#[derive(Clone, Debug, Default)]
pub struct Details<'a> {
    /// What the user will see in the list of sessions.
    pub label: Option<String>,
    /// The browser, shortened.
    pub user_agent: Option<String>,
    /// The network it comes from, as a prefix.
    pub network: Option<String>,
    /// The page it comes from, as its `Origin`.
    pub origin: Option<&'a str>,
    /// A refresh token that came with the request: its session ends in favour of the new one.
    pub refresh_token: Option<&'a str>,
    /// An access token that came with the request, for the same purpose.
    pub bearer: Option<&'a str>,
    /// The token of a stored credential that came with the request.
    pub reconnect_token: Option<&'a str>,
}

/// The randomness that opening a session needs.
pub struct Fresh {
    /// Keeps session ids of one millisecond apart.
    pub session_id: [u8; 10],
    /// The first refresh secret.
    pub secret: [u8; 32],
    /// The name of a guest.
    pub guest: [u8; 16],
    /// The salt of a new password.
    pub salt: [u8; 16],
    /// The access token's `jti`.
    pub token_id: [u8; 16],
    /// Keeps stored credentials of one millisecond apart.
    pub reconnect_id: [u8; 10],
    /// The first reconnect secret.
    pub reconnect_secret: [u8; 32],
    /// Used once for each seal.
    pub seal_nonce: [u8; 12],
}

/// The genuine tokens that came with a request.
#[derive(Debug, Default)]
pub(crate) struct Presented {
    /// The session that one of them names.
    pub(crate) session: Option<(SubjectId, SessionId)>,
    /// The refresh token.
    pub(crate) refresh: Option<RefreshToken>,
    /// The token of a stored credential.
    pub(crate) reconnect: Option<ReconnectToken>,
}

impl Fresh {
    /// Draws all of it.
    ///
    /// # Errors
    /// [`RandomUnavailable`] when the operating system gives none.
    pub fn draw() -> Result<Self, RandomUnavailable> {
        Ok(Self {
            session_id: random::bytes()?,
            secret: random::bytes()?,
            guest: random::bytes()?,
            salt: random::bytes()?,
            token_id: random::bytes()?,
            reconnect_id: random::bytes()?,
            reconnect_secret: random::bytes()?,
            seal_nonce: random::bytes()?,
        })
    }
}

impl Presented {
    /// Finds the genuine tokens. One whose keys are not known is none: an old cookie must not keep anybody from
    /// connecting.
    pub(crate) async fn find(issuer: &Issuer, details: &Details<'_>, now: UnixMillis) -> Self {
        let mut presented = Self::default();
        if let Some(token) = details.refresh_token {
            presented.refresh = issuer.genuine(token, now).await.ok().map(|(token, _)| token);
        }
        if let Some(token) = details.reconnect_token {
            presented.reconnect = issuer.genuine(token, now).await.ok().map(|(token, _)| token);
        }
        presented.session = presented.refresh.as_ref().map(|token| (token.subject, token.id));
        if let (None, Some(bearer)) = (presented.session, details.bearer) {
            presented.session = issuer.named_by(bearer, now).await.ok().map(|claims| (claims.subject, claims.sid));
        }
        presented
    }
}

/// A session that begins now with its first refresh token.
pub(crate) fn session(
    issuer: &Issuer,
    token: &RefreshToken,
    kind: CredentialKind,
    (epoch, remembered): (u64, Option<Remembered>),
    details: &Details<'_>,
    now: UnixMillis,
) -> Session {
    Session {
        id: token.id,
        subject: token.subject,
        generation: token.generation,
        current: token.hash(),
        rotated_at: now,
        created_at: now,
        last_active_at: now,
        idle_limit: now.after(issuer.policy.idle_timeout),
        absolute_limit: now.after(issuer.policy.absolute_timeout_for(kind)),
        epoch,
        credential: kind,
        remembered,
        label: details.label.clone(),
        user_agent: details.user_agent.clone(),
        network: details.network.clone(),
        end: None,
    }
}

/// The presented session and the oldest others, as many as it takes to make room for one more.
pub(crate) fn evicted(mut live: Vec<Session>, presented: Option<SessionId>, most: usize) -> Vec<SessionId> {
    live.sort_by_key(|session| (Some(session.id) != presented, session.created_at, session.id));
    let over = (live.len() + 1).saturating_sub(most).max(usize::from(presented.is_some()));
    live.into_iter().take(over).map(|session| session.id).collect()
}

/// The sessions that cannot be read and go together with the oldest. Whether they are live is not known, so they take up no
/// room; where `staying` sessions of the user leave none, they end, and the limit holds.
pub(crate) fn crowded_out(
    found: &UserSessions,
    presented: Option<SessionId>,
    (staying, evicted): (usize, usize),
    most: usize,
) -> Vec<&Unreadable<SessionId>> {
    let room = if staying < most { 0 } else { MOST_ENDED.saturating_sub(evicted) };
    let unread = found.unreadable_sessions.iter().filter(|session| !session.is_over);
    unread.filter(|session| presented.is_none() || session.id != presented).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tests::session;

    #[test]
    fn the_presented_session_goes_first_and_then_the_oldest() {
        let at = |seconds: u64| {
            let created_at = UnixMillis::from_millis(seconds * 1000);
            Session { id: SessionId::new(created_at, &[0; 10]), created_at, ..session() }
        };
        let id = |seconds| at(seconds).id;
        let live = || vec![at(3), at(1), at(2)];
        for (presented, most, gone) in [
            (None, 4, vec![]),
            (None, 3, vec![id(1)]),
            (None, 1, vec![id(1), id(2), id(3)]),
            (Some(id(3)), 4, vec![id(3)]),
            (Some(id(3)), 3, vec![id(3)]),
            (Some(id(3)), 2, vec![id(3), id(1)]),
        ] {
            assert_eq!(evicted(live(), presented, most), gone, "{presented:?}, at most {most}");
        }
    }

    #[test]
    fn a_session_that_cannot_be_read_takes_up_no_room_and_goes_where_there_is_none() {
        let [one, two, over] = [1, 2, 3].map(|number| SessionId::new(UnixMillis::from_millis(1), &[number; 10]));
        let unread = |id, is_over| Unreadable::of_session(id, is_over);
        let unreadable_sessions = vec![unread(one, false), unread(over, true), unread(two, false)];
        let found = UserSessions { unreadable_sessions, ..UserSessions::default() };
        for (presented, staying, evicted, gone) in [
            (None, 2, 0, vec![]),
            (None, 3, 0, vec![one, two]),
            (None, 3, 1, vec![one, two]),
            (Some(two), 3, 1, vec![one]),
            (Some(over), 3, 1, vec![one, two]),
            // No more than the transaction takes.
            (None, 3, 89, vec![one]),
            (None, 3, 90, vec![]),
        ] {
            let ids =
                crowded_out(&found, presented, (staying, evicted), 3).into_iter().filter_map(|session| session.id);
            assert_eq!(ids.collect::<Vec<_>>(), gone, "{presented:?}, {staying} stay, {evicted} end");
        }
    }
}
