use super::*;

fn read(text: &str) -> Result<ConnectionString, Malformed> {
    parse(&text.into())
}

fn problem(text: &str) -> Option<Malformed> {
    read(text).err()
}

#[test]
fn every_part_is_read() {
    let string = read("postgresql://ad%41:p%40ss%3A%C3%A9@DB.Example.com:6432/app%2Fone").unwrap();
    assert_eq!((string.user.as_str(), string.database.as_str()), ("adA", "app/one"));
    assert_eq!(string.password.expose_secret(), "p@ss:é");
    assert_eq!(string.host(), "postgres://db.example.com:6432");
    assert!(!string.demands_tls);
}

#[test]
fn a_port_that_is_not_given_is_the_engines_own() {
    for (text, host) in [
        ("postgres://u:p@h/d", "postgres://h:5432"),
        ("mysql://u:p@h/d", "mysql://h:3306"),
        ("mysql://u:p@[2600::1]/d", "mysql://[2600::1]:3306"),
        ("mysql://u:p@[2600::1]:1/d", "mysql://[2600::1]:1"),
        ("mysql://u:p@10.0.0.1:65535/d", "mysql://10.0.0.1:65535"),
    ] {
        assert_eq!(read(text).unwrap().host(), host, "{text}");
    }
}

#[test]
fn a_string_has_at_most_2048_bytes() {
    let of = |length: usize| format!("postgres://u:{}@h/d", "p".repeat(length - "postgres://u:@h/d".len()));
    assert_eq!(problem(&of(2048)), None);
    assert_eq!(problem(&of(2049)), Some(Malformed::Length));
}

#[test]
fn anything_but_the_one_form_is_refused() {
    for (text, expected) in [
        ("", Malformed::Scheme),
        ("u:p@h/d", Malformed::Scheme),
        ("postgres:/u:p@h/d", Malformed::Scheme),
        ("Postgres://u:p@h/d", Malformed::Scheme),
        ("mongodb://u:p@h/d", Malformed::Scheme),
        ("postgres+unix://u:p@h/d", Malformed::Scheme),
        ("file:///etc/passwd", Malformed::Scheme),
        ("postgres://u:p@h", Malformed::Form),
        ("postgres://u:p@h/", Malformed::Form),
        ("postgres://u@h/d", Malformed::Form),
        ("postgres://u:@h/d", Malformed::Form),
        ("postgres://:p@h/d", Malformed::Form),
        ("postgres://h/d", Malformed::Form),
        ("postgres://u:p:q@h/d", Malformed::Form),
        ("postgres://u:p/q@h/d", Malformed::Form),
        ("postgres://u:p?q@h/d", Malformed::Form),
        ("postgres://u:p@h/d/e", Malformed::Form),
        ("postgres://u:p@h/d@e", Malformed::Form),
        ("postgres://u:p@h/d#e", Malformed::Form),
        ("postgres://u:p@h@g/d", Malformed::Form),
        ("postgres://u:p@ss@db.example.com/d", Malformed::Form),
        ("postgres://u:p@/d", Malformed::Host),
        ("postgres://u:p@:1/d", Malformed::Host),
        ("postgres://u:p%@h/d", Malformed::Encoding),
        ("postgres://u:p%4@h/d", Malformed::Encoding),
        ("postgres://u:p%+4@h/d", Malformed::Encoding),
        ("postgres://u:%FF@h/d", Malformed::Encoding),
        ("postgres://u:p%00@h/d", Malformed::Encoding),
        ("postgres://u%0a:p@h/d", Malformed::Encoding),
        ("postgres://u:p@h/d%7f", Malformed::Encoding),
        ("postgres://u:p@h/d%C2%85", Malformed::Encoding),
        ("postgres://u:p q@h/d", Malformed::Encoding),
        ("postgres://u:p@h/d\n", Malformed::Encoding),
        (" postgres://u:p@h/d", Malformed::Encoding),
    ] {
        assert_eq!(problem(text), Some(expected), "{text:?}");
    }
}

#[test]
fn ports_are_plain_numbers_from_1_to_65535() {
    for (port, taken) in [
        ("1", true),
        ("65535", true),
        ("0", false),
        ("65536", false),
        ("", false),
        ("05432", false),
        ("+5432", false),
        ("-1", false),
        ("5432:1", false),
        ("5432,5433", false),
        ("0x1538", false),
        ("54 32", false),
    ] {
        assert_eq!(problem(&format!("postgres://u:p@h:{port}/d")).is_none(), taken, "{port:?}");
        assert_eq!(problem(&format!("postgres://u:p@[2600::1]:{port}/d")).is_none(), taken, "{port:?}");
    }
}

#[test]
fn hosts_are_ascii_names_or_addresses_in_their_usual_spelling() {
    let label = "a".repeat(63);
    let name = |last: usize| format!("{label}.{label}.{label}.{}", "b".repeat(last));
    let (longest, longer, long_label) = (name(61), name(62), "a".repeat(64));
    for (host, taken) in [
        ("a", true),
        ("a-b.c1.example", true),
        ("1.example", true),
        (label.as_str(), true),
        (&long_label, false),
        (&longest, true),
        (&longer, false),
        ("0xbeef.example", true),
        ("10.0.0.1", true),
        ("[2600:1f00::1]", true),
        ("[2600:1F00::1]", false),
        ("[2600:1f00:0::1]", false),
        ("[10.0.0.1]", false),
        ("[2600::1", false),
        ("2600::1", false),
        ("[2600::1%25eth0]", false),
        ("[2600::1]x", false),
        ("[name]", false),
        ("a.", false),
        (".a", false),
        ("a..b", false),
        ("-a", false),
        ("a-", false),
        ("a_b", false),
        ("a,b", false),
        ("a%2Eb", false),
        ("*.a", false),
        ("bücher.example", false),
        ("xn--bcher-kva.example", false),
        ("XN--bcher-kva.example", false),
        ("127.1", false),
        ("a.1", false),
        ("a.0x1", false),
        ("a.0x", false),
    ] {
        assert_eq!(problem(&format!("postgres://u:p@{host}/d")).is_none(), taken, "{host:?}");
    }
}

#[test]
fn few_parameters_are_taken_and_each_once() {
    for (scheme, query, demanded) in [
        ("postgres", "sslmode=require", Some(true)),
        ("postgres", "sslmode=verify-full&application_name=psql%2015&connect_timeout=10", Some(true)),
        ("mysql", "sslmode=verify-ca", Some(true)),
        ("mysql", "ssl-mode=VERIFY_IDENTITY", Some(true)),
        ("mysql", "application_name=", Some(false)),
        ("postgres", "connect_timeout=99999", Some(false)),
        ("postgres", "ssl-mode=REQUIRED", None),
        ("mysql", "ssl-mode=PREFERRED", None),
        ("mysql", "ssl-mode=required", None),
        ("postgres", "sslmode=require&channel_binding=require", Some(true)),
        ("postgres", "channel_binding=disable", Some(false)),
        ("postgres", "channel_binding=allow", None),
        ("postgres", "channel_binding=require&channel_binding=disable", None),
        ("mysql", "channel_binding=require", None),
        ("postgres", "sslmode=disable", None),
        ("postgres", "sslmode=prefer", None),
        ("postgres", "sslmode=REQUIRE", None),
        ("postgres", "SSLMODE=require", None),
        ("postgres", "sslmode=require&sslmode=require", None),
        ("postgres", "sslmode=require&", None),
        ("postgres", "sslmode", None),
        ("postgres", "", None),
        ("postgres", "connect_timeout=", None),
        ("postgres", "connect_timeout=100000", None),
        ("postgres", "connect_timeout=-1", None),
        ("postgres", "application_name=a'b", None),
        ("postgres", "application_name=a#b", None),
    ] {
        let expected = demanded.ok_or(Malformed::Parameter);
        let read = read(&format!("{scheme}://u:p@h/d?{query}")).map(|string| string.demands_tls);
        assert_eq!(read, expected, "{scheme} {query:?}");
    }
}

#[test]
fn a_channel_binding_is_what_was_asked_for_and_preferred_by_itself() {
    for (query, asked) in [
        ("", ChannelBinding::Prefer),
        ("?sslmode=require", ChannelBinding::Prefer),
        ("?channel_binding=prefer", ChannelBinding::Prefer),
        ("?channel_binding=disable", ChannelBinding::Disable),
        ("?sslmode=require&channel_binding=require", ChannelBinding::Require),
    ] {
        assert_eq!(read(&format!("postgres://u:p@h/d{query}")).unwrap().channel_binding, asked, "{query}");
    }
}

#[test]
fn no_problem_repeats_what_was_sent() {
    for text in ["hunter2://u:p@h/d", "postgres://hunter2", "postgres://u:p@hunter2_/d", "postgres://u:p@h/d?hunter2=1"]
    {
        let problem = problem(text).unwrap().to_string();
        assert!(problem.starts_with("must ") && !problem.contains("hunter2"), "{problem}");
    }
}
