//! Every figure that tests and benchmarks hold the functions to. One that needs more says why, here.

/// What a call may ask of the table, after its function has started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// The call.
    pub name: &'static str,
    /// Its requests, in their order.
    pub requests: &'static [&'static str],
    /// Read units that they consume.
    pub read: f64,
    /// Write units that they consume.
    pub written: f64,
}

const fn call(name: &'static str, requests: &'static [&'static str], read: f64, written: f64) -> Call {
    Call { name, requests, read, written }
}

const CONNECT: &[&str] = &["BatchGetItem", "Query", "TransactWriteItems"];
const RECONNECT: &[&str] = &["Query", "TransactWriteItems"];

/// A poll of a session whose user was not there.
pub const VALIDATE: Call = call("validate, nobody there", &["GetItem"], 1.0, 0.0);
/// A poll of a session whose user was there.
pub const VALIDATE_ACTIVE: Call = call("validate, somebody there", &["UpdateItem"], 0.0, 1.0);
/// A refresh.
pub const REFRESH: Call = call("refresh", &["UpdateItem"], 0.0, 1.0);
/// A logout.
pub const LOGOUT: Call = call("logout", &["UpdateItem"], 0.0, 1.0);
/// A new user with a password.
pub const REGISTER: Call = call("register", CONNECT, 3.0, 8.0);
/// A new user with a password who wants to be remembered.
pub const REGISTER_REMEMBERED: Call = call("register and be remembered", CONNECT, 3.0, 10.0);
/// A second session of a user.
pub const CONNECT_PASSWORD: Call = call("connect with a password", CONNECT, 4.0, 6.0);
/// A guest.
pub const CONNECT_GUEST: Call = call("connect as a guest", &["TransactWriteItems"], 0.0, 4.0);
/// A stored credential in place of its user.
pub const RECONNECTED: Call = call("reconnect", RECONNECT, 1.0, 10.0);
/// The list of one's sessions.
pub const LIST: Call = call("list", &["Query"], 1.0, 0.0);

/// Instructions of validate-session from the start of its process to its first request for an event, the connection to
/// the table open, without TLS.
pub const START: u64 = 2_225_000;
/// The same with TLS.
pub const START_OVER_TLS: u64 = 5_000_000;
/// Instructions that the first TLS connection takes, of the ones above.
pub const TLS_CONNECTION: u64 = 10_000_000;
/// Instructions of the first poll. It is the first to draw randomness: with AWS-LC's jitter entropy it would take
/// hundreds of millions.
pub const FIRST_POLL: u64 = 1_168_000;
/// Instructions of a poll that writes nothing; about 470,000 are the Ed25519 signature.
pub const POLL: u64 = 1_100_000;
/// Instructions of a refresh.
pub const REFRESH_INSTRUCTIONS: u64 = 1_070_000;

/// Bytes of a stripped binary of what is polled.
pub const BINARY: u64 = 7_700_000;
/// Bytes of the archive that Lambda fetches before a cold start of what is polled.
pub const ARCHIVE: u64 = 3_400_000;
/// Bytes of memory that a function ever has resident, after a thousand polls: 9 MiB.
pub const MEMORY: u64 = 9_437_184;
/// Bytes of an ordinary session in the table: one write unit.
pub const SESSION: u64 = 1_024;
