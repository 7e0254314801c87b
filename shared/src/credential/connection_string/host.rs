//! Hosts in the one spelling that is taken.

use std::{fmt, net::IpAddr};

/// Bytes of a DNS name and of one of its labels (RFC 1035 2.3.4).
const NAME_BYTES: usize = 253;
const LABEL_BYTES: usize = 63;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A DNS name, in lower case.
    Name(String),
    /// An address that was written as one.
    Address(IpAddr),
}

impl Host {
    /// Reads a name, a dotted quad, or an IPv6 address in brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('[') {
            Some(rest) => address(rest.strip_suffix(']')?).filter(IpAddr::is_ipv6).map(Self::Address),
            None => address(text).filter(IpAddr::is_ipv4).map(Self::Address).or_else(|| name(text).map(Self::Name)),
        }
    }

    /// As certificates name it: an IPv6 address without brackets.
    pub(super) fn in_certificates(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Address(address) => address.to_string(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// An address in its canonical spelling, which no two readers take for different ones.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(|address: &IpAddr| address.to_string() == text)
}

/// A name of ASCII letters, digits and hyphens, in lower case.
///
/// Resolvers read `127.1`, `0x7f000001` and `2130706433` as addresses: a name ends in a label that cannot be a number.
/// Punycode is left out because what it stands for cannot be seen.
pub(super) fn name(text: &str) -> Option<String> {
    let name = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        let hyphens = label.starts_with('-') || label.ends_with('-') || label.get(2..4) == Some("--");
        let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=LABEL_BYTES).contains(&label.len()) && letters && !hyphens
    };
    let is_number = |label: &str| {
        let hexadecimal = label.strip_prefix("0x").map(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        hexadecimal.unwrap_or_else(|| label.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let well_formed = name.len() <= NAME_BYTES && name.split('.').all(is_label);
    (well_formed && !name.rsplit('.').take(1).any(is_number)).then_some(name)
}
