//! What a hostile server can say in the protocol of MySQL.

use super::{Expected, Hostile, Step, check_all};
use crate::Outcome;

/// What the server says it can: protocol 4.1 with plugins and a database, transactions, files, no end-of-file packets.
const CAPABILITIES: u32 = 0x0108_a289;

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or_default().to_le_bytes();
    [&length[..3], &[sequence], body].concat()
}

fn greeting(plugin: &str, capabilities: u32) -> Vec<u8> {
    let [low, lower, high, higher] = capabilities.to_le_bytes();
    let body = [
        b"\x0a8.0.0\0\x01\0\0\0abcdefgh\0".as_slice(),
        &[low, lower, 45, 2, 0, high, higher, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        b"ijklmnopqrst\0",
        plugin.as_bytes(),
        b"\0",
    ];
    packet(0, &body.concat())
}

fn native(_: &[u8]) -> Vec<u8> {
    greeting("mysql_native_password", CAPABILITIES)
}

fn caching(_: &[u8]) -> Vec<u8> {
    greeting("caching_sha2_password", CAPABILITIES)
}

fn switch_to(plugin: &str) -> Vec<u8> {
    packet(2, &[b"\xfe", plugin.as_bytes(), b"\0ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF\0"].concat())
}

fn let_in(_: &[u8]) -> Vec<u8> {
    packet(2, b"\0\0\0\x02\0\0\0")
}

/// Without TLS the password is encrypted under a key that the server sends.
fn wants_all(_: &[u8]) -> Vec<u8> {
    packet(2, b"\x01\x04")
}

const fn hostile(name: &'static str, steps: &'static [Step], expected: Expected) -> Hostile {
    Hostile { name, steps, floods: false, plaintext: true, expected }
}

const SERVERS: [Hostile; 14] = [
    Hostile { name: "has no TLS", steps: &[native], floods: false, plaintext: false, expected: Expected::Untrusted },
    Hostile {
        name: "promises TLS and sends anything",
        steps: &[|_| greeting("mysql_native_password", CAPABILITIES | 0x800), |_| b"anything but a handshake".to_vec()],
        floods: false,
        plaintext: false,
        expected: Expected::Anything,
    },
    hostile("is silent", &[|_| Vec::new()], Expected::Unreachable),
    hostile("announces sixteen megabytes", &[|_| vec![0xff, 0xff, 0xff, 0, 0x0a]], Expected::Untrusted),
    Hostile {
        name: "sends a packet without end",
        steps: &[native, |_| [vec![0xff, 0xff, 0xff, 2], vec![0; 0xff_ffff]].concat()],
        floods: true,
        plaintext: true,
        expected: Expected::Anything,
    },
    hostile("asks for the password itself", &[native, |_| switch_to("mysql_clear_password")], Expected::Untrusted),
    hostile("asks for the oldest scramble", &[native, |_| switch_to("mysql_old_password")], Expected::Untrusted),
    hostile("asks the oldest way", &[native, |_| packet(2, b"\xfe")], Expected::Untrusted),
    hostile("asks for a plugin the driver has not", &[native, |_| switch_to("client_ed25519")], Expected::Untrusted),
    hostile("asks for a plugin that nobody has", &[native, |_| switch_to("hunter")], Expected::Untrusted),
    hostile(
        "sends a key that is none",
        &[caching, wants_all, |_| packet(4, b"\x01-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")],
        Expected::Untrusted,
    ),
    hostile("sends an empty key", &[caching, wants_all, |_| packet(4, b"")], Expected::Untrusted),
    hostile(
        "asks for a file",
        &[native, let_in, |_| packet(1, b"\xfb/etc/passwd"), |_| packet(3, b"\0\0\0\x02\0\0\0")],
        Expected::Anything,
    ),
    hostile("greets with anything", &[|_| packet(0, &[0xff; 64])], Expected::Untrusted),
];

#[tokio::test]
async fn no_mysql_server_gets_the_better_of_a_login() -> Outcome {
    check_all("mysql", &SERVERS).await
}
