//! Which addresses are public, and which of the others an operator may open.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What is not public, or not a host's: the special-purpose registries of IANA (RFC 6890), multicast, and in IPv6
/// everything that is not assigned. Translations of IPv4 addresses are among them, because they could name the rest.
const NOT_GLOBAL: [IpNet; 22] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    // All but 2000::/3, the only block of which addresses are given out.
    v6([0, 0, 0], 3),
    v6([0x4000, 0, 0], 2),
    v6([0x8000, 0, 0], 1),
    v6([0x2001, 0, 0], 23),
    v6([0x2001, 0xdb8, 0], 32),
    v6([0x2002, 0, 0], 16),
    v6([0x3fff, 0, 0], 20),
];

/// Private networks and this machine: opened where an entry of the list lies wholly inside one of them.
const OPENABLE: [IpNet; 7] = [
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v6([0xfc00, 0, 0], 7),
    IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
];

/// Where AWS has its own services in the private range of IPv6, the instance metadata with its credentials first.
const AWS_SERVICES: IpNet = v6([0xfd00, 0xec2, 0], 32);

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNet {
    IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix)
}

const fn v6([a, b, c]: [u16; 3], prefix: u8) -> IpNet {
    IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix)
}

/// Whether the address is a public one.
pub(super) fn is_global(address: IpAddr) -> bool {
    !NOT_GLOBAL.iter().any(|block| block.contains(&address))
}

/// Whether an entry with this range opens private addresses.
pub(super) fn opens_private(range: &IpNet) -> bool {
    OPENABLE.iter().any(|block| block.contains(range))
}

/// Whether no entry opens the address.
pub(super) fn is_closed_for_good(address: IpAddr) -> bool {
    AWS_SERVICES.contains(&address)
}

/// Whether an entry with this range could open nothing at all.
pub(super) fn opens_nothing(range: &IpNet) -> bool {
    let closed = NOT_GLOBAL.iter().any(|block| block.contains(range)) && !opens_private(range);
    closed || AWS_SERVICES.contains(range)
}
