use super::*;
use crate::{keys::tests::ring, unix_time::UnixMillis};

fn first(keys: &KeySet) -> RefreshToken {
    let id = SessionId::new(UnixMillis::from_millis(1_795_255_200_000), &[7; 10]);
    RefreshToken::first(keys, SubjectId::of("password", "", "ada"), id, [9; 32])
}

fn nonce(text: &str) -> Nonce {
    Nonce::parse(text).unwrap()
}

#[test]
fn a_token_is_read_back_as_it_was_written() {
    let ring = ring("one", &[]);
    let keys = ring.current();
    let token = first(keys);
    let read = Unverified::<SessionId>::parse(token.encode(keys).expose_secret()).unwrap().verify(keys).unwrap();
    assert_eq!((read.subject, read.id, read.generation), (token.subject, token.id, 1));
    assert_eq!(read.hash(), token.hash());
}

#[test]
fn the_same_nonce_gives_the_same_successor_and_any_other_another() {
    let ring = ring("one", &[]);
    let keys = ring.current();
    let token = first(keys);
    let next = token.successor(keys, &nonce("nonce-of-16-chars"));
    assert_eq!(next.generation, 2);
    assert_eq!(next.hash(), token.successor(keys, &nonce("nonce-of-16-chars")).hash());
    assert_ne!(next.hash(), token.successor(keys, &nonce("nonce-of-16-charz")).hash());
    assert_ne!(next.hash(), next.successor(keys, &nonce("nonce-of-16-chars")).hash());
    assert_ne!(next.hash(), token.hash());
}

#[test]
fn another_ring_neither_verifies_nor_continues_a_token() {
    let (one, two) = (ring("one", &[]), ring("two", &[]));
    let token = first(one.current());
    let unverified = Unverified::<SessionId>::parse(token.encode(one.current()).expose_secret()).unwrap();
    assert_eq!(unverified.verify(two.current()).unwrap_err(), NotGenuine);
    let nonce = nonce("nonce-of-16-chars");
    assert_ne!(token.successor(one.current(), &nonce).hash(), token.successor(two.current(), &nonce).hash());
}

#[test]
fn every_single_bit_flip_is_refused() {
    let ring = ring("one", &[]);
    let keys = ring.current();
    let text = first(keys).encode(keys);
    let text = text.expose_secret().as_bytes();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut flipped = text.to_vec();
            flipped[at] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(flipped) else { continue };
            let accepted = Unverified::<SessionId>::parse(&flipped).is_ok_and(|token| token.verify(keys).is_ok());
            assert!(!accepted, "bit {bit} of byte {at}: {flipped}");
        }
    }
}

#[test]
fn other_forms_are_refused() {
    let ring = ring("one", &[]);
    let keys = ring.current();
    let text = first(keys).encode(keys).expose_secret().to_owned();
    let id = ReconnectId::new(UnixMillis::from_millis(1_795_255_200_000), &[7; 10]);
    let reconnect = ReconnectToken::first(keys, SubjectId::of("password", "", "ada"), id, [9; 32]).encode(keys);
    let (relabelled, other_kind) = (text.replacen("rt1", "rc1", 1), reconnect.expose_secret());
    let truncated = &text[..text.len() - 1];
    let padded = format!("{text}{}", "A".repeat(512));
    for form in ["", ".", "......", &relabelled, other_kind, truncated, &padded, "eyJhbGciOiJFZERTQSJ9.e30.c2ln"] {
        let accepted = Unverified::<SessionId>::parse(form).is_ok_and(|token| token.verify(keys).is_ok());
        assert!(!accepted, "{form}");
    }
}

#[test]
fn a_nonce_has_16_to_128_visible_characters_and_no_comma() {
    for (text, taken) in [
        ("a".repeat(15), false),
        ("a".repeat(16), true),
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        ("with, comma, 1234".to_owned(), false),
        ("with,comma,12345".to_owned(), false),
        ("with space 123456".to_owned(), false),
        ("é".repeat(16), false),
    ] {
        assert_eq!(Nonce::parse(&text).is_some(), taken, "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let ring = ring("one", &[]);
    let token = first(ring.current());
    let unverified = Unverified::<SessionId>::parse(token.encode(ring.current()).expose_secret()).unwrap();
    let shown = format!("{token:?} {unverified:?} {:?}", nonce("nonce-of-16-chars"));
    let secret = URL_SAFE_NO_PAD.encode([9; 32]);
    assert!(!shown.contains(&secret) && !shown.contains("nonce-of") && !shown.contains("9, 9"), "{shown}");
}

#[test]
fn the_session_that_a_reconnect_opens_has_a_first_secret_that_follows_from_its_token() {
    let (ring, other) = (ring("one", &[]), ring("two", &[]));
    let (keys, id) = (ring.current(), first(ring.current()).id);
    let reconnect_id = ReconnectId::new(UnixMillis::from_millis(1_795_255_200_000), &[7; 10]);
    let token = |secret| ReconnectToken::first(keys, SubjectId::of("password", "", "ada"), reconnect_id, [secret; 32]);
    let opened = RefreshToken::opened_by(&token(9), keys, id);
    assert_eq!((opened.generation, opened.hash()), (1, RefreshToken::opened_by(&token(9), keys, id).hash()));
    let other_session = SessionId::new(UnixMillis::from_millis(1_795_255_200_001), &[7; 10]);
    for other in [
        RefreshToken::opened_by(&token(8), keys, id),
        RefreshToken::opened_by(&token(9), keys, other_session),
        RefreshToken::opened_by(&token(9), other.current(), id),
    ] {
        assert_ne!(opened.hash(), other.hash());
    }
    assert!(!token(9).hash().is_of(&opened));
}
