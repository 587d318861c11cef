//! The appliance that a route names: whether a machine is there that forwards, as far as the estate tells.

use std::net::Ipv4Addr;

use crate::estate::endpoint::Interface;
use crate::estate::network::Subnet;
use crate::estate::{Estate, Key};
use crate::id::ResourceId;
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::Machine;
use crate::trace::place::{self, Place};
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
    /// An interface in a network that the copier's is not joined with.
    OutOfReach(ResourceId),
    /// The estate does not tell.
    Opaque,
}

impl Appliance {
    /// Whether packets handed to it are surely lost.
    pub fn is_dead(&self) -> bool {
        match self {
            Appliance::Stands(_) | Appliance::Absent(_) | Appliance::OutOfReach(_) => true,
            Appliance::Forwards(_) | Appliance::Opaque => false,
        }
    }

    /// The network that it stands in, or should stand in, where that is known.
    pub fn vnet(&self, estate: &Estate) -> Option<ResourceId> {
        match self {
            Appliance::Forwards(id) | Appliance::Stands(id) | Appliance::OutOfReach(id) => {
                estate.get::<Interface>(id).ok()?.subnet.as_ref()?.parent()
            }
            Appliance::Absent(subnet) => subnet.parent(),
            Appliance::Opaque => None,
        }
    }
}

/// Looks for the machine at an address that packets of a subnet are handed to.
pub fn look(estate: &Estate, start: &Start, address: Ipv4Addr) -> Appliance {
    let Some((id, interface)) = holder(estate, start, address) else {
        return absence(estate, start, address);
    };
    let far = interface.subnet.as_ref().and_then(|subnet| Some((subnet.parent()?, subnet)));
    let near = Shore::of(&start.vnet, &start.subnet);
    if let Some((vnet, subnet)) = far
        && let Joined::Apart { other_way: None, .. } | Joined::Broken(..) =
            hop::join(estate, near, Shore::of(&vnet, subnet))
    {
        return Appliance::OutOfReach(id.clone());
    }
    match interface.forwards {
        Some(true) => Appliance::Forwards(id.clone()),
        Some(false) => Appliance::Stands(id.clone()),
        None => Appliance::Opaque,
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

/// Nobody is known to have the address: proven only where its subnet lists who is in it, and all of them are known.
fn absence(estate: &Estate, start: &Start, address: Ipv4Addr) -> Appliance {
    let Some((id, subnet)) = empty_place(estate, start, address) else { return Appliance::Opaque };
    let is_known = |configuration: &ResourceId| {
        configuration.parent().is_some_and(|owner| estate.get::<Interface>(&owner).is_ok())
    };
    match &subnet.occupants {
        Some(all) if all.iter().all(is_known) => Appliance::Absent(id),
        Some(_) | None => Appliance::Opaque,
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

/// The subnet in which an appliance should stand, where interfaces of its network were captured and none has the address.
pub fn unseen(estate: &Estate, start: &Start, address: Ipv4Addr) -> Option<ResourceId> {
    let (id, _) = empty_place(estate, start, address)?;
    let is_beside = |(_, interface): (&ResourceId, &Interface)| {
        interface.subnet.as_ref().and_then(ResourceId::parent) == id.parent()
    };
    let is_managed = id.name().eq_ignore_ascii_case("AzureFirewallSubnet");
    (!is_managed && estate.all::<Interface>().any(is_beside)).then(|| id.clone())
}
