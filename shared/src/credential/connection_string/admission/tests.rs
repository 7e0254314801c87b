use std::cell::Cell;

use super::*;
use crate::{credential::connection_string::grammar, settings::Variables};

async fn admitted(entries: &str, text: &str, answers: &[&[&str]]) -> (Result<Admitted, LoginFailed>, usize) {
    let variables: Variables = [("CONNECT_ALLOWED_HOSTS", entries)].into_iter().collect();
    let allowed = AllowedHosts::from_settings(&variables).unwrap().unwrap();
    let string = grammar::parse(&text.into()).unwrap();
    let look_ups = Cell::new(0);
    let look_up = async |_: String, port| {
        let answer = answers[look_ups.replace(look_ups.get() + 1)];
        Ok(answer.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect())
    };
    (admit(&allowed, &string, look_up).await, look_ups.get())
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_to_dial() {
    let answers: &[&[&str]] = &[&["2600::1", "8.8.8.8", "8.8.4.4"], &["127.0.0.1"]];
    let (server, look_ups) = admitted("db.example.com", "postgres://u:p@db.example.com/d", answers).await;
    assert_eq!(server, Ok(Admitted { address: "8.8.8.8:5432".parse().unwrap(), plaintext: false }));
    assert_eq!(look_ups, 1);
}

#[tokio::test]
async fn one_address_that_is_not_open_closes_the_name() {
    let text = "postgres://u:p@db.example.com/d";
    for bad in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:8.8.8.8", "0.0.0.0"] {
        for answer in [&["8.8.8.8", bad][..], &[bad, "8.8.8.8"][..]] {
            let (server, look_ups) = admitted("db.example.com", text, &[answer]).await;
            assert!(matches!(server, Err(LoginFailed::NotAllowed { .. })), "{answer:?}: {server:?}");
            assert_eq!(look_ups, 1);
        }
    }
}

#[tokio::test]
async fn an_address_is_not_looked_up() {
    let (server, look_ups) = admitted("10.1.0.0/16:6432", "postgres://u:p@10.1.0.1:6432/d", &[]).await;
    assert_eq!(server, Ok(Admitted { address: "10.1.0.1:6432".parse().unwrap(), plaintext: false }));
    assert_eq!(look_ups, 0);
}

#[tokio::test]
async fn a_name_without_an_address_is_not_reached() {
    let (server, _) = admitted("db.example.com", "postgres://u:p@db.example.com/d", &[&[]]).await;
    assert_eq!(server, Err(LoginFailed::unreachable("its name has no address")));
}

#[tokio::test]
async fn a_string_that_asks_for_tls_gets_it_from_an_entry_that_does_not() {
    for (query, plaintext) in [("", true), ("?application_name=x", true), ("?sslmode=require", false)] {
        let text = format!("postgres://u:p@localhost/d{query}");
        let (server, _) = admitted("localhost;plaintext", &text, &[&["::1", "127.0.0.1"]]).await;
        assert_eq!(server, Ok(Admitted { address: "127.0.0.1:5432".parse().unwrap(), plaintext }), "{query}");
    }
}

#[tokio::test]
async fn tls_is_not_left_out_when_localhost_is_elsewhere() {
    let (server, _) = admitted("localhost;plaintext", "postgres://u:p@localhost/d", &[&["8.8.8.8"]]).await;
    assert_eq!(server, Ok(Admitted { address: "8.8.8.8:5432".parse().unwrap(), plaintext: false }));
}
