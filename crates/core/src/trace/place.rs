//! Where an address is: in a network of the estate, beyond a gateway, or in the internet.

use std::net::Ipv4Addr;

use crate::address::{AddressSet, private};
use crate::estate::endpoint::Interface;
use crate::estate::forwarder::InboundEndpoint;
use crate::estate::gateway::LoadBalancer;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::{Estate, Key};
use crate::id::ResourceId;
use crate::trace::leg::Machine;

/// Where an address is, seen from a network.
#[derive(Debug, Clone)]
pub enum Place {
    /// A subnet of Azure holds it.
    Here(Machine),
    /// The network, or one joined with it, claims it, and no subnet of the estate holds it.
    Claimed(ResourceId),
    /// No network near holds it.
    Beyond,
}

/// Finds an address: by whoever holds it, by a subnet of the network or of one peered with it, or beyond them.
pub fn of(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Place {
    if let Some((holder, subnet)) = holder(estate, address) {
        return Place::Here(Machine { address, subnet, holder: Some(holder) });
    }
    if !private().contains(address) {
        return Place::Beyond;
    }
    let peers = estate.children::<Peering>(vnet).map(|(_, half)| half.remote.clone());
    for near in std::iter::once(vnet.clone()).chain(peers) {
        let holds = |subnet: &Subnet| AddressSet::of(&subnet.prefixes).contains(address);
        let mut subnets = estate.children::<Subnet>(&near);
        if let Some((subnet, _)) = subnets.find(|(_, subnet)| holds(subnet)) {
            return Place::Here(Machine { address, subnet: subnet.clone(), holder: None });
        }
        if estate.get::<Vnet>(&near).is_ok_and(|one| AddressSet::of(&one.space).contains(address)) {
            return Place::Claimed(near.clone());
        }
    }
    Place::Beyond
}

/// The machine, load balancer or resolver that holds an address, with its subnet.
fn holder(estate: &Estate, address: Ipv4Addr) -> Option<(ResourceId, ResourceId)> {
    let key = || Key::Holders(address);
    let machine = estate
        .list::<Interface>(key())
        .find_map(|(id, one)| Some((id.clone(), one.subnet.clone()?)));
    let balancer = || {
        estate.list::<LoadBalancer>(key()).find_map(|(id, one)| {
            let frontend = one.frontends.iter().find(|frontend| frontend.address == address)?;
            Some((id.clone(), frontend.subnet.clone()?))
        })
    };
    let resolver = || {
        let mut found = estate.list::<InboundEndpoint>(key());
        found.find_map(|(id, one)| Some((id.clone(), one.subnets.first()?.clone())))
    };
    machine.or_else(balancer).or_else(resolver)
}
