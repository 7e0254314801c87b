use super::*;
use crate::{
    lifecycle::{End, tests::session},
    rotating_token::SecretHash,
    settings::Variables,
};

/// A stored credential of the session in `lifecycle::tests`, good until second 2,000.
pub(crate) fn stored() -> StoredCredential {
    let session = session();
    StoredCredential {
        id: ReconnectId::new(session.created_at, &[2; 10]),
        subject: session.subject,
        kind: CredentialKind::Password,
        origin: "https://app.example.com".to_owned(),
        created_at: session.created_at,
        expires_at: UnixMillis::from_millis(2_000_000),
        epoch: 0,
        rotation: Rotation { generation: 1, current: SecretHash::from([1; 32]), rotated_at: session.created_at },
        session: session.id,
        session_kid: Kid::from_text("kid"),
        content: Content::Sealed(Sealed::from_bytes(vec![7; 284])),
    }
}

fn policy(after: &str) -> SessionPolicy {
    SessionPolicy::parse(&Variables::from_iter([("SESSION_RECONNECT_AFTER", after)])).unwrap()
}

fn ended(reason: EndReason) -> Session {
    let end = Some(End { reason, at: UnixMillis::from_millis(1_010_000), by: None });
    Session { end, ..session() }
}

#[test]
fn the_reason_of_the_end_decides_whether_a_stored_credential_may_be_used() {
    let now = UnixMillis::from_millis(1_050_000);
    let idle = Session { idle_limit: UnixMillis::from_millis(1_040_000), ..session() };
    let absolute = Session { absolute_limit: UnixMillis::from_millis(1_040_000), ..session() };
    for (session, after, refused) in [
        (Some(session()), "unknown", None),
        (None, "unknown", None),
        (None, "idle_timeout", Some(EndReason::Unknown)),
        (Some(ended(EndReason::Unknown)), "unknown", None),
        (Some(idle.clone()), "unknown", Some(EndReason::IdleTimeout)),
        (Some(idle), "idle_timeout", None),
        (Some(absolute.clone()), "unknown", Some(EndReason::AbsoluteTimeout)),
        (Some(absolute), "absolute_timeout", None),
        (Some(ended(EndReason::Logout)), "unknown,idle_timeout,absolute_timeout", Some(EndReason::Logout)),
        (Some(ended(EndReason::Revoked)), "unknown,idle_timeout,absolute_timeout", Some(EndReason::Revoked)),
        (Some(ended(EndReason::Replaced)), "unknown,idle_timeout,absolute_timeout", Some(EndReason::Replaced)),
        (
            Some(ended(EndReason::ReuseDetected)),
            "unknown,idle_timeout,absolute_timeout",
            Some(EndReason::ReuseDetected),
        ),
        (
            Some(ended(EndReason::parse("blocked").unwrap())),
            "unknown,idle_timeout,absolute_timeout",
            Some(EndReason::parse("blocked").unwrap()),
        ),
    ] {
        let refusal = stored().refusal(session.as_ref(), 0, &policy(after), now);
        assert_eq!(refusal.map(|refusal| refusal.removed), refused.map(Removed::Ended), "{session:?} with {after}");
    }
}

#[test]
fn a_new_epoch_revokes_and_what_was_removed_stays_removed_for_its_reason() {
    let now = UnixMillis::from_millis(1_050_000);
    let refusal = |stored: &StoredCredential, epoch| stored.refusal(None, epoch, &policy("unknown"), now);
    assert_eq!(refusal(&stored(), 0), None);
    let revoked = Refusal { removed: Removed::Ended(EndReason::Revoked), at: None };
    assert_eq!(refusal(&stored(), 1), Some(revoked));
    for removed in [Removed::Rejected, Removed::Ended(EndReason::Logout)] {
        let stored = StoredCredential { content: Content::Removed(removed), ..stored() };
        assert_eq!(refusal(&stored, 1).map(|refusal| refusal.removed), Some(removed));
    }
}

#[test]
fn a_stored_credential_is_kept_up_to_its_expiry_in_its_own_epoch() {
    let at = UnixMillis::from_millis;
    for (epoch, now, kept) in [(0, 2_000_000, true), (0, 2_000_001, false), (1, 2_000_000, false)] {
        assert_eq!(stored().is_kept(epoch, at(now)), kept, "epoch {epoch}, at {now}");
    }
    let removed = StoredCredential { content: Content::Removed(Removed::Rejected), ..stored() };
    assert!(!removed.is_kept(0, at(1_000_000)));
}

#[test]
fn a_refusal_never_allows_another_reconnect() {
    let refusal = Refusal { removed: Removed::Ended(EndReason::Unknown), at: None };
    let SessionError::Ended(ended) = SessionError::from(refusal) else { panic!("not an end") };
    assert_eq!((ended.reason, ended.reconnect_allowed), (EndReason::Unknown, false));
    let refusal = Refusal { removed: Removed::Rejected, at: None };
    assert!(matches!(SessionError::from(refusal), SessionError::CredentialRejected { .. }));
}
