//! Use case: open a session for whoever proves who they are.

use secrecy::SecretString;

use crate::{
    authenticator::{Authenticator, Caller, Proven},
    credential::{Credential, CredentialKind},
    error::{Fault, SessionError},
    identity::{ReconnectId, SessionId, SubjectId},
    issuer::{Issued, Issuer, Stored},
    keys::KeyRing,
    lifecycle::{End, EndReason, Remembered, Session},
    opening::{Details, Fresh, Presented, crowded_out, evicted, session},
    report,
    rotating_token::{ReconnectToken, RefreshToken, Rotation},
    seal::Sealed,
    store::{Effect, LOSSES, Open, Opening, Unreadable, UserSessions, pause},
    stored_credential::{Content, Removed, StoredCredential},
    unix_time::UnixMillis,
};

/// What a user presents, and whether it is to be stored for a reconnect.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The proof.
    pub credential: Credential,
    /// Whether the user asked to be remembered.
    pub remember: bool,
}

/// What stays the same however often a connect has to read again.
struct Attempt<'a> {
    issuer: &'a Issuer,
    ring: &'a KeyRing,
    kind: CredentialKind,
    /// The credential to store.
    kept: Option<SecretString>,
    details: &'a Details<'a>,
    fresh: &'a Fresh,
    now: UnixMillis,
    /// A session and a stored credential that came with the request, until they turn out to be over.
    replaced: Option<(SubjectId, SessionId)>,
    /// The same session, once it turned out that it cannot be read.
    unreadable: Option<(SubjectId, Unreadable<SessionId>)>,
    forgotten: Option<(SubjectId, ReconnectId)>,
}

/// Verifies the credential and opens a session, ending the oldest beyond the limit, all in one transaction; stores the
/// credential if the user asked for it. Who loses against another connect of the same user reads again, so the limit
/// holds exactly.
///
/// # Errors
/// What [`Authenticator::authenticate`] and the table report, [`SessionError::TooManyAttempts`] after too many connects of
/// one user in a day, and [`SessionError::Unavailable`] after too many losses.
pub async fn connect(
    issuer: &Issuer,
    authenticator: &Authenticator,
    Connect { credential, remember }: &Connect,
    details: &Details<'_>,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<Issued, SessionError> {
    issuer.keep_up(now).await;
    let presented = Presented::find(issuer, details, now).await;
    let caller = Caller {
        network: details.network.as_deref(),
        refresh: presented.refresh.as_ref(),
        reconnect: presented.reconnect.as_ref(),
    };
    let prove = || authenticator.authenticate(issuer, credential, caller, (&fresh.guest, &fresh.salt), now);
    let mut attempt = Attempt {
        issuer,
        ring: &issuer.ring(),
        kind: credential.kind(),
        kept: credential.to_sealable().filter(|_| *remember),
        details,
        fresh,
        now,
        replaced: presented.session,
        unreadable: None,
        forgotten: presented.reconnect.as_ref().map(|token| (token.subject, token.id)),
    };
    let mut proven = prove().await?;
    for losses in 0..LOSSES {
        let found = if attempt.kind == CredentialKind::Guest {
            // A guest has no past to read.
            UserSessions::default()
        } else {
            let found = issuer.table.user_sessions(proven.subject).await?;
            if proven.epoch.is_some_and(|epoch| epoch != found.user.marker.epoch) {
                proven = prove().await?;
            }
            found
        };
        if let Some(issued) = attempt.open(&proven, &found).await? {
            let forgotten = presented.reconnect.is_some() && matches!(issued.stored, Stored::Unchanged);
            return Ok(if forgotten { Issued { stored: Stored::Forgotten, ..issued } } else { issued });
        }
        pause(losses).await;
    }
    Err(Fault::new("open a session", "others kept opening sessions of this user").into())
}

impl Attempt<'_> {
    /// Opens the session; nothing if what was read is not so any more.
    async fn open(&mut self, proven: &Proven, found: &UserSessions) -> Result<Option<Issued>, SessionError> {
        let Self { issuer, ring, kind, details, fresh, now, .. } = *self;
        let marker = found.user.marker;
        let live: Vec<Session> = found.sessions.iter().filter(|session| session.is_live(now)).cloned().collect();
        let id = SessionId::new(now, &fresh.session_id);
        let token = RefreshToken::first(ring.current(), proven.subject, id, fresh.secret);
        let stored = self.stored(&token, marker.epoch)?;
        let remembered = stored.as_ref().map(|(stored, _)| Remembered { id: stored.id, until: stored.expires_at });
        let session = session(issuer, &token, kind, (marker.epoch, remembered), details, now);
        let own =
            self.replaced.filter(|(subject, id)| *subject == proven.subject && live.iter().any(|live| live.id == *id));
        let (most, count) = (issuer.policy.max_per_subject, live.len() + 1);
        let evicted = evicted(live, own.map(|(_, id)| id), most);
        let foreign = self.replaced.filter(|_| own.is_none());
        let unreadable = self.unreadable.as_ref();
        let presented = unreadable.map_or(foreign.map(|(_, id)| id), |(_, session)| session.id);
        let unread = crowded_out(found, presented, (count - evicted.len(), evicted.len()), most);
        let effects = [
            unreadable.map(|(subject, session)| Effect::ReplaceUnreadable(*subject, session)),
            foreign.map(|(subject, id)| Effect::Replace(subject, id)),
            self.forgotten.map(|(subject, id)| Effect::Forget(subject, id)),
            proven.password.as_ref().map(Effect::StorePassword),
            proven.once.as_ref().map(|(name, until)| Effect::UseOnce(name, *until)),
            stored.as_ref().map(|(stored, _)| Effect::Remember(stored)),
        ];
        let unread_effects = unread.iter().copied().map(Effect::EvictUnreadable);
        let effects: Vec<Effect<'_>> = effects.into_iter().flatten().chain(unread_effects).collect();
        let single = kind == CredentialKind::Guest;
        let opening = Opening { session: &session, marker, evicted: &evicted, effects: &effects, single };
        let end = End { reason: EndReason::Replaced, at: now, by: Some(id) };
        match issuer.table.open(&opening, &end).await? {
            Open::Opened => {}
            Open::Contended => return Ok(None),
            Open::PresentedNotLive => {
                (self.replaced, self.unreadable) = (None, None);
                return Ok(None);
            }
            Open::PresentedUnreadable(session) => {
                self.unreadable = self.replaced.take().map(|(subject, _)| (subject, session));
                return Ok(None);
            }
            Open::PresentedNotStored => {
                self.forgotten = None;
                return Ok(None);
            }
            Open::UsernameTaken => return Err(SessionError::UsernameTaken),
            Open::UsedBefore => {
                return Err(SessionError::rejected("it was used before"));
            }
            Open::QuotaReached { until } => {
                return Err(SessionError::TooManyAttempts { retry_after: until.since(now) });
            }
        }
        report::created(id, kind);
        let unread = unread.iter().filter_map(|session| session.id);
        let ended = evicted.iter().copied().chain(presented).chain(unread);
        ended.for_each(|id| report::ended(id, end.reason));
        self.forgotten.iter().for_each(|(_, id)| report::forgotten(*id, Removed::Ended(end.reason)));
        let issued = issuer.issue(session, token.encode(ring.current()), now, &fresh.token_id)?;
        Ok(Some(match stored {
            None => issued,
            Some((stored, token)) => {
                Issued { stored: Stored::token(&token, ring.current(), stored.expires_at), ..issued }
            }
        }))
    }

    /// The credential as it is to be stored, with the token that opens it, if the user asked for it.
    fn stored(
        &self,
        session: &RefreshToken,
        epoch: u64,
    ) -> Result<Option<(StoredCredential, ReconnectToken)>, SessionError> {
        let Some(plain) = &self.kept else { return Ok(None) };
        let (now, fresh, keys) = (self.now, self.fresh, self.ring.current());
        let id = ReconnectId::new(now, &fresh.reconnect_id);
        let token = ReconnectToken::first(keys, session.subject, id, fresh.reconnect_secret);
        let mut stored = StoredCredential {
            id,
            subject: session.subject,
            kind: self.kind,
            origin: self.details.origin.unwrap_or_default().to_owned(),
            created_at: now,
            expires_at: now.after(self.issuer.policy.reconnect_ttl),
            epoch,
            rotation: Rotation { generation: token.generation, current: token.hash(), rotated_at: now },
            session: session.id,
            session_kid: session.kid().clone(),
            content: Content::Removed(Removed::Rejected),
        };
        stored.content = Content::Sealed(Sealed::seal(plain, stored.bound(), &token, keys, fresh.seal_nonce)?);
        Ok(Some((stored, token)))
    }
}
