//! What a hostile server can say in the protocol of PostgreSQL.

use super::{Expected, Hostile, check_all};
use crate::Outcome;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or_default().to_be_bytes();
    [&[tag], length.as_slice(), body].concat()
}

fn authentication(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[code.to_be_bytes().as_slice(), rest].concat())
}

/// The client of this protocol speaks first.
fn silence(_: &[u8]) -> Vec<u8> {
    Vec::new()
}

fn scram(_: &[u8]) -> Vec<u8> {
    authentication(10, b"SCRAM-SHA-256\0\0")
}

/// Continues with the client's own nonce and this many iterations.
fn iterations(heard: &[u8], count: &str) -> Vec<u8> {
    let heard = String::from_utf8_lossy(heard);
    let nonce = heard.rsplit("r=").next().unwrap_or_default();
    authentication(11, format!("r={nonce}x,s=c2FsdA==,i={count}").as_bytes())
}

fn let_in(_: &[u8]) -> Vec<u8> {
    [authentication(0, b""), message(b'K', &[0; 8]), message(b'Z', b"I")].concat()
}

const SERVERS: [Hostile; 13] = [
    Hostile {
        name: "has no TLS",
        steps: &[silence, |_| b"N".to_vec()],
        floods: false,
        plaintext: false,
        expected: Expected::Untrusted,
    },
    Hostile {
        name: "answers the request for TLS with an error",
        steps: &[silence, |_| message(b'E', b"SFATAL\0C28P01\0Mhunter2\0\0")],
        floods: false,
        plaintext: false,
        expected: Expected::Untrusted,
    },
    Hostile {
        name: "promises TLS and sends anything",
        steps: &[silence, |_| b"Sanything but a handshake".to_vec()],
        floods: false,
        plaintext: false,
        expected: Expected::Anything,
    },
    hostile("is silent", &[silence], Expected::Unreachable),
    hostile("asks for the password itself", &[silence, |_| authentication(3, b"")], Expected::Untrusted),
    hostile("asks for MD5", &[silence, |_| authentication(5, b"salt")], Expected::Untrusted),
    hostile("asks for no password", &[silence, let_in], Expected::Untrusted),
    hostile(
        "announces two gigabytes",
        &[silence, |_| [b"R".as_slice(), &0x7fff_ffff_u32.to_be_bytes()].concat()],
        Expected::Untrusted,
    ),
    hostile("demands 2^31 iterations", &[silence, scram, |heard| iterations(heard, "2147483648")], Expected::Untrusted),
    hostile(
        "demands all iterations that there are",
        &[silence, scram, |heard| iterations(heard, "99999999999")],
        Expected::Untrusted,
    ),
    hostile(
        "does not prove that it knows the password",
        &[silence, scram, |heard| iterations(heard, "4096"), |_| [authentication(12, b"v=AAAA"), let_in(b"")].concat()],
        Expected::Untrusted,
    ),
    hostile("sends anything", &[silence, |_| vec![0xff; 64]], Expected::Untrusted),
    Hostile {
        name: "sends notices without end",
        steps: &[silence, scram, |_| message(b'N', &[b"SNOTICE\0M".as_slice(), &[b'x'; 900], b"\0\0"].concat())],
        floods: true,
        plaintext: true,
        expected: Expected::Untrusted,
    },
];

const fn hostile(name: &'static str, steps: &'static [super::Step], expected: Expected) -> Hostile {
    Hostile { name, steps, floods: false, plaintext: true, expected }
}

#[tokio::test]
async fn no_postgres_server_gets_the_better_of_a_login() -> Outcome {
    check_all("postgres", &SERVERS).await
}
