use super::*;
use crate::{
    lifecycle::{End, Remembered, tests::session},
    stored_credential::{Removed, tests::stored},
};

/// When records say that they were written.
const WRITTEN: UnixMillis = UnixMillis::from_millis(1_090_000);

fn at(seconds: u64) -> UnixMillis {
    UnixMillis::from_millis(seconds * 1000)
}

fn ended(reason: EndReason) -> Session {
    Session { end: Some(End { reason, at: at(1_010), by: Some(session().id) }), ..session() }
}

fn of_session(before: Option<Session>, after: Option<Session>, by_ttl: bool) -> Option<Entry> {
    Written::Session(Change { before, after }).entry(by_ttl, WRITTEN)
}

fn of_stored(before: Option<StoredCredential>, after: Option<StoredCredential>) -> Option<Entry> {
    Written::StoredCredential(Change { before, after }).entry(false, WRITTEN)
}

#[test]
fn an_opened_session_is_noted_with_when_it_will_end() {
    let entry = of_session(None, Some(session()), false).unwrap();
    assert_eq!((entry.action, entry.at, entry.ends_at), (Action::SessionCreated, at(1_000), Some(at(1_060))));
    assert_eq!((entry.subject, entry.session, entry.generation), (session().subject, Some(session().id), 1));
}

#[test]
fn a_rotation_is_noted_every_time_and_activity_once_in_a_window() {
    let rotated = Session { generation: 2, rotated_at: at(1_005), ..session() };
    let active = |seconds| Session { last_active_at: at(seconds), idle_limit: at(seconds + 60), ..session() };
    for (name, before, after, action) in [
        ("rotated", session(), rotated.clone(), Some((Action::SessionRotated, at(1_005)))),
        (
            "rotated and extended",
            session(),
            Session { last_active_at: at(1_005), ..rotated },
            Some((Action::SessionRotated, at(1_005))),
        ),
        // Windows of 900 s begin at second 900 and 1,800.
        ("active in the same window", session(), active(1_799), None),
        ("active in the next window", session(), active(1_800), Some((Action::SessionExtended, at(1_800)))),
        ("active again in that window", active(1_800), active(1_801), None),
        ("written as it was", session(), session(), None),
    ] {
        let entry = of_session(Some(before), Some(after), false);
        assert_eq!(entry.map(|entry| (entry.action, entry.at)), action, "{name}");
    }
}

#[test]
fn an_end_is_noted_once_with_its_reason_and_reuse_by_its_own_name() {
    for (reason, action) in [
        (EndReason::Logout, Action::SessionEnded),
        (EndReason::Revoked, Action::SessionEnded),
        (EndReason::Replaced, Action::SessionEnded),
        (EndReason::Unknown, Action::SessionEnded),
        (EndReason::ReuseDetected, Action::SessionReused),
        (EndReason::parse("terminated").unwrap(), Action::SessionEnded),
    ] {
        let entry = of_session(Some(session()), Some(ended(reason)), false).unwrap();
        assert_eq!((entry.action, entry.at, entry.reason), (action, at(1_010), Some(Removed::Ended(reason))));
        assert_eq!((entry.by, entry.ends_at), (Some(session().id), None));
        assert_eq!(of_session(Some(ended(reason)), Some(ended(reason)), false), None);
    }
}

#[test]
fn a_session_that_the_table_forgets_expired_unless_its_end_was_noted() {
    let idle = of_session(Some(session()), None, true).unwrap();
    assert_eq!(
        (idle.action, idle.at, idle.reason),
        (Action::SessionExpired, at(1_060), Some(Removed::Ended(EndReason::IdleTimeout)))
    );
    let old = Session { idle_limit: at(1_300), ..session() };
    let old = of_session(Some(old), None, true).unwrap();
    assert_eq!(
        (old.action, old.at, old.reason),
        (Action::SessionExpired, at(1_300), Some(Removed::Ended(EndReason::AbsoluteTimeout)))
    );
    assert_eq!(of_session(Some(ended(EndReason::Logout)), None, true), None);
}

#[test]
fn a_session_that_somebody_deletes_is_noted_whatever_it_was() {
    for last in [session(), ended(EndReason::Logout)] {
        let entry = of_session(Some(last), None, false).unwrap();
        assert_eq!((entry.action, entry.at), (Action::SessionDeleted, WRITTEN));
    }
}

#[test]
fn a_stored_credential_is_noted_when_it_is_made_used_and_forgotten() {
    let rotation = crate::rotating_token::Rotation { generation: 2, rotated_at: at(1_020), ..stored().rotation };
    let used = StoredCredential { rotation, ..stored() };
    let forgotten = StoredCredential { content: Content::Removed(Removed::Ended(EndReason::Logout)), ..stored() };
    let carried_over = StoredCredential { epoch: 1, ..stored() };
    for (name, before, after, expected) in [
        ("made", None, Some(stored()), Some((Action::StoredCredentialMade, at(1_000), None))),
        ("used", Some(stored()), Some(used), Some((Action::StoredCredentialUsed, at(1_020), None))),
        (
            "forgotten",
            Some(stored()),
            Some(forgotten.clone()),
            Some((Action::StoredCredentialForgotten, WRITTEN, Some(Removed::Ended(EndReason::Logout)))),
        ),
        ("carried over", Some(stored()), Some(carried_over), None),
        ("deleted", Some(stored()), None, Some((Action::StoredCredentialForgotten, WRITTEN, None))),
        ("deleted after it was forgotten", Some(forgotten), None, None),
    ] {
        let entry = of_stored(before, after);
        assert_eq!(entry.map(|entry| (entry.action, entry.at, entry.reason)), expected, "{name}");
    }
}

#[test]
fn a_session_is_active_once_for_each_window_in_which_it_is_used() {
    let used = |seconds| Session { last_active_at: at(seconds), ..session() };
    for (name, before, after, first) in [
        ("opened", None, Some(session()), true),
        ("used in the same window", Some(session()), Some(used(1_799)), false),
        ("used in the next window", Some(used(1_799)), Some(used(1_800)), true),
        ("rotated in the next window", Some(used(1_799)), Some(Session { rotated_at: at(1_800), ..used(1_799) }), true),
        (
            "ended in the next window",
            Some(used(1_799)),
            Some(Session { last_active_at: at(1_800), ..ended(EndReason::Logout) }),
            false,
        ),
        ("forgotten", Some(session()), None, false),
    ] {
        let change = Written::Session(Change { before, after });
        assert_eq!(change.is_first_use_in_window(), first, "{name}");
    }
}

#[test]
fn an_entry_holds_nothing_that_proves_or_opens_anything() {
    let remembered = Some(Remembered { id: stored().id, until: at(2_000) });
    let session = Session {
        remembered,
        label: Some("label".to_owned()),
        user_agent: Some("agent".to_owned()),
        network: Some("198.51.100.0/24".to_owned()),
        ..session()
    };
    let entries = [of_session(None, Some(session), false), of_stored(None, Some(stored()))];
    let known = ["action", "at", "subject", "session", "stored", "credential", "generation", "reason", "by", "ends_at"];
    for entry in entries.into_iter().flatten() {
        let line = serde_json::to_value(entry).unwrap();
        let told: Vec<_> = line.as_object().unwrap().keys().collect();
        assert!(told.iter().all(|name| known.contains(&name.as_str())), "{told:?}");
        let text = line.to_string();
        for held in ["label", "agent", "198.51.100", "app.example.com"] {
            assert!(!text.contains(held), "{text}");
        }
    }
}

#[test]
fn names_of_newer_builds_are_told_as_they_are() {
    let credential = CredentialKind::try_from("ticket".to_owned()).unwrap();
    let reason = EndReason::parse("blocked").unwrap();
    let removed = StoredCredential { content: Content::Removed(Removed::Ended(reason)), ..stored() };
    let ended = Session { credential, ..ended(reason) };
    let entries = [of_session(Some(session()), Some(ended), false), of_stored(Some(stored()), Some(removed))];
    for (entry, credential) in entries.into_iter().zip(["ticket", "password"]) {
        let line = serde_json::to_value(entry.unwrap()).unwrap();
        assert_eq!((&line["reason"], &line["credential"]), (&"blocked".into(), &credential.into()), "{line}");
    }
}
