use std::collections::HashSet;

use super::*;
use crate::{
    keys::{KeyRing, tests::ring},
    rotating_token::Nonce as IdempotencyKey,
};

const PLAIN: &str = r#"{"password":{"username":"ada","password":"correct horse battery"}}"#;

fn id(number: u8) -> ReconnectId {
    ReconnectId::new(UnixMillis::from_millis(1_795_255_200_000), &[number; 10])
}

fn bound() -> Bound<'static> {
    Bound {
        subject: SubjectId::of("password", "", "ada"),
        id: id(1),
        kind: CredentialKind::Password,
        origin: "https://app.example.com",
        expires_at: UnixMillis::from_millis(1_795_255_800_000),
    }
}

fn token(ring: &KeyRing, secret: u8) -> ReconnectToken {
    ReconnectToken::first(ring.current(), bound().subject, id(1), [secret; 32])
}

fn sealed(ring: &KeyRing) -> Sealed {
    Sealed::seal(&PLAIN.into(), bound(), &token(ring, 7), ring.current(), [3; 12]).unwrap()
}

#[test]
fn what_was_sealed_is_opened_by_the_same_token_for_the_same_purpose() {
    let ring = ring("one", &[]);
    let opened = sealed(&ring).open(bound(), &token(&ring, 7), ring.current()).unwrap();
    assert_eq!(opened.expose_secret().trim_end_matches(' '), PLAIN);
}

/// K1: each field by itself.
#[test]
fn a_seal_that_is_moved_to_another_place_stays_closed() {
    let ring = ring("one", &[]);
    let (sealed, token) = (sealed(&ring), token(&ring, 7));
    for (field, other) in [
        ("subject", Bound { subject: SubjectId::of("password", "", "eve"), ..bound() }),
        ("id", Bound { id: id(2), ..bound() }),
        ("kind", Bound { kind: CredentialKind::ConnectionString, ..bound() }),
        ("origin", Bound { origin: "https://evil.example", ..bound() }),
        ("no origin", Bound { origin: "", ..bound() }),
        ("expiry", Bound { expires_at: UnixMillis::from_millis(1_795_255_800_001), ..bound() }),
    ] {
        assert_eq!(sealed.open(other, &token, ring.current()).unwrap_err(), NotOpened, "{field}");
    }
}

/// K2.
#[test]
fn every_bit_flip_every_truncation_and_every_extension_stays_closed() {
    let ring = ring("one", &[]);
    let (sealed, token) = (sealed(&ring), token(&ring, 7));
    let opens = |bytes: Vec<u8>| Sealed::from_bytes(bytes).open(bound(), &token, ring.current()).is_ok();
    let bytes = sealed.as_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << bit;
            assert!(!opens(flipped), "bit {bit} of byte {at}");
        }
        assert!(!opens(bytes[..at].to_vec()), "the first {at} bytes");
        assert!(!opens(bytes[at + 1..].to_vec()), "without the first {} bytes", at + 1);
    }
    assert!(!opens([bytes, &[0]].concat()));
    assert!(opens(bytes.to_vec()));
}

/// K5: another generation of keys, and no other token, not even the next of the same chain.
#[test]
fn neither_the_keys_alone_nor_another_token_open_a_seal() {
    let (one, two) = (ring("one", &[]), ring("two", &[]));
    let sealed = sealed(&one);
    assert_eq!(sealed.open(bound(), &token(&one, 8), one.current()).unwrap_err(), NotOpened);
    assert_eq!(sealed.open(bound(), &token(&one, 7), two.current()).unwrap_err(), NotOpened);
    let next = token(&one, 7).successor(one.current(), &IdempotencyKey::parse("nonce-of-16-chars").unwrap());
    assert_eq!(sealed.open(bound(), &next, one.current()).unwrap_err(), NotOpened);
}

/// K4.
#[test]
fn a_seal_shows_neither_the_text_nor_its_length() {
    let ring = ring("one", &[]);
    let length = |text: String| {
        let sealed = Sealed::seal(&text.into(), bound(), &token(&ring, 7), ring.current(), [3; 12]);
        sealed.unwrap().as_bytes().len()
    };
    for (plain, sealed) in [(1, 256), (64, 256), (256, 256), (257, 512), (2_100, 2_304)] {
        assert_eq!(length("x".repeat(plain)), NONCE_LEN + sealed + 16, "{plain} bytes");
    }
    let bytes = sealed(&ring);
    for window in PLAIN.as_bytes().windows(8) {
        assert!(!bytes.as_bytes().windows(8).any(|sealed| sealed == window));
    }
    assert_eq!(format!("{bytes:?}"), "Sealed { .. }");
}

/// K4.
#[test]
fn the_same_text_is_sealed_differently_every_time() {
    let ring = ring("one", &[]);
    let seals: HashSet<Vec<u8>> = (0..10_000_u32)
        .map(|count| {
            let mut nonce = [0; 12];
            nonce[..4].copy_from_slice(&count.to_be_bytes());
            let sealed = Sealed::seal(&PLAIN.into(), bound(), &token(&ring, 7), ring.current(), nonce).unwrap();
            sealed.as_bytes()[NONCE_LEN..].to_vec()
        })
        .collect();
    assert_eq!(seals.len(), 10_000);
}
