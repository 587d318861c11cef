//! What a change lets through that was kept out before: how much of it, and in words.

use std::fmt;

use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::id::ResourceId;

/// Ports of a receiver.
pub const EVERY_PORT: u128 = 65_536;

/// Addresses of a service tag, or of a network whose size was not observed: a bound, as large as a /8.
pub const MANY: u128 = 1 << 24;

/// Flows newly let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    text: String,
    /// Upper bound of the number of (sender, receiver, port) triples.
    pub flow_count: u128,
}

impl Exposure {
    /// Senders times receivers times ports, with the words for it.
    pub fn new(text: impl Into<String>, senders: u128, receivers: u128, ports: u128) -> Exposure {
        let flow_count = senders.saturating_mul(receivers).saturating_mul(ports);
        Exposure { text: text.into(), flow_count }
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl serde::Serialize for Exposure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Number of addresses in some networks.
pub fn size(networks: &[ipnet::Ipv4Net]) -> u128 {
    AddressSet::of(networks).len()
}

/// Number of addresses of a virtual network.
pub fn size_of_vnet(estate: &Estate, vnet: &ResourceId) -> u128 {
    let space = estate.get::<Vnet>(vnet).ok().map(|vnet| size(&vnet.space));
    space.filter(|size| *size > 0).unwrap_or(MANY)
}

/// Number of addresses from which something in a network is dialled: its own, and those of the networks that it is peered with.
pub fn size_around(estate: &Estate, vnet: &ResourceId) -> u128 {
    let halves = estate.children::<Peering>(vnet).map(|(_, half)| half);
    let lets_in = |half: &&Peering| !half.is_down() && half.allows_access != Some(false);
    let size_of = |half: &Peering| match half.remote_space.as_slice() {
        [] => size_of_vnet(estate, &half.remote),
        space => size(space),
    };
    let peers = halves.filter(lets_in).map(size_of);
    peers.fold(size_of_vnet(estate, vnet), u128::saturating_add)
}

/// Number of addresses of a subnet.
pub fn size_of_subnet(estate: &Estate, subnet: &ResourceId) -> u128 {
    let space = estate.get::<Subnet>(subnet).ok().map(|subnet| size(&subnet.prefixes));
    space.filter(|size| *size > 0).unwrap_or(MANY)
}
