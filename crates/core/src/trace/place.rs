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
use crate::trace::outward::{self, Outward};

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

/// Finds an address: by whoever holds it or whose subnet holds it in the network or in one peered with it, or else beyond them.
pub fn of(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Place {
    let here = |(holder, subnet)| Place::Here(Machine { address, subnet, holder: Some(holder) });
    let mut held = holders(estate, address);
    if let Some(near) = held.iter().position(|(_, subnet)| is_near(estate, vnet, subnet)) {
        return here(held.swap_remove(near));
    }
    if let Some(claimed) = claim(estate, vnet, address) {
        return claimed;
    }
    // Networks that are not joined may use the same addresses: only one that a single place has tells where it is.
    match held.pop() {
        Some(one) if held.is_empty() && !is_led_out(estate, vnet, address) => here(one),
        Some(_) | None => Place::Beyond,
    }
}

/// Who of those that hold an address is meant when it is dialled from a network.
pub fn holder(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Option<Machine> {
    match of(estate, vnet, address) {
        Place::Here(machine) => Some(machine),
        Place::Claimed(_) | Place::Beyond => None,
    }
}

/// Whether a subnet is in a network, or in one that is peered with it.
pub fn is_near(estate: &Estate, vnet: &ResourceId, subnet: &ResourceId) -> bool {
    let parent = subnet.parent();
    near(estate, vnet).any(|one| parent.as_ref() == Some(one))
}

/// A network and those that are peered with it.
pub fn near<'e>(estate: &'e Estate, vnet: &'e ResourceId) -> impl Iterator<Item = &'e ResourceId> {
    std::iter::once(vnet).chain(estate.children::<Peering>(vnet).map(|(_, half)| &half.remote))
}

/// The subnet that an address lies in, or the network that claims it, of a network and those peered with it.
pub fn claim(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Option<Place> {
    if !private().contains(address) {
        return None;
    }
    near(estate, vnet).find_map(|near| {
        let holds = |subnet: &Subnet| AddressSet::of(&subnet.prefixes).contains(address);
        let mut subnets = estate.children::<Subnet>(near);
        if let Some((subnet, _)) = subnets.find(|(_, subnet)| holds(subnet)) {
            return Some(Place::Here(Machine { address, subnet: subnet.clone(), holder: None }));
        }
        let claims = |one: &Vnet| AddressSet::of(&one.space).contains(address);
        estate.find::<Vnet>(near).is_some_and(claims).then(|| Place::Claimed(near.clone()))
    })
}

/// Whether a gateway is known to lead to an address.
fn is_led_out(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> bool {
    matches!(outward::outward(estate, vnet, address), Outward::Through(_))
}

/// The resolvers, machines and load balancers that hold an address, with their subnets; those of the copier's network and of
/// others alike.
fn holders(estate: &Estate, address: Ipv4Addr) -> Vec<(ResourceId, ResourceId)> {
    let key = || Key::Holders(address);
    let resolvers = estate
        .list::<InboundEndpoint>(key())
        .filter_map(|(id, one)| Some((id.clone(), one.subnets.first()?.clone())));
    let machines = estate
        .list::<Interface>(key())
        .filter_map(|(id, one)| Some((id.clone(), one.subnet.clone()?)));
    let balancers = estate.list::<LoadBalancer>(key()).filter_map(|(id, one)| {
        let frontend = one.frontends.iter().find(|frontend| frontend.address == address)?;
        Some((id.clone(), frontend.subnet.clone()?))
    });
    resolvers.chain(machines).chain(balancers).collect()
}
