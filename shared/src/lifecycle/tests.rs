use super::*;

/// A session opened at second 1,000: idle after 60 s, over after 300 s.
pub(crate) fn session() -> Session {
    let at = |seconds: u64| UnixMillis::from_millis(seconds * 1000);
    Session {
        id: SessionId::new(at(1_000), &[1; 10]),
        subject: SubjectId::of("password", "", "ada"),
        generation: 1,
        current: SecretHash::from([0; 32]),
        rotated_at: at(1_000),
        created_at: at(1_000),
        last_active_at: at(1_000),
        idle_limit: at(1_060),
        absolute_limit: at(1_300),
        epoch: 0,
        credential: CredentialKind::Password,
        remembered: None,
        label: None,
        user_agent: None,
        network: None,
        end: None,
    }
}

#[test]
fn a_session_lives_up_to_and_including_its_first_limit() {
    let at = UnixMillis::from_millis;
    let idle = session();
    let active = Session { idle_limit: at(1_400_000), ..session() };
    for (session, now, live) in
        [(&idle, 1_060_000, true), (&idle, 1_060_001, false), (&active, 1_300_000, true), (&active, 1_300_001, false)]
    {
        assert_eq!(session.is_live(at(now)), live, "at {now} ms");
    }
}

#[test]
fn the_earlier_limit_is_the_reason_and_the_absolute_one_on_a_tie() {
    let at = UnixMillis::from_millis;
    for (idle, reason, ended) in [
        (1_299_999, EndReason::IdleTimeout, 1_299_999),
        (1_300_000, EndReason::AbsoluteTimeout, 1_300_000),
        (1_300_001, EndReason::AbsoluteTimeout, 1_300_000),
    ] {
        let session = Session { idle_limit: at(idle), ..session() };
        // Asked much later: the end is when it happened, not when it was noticed.
        assert_eq!(session.state(at(9_000_000)), State::Ended { reason, at: at(ended) }, "idle limit {idle}");
    }
}

#[test]
fn an_ended_session_stays_ended_within_its_limits() {
    let end = End { reason: EndReason::Logout, at: UnixMillis::from_millis(1_010_000), by: None };
    let session = Session { end: Some(end.clone()), ..session() };
    for now in [1_000_000, 1_010_000, 1_060_000, 2_000_000] {
        let state = session.state(UnixMillis::from_millis(now));
        assert_eq!(state, State::Ended { reason: EndReason::Logout, at: end.at }, "at {now} ms");
    }
}

#[test]
fn the_table_may_forget_a_session_48_hours_after_the_later_of_its_limit_and_its_stored_credential() {
    let until = |seconds: u64| {
        let id = ReconnectId::new(session().created_at, &[2; 10]);
        Some(Remembered { id, until: UnixMillis::from_millis(seconds * 1000) })
    };
    for (remembered, last) in [(None, 1_300), (until(1_299), 1_300), (until(1_301), 1_301)] {
        let session = Session { remembered, ..session() };
        assert_eq!(session.forgotten_at().ceil_seconds(), last + 48 * 3600, "{remembered:?}");
    }
}

#[test]
fn activity_moves_the_idle_limit_from_when_it_was() {
    let now = UnixMillis::from_millis(1_000_000);
    for (activity, at) in [
        (Activity::Now, Some(1_000_000)),
        (Activity::None, None),
        (Activity::Ago(Duration::from_secs(240)), Some(760_000)),
        (Activity::Ago(Duration::from_secs(9_999)), Some(0)),
    ] {
        let slide = activity.slide(Duration::from_secs(60), now);
        assert_eq!(slide.map(|slide| slide.last_active_at.as_millis()), at, "{activity:?}");
        assert_eq!(slide.map(|slide| slide.idle_limit.as_millis()), at.map(|at| at + 60_000), "{activity:?}");
    }
}

#[test]
fn a_reason_of_a_newer_build_is_an_end_under_its_name() {
    let end = |reason| End { reason, at: UnixMillis::from_millis(1_010_000), by: None };
    for (name, known) in [("logout", true), ("password_changed", false), ("blocked", false), ("other", false)] {
        let reason = EndReason::parse(name).unwrap();
        assert_eq!((reason.as_str(), matches!(reason, EndReason::Other(_))), (name, !known));
        assert_eq!(reason.closed_name(), if known { name } else { "other" });
        let session = Session { end: Some(end(reason)), ..session() };
        let state = session.state(UnixMillis::from_millis(1_020_000));
        assert_eq!(state, State::Ended { reason, at: UnixMillis::from_millis(1_010_000) });
        let text = serde_json::to_string(&reason).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str(&text).unwrap()), (format!("\"{name}\"").as_str(), reason));
    }
    for odd in ["", "a reason", &"x".repeat(33)] {
        assert!(EndReason::parse(odd).is_err(), "{odd:?}");
    }
}
