//! Use case: open a session for whoever proves who they are.

use crate::{
    credential::{
        CredentialKind, guest,
        password::{HashingFailed, Password, Username},
    },
    error::{Fault, SessionError},
    identity::{SessionId, SubjectId},
    issuer::{Issued, Issuer},
    lifecycle::{End, EndReason, Session},
    random::{self, RandomUnavailable},
    report,
    rotating_token::RotatingToken,
    store::{LOSSES, Marker, NewPassword, Open, Opening, User, pause},
    unix_time::UnixMillis,
};

/// What a user presents.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A name and a password that were registered.
    Password(Username, Password),
    /// A name and a password to register.
    NewPassword(Username, Password),
    /// Nothing.
    Guest,
}

/// Everything about a new session but the credential.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// What the user will see in the list of sessions.
    pub label: Option<String>,
    /// The browser, shortened.
    pub user_agent: Option<String>,
    /// The network it comes from, as a prefix.
    pub network: Option<String>,
    /// Refresh tokens that came with the request: their sessions end in favour of the new one.
    pub refresh_tokens: Vec<&'a str>,
    /// An access token that came with the request, for the same purpose.
    pub bearer: Option<&'a str>,
}

/// The randomness that a connect needs.
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
        })
    }
}

/// Who the user turned out to be.
struct Proven {
    subject: SubjectId,
    kind: CredentialKind,
    /// The epoch in which the credential was verified; sessions that were all ended since make it stale.
    epoch: u64,
    password: Option<NewPassword>,
}

/// Verifies the credential and opens a session, ending the oldest beyond the limit, all in one transaction. Who loses
/// against another connect of the same user reads again, so the limit holds exactly.
///
/// # Errors
/// [`SessionError::CredentialRejected`], [`SessionError::UsernameTaken`], [`SessionError::TooManyAttempts`] after too many
/// connects of one user in a day, [`SessionError::Unavailable`] after too many losses, and what the table reports.
pub async fn connect(
    issuer: &Issuer,
    credential: &Credential,
    request: &Request<'_>,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<Issued, SessionError> {
    let mut presented = presented(issuer, request, now).await;
    let mut proven = prove(issuer, credential, fresh, now).await?;
    for attempt in 0..LOSSES {
        let (marker, live) = if proven.kind == CredentialKind::Guest {
            // A guest has no past to read.
            (Marker::default(), Vec::new())
        } else {
            let user = issuer.table.user_sessions(proven.subject).await?;
            if user.marker.epoch != proven.epoch {
                proven = prove(issuer, credential, fresh, now).await?;
            }
            (user.marker, user.sessions.into_iter().filter(|session| session.is_live(now)).collect())
        };
        let ring = issuer.ring();
        let id = SessionId::new(now, &fresh.session_id);
        let token = RotatingToken::first(ring.current(), proven.subject, id, fresh.secret);
        let session = session(issuer, &proven, &token, marker, request, now);
        let own =
            presented.filter(|(subject, id)| *subject == proven.subject && live.iter().any(|live| live.id == *id));
        let evicted = evicted(live, own.map(|(_, id)| id), issuer.policy.max_per_subject);
        let opening = Opening {
            session: &session,
            marker,
            evicted: &evicted,
            presented: presented.filter(|_| own.is_none()),
            password: proven.password.as_ref(),
            single: proven.kind == CredentialKind::Guest,
        };
        let end = End { reason: EndReason::Replaced, at: now, by: Some(id) };
        match issuer.table.open(&opening, &end).await? {
            Open::Opened => {
                report::created(id, session.credential);
                let replaced = evicted.iter().copied().chain(opening.presented.map(|(_, id)| id));
                replaced.for_each(|id| report::ended(id, end.reason));
                return issuer.issue(session, token.encode(ring.current()), now, &fresh.token_id);
            }
            Open::Contended => pause(attempt).await,
            Open::PresentedNotLive => presented = None,
            Open::UsernameTaken => return Err(SessionError::UsernameTaken),
            Open::QuotaReached { until } => {
                return Err(SessionError::TooManyAttempts { retry_after: until.since(now) });
            }
        }
    }
    Err(Fault::new("open a session", "others kept opening sessions of this user").into())
}

/// Verifies the credential. An unknown user and a wrong password cost the same work and give the same answer.
async fn prove(
    issuer: &Issuer,
    credential: &Credential,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<Proven, SessionError> {
    let (subject, kind) = match credential {
        Credential::Guest => (guest::subject(&fresh.guest), CredentialKind::Guest),
        Credential::Password(name, _) | Credential::NewPassword(name, _) => (name.subject(), CredentialKind::Password),
    };
    let mut proven = Proven { subject, kind, epoch: 0, password: None };
    match credential {
        Credential::Guest => {}
        Credential::Password(_, password) => {
            let User { marker, password_hash } = issuer.table.user(subject).await?;
            let password = password.clone();
            if !hashing(move || password.matches(password_hash.as_deref())).await? {
                return Err(SessionError::CredentialRejected);
            }
            proven.epoch = marker.epoch;
        }
        Credential::NewPassword(_, password) => {
            let User { marker, password_hash } = issuer.table.user(subject).await?;
            if password_hash.is_some() {
                return Err(SessionError::UsernameTaken);
            }
            let (password, salt) = (password.clone(), fresh.salt);
            let hash = hashing(move || password.hash(&salt)).await?;
            proven.password = Some(NewPassword { hash, at: now });
            proven.epoch = marker.epoch;
        }
    }
    Ok(proven)
}

/// Runs a hash beside the requests of this process, not in front of them.
async fn hashing<T: Send + 'static>(
    hash: impl FnOnce() -> Result<T, HashingFailed> + Send + 'static,
) -> Result<T, SessionError> {
    let done = tokio::task::spawn_blocking(hash).await;
    let hashed = done.map_err(|error| Fault::new("hash a password", error.to_string()))?;
    hashed.map_err(|error| Fault::new("hash a password", error.to_string()).into())
}

/// The session that came with the request, if a genuine token names one. A token whose keys are not known is none: an
/// old cookie must not keep anybody from connecting.
async fn presented(issuer: &Issuer, request: &Request<'_>, now: UnixMillis) -> Option<(SubjectId, SessionId)> {
    for token in &request.refresh_tokens {
        if let Ok((token, _)) = issuer.genuine(token, now).await {
            return Some((token.subject, token.id));
        }
    }
    let claims = issuer.named_by(request.bearer?, now).await.ok()?;
    Some((claims.sub, claims.sid))
}

fn session(
    issuer: &Issuer,
    proven: &Proven,
    token: &RotatingToken,
    marker: Marker,
    request: &Request<'_>,
    now: UnixMillis,
) -> Session {
    Session {
        id: token.id,
        subject: proven.subject,
        generation: token.generation,
        current: token.hash(),
        rotated_at: now,
        created_at: now,
        last_active_at: now,
        idle_limit: now.after(issuer.policy.idle_timeout),
        absolute_limit: now.after(issuer.policy.absolute_timeout_for(proven.kind)),
        epoch: marker.epoch,
        credential: proven.kind,
        label: request.label.clone(),
        user_agent: request.user_agent.clone(),
        network: request.network.clone(),
        end: None,
    }
}

/// The presented session and the oldest others, as many as it takes to make room for one more.
fn evicted(mut live: Vec<Session>, presented: Option<SessionId>, most: usize) -> Vec<SessionId> {
    live.sort_by_key(|session| (Some(session.id) != presented, session.created_at, session.id));
    let over = (live.len() + 1).saturating_sub(most).max(usize::from(presented.is_some()));
    live.into_iter().take(over).map(|session| session.id).collect()
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
}
