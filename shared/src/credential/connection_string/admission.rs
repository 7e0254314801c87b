//! From a host that is written to the one address that may be dialled.

use std::{io, net::SocketAddr};

use super::{ConnectionString, LoginFailed, allow_list::AllowedHosts, host::Host};

/// A server that has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    /// The address that was checked, and the only one to dial: a second look-up may answer otherwise (DNS rebinding).
    pub(super) address: SocketAddr,
    /// The operator gave leave to do without TLS, and the string does not ask for it.
    pub(super) plaintext: bool,
}

/// Looks a name up with the system's resolver.
pub(super) async fn look_up(name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, port)).await?.collect())
}

/// Checks the host against the list, looks it up at most once and checks every address it has.
pub(super) async fn admit<L: Future<Output = io::Result<Vec<SocketAddr>>>>(
    allowed: &AllowedHosts,
    string: &ConnectionString,
    look_up: impl FnOnce(String, u16) -> L,
) -> Result<Admitted, LoginFailed> {
    if !allowed.has(string) {
        return Err(LoginFailed::not_allowed("the host is not on the list"));
    }
    let addresses = match &string.host {
        Host::Address(address) => vec![SocketAddr::new(*address, string.port)],
        Host::Name(name) => look_up(name.clone(), string.port)
            .await
            .map_err(|error| LoginFailed::unreachable(format!("its name cannot be looked up: {}", error.kind())))?,
    };
    if !addresses.iter().all(|address| allowed.opens(string, address.ip())) {
        return Err(LoginFailed::not_allowed("the host has an address that is not on the list"));
    }
    // Functions have no route over IPv6 unless they are given one.
    let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    let address = *address.ok_or_else(|| LoginFailed::unreachable("its name has no address"))?;
    let plaintext = allowed.allows_plaintext(string) && !string.demands_tls && address.ip().is_loopback();
    Ok(Admitted { address: SocketAddr::new(address.ip(), string.port), plaintext })
}

#[cfg(test)]
mod tests;
