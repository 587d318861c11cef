//! Routes that lead both directions of a flow through the Azure Firewall which one of them goes through already.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::change::{route, route_table};
use crate::checks::{fixes, joins};
use crate::estate::Estate;
use crate::estate::firewall::Firewall;
use crate::estate::network::{Subnet, Vnet};
use crate::finding::Fix;
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::appliance::{self, Appliance};
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Way};
use crate::trace::outward::gateway_subnet;
use crate::trace::route::{self as routes, OwnRoute, Routed, table_of};

/// Routes for the copier's subnet at the server's, or at the gateway's that it stands behind, to the firewall that takes the copier's
/// packets. `None` where the server's table is not known, or it is another appliance.
pub(super) fn back(path: &Path, leg: &Leg) -> Option<Fix> {
    let (guard, start) = (leg.guard.as_ref()?, path.start.as_ref()?);
    let address = path.estate.find::<Firewall>(&guard.id)?.frontends.first()?.address;
    let copiers = start.networks(path.estate).ok()?;
    let from = match leg.way {
        // What stands beyond the hub's gateway answers through that.
        Way::Beyond(_) => gateway_subnet(&guard.home.parent()?),
        _ => joins::far_subnet(leg)?,
    };
    lead(path.estate, &from, &copiers, address)
}

/// Routes for the server at the copier's subnet, or for the address beyond the hub's gateway, to the firewall that a route of the server's
/// subnet, or of the gateway's, leads answers to. `None` where none does, or another appliance.
pub(super) fn there(path: &Path, leg: &Leg) -> Option<Fix> {
    let start = path.start.as_ref()?;
    let Some(Routed::Elsewhere(route, _)) = &leg.route_back else { return None };
    let at =
        |subnet: &ResourceId| Some(appliance::firewall_at(path.estate, subnet, &route.next_hop)?.0);
    let firewall = at(&start.subnet)?;
    let networks = match leg.way {
        Way::Beyond(to) => vec![Ipv4Net::from(to)],
        _ if at(&joins::far_subnet(leg)?)? == firewall => fixes::receivers(path)?,
        _ => return None,
    };
    lead(path.estate, &start.subnet, &networks, route.next_hop.appliance()?)
}

/// Routes through the Azure Firewall of a hub that both networks are peered with, in each direction that does not lead there yet: narrower
/// than a peering, and longer than what drops the packets.
pub(super) fn through_hub(path: &Path, leg: &Leg) -> Vec<Fix> {
    let routes = || {
        let (start, end) = (path.start.as_ref()?, joins::far_subnet(leg)?);
        // Endpoints answer past a firewall that keeps the sender.
        if matches!(leg.way, Way::Endpoint(_)) {
            return None;
        }
        let (receivers, copiers) = (fixes::receivers(path)?, start.networks(path.estate).ok()?);
        let ends = [(&start.subnet, &receivers, &leg.route), (&end, &copiers, &leg.route_back)];
        let through = |address: Ipv4Addr| {
            // A join that carries nothing is mended apart.
            let is_led = |routed: &Option<Routed>| match routed {
                Some(
                    Routed::Elsewhere(route, _) | Routed::Dead(route, Appliance::OutOfReach(_)),
                ) => route.next_hop.appliance() == Some(address),
                _ => false,
            };
            let lacking = ends.iter().filter(|(subnet, networks, routed)| {
                !is_led(routed) && !hands_over(path.estate, subnet, networks, address)
            });
            let led =
                lacking.map(|(subnet, networks, _)| lead(path.estate, subnet, networks, address));
            let fixes = led.collect::<Option<Vec<Fix>>>()?;
            let changes: Vec<_> = fixes.into_iter().flat_map(|fix| fix.changes).collect();
            (!changes.is_empty()).then(|| Fix::of(changes))
        };
        Some(between(path.estate, &start.subnet, &end).into_iter().filter_map(through).collect())
    };
    routes().unwrap_or_default()
}

/// Whether answers of the server are led to an Azure Firewall of a hub, where no peering of the two networks takes them.
pub(crate) fn lead_back(path: &Path, leg: &Leg) -> bool {
    let led = || {
        let (start, end) = (path.start.as_ref()?, joins::far_subnet(leg)?);
        let copiers = start.networks(path.estate).ok()?;
        let firewalls = between(path.estate, &start.subnet, &end);
        let leads = |one: &Ipv4Addr| hands_over(path.estate, &end, &copiers, *one);
        Some(firewalls.iter().any(leads))
    };
    leg.is_apart && led().unwrap_or(false)
}

/// Whether a subnet's table hands all packets for some networks to an address, where no route of Azure's own leads there.
fn hands_over(
    estate: &Estate,
    subnet: &ResourceId,
    networks: &[Ipv4Net],
    address: Ipv4Addr,
) -> bool {
    let Some(facts) = estate.find::<Subnet>(subnet) else { return false };
    let all = AddressSet::of(networks);
    let parts = routes::to_addresses(estate, (subnet, facts), &all, OwnRoute::Nothing);
    let is_it = |routed: &Routed| matches!(routed, Routed::Elsewhere(route, _) if route.next_hop.appliance() == Some(address));
    parts.iter().all(|(_, routed)| is_it(routed))
}

/// Addresses of firewalls of hubs that both ends are peered with, or were to be.
fn between(estate: &Estate, near: &ResourceId, far: &ResourceId) -> Vec<Ipv4Addr> {
    let carries = |subnet: &ResourceId, home: &ResourceId| {
        let (Some(vnet), Some(hub)) = (subnet.parent(), home.parent()) else { return false };
        let ends = (Shore::of(&vnet, subnet), Shore::of(&hub, home));
        match hop::join(estate, ends.0, ends.1) {
            Joined::Peered { .. } | Joined::Broken(..) => true,
            Joined::Apart { near, far, .. } => near.is_some() || far.is_some(),
            Joined::Same | Joined::Unknown(_) => false,
        }
    };
    let seats = |(_, one): (&ResourceId, &Firewall)| {
        let first = one.frontends.first()?;
        let home = first.subnet.as_ref()?;
        (carries(near, home) && carries(far, home)).then_some(first.address)
    };
    estate.all::<Firewall>().filter_map(seats).take(FIREWALLS_MAX).collect()
}

/// Firewalls that are tried between two networks.
const FIREWALLS_MAX: usize = 4;

/// Routes of a subnet for some networks to an appliance, in a new table where it has none. `None` where its table leads subnets of such a
/// network, too: what stays inside of that one would be handed over as well; and where it has a route of that very prefix, beside which
/// Azure takes no second one.
fn lead(
    estate: &Estate,
    subnet: &ResourceId,
    networks: &[Ipv4Net],
    address: Ipv4Addr,
) -> Option<Fix> {
    let changes = match table_of(estate, (subnet, estate.find::<Subnet>(subnet)?)).ok()? {
        Some((table, _)) => {
            let holds = |vnet: ResourceId| {
                let space = estate.find::<Vnet>(&vnet).map(|vnet| AddressSet::of(&vnet.space));
                space.is_some_and(|space| networks.iter().any(|one| space.meets(one)))
            };
            let is_taken = |one: &Ipv4Net| route::has_prefix(estate, table, *one);
            if route::bound_to(estate, table).iter().filter_map(ResourceId::parent).any(holds)
                || networks.iter().any(is_taken)
            {
                return None;
            }
            let route = |one: &Ipv4Net| route::add_to_appliance(estate, table, *one, address);
            networks.iter().map(route).collect()
        }
        None => route_table::new_to_appliance(estate, subnet, networks, address)?,
    };
    Some(Fix::of(changes))
}
