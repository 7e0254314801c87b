use super::*;

fn parse(settings: &[(&str, &str)]) -> Result<SessionPolicy, SettingError> {
    SessionPolicy::parse(&settings.iter().copied().collect())
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let policy = parse(&[]).unwrap();
    let expected = [
        ("SESSION_ACCESS_TTL", "15m"),
        ("SESSION_REFRESH_THRESHOLD", "7m 30s"),
        ("SESSION_IDLE_TIMEOUT", "1day"),
        ("SESSION_ABSOLUTE_TIMEOUT", "7days"),
        ("SESSION_GUEST_TIMEOUT", "2h"),
        ("SESSION_HEARTBEAT_INTERVAL", "5m"),
        ("SESSION_TIMEOUT_BUFFER", "5m"),
        ("SESSION_WARNING_LEAD", "5m"),
        ("SESSION_RECONNECT_TTL", "7days"),
        ("SESSION_RACE_WINDOW", "1m"),
        ("SESSION_MAX_PER_SUBJECT", "20"),
        ("SESSION_RECONNECT_AFTER", "unknown"),
        ("SESSION_CREDENTIALS", "password,guest"),
    ];
    assert_eq!(policy.settings(), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn lengths_are_written_with_their_unit_and_refused_without() {
    for (text, expected) in [
        ("7d", Some(days(7))),
        ("2h", Some(minutes(120))),
        ("15m", Some(minutes(15))),
        ("30s", Some(Duration::from_secs(30))),
        ("500ms", Some(Duration::from_millis(500))),
        ("60", None),
        ("-1s", None),
        ("soon", None),
        ("401d", None),
    ] {
        let parsed = parse(&[("SESSION_RACE_WINDOW", text)]);
        assert_eq!(parsed.as_ref().ok().map(|policy| policy.race_window), expected, "{text}");
        if let Err(error) = parsed {
            assert!(error.to_string().starts_with("SESSION_RACE_WINDOW must be"), "{error}");
        }
    }
}

#[test]
fn a_lifetime_is_at_least_one_second() {
    let settings = |access: &'static str| {
        parse(&[
            ("SESSION_ACCESS_TTL", access),
            ("SESSION_HEARTBEAT_INTERVAL", "1s"),
            ("SESSION_IDLE_TIMEOUT", "4s"),
            ("SESSION_WARNING_LEAD", "1s"),
        ])
    };
    assert_eq!(settings("2s").unwrap().access_ttl, Duration::from_secs(2));
    assert_eq!(settings("999ms").unwrap_err().to_string(), "SESSION_ACCESS_TTL must be at least 1s");
}

#[test]
fn a_policy_that_contradicts_itself_names_both_settings() {
    // Each pair: the last value that is refused, and the first that is not.
    for (name, refused, taken, other) in [
        ("SESSION_HEARTBEAT_INTERVAL", "15m", "14m 59s", "SESSION_ACCESS_TTL"),
        ("SESSION_REFRESH_THRESHOLD", "15m", "14m 59s", "SESSION_ACCESS_TTL"),
        ("SESSION_ACCESS_TTL", "24h 1s", "24h", "SESSION_IDLE_TIMEOUT"),
        ("SESSION_IDLE_TIMEOUT", "7d 1s", "7d", "SESSION_ABSOLUTE_TIMEOUT"),
        ("SESSION_WARNING_LEAD", "24h", "1h 59m", "SESSION_IDLE_TIMEOUT"),
        ("SESSION_WARNING_LEAD", "2h", "1h 59m", "SESSION_GUEST_TIMEOUT"),
        ("SESSION_GUEST_TIMEOUT", "7d 1s", "7d", "SESSION_ABSOLUTE_TIMEOUT"),
    ] {
        let message = parse(&[(name, refused)]).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains(other), "{name}={refused}: {message}");
        parse(&[(name, taken)]).unwrap_or_else(|error| panic!("{name}={taken}: {error}"));
    }
}

#[test]
fn guest_and_reconnect_limits_that_are_not_set_are_cut_to_the_absolute_limit() {
    let short = [("SESSION_ABSOLUTE_TIMEOUT", "1h"), ("SESSION_IDLE_TIMEOUT", "1h")];
    let policy = parse(&short).unwrap();
    assert_eq!((policy.guest_timeout, policy.reconnect_ttl), (minutes(60), minutes(60)));
}

#[test]
fn at_most_ninety_sessions_per_subject_and_at_least_one() {
    for (text, expected) in [("1", Some(1)), ("90", Some(90)), ("0", None), ("91", None), ("many", None)] {
        let parsed = parse(&[("SESSION_MAX_PER_SUBJECT", text)]).ok();
        assert_eq!(parsed.map(|policy| policy.max_per_subject), expected, "{text}");
    }
}

#[test]
fn lists_take_only_the_names_that_are_documented() {
    let policy =
        parse(&[("SESSION_RECONNECT_AFTER", "unknown, idle_timeout"), ("SESSION_CREDENTIALS", "guest")]).unwrap();
    assert!(policy.allows_reconnect_after(EndReason::IdleTimeout));
    assert!(!policy.allows_reconnect_after(EndReason::AbsoluteTimeout));
    assert_eq!(policy.credentials, [CredentialKind::Guest]);
    for (name, value) in [
        ("SESSION_RECONNECT_AFTER", "logout"),
        ("SESSION_RECONNECT_AFTER", "password_changed"),
        ("SESSION_CREDENTIALS", "passkey"),
        ("SESSION_CREDENTIALS", "ticket"),
    ] {
        assert!(parse(&[(name, value)]).unwrap_err().to_string().starts_with(name));
    }
}

#[test]
fn a_kind_of_credential_is_on_when_it_is_named_and_has_its_own_setting() {
    let all = ("SESSION_CREDENTIALS", "password,guest,connectionString,idToken,legacyToken");
    for (name, kind) in [
        ("CONNECT_ALLOWED_HOSTS", CredentialKind::ConnectionString),
        ("OIDC_ISSUERS", CredentialKind::IdToken),
        ("LEGACY_JWT_UNTIL", CredentialKind::LegacyToken),
    ] {
        let plain = [CredentialKind::Password, CredentialKind::Guest];
        assert_eq!(parse(&[all, (name, "")]).unwrap().credentials, plain, "{name} is empty");
        assert_eq!(parse(&[all, (name, "set")]).unwrap().credentials, [&plain[..], &[kind]].concat());
        assert_eq!(parse(&[(name, "set")]).unwrap().credentials, plain, "{name} is set and the kind is not named");
    }
}

#[test]
fn the_version_changes_with_every_single_setting() {
    let policy = parse(&[]).unwrap();
    let version = policy.version();
    assert_eq!(version, parse(&[("SESSION_IDLE_TIMEOUT", "24h")]).unwrap().version(), "the default, written out");
    for (name, value) in [
        ("SESSION_ACCESS_TTL", "14m"),
        ("SESSION_REFRESH_THRESHOLD", "5m"),
        ("SESSION_IDLE_TIMEOUT", "23h"),
        ("SESSION_ABSOLUTE_TIMEOUT", "6d"),
        ("SESSION_GUEST_TIMEOUT", "1h"),
        ("SESSION_HEARTBEAT_INTERVAL", "4m"),
        ("SESSION_TIMEOUT_BUFFER", "4m"),
        ("SESSION_WARNING_LEAD", "4m"),
        ("SESSION_RECONNECT_TTL", "6d"),
        ("SESSION_RACE_WINDOW", "59s"),
        ("SESSION_MAX_PER_SUBJECT", "19"),
        ("SESSION_RECONNECT_AFTER", "idle_timeout"),
        ("SESSION_CREDENTIALS", "guest"),
    ] {
        assert_ne!(version, parse(&[(name, value)]).unwrap().version(), "{name}");
    }
}
