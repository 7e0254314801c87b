//! The operator's list of databases. What is not on it is not dialled.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    ConnectionString, addresses,
    host::{self, Host},
};
use crate::settings::{SettingError, Variables};

const SETTING: &str = "CONNECT_ALLOWED_HOSTS";

/// The entries of `CONNECT_ALLOWED_HOSTS`, as in `*.db.example.com,10.1.0.0/16:5432,127.0.0.1:5433;plaintext`.
#[derive(Clone, Debug)]
pub(super) struct AllowedHosts(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    /// Absent: the engine's own.
    port: Option<u16>,
    /// Passwords may be sent to it without TLS, which a database on this machine seldom has.
    plaintext: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// One name.
    Name(String),
    /// Every name below one; with its leading dot.
    Below(String),
    /// One address, or all of a block.
    Range(IpNet),
}

impl AllowedHosts {
    pub(super) fn from_settings(variables: &Variables) -> Result<Option<Self>, SettingError> {
        let Some(entries) = variables.list(SETTING) else { return Ok(None) };
        entries.into_iter().map(Entry::parse).collect::<Result<_, _>>().map(Self).map(Some)
    }

    /// Whether any entry has the port of this string.
    pub(super) fn has_port(&self, string: &ConnectionString) -> bool {
        self.0.iter().any(|entry| entry.has_port(string))
    }

    /// Whether the host, as it is written, is on the list.
    pub(super) fn has(&self, string: &ConnectionString) -> bool {
        self.naming(string).next().is_some()
    }

    /// Whether the entry that the host is written in gives leave to do without TLS.
    pub(super) fn allows_plaintext(&self, string: &ConnectionString) -> bool {
        self.naming(string).any(|entry| entry.plaintext)
    }

    /// Whether this string may lead to the address: a public one, or a private one that an entry opens.
    pub(super) fn opens(&self, string: &ConnectionString, address: IpAddr) -> bool {
        let opened = || self.0.iter().any(|entry| entry.has_port(string) && entry.opens(&string.host, address));
        addresses::is_global(address) || (opened() && !addresses::is_closed_for_good(address))
    }

    fn naming<'a>(&'a self, string: &'a ConnectionString) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().filter(|entry| entry.has_port(string) && entry.names(&string.host))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, SettingError> {
        let unreadable = || {
            let problem = "takes names, *.suffixes, addresses and address/bits, each with :port and ;plaintext if need \
                           be; an IPv6 address before a port stands in brackets";
            SettingError::invalid(SETTING, problem)
        };
        let (text, plaintext) = text.strip_suffix(";plaintext").map_or((text, false), |text| (text, true));
        let (hosts, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(unreadable)?,
            // An IPv6 address without brackets has colons of its own.
            None if text.matches(':').count() > 1 => (text, ""),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port {
            "" => None,
            port => {
                let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
                Some(digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0).ok_or_else(unreadable)?)
            }
        };
        let entry = Self { hosts: Hosts::parse(hosts).ok_or_else(unreadable)?, port, plaintext };
        entry.check()?;
        Ok(entry)
    }

    fn check(&self) -> Result<(), SettingError> {
        if matches!(&self.hosts, Hosts::Range(range) if addresses::opens_nothing(range)) {
            let problem = "must not open link-local, metadata, multicast, reserved or translated addresses";
            return Err(SettingError::invalid(SETTING, problem));
        }
        let here = match &self.hosts {
            Hosts::Name(name) => name == "localhost",
            Hosts::Below(_) => false,
            Hosts::Range(range) => range.network().is_loopback() && range.broadcast().is_loopback(),
        };
        if self.plaintext && !here {
            let problem = "takes ;plaintext only for localhost and loopback addresses, a database in development";
            return Err(SettingError::invalid(SETTING, problem));
        }
        Ok(())
    }

    fn has_port(&self, string: &ConnectionString) -> bool {
        self.port.unwrap_or_else(|| string.engine.default_port()) == string.port
    }

    /// Whether the host is written in this entry.
    fn names(&self, host: &Host) -> bool {
        match (&self.hosts, host) {
            (Hosts::Name(listed), Host::Name(name)) => listed == name,
            (Hosts::Below(suffix), Host::Name(name)) => name.strip_suffix(suffix).is_some_and(|rest| !rest.is_empty()),
            (Hosts::Range(range), Host::Address(address)) => range.contains(address),
            (Hosts::Name(_) | Hosts::Below(_), Host::Address(_)) | (Hosts::Range(_), Host::Name(_)) => false,
        }
    }

    /// Whether this entry lets `host` be at a private address.
    fn opens(&self, host: &Host, address: IpAddr) -> bool {
        match &self.hosts {
            Hosts::Range(range) => addresses::opens_private(range) && range.contains(&address),
            // That name says which addresses are meant.
            Hosts::Name(name) => name == "localhost" && self.names(host) && address.is_loopback(),
            Hosts::Below(_) => false,
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if let Some(suffix) = text.strip_prefix("*.") {
            return host::name(suffix).map(|suffix| Self::Below(format!(".{suffix}")));
        }
        let range = || text.parse().ok().filter(|range: &IpNet| range.trunc() == *range && range.to_string() == text);
        let one = host::address(text).map(IpNet::from).or_else(range).map(Self::Range);
        one.or_else(|| host::name(text).map(Self::Name))
    }
}

#[cfg(test)]
mod tests;
