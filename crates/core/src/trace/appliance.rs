//! The appliance that a route names: whether a machine is there that forwards, as far as the estate tells.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::{AddressSet, private};
use crate::change::whole_place;
use crate::estate::endpoint::Interface;
use crate::estate::firewall::{Firewall, FirewallPolicy};
use crate::estate::gateway::LoadBalancer;
use crate::estate::network::{NextHop, Peering, Subnet, Vnet};
use crate::estate::{Estate, Key, Reference};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::balancer;
use crate::trace::egress;
use crate::trace::hop::{self, Shore};
use crate::trace::leg::Machine;
use crate::trace::mesh;
use crate::trace::outward::{self, Outward};
use crate::trace::place::{self, Place};
use crate::trace::route::Routed;
use crate::trace::start::{self, Start};

/// What stands at the next hop of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appliance {
    /// An interface that forwards; what the machine does is its own affair.
    Forwards(ResourceId),
    /// An interface that does not forward.
    Stands(ResourceId),
    /// A machine or a firewall that is stopped, with the subnet it stands in.
    Down(ResourceId, ResourceId),
    /// Nothing: it is known who is in the subnet, and nobody has the address.
    Absent(ResourceId),
    /// Nothing: the address is one of this network's, and in none of its subnets.
    NoSubnet(ResourceId),
    /// Nothing: no network has the address that packets of this one could go to.
    NoNetwork(ResourceId),
    /// An interface, or the subnet with the address, in a network that the copier's is not joined with.
    OutOfReach(ResourceId),
    /// The estate does not tell; with the subnet that the address is in, where it does tell that.
    Opaque(Option<ResourceId>),
}

impl Appliance {
    /// Whether packets handed to it are surely lost.
    pub fn is_dead(&self) -> bool {
        match self {
            Appliance::Stands(_)
            | Appliance::Down(..)
            | Appliance::Absent(_)
            | Appliance::NoSubnet(_)
            | Appliance::NoNetwork(_)
            | Appliance::OutOfReach(_) => true,
            Appliance::Forwards(_) | Appliance::Opaque(_) => false,
        }
    }

    /// Whether nobody has its address.
    pub fn is_nobody(&self) -> bool {
        matches!(self, Appliance::Absent(_) | Appliance::NoSubnet(_) | Appliance::NoNetwork(_))
    }

    /// The network that it stands in, or should stand in, where that is known; that of the route where no other has the address.
    pub fn vnet(&self, estate: &Estate) -> Option<ResourceId> {
        match self {
            Appliance::NoSubnet(vnet) | Appliance::NoNetwork(vnet) => Some(vnet.clone()),
            _ => self.subnet(estate)?.parent(),
        }
    }

    /// The subnet that it stands in, or should stand in, where that is known.
    pub fn subnet(&self, estate: &Estate) -> Option<ResourceId> {
        match self {
            Appliance::Forwards(id)
            | Appliance::Stands(id)
            | Appliance::Down(_, id)
            | Appliance::OutOfReach(id)
            | Appliance::Absent(id)
            | Appliance::Opaque(Some(id)) => subnet_of(estate, id),
            Appliance::NoSubnet(_) | Appliance::NoNetwork(_) | Appliance::Opaque(None) => None,
        }
    }
}

/// Whether it is an interface that does not forward.
pub fn stands(estate: &Estate, id: &ResourceId) -> bool {
    estate.find::<Interface>(id).is_some_and(|one| one.forwards == Some(false))
}

/// Whether answers of endpoints are known to come back to an appliance.
pub fn takes_answers(estate: &Estate, appliance: Option<&Appliance>) -> bool {
    let Some(Appliance::Forwards(nic)) = appliance else { return false };
    estate.find::<Interface>(nic).is_some_and(|nic| nic.has_endpoint_answers)
}

/// The subnet of an interface, or itself.
pub fn subnet_of(estate: &Estate, id: &ResourceId) -> Option<ResourceId> {
    match estate.get::<Interface>(id) {
        Ok(interface) => interface.subnet.clone(),
        Err(_) => Some(id.clone()),
    }
}

/// Looks for the machine at an address that packets of a subnet are handed to.
pub fn look(estate: &Estate, near: Shore, address: Ipv4Addr) -> Appliance {
    let holder = holder(estate, near.vnet, address);
    let subnet = match holder {
        Some((_, interface)) => interface.subnet.clone(),
        None => match place::of(estate, near.vnet, address) {
            Place::Here(machine) => Some(machine.subnet),
            Place::Claimed(_) => None,
            Place::Beyond => elsewhere(estate, near.vnet, address),
        },
    };
    if let Some(far) = &subnet
        && let Some(vnet) = far.parent()
    {
        let there = AddressSet::one(address);
        let far_shore = Shore { vnet: &vnet, subnet: far, addresses: Some(&there) };
        if hop::join(estate, near, far_shore).is_cut() {
            return Appliance::OutOfReach(holder.map_or(far, |(id, _)| id).clone());
        }
    }
    if let Some((machine, ..)) = holder.and_then(|(id, _)| start::stopped(estate, id))
        && let Some(subnet) = &subnet
    {
        return Appliance::Down(machine.clone(), subnet.clone());
    }
    match holder.map(|(id, interface)| (id.clone(), interface.forwards)) {
        Some((id, Some(true))) => Appliance::Forwards(id),
        Some((id, Some(false))) => Appliance::Stands(id),
        Some((_, None)) => Appliance::Opaque(subnet),
        None => match balancer::idle_member(estate, near.vnet, address) {
            Some(nic) => Appliance::Stands(nic),
            None => absence(estate, near.vnet, address, subnet),
        },
    }
}

/// The interface that has an address: one near the copier's network, since networks that are not joined may use the same
/// addresses, or any where no network near claims it.
fn holder<'e>(
    estate: &'e Estate,
    vnet: &ResourceId,
    address: Ipv4Addr,
) -> Option<(&'e ResourceId, &'e Interface)> {
    let is_near = |(_, one): &(_, &Interface)| {
        one.subnet.as_ref().is_some_and(|subnet| place::is_near(estate, vnet, subnet))
    };
    let mut all = estate.list::<Interface>(Key::Holders(address));
    let any = || estate.list::<Interface>(Key::Holders(address)).next();
    all.find(is_near).or_else(|| match place::claim(estate, vnet, address) {
        Some(_) => None,
        None => any(),
    })
}

/// The one subnet that an address is in, of a network that this one does not route to.
fn elsewhere(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Option<ResourceId> {
    if may_lead(estate, vnet, address) {
        return None;
    }
    let holds = |subnet: &Subnet| subnet.prefixes.iter().any(|net| net.contains(&address));
    let mut subnets = estate.all::<Subnet>().filter(|(_, subnet)| holds(subnet));
    let (only, _) = subnets.next()?;
    subnets.next().is_none().then(|| only.clone())
}

/// Whether a peering of a network or a gateway leads to an address that is not its own, or may.
fn may_lead(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> bool {
    let holds = |nets: &[Ipv4Net]| nets.iter().any(|net| net.contains(&address));
    let routes = |half: &Peering| half.remote_space.is_empty() || holds(&half.remote_space);
    estate.children::<Peering>(vnet).any(|(_, half)| routes(half))
        || match outward::outward(estate, vnet, address) {
            Outward::Nowhere | Outward::Severed { .. } | Outward::NotLent { .. } => false,
            Outward::Through(_)
            | Outward::KeptOut { .. }
            | Outward::Claimed { .. }
            | Outward::Learned(..)
            | Outward::Perhaps(_) => true,
        }
}

/// No interface is known to have the address: that none can have it is proven where it is known who is in its subnet, where its network
/// has no subnet there, or where no network has it that packets could go to.
fn absence(
    estate: &Estate,
    vnet: &ResourceId,
    address: Ipv4Addr,
    elsewhere: Option<ResourceId>,
) -> Appliance {
    let is_firewall = || estate.list::<Firewall>(Key::Holders(address)).next().is_some();
    match place::of(estate, vnet, address) {
        Place::Here(Machine { subnet, holder: None, .. }) if !is_firewall() => {
            match stopped_firewall(estate, &subnet) {
                Some(firewall) => Appliance::Down(firewall, subnet),
                None if is_without(estate, &subnet) => Appliance::Absent(subnet),
                None => Appliance::Opaque(Some(subnet)),
            }
        }
        Place::Claimed(claiming) if !is_firewall() && are_subnets_known(estate, &claiming) => {
            Appliance::NoSubnet(claiming)
        }
        Place::Beyond if elsewhere.is_none() && is_lost(estate, vnet, address) => {
            Appliance::NoNetwork(vnet.clone())
        }
        Place::Here(machine) => Appliance::Opaque(Some(machine.subnet)),
        Place::Claimed(_) | Place::Beyond => Appliance::Opaque(None),
    }
}

/// Whether everybody in a subnet is known: it lists them, or belongs to the one firewall of its network, or machines in it were captured.
fn is_without(estate: &Estate, id: &ResourceId) -> bool {
    let is_known = |configuration: &ResourceId| {
        configuration.parent().is_some_and(|owner| estate.find::<Interface>(&owner).is_some())
    };
    let occupants = estate.find::<Subnet>(id).and_then(|subnet| subnet.occupants.as_ref());
    let is_in = |one: &Firewall| one.frontends.iter().any(|one| one.subnet.as_ref() == Some(id));
    occupants.map_or_else(|| is_captured(estate, id), |all| all.iter().all(is_known))
        || is_of_firewall(id) && estate.all::<Firewall>().any(|(_, one)| is_in(one))
}

/// Whether machines in a subnet were captured, and all load balancers that they serve: whoever has another address there would have been.
fn is_captured(estate: &Estate, id: &ResourceId) -> bool {
    let is_known = |pool: &ResourceId| {
        pool.parent().is_some_and(|balancer| estate.find::<LoadBalancer>(&balancer).is_some())
    };
    let is_in = |one: &Interface| one.endpoint.is_none() && one.subnet.as_ref() == Some(id);
    let mut machines =
        estate.all::<Interface>().map(|(_, one)| one).filter(|one| is_in(one)).peekable();
    machines.peek().is_some()
        && machines.all(|one| one.pools.as_ref().is_some_and(|all| all.iter().all(is_known)))
}

/// The firewall of a subnet that stands in none since it is stopped: the only one, where all other such subnets have theirs.
fn stopped_firewall(estate: &Estate, subnet: &ResourceId) -> Option<ResourceId> {
    let has_one = |id: &ResourceId| {
        let is_in =
            |one: &Firewall| one.frontends.iter().any(|one| one.subnet.as_ref() == Some(id));
        estate.all::<Firewall>().any(|(_, one)| is_in(one))
    };
    let places = estate.all::<Subnet>().map(|(id, _)| id).filter(|id| is_of_firewall(id));
    let mut empty = places.filter(|id| !has_one(id));
    let mut stopped = estate.all::<Firewall>().filter(|(_, one)| one.is_stopped);
    let (firewall, _) = stopped.next()?;
    let are_these =
        empty.next() == Some(subnet) && empty.next().is_none() && stopped.next().is_none();
    are_these.then(|| firewall.clone())
}

/// Whether Azure keeps a subnet for a firewall, of which a network has one.
fn is_of_firewall(subnet: &ResourceId) -> bool {
    subnet.name().eq_ignore_ascii_case("AzureFirewallSubnet")
}

/// Whether a network's body lists its subnets, and all of those tell their prefixes.
fn are_subnets_known(estate: &Estate, id: &ResourceId) -> bool {
    let listed = estate.find::<Vnet>(id).and_then(|vnet| vnet.subnets.as_ref());
    let is_told = |name: &String| {
        let subnet = estate.get::<Subnet>(&id.child("subnets", name));
        subnet.is_ok_and(|subnet| !subnet.prefixes.is_empty())
    };
    let mut captured = estate.children::<Subnet>(id);
    listed.is_some_and(|all| all.iter().all(is_told))
        && captured.all(|(_, subnet)| !subnet.prefixes.is_empty())
}

/// Whether packets of a network reach no other one that could have an address.
fn is_lost(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> bool {
    let is_told = |one: &Vnet| !one.space.is_empty();
    private().contains(address)
        && estate.find::<Vnet>(vnet).is_some_and(is_told)
        && !may_lead(estate, vnet, address)
        && !mesh::may_join(estate, vnet)
}

/// The one Azure Firewall near a network that has an address, with the subnet that it has it in.
fn firewall<'e>(
    estate: &'e Estate,
    vnet: &ResourceId,
    address: Ipv4Addr,
) -> Option<(&'e ResourceId, &'e Firewall, &'e ResourceId)> {
    let seat = |firewall: &'e Firewall| {
        let own = firewall.frontends.iter().find(|frontend| frontend.address == address)?;
        own.subnet.as_ref().filter(|subnet| place::is_near(estate, vnet, subnet))
    };
    let all = estate.list::<Firewall>(Key::Holders(address));
    let mut near = all.filter_map(|(id, one)| Some((id, one, seat(one)?)));
    near.next().filter(|_| near.next().is_none())
}

/// What stands at the next hop of a route, as far as its name is known; and how to see its rules.
pub fn name(estate: &Estate, subnet: &ResourceId, next_hop: &NextHop) -> (String, String) {
    let unnamed = |who: String| (who, "look at its rules and logs".to_owned());
    let address = match next_hop {
        NextHop::Appliance(address) => address,
        NextHop::Gateway => {
            let look = "look at the routes that it has and those that the network behind it knows";
            return ("the virtual network gateway".to_owned(), look.to_owned());
        }
        NextHop::Other(kind) => return unnamed(format!("next hop type `{kind}`")),
        NextHop::Drop | NextHop::Local | NextHop::Internet => {
            return unnamed("the route".to_owned());
        }
    };
    let Some((id, firewall)) = firewall_at(estate, subnet, next_hop) else {
        return unnamed(format!("the appliance at {address}"));
    };
    let rules = match &firewall.policy {
        Reference::To(policy) => format!(
            "az network firewall policy rule-collection-group list {} --policy-name {}",
            whole_place(policy),
            quoted(policy.name())
        ),
        Reference::None | Reference::Unreadable => {
            format!("az network firewall show --ids {}", quoted(id.as_str()))
        }
    };
    let look = format!("look at its rules, `{rules}`, and at what it logs");
    (format!("Azure Firewall `{}` at {address}", id.name()), look)
}

/// The Azure Firewall that a route of a subnet leads to.
pub fn firewall_at<'e>(
    estate: &'e Estate,
    subnet: &ResourceId,
    next_hop: &NextHop,
) -> Option<(&'e ResourceId, &'e Firewall)> {
    let (id, firewall, _) = firewall(estate, &subnet.parent()?, next_hop.appliance()?)?;
    Some((id, firewall))
}

/// The subnet of the Azure Firewall that a route of a subnet leads to.
pub fn firewall_home<'e>(
    estate: &'e Estate,
    subnet: &ResourceId,
    next_hop: &NextHop,
) -> Option<&'e ResourceId> {
    let (_, _, home) = firewall(estate, &subnet.parent()?, next_hop.appliance()?)?;
    Some(home)
}

/// The public addresses that an Azure Firewall gives to packets for a server's front door; `None` where that hangs on what is not known.
pub fn translated(
    estate: &Estate,
    start: &Start,
    address: Ipv4Addr,
    to_front_door: impl Fn((&ResourceId, &Subnet)) -> Routed,
) -> Option<AddressSet> {
    let (_, firewall, subnet_id) = firewall(estate, &start.vnet, address)?;
    let policy = match &firewall.policy {
        Reference::None => None,
        Reference::To(id) => Some(estate.find::<FirewallPolicy>(id)?),
        Reference::Unreadable => return None,
    };
    let subnet = estate.find::<Subnet>(subnet_id)?;
    // With a service endpoint its packets come with the identity of its subnet.
    let is_plain = subnet.service_endpoints.is_empty() && !subnet.are_endpoints_unreadable;
    let goes_out =
        matches!(to_front_door((subnet_id, subnet)), Routed::Directly | Routed::ByUser(_));
    if !is_plain || !goes_out || policy.is_some_and(|policy| !policy.translates_internet()) {
        return None;
    }
    match &subnet.nat_gateway {
        Reference::None => egress::all_given(estate, firewall.addresses.iter().flatten()).ok(),
        Reference::To(nat) => egress::of_nat_gateway(estate, nat).ok(),
        Reference::Unreadable => None,
    }
    .filter(|all| !all.is_empty() && firewall.addresses.is_some())
}

/// The subnet in which an appliance should stand, where interfaces of its network were captured and none has the address.
pub fn unseen(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Option<ResourceId> {
    let Place::Here(Machine { subnet, holder: None, .. }) = place::of(estate, vnet, address) else {
        return None;
    };
    let is_beside = |(_, interface): (&ResourceId, &Interface)| {
        interface.subnet.as_ref().and_then(ResourceId::parent) == subnet.parent()
    };
    let is_seen = !is_of_firewall(&subnet) && estate.all::<Interface>().any(is_beside);
    is_seen.then_some(subnet)
}
