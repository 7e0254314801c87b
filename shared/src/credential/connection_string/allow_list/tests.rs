use super::*;
use crate::credential::connection_string::grammar;

fn list(entries: &str) -> Result<AllowedHosts, SettingError> {
    AllowedHosts::from_settings(&[(SETTING, entries)].into_iter().collect()).map(Option::unwrap)
}

fn string(endpoint: &str) -> ConnectionString {
    grammar::parse(&format!("postgres://u:p@{endpoint}/d").into()).unwrap()
}

#[test]
fn without_the_setting_there_is_no_list() {
    for variables in [Variables::default(), [(SETTING, "")].into_iter().collect()] {
        assert!(AllowedHosts::from_settings(&variables).unwrap().is_none());
    }
}

#[test]
fn a_host_is_taken_when_an_entry_names_it_with_its_port() {
    for (entries, endpoint, taken) in [
        ("db.example.com", "db.example.com", true),
        ("DB.example.com", "db.example.com", true),
        ("db.example.com", "DB.EXAMPLE.COM", true),
        ("db.example.com", "db.example.com:5432", true),
        ("db.example.com", "db.example.com:5433", false),
        ("db.example.com:5433", "db.example.com:5433", true),
        ("db.example.com:5433", "db.example.com", false),
        ("db.example.com:3306", "db.example.com", false),
        ("db.example.com", "a.db.example.com", false),
        ("db.example.com", "xdb.example.com", false),
        ("*.example.com", "db.example.com", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "badexample.com", false),
        ("*.example.com", "example.com.evil.net", false),
        ("a.example, b.example", "b.example", true),
        ("10.1.0.0/16", "10.1.255.255", true),
        ("10.1.0.0/16", "10.2.0.0", false),
        ("10.1.0.0/16", "db.example.com", false),
        ("10.1.0.0/16:5433", "10.1.0.1:5433", true),
        ("10.1.0.0/16:5433", "10.1.0.1", false),
        ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false),
        ("fd12::/16", "[fd12::1]", true),
        ("[fd12::/16]:5433", "[fd12::1]:5433", true),
        ("[fd12::1]", "[fd12::1]", true),
        ("fd12::1", "[fd12::2]", false),
        ("0.0.0.0/0", "[2600::1]", false),
    ] {
        assert_eq!(list(entries).unwrap().has(&string(endpoint)), taken, "{entries} {endpoint}");
    }
}

#[test]
fn private_addresses_are_open_where_an_entry_inside_a_private_block_says_so() {
    for (entries, endpoint, address, open) in [
        ("*.example.com", "db.example.com", "8.8.8.8", true),
        ("*.example.com", "db.example.com", "2600:1f00::1", true),
        ("*.example.com", "db.example.com", "10.1.0.1", false),
        ("*.example.com,10.1.0.0/16", "db.example.com", "10.1.0.1", true),
        ("*.example.com,10.1.0.0/16:5433", "db.example.com", "10.1.0.1", false),
        ("*.example.com,10.0.0.0/8", "db.example.com", "10.1.0.1", true),
        ("*.example.com,8.0.0.0/6", "db.example.com", "10.1.0.1", false),
        ("0.0.0.0/0", "10.1.0.1", "10.1.0.1", false),
        ("0.0.0.0/0", "8.8.8.8", "8.8.8.8", true),
        ("::/0", "[fd12::1]", "fd12::1", false),
        ("*.example.com,fc00::/7", "db.example.com", "fd12::1", true),
        ("*.example.com,fc00::/7", "db.example.com", "fd00:ec2::254", false),
        ("*.example.com,127.0.0.1", "db.example.com", "127.0.0.1", true),
        ("*.example.com,localhost", "db.example.com", "127.0.0.1", false),
        ("localhost", "localhost", "127.0.0.1", true),
        ("localhost", "localhost", "::1", true),
        ("localhost", "localhost", "10.0.0.1", false),
        ("localhost:5433", "localhost", "127.0.0.1", false),
    ] {
        let opened = list(entries).unwrap().opens(&string(endpoint), address.parse().unwrap());
        assert_eq!(opened, open, "{entries} {endpoint} {address}");
    }
}

#[test]
fn tls_is_left_out_on_this_machine_only_and_only_when_the_entry_says_so() {
    for (entries, endpoint, plaintext) in [
        ("127.0.0.1:5433;plaintext", "127.0.0.1:5433", true),
        ("127.0.0.1:5433;plaintext,127.0.0.1", "127.0.0.1", false),
        ("127.0.0.0/8;plaintext", "127.9.9.9", true),
        ("[::1]:5433;plaintext", "[::1]:5433", true),
        ("localhost;plaintext", "localhost", true),
        ("localhost;plaintext,127.0.0.1", "127.0.0.1", false),
    ] {
        assert_eq!(list(entries).unwrap().allows_plaintext(&string(endpoint)), plaintext, "{entries} {endpoint}");
    }
    let elsewhere = ["10.0.0.1;plaintext", "db.example.com;plaintext", "*.localhost;plaintext", "0.0.0.0/0;plaintext"];
    for entry in elsewhere {
        let error = list(entry).unwrap_err().to_string();
        assert!(error.contains("takes ;plaintext only for localhost"), "{entry}: {error}");
    }
}

#[test]
fn an_entry_that_could_open_nothing_stops_the_start() {
    for entry in [
        "169.254.169.254",
        "169.254.0.0/16",
        "169.254.170.2:80",
        "0.0.0.0",
        "0.0.0.0/8",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.0/4",
        "192.0.2.1",
        "198.18.0.0/15",
        "192.88.99.1",
        "::",
        "fe80::/10",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:0.0.0.0/96",
        "64:ff9b::/96",
        "2002::/16",
        "2001::/32",
        "2001:db8::1",
        "fd00:ec2::254",
        "fd00:ec2::/32",
    ] {
        let error = list(entry).unwrap_err().to_string();
        assert!(error.contains("must not open link-local"), "{entry}: {error}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_stops_the_start() {
    for entry in [
        "a.example,",
        "*",
        "*.",
        "*.*.example",
        "a.*.example",
        "db_example",
        "a.example:",
        "a.example:0",
        "a.example:+1",
        "a.example:65536",
        "a.example:1:2",
        "a.example;plain",
        "a.example;plaintext;plaintext",
        "a.example:5432 ;plaintext",
        "https://a.example",
        "a.example/db",
        "10.1.0.1/16",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "010.0.0.1",
        "10.1",
        "2130706433",
        "[fd12::1]5432",
        "[fd12::1",
        "FD12::1",
        "xn--bcher-kva.example",
        "a.example.",
    ] {
        let error = list(entry).unwrap_err().to_string();
        assert!(error.starts_with("CONNECT_ALLOWED_HOSTS takes"), "{entry}: {error}");
    }
}
