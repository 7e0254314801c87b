//! Use case: open a new session with a stored credential, once for each token, whatever the network does.

use crate::{
    authenticator::{Authenticator, Stored as Verified},
    credential::{Credential, CredentialKind},
    error::{Ended, Fault, SessionError},
    identity::{SessionId, SubjectId},
    issuer::{Issued, Issuer, Stored},
    keys::KeySet,
    lifecycle::{End, EndReason, Remembered, Session},
    opening::{Details, Fresh, Presented, crowded_out, evicted, session},
    report::{self, Reconnected},
    rotating_token::{Nonce, ReconnectToken, RefreshToken, Rotation, Verdict},
    seal::Sealed,
    store::{Effect, Ending, LOSSES, Open, Opening, Unreadable, UserSessions, pause},
    stored_credential::{Content, Refusal, Removed, StoredCredential},
    unix_time::UnixMillis,
};

/// What a client presents to get a new session.
pub struct Reconnect<'a> {
    /// The token of the stored credential.
    pub token: &'a str,
    /// The nonce that a new rotation is bound to.
    pub nonce: Nonce,
    /// The nonces of earlier requests, whose answers may have been lost.
    pub earlier: Vec<Nonce>,
}

/// What stays the same however often a reconnect has to read again.
struct Attempt<'a> {
    issuer: &'a Issuer,
    token: &'a ReconnectToken,
    /// The keys that the token and its successors are made with.
    keys: &'a KeySet,
    next: &'a ReconnectToken,
    details: &'a Details<'a>,
    fresh: &'a Fresh,
    now: UnixMillis,
    /// The session that the request presented, until it turns out to be over.
    presented: Option<(SubjectId, SessionId)>,
    /// The same session, once it turned out that it cannot be read.
    unreadable: Option<(SubjectId, Unreadable<SessionId>)>,
}

/// Verifies the stored credential again with its own server and opens a new session in one transaction that also rotates
/// the token and seals the credential anew.
///
/// # Errors
/// [`SessionError::Ended`] with the reason that forbids it, or when the token gives away that two parties hold it;
/// [`SessionError::CredentialRejected`] when the credential is not accepted any more;
/// [`SessionError::RefreshSuperseded`] when another request was faster; [`SessionError::OriginNotAllowed`] for another
/// page than the one that stored it; what [`Issuer::genuine`], the credential's own server and the table report.
pub async fn reconnect(
    issuer: &Issuer,
    authenticator: &Authenticator,
    request: &Reconnect<'_>,
    details: &Details<'_>,
    fresh: &Fresh,
    now: UnixMillis,
) -> Result<Issued, SessionError> {
    let (token, ring): (ReconnectToken, _) = issuer.genuine(request.token, now).await?;
    let keys = ring.get(token.kid()).ok_or(SessionError::TokenInvalid)?;
    let next = token.successor(keys, &request.nonce);
    let earlier: Vec<_> = request.earlier.iter().map(|nonce| token.successor(keys, nonce)).collect();
    let presented = Presented::find(issuer, details, now).await.session;
    let mut attempt =
        Attempt { issuer, token: &token, keys, next: &next, details, fresh, now, presented, unreadable: None };
    let mut accepted = None;
    for losses in 0..LOSSES {
        let found = issuer.table.user_sessions(token.subject).await?;
        let Some(stored) = found.stored_credential(token.id)? else {
            return Err(Refusal { removed: Removed::Ended(EndReason::Unknown), at: None }.into());
        };
        if details.origin.is_some_and(|origin| origin != stored.origin) {
            return Err(SessionError::OriginNotAllowed);
        }
        let last = match (&stored.content, found.session(stored.session)) {
            // Why nothing is left is known without its session.
            (Content::Removed(_), Err(_)) => None,
            (_, last) => last?,
        };
        if let (CredentialKind::Other(_), Content::Sealed(_)) = (stored.kind, &stored.content) {
            // Another build can use it, and knows when it must not be used.
            return Err(Fault::new("reconnect", "this build does not know the kind of the stored credential").into());
        }
        if let Some(refusal) = stored.refusal(last, found.user.marker.epoch, &issuer.policy, now) {
            return Err(attempt.refuse(stored, refusal).await?);
        }
        let successors = std::iter::once(&next).chain(&earlier);
        match stored.rotation.judge(&token, successors, issuer.policy.race_window, now) {
            Verdict::Current => attempt.check_age(stored, last).await?,
            Verdict::Replay(successor) => return attempt.replay(stored, last, successor).await,
            Verdict::Race => return Err(SessionError::RefreshSuperseded),
            Verdict::Ahead => return Err(attempt.give_up(stored, EndReason::Unknown).await?),
            Verdict::Reuse => return Err(attempt.give_up(stored, EndReason::ReuseDetected).await?),
        }
        let credential = match &accepted {
            Some(credential) => credential,
            None => accepted.insert(attempt.verify(authenticator, stored, &found).await?),
        };
        if let Some(issued) = attempt.open(credential, stored, &found).await? {
            return Ok(issued);
        }
        pause(losses).await;
    }
    Err(Fault::new("reconnect", "others kept opening sessions of this user").into())
}

impl Attempt<'_> {
    /// Refuses a stored credential that has passed its own limit.
    async fn check_age(&self, stored: &StoredCredential, last: Option<&Session>) -> Result<(), SessionError> {
        if self.now <= stored.expires_at {
            return Ok(());
        }
        let refusal = match Ended::unless_live(last.cloned(), &self.issuer.policy, self.now) {
            // Too old, although the session it belongs to is not over: there is no end to report.
            Ok(_) => Refusal { removed: Removed::Rejected, at: None },
            Err(ended) => Refusal { removed: Removed::Ended(ended.reason), at: ended.at },
        };
        Err(self.refuse(stored, refusal).await?)
    }

    /// The answer to whoever presents a stored credential that may not be used; what was sealed is removed.
    async fn refuse(&self, stored: &StoredCredential, refusal: Refusal) -> Result<SessionError, SessionError> {
        let sealed = matches!(stored.content, Content::Sealed(_));
        if sealed && self.issuer.table.remove_content(stored.subject, stored.id, refusal.removed).await? {
            report::forgotten(stored.id, refusal.removed);
        }
        Ok(refusal.into())
    }

    /// Ends what a token gave away. After a theft that is the session, too; a restored table has another one.
    async fn give_up(&self, stored: &StoredCredential, reason: EndReason) -> Result<SessionError, SessionError> {
        if reason == EndReason::ReuseDetected {
            let end = End { reason, at: self.now, by: None };
            if let Ending::Ended(_) = self.issuer.table.end(stored.subject, stored.session, &end).await? {
                report::ended(stored.session, reason);
            }
        }
        let refusal = Refusal { removed: Removed::Ended(reason), at: Some(self.now) };
        self.refuse(stored, refusal).await
    }

    /// The answer to an earlier request again: the same session and the same tokens, while that session is as it began.
    async fn replay(
        &self,
        stored: &StoredCredential,
        opened: Option<&Session>,
        token: &ReconnectToken,
    ) -> Result<Issued, SessionError> {
        let session = Ended::unless_live(opened.cloned(), &self.issuer.policy, self.now);
        // Its one use is spent, so this token opens no other session, whatever the reason.
        let session = session.map_err(|ended| Ended { reconnect_allowed: false, ..ended })?;
        let ring = self.issuer.ring_with(&stored.session_kid, self.now).await?;
        let keys = ring.get(&stored.session_kid).ok_or(SessionError::TokenInvalid)?;
        let first = RefreshToken::opened_by(token, keys, session.id);
        if !session.current.is_of(&first) {
            return Err(SessionError::RefreshSuperseded);
        }
        report::reconnected(Reconnected::Replayed);
        let issued = self.issuer.issue(session, first.encode(keys), self.now, &self.fresh.token_id)?;
        Ok(Issued { stored: Stored::token(token, self.keys, stored.expires_at), ..issued })
    }

    /// Unseals the credential and has its own server verify it; one that is refused is removed.
    async fn verify(
        &self,
        authenticator: &Authenticator,
        stored: &StoredCredential,
        found: &UserSessions,
    ) -> Result<Credential, SessionError> {
        let rejected = Refusal { removed: Removed::Rejected, at: None };
        if !self.issuer.policy.credentials.contains(&stored.kind) {
            // Switched off, perhaps not for ever: it stays.
            return Err(SessionError::rejected("its kind is not taken"));
        }
        let Content::Sealed(sealed) = &stored.content else { return Err(rejected.into()) };
        let Ok(opened) = sealed.open(stored.bound(), self.token, self.keys) else {
            return Err(self.refuse(stored, rejected).await?);
        };
        match authenticator.authenticate_stored(self.issuer, &opened, &found.user, self.now).await? {
            Verified::Accepted(credential) => Ok(credential),
            Verified::Rejected => Err(self.refuse(stored, rejected).await?),
            // Perhaps not for ever: it stays.
            Verified::NotTaken(cause) => Err(SessionError::rejected(cause)),
        }
    }

    /// Opens the session; nothing if what was read is not so any more.
    async fn open(
        &mut self,
        credential: &Credential,
        stored: &StoredCredential,
        found: &UserSessions,
    ) -> Result<Option<Issued>, SessionError> {
        let Self { issuer, keys, next, details, fresh, now, presented, .. } = *self;
        let (id, ring) = (SessionId::new(now, &fresh.session_id), issuer.ring());
        let token = RefreshToken::opened_by(next, ring.current(), id);
        let after = self.rotated(credential, stored, &token)?;
        let (epoch, remembered) = (found.user.marker.epoch, Remembered { id: stored.id, until: stored.expires_at });
        let session = session(issuer, &token, stored.kind, (epoch, Some(remembered)), details, now);
        let live: Vec<Session> = found.sessions.iter().filter(|session| session.is_live(now)).cloned().collect();
        let last_is_live = live.iter().any(|live| live.id == stored.session);
        let (most, count) = (issuer.policy.max_per_subject, live.len() + 1);
        let evicted = evicted(live, Some(stored.session).filter(|_| last_is_live), most);
        let last = found.sessions.iter().find(|session| session.id == stored.session);
        let unchanged = (!last_is_live).then_some(Effect::Unchanged(stored.subject, stored.session, last));
        let presented = presented.filter(|(_, id)| *id != stored.session && !evicted.contains(id));
        let unreadable = self.unreadable.as_ref();
        let replaced = unreadable.map_or(presented.map(|(_, id)| id), |(_, session)| session.id);
        let unread = crowded_out(found, replaced, (count - evicted.len(), evicted.len()), most);
        let effects = [
            Some(Effect::Rotate { before: stored, after: &after }),
            unchanged,
            presented.map(|(subject, id)| Effect::Replace(subject, id)),
            unreadable.map(|(subject, session)| Effect::ReplaceUnreadable(*subject, session)),
        ];
        let unread_effects = unread.iter().copied().map(Effect::EvictUnreadable);
        let effects: Vec<Effect<'_>> = effects.into_iter().flatten().chain(unread_effects).collect();
        let marker = found.user.marker;
        let opening = Opening { session: &session, marker, evicted: &evicted, effects: &effects, single: false };
        let end = End { reason: EndReason::Replaced, at: now, by: Some(id) };
        match issuer.table.open(&opening, &end).await? {
            Open::Opened => {}
            Open::QuotaReached { until } => {
                return Err(SessionError::TooManyAttempts { retry_after: until.since(now) });
            }
            Open::PresentedNotLive => {
                (self.presented, self.unreadable) = (None, None);
                return Ok(None);
            }
            Open::PresentedUnreadable(session) => {
                self.unreadable = self.presented.take().map(|(subject, _)| (subject, session));
                return Ok(None);
            }
            Open::Contended | Open::PresentedNotStored | Open::UsernameTaken | Open::UsedBefore => return Ok(None),
        }
        report::reconnected(Reconnected::Opened);
        report::created(id, stored.kind);
        let unread = unread.iter().filter_map(|session| session.id);
        let ended = evicted.iter().copied().chain(replaced).chain(unread);
        ended.for_each(|id| report::ended(id, end.reason));
        let issued = issuer.issue(session, token.encode(ring.current()), now, &fresh.token_id)?;
        Ok(Some(Issued { stored: Stored::token(next, keys, stored.expires_at), ..issued }))
    }

    /// The stored credential after its use: sealed for the next token, and noting the session that was opened.
    fn rotated(
        &self,
        credential: &Credential,
        stored: &StoredCredential,
        session: &RefreshToken,
    ) -> Result<StoredCredential, SessionError> {
        let plain = credential.to_sealable().ok_or_else(|| SessionError::rejected("its kind is not stored"))?;
        let sealed = Sealed::seal(&plain, stored.bound(), self.next, self.keys, self.fresh.seal_nonce)?;
        let Self { next, now, .. } = *self;
        Ok(StoredCredential {
            rotation: Rotation { generation: next.generation, current: next.hash(), rotated_at: now },
            session: session.id,
            session_kid: session.kid().clone(),
            content: Content::Sealed(sealed),
            ..stored.clone()
        })
    }
}
