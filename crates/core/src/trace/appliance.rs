//! The appliance that a route names: whether a machine is there that forwards, as far as the estate tells.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::estate::endpoint::Interface;
use crate::estate::gateway::{Firewall, FirewallPolicy};
use crate::estate::network::{Peering, Subnet};
use crate::estate::{Estate, Key, Reference};
use crate::id::ResourceId;
use crate::trace::egress;
use crate::trace::hop::{self, Shore};
use crate::trace::leg::Machine;
use crate::trace::outward::{self, Outward};
use crate::trace::place::{self, Place};
use crate::trace::route::Routed;
use crate::trace::start::Start;

/// What stands at the next hop of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appliance {
    /// An interface that forwards; what the machine does is its own affair.
    Forwards(ResourceId),
    /// An interface that does not forward.
    Stands(ResourceId),
    /// Nothing: the subnet tells who is in it, and nobody has the address.
    Absent(ResourceId),
    /// An interface, or the subnet with the address, in a network that the copier's is not joined with.
    OutOfReach(ResourceId),
    /// The estate does not tell; with the subnet that the address is in, where it does tell that.
    Opaque(Option<ResourceId>),
}

impl Appliance {
    /// Whether packets handed to it are surely lost.
    pub fn is_dead(&self) -> bool {
        match self {
            Appliance::Stands(_) | Appliance::Absent(_) | Appliance::OutOfReach(_) => true,
            Appliance::Forwards(_) | Appliance::Opaque(_) => false,
        }
    }

    /// The network that it stands in, or should stand in, where that is known.
    pub fn vnet(&self, estate: &Estate) -> Option<ResourceId> {
        self.subnet(estate)?.parent()
    }

    /// The subnet that it stands in, or should stand in, where that is known.
    pub fn subnet(&self, estate: &Estate) -> Option<ResourceId> {
        match self {
            Appliance::Forwards(id)
            | Appliance::Stands(id)
            | Appliance::OutOfReach(id)
            | Appliance::Absent(id)
            | Appliance::Opaque(Some(id)) => subnet_of(estate, id),
            Appliance::Opaque(None) => None,
        }
    }
}

/// The subnet of an interface, or itself.
pub fn subnet_of(estate: &Estate, id: &ResourceId) -> Option<ResourceId> {
    match estate.get::<Interface>(id) {
        Ok(interface) => interface.subnet.clone(),
        Err(_) => Some(id.clone()),
    }
}

/// Looks for the machine at an address that packets of a subnet are handed to.
pub fn look(estate: &Estate, start: &Start, address: Ipv4Addr) -> Appliance {
    let holder = holder(estate, start, address);
    let subnet = match holder {
        Some((_, interface)) => interface.subnet.clone(),
        None => match place::of(estate, &start.vnet, address) {
            Place::Here(machine) => Some(machine.subnet),
            Place::Claimed(_) => None,
            Place::Beyond => elsewhere(estate, start, address),
        },
    };
    let near = Shore::of(&start.vnet, &start.subnet);
    if let Some(far) = &subnet
        && let Some(vnet) = far.parent()
    {
        let there = AddressSet::one(address);
        let far_shore = Shore { vnet: &vnet, subnet: far, addresses: Some(&there) };
        if hop::join(estate, near, far_shore).is_cut() {
            return Appliance::OutOfReach(holder.map_or(far, |(id, _)| id).clone());
        }
    }
    match holder.map(|(id, interface)| (id.clone(), interface.forwards)) {
        Some((id, Some(true))) => Appliance::Forwards(id),
        Some((id, Some(false))) => Appliance::Stands(id),
        Some((_, None)) => Appliance::Opaque(subnet),
        None => absence(estate, start, address),
    }
}

/// The interface that has an address: one near the copier's network, since networks that are not joined may use the same
/// addresses, or any where no network near claims it.
fn holder<'e>(
    estate: &'e Estate,
    start: &Start,
    address: Ipv4Addr,
) -> Option<(&'e ResourceId, &'e Interface)> {
    let is_near = |(_, one): &(_, &Interface)| {
        one.subnet.as_ref().is_some_and(|subnet| place::is_near(estate, &start.vnet, subnet))
    };
    let mut all = estate.list::<Interface>(Key::Holders(address));
    let any = || estate.list::<Interface>(Key::Holders(address)).next();
    all.find(is_near).or_else(|| match place::claim(estate, &start.vnet, address) {
        Some(_) => None,
        None => any(),
    })
}

/// The one subnet that an address is in, of a network that the copier's does not route to, where no gateway leads to it either.
fn elsewhere(estate: &Estate, start: &Start, address: Ipv4Addr) -> Option<ResourceId> {
    let holds = |nets: &[Ipv4Net]| nets.iter().any(|net| net.contains(&address));
    let may_lead = |half: &Peering| half.remote_space.is_empty() || holds(&half.remote_space);
    if estate.children::<Peering>(&start.vnet).any(|(_, half)| may_lead(half)) {
        return None;
    }
    match outward::outward(estate, &start.vnet, address) {
        Outward::Nowhere | Outward::Severed { .. } | Outward::NotLent { .. } => {}
        _ => return None,
    }
    let mut subnets = estate.all::<Subnet>().filter(|(_, subnet)| holds(&subnet.prefixes));
    let (only, _) = subnets.next()?;
    subnets.next().is_none().then(|| only.clone())
}

/// Nobody is known to have the address: proven only where its subnet lists who is in it, and all of them are known.
fn absence(estate: &Estate, start: &Start, address: Ipv4Addr) -> Appliance {
    let Some((id, subnet)) = empty_place(estate, start, address) else {
        let balancer = place::holder(estate, &start.vnet, address);
        return Appliance::Opaque(balancer.map(|machine| machine.subnet));
    };
    let is_known = |configuration: &ResourceId| {
        configuration.parent().is_some_and(|owner| estate.get::<Interface>(&owner).is_ok())
    };
    match &subnet.occupants {
        Some(all) if all.iter().all(is_known) => Appliance::Absent(id),
        Some(_) | None => Appliance::Opaque(Some(id)),
    }
}

/// The subnet, of the copier's network or of one that is peered with it, in which an address lies that no interface and no balancer of
/// the estate has.
fn empty_place<'e>(
    estate: &'e Estate,
    start: &Start,
    address: Ipv4Addr,
) -> Option<(ResourceId, &'e Subnet)> {
    match place::of(estate, &start.vnet, address) {
        Place::Here(Machine { subnet, holder: None, .. }) => {
            let facts = estate.get::<Subnet>(&subnet).ok()?;
            Some((subnet, facts))
        }
        Place::Here(_) | Place::Claimed(_) | Place::Beyond => None,
    }
}

/// The public addresses that an Azure Firewall gives to packets for a server's front door; `None` where that hangs on what is not known.
pub fn translated(
    estate: &Estate,
    start: &Start,
    address: Ipv4Addr,
    to_front_door: impl Fn((&ResourceId, &Subnet)) -> Routed,
) -> Option<AddressSet> {
    let seat = |firewall: &Firewall| {
        let own = firewall.frontends.iter().find(|frontend| frontend.address == address)?;
        own.subnet.clone().filter(|subnet| place::is_near(estate, &start.vnet, subnet))
    };
    let all = estate.list::<Firewall>(Key::Holders(address));
    let mut near = all.filter_map(|(_, one)| Some((one, seat(one)?)));
    let (firewall, subnet_id) = near.next().filter(|_| near.next().is_none())?;
    let policy = match &firewall.policy {
        Reference::None => None,
        Reference::To(id) => Some(estate.get::<FirewallPolicy>(id).ok()?),
        Reference::Unreadable => return None,
    };
    let subnet = estate.get::<Subnet>(&subnet_id).ok()?;
    // With a service endpoint its packets come with the identity of its subnet.
    let is_plain = subnet.service_endpoints.is_empty() && !subnet.are_endpoints_unreadable;
    let goes_out =
        matches!(to_front_door((&subnet_id, subnet)), Routed::Directly | Routed::ByUser(_));
    if !is_plain || !goes_out || policy.is_some_and(|policy| !policy.translates) {
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
pub fn unseen(estate: &Estate, start: &Start, address: Ipv4Addr) -> Option<ResourceId> {
    let (id, _) = empty_place(estate, start, address)?;
    let is_beside = |(_, interface): (&ResourceId, &Interface)| {
        interface.subnet.as_ref().and_then(ResourceId::parent) == id.parent()
    };
    let is_managed = id.name().eq_ignore_ascii_case("AzureFirewallSubnet");
    (!is_managed && estate.all::<Interface>().any(is_beside)).then(|| id.clone())
}
