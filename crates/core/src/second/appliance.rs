//! The machine that a route hands packets to: whether it surely does not send them on.

use serde_json::Value;

use super::address::{Prefix, is_private, usable};
use super::filter::{Packet, Place, Way, group, group_of};
use super::peering::{Half, Shore, cross, halves};
use super::route::handed_to;
use super::sender::{pools_of, runs};
use super::verdict::{Fate, Gate, Tri};
use super::world::{
    World, address_space, at, flag, interface_addresses, last_name, list, network_of, reference,
    subnet_prefixes, text,
};
use super::{balancer, gateway, mesh, seat};

const INTERFACE: &str = "microsoft.network/networkinterfaces";
const FIREWALL: &str = "microsoft.network/azurefirewalls";

/// Whether what has the address of a route's next hop is known, and does not forward, is not there, or cannot be reached from a subnet.
pub(super) fn is_dead(world: &World, subnet: &str, address: u32) -> bool {
    let holders: Vec<(&Value, String)> = world
        .all(INTERFACE)
        .filter(|(_, body)| interface_addresses(body).contains(&address))
        .filter_map(|(_, body)| Some((body, subnet_of(body)?)))
        .collect();
    let near = neighbours(world, network_of(subnet));
    let is_near = |home: &str| near.iter().any(|one| one == network_of(home));
    let stands = |body| {
        flag(body, &["properties", "enableIPForwarding"]) == Some(false)
            || runs(world, body) != Gate::Pass
    };
    if let Some((body, home)) = holders.iter().find(|(_, home)| is_near(home)) {
        return stands(body) || is_cut(world, subnet, home, address);
    }
    let holds = |body: &Value| subnet_prefixes(body).iter().any(|one| one.contains(address));
    let mut places = near
        .iter()
        .flat_map(|one| world.children(one, "subnets").map(move |(name, body)| (one, name, body)));
    if let Some((one, name, body)) = places.find(|(.., body)| holds(body)) {
        let home = format!("{one}/subnets/{name}");
        return is_cut(world, subnet, &home, address)
            || is_empty(world, &home, body, address)
            || balancer::is_idle(world, address);
    }
    let claims =
        |one: &&String| address_space(world, one).0.iter().any(|all| all.contains(address));
    if let Some(claiming) = near.iter().find(claims) {
        let is_whole = is_private(address) && tells_its_subnets(world, claiming);
        return is_whole && !is_a_front(world, address);
    }
    match (holders.first(), elsewhere(world, network_of(subnet), address)) {
        (Some((body, home)), _) => stands(body) || is_cut(world, subnet, home, address),
        (None, Some(home)) => is_cut(world, subnet, home, address),
        (None, None) => {
            is_private(address)
                && is_unrouted(world, network_of(subnet), address)
                && !mesh::may_join(world, network_of(subnet))
        }
    }
}

/// Rules that keep a packet out of the machine that the longest route of a subnet hands it to, where that forwards.
pub(super) fn refuses(
    world: &World,
    subnet: &str,
    to: Option<u32>,
    packet: &Packet<'_>,
) -> Vec<Gate> {
    let hop = to.and_then(|to| handed_to(world, subnet, to));
    let Some(hop) = hop.filter(|hop| !is_dead(world, subnet, *hop)) else { return Vec::new() };
    let near = neighbours(world, network_of(subnet));
    let machines = world.all(INTERFACE).filter_map(|(_, body)| {
        let is_it = interface_addresses(body).contains(&hop);
        let forwards = flag(body, &["properties", "enableIPForwarding"]) == Some(true);
        Some((body, subnet_of(body).filter(|_| is_it && forwards)?))
    });
    let mut machines = machines.filter(|(_, home)| near.iter().any(|one| one == network_of(home)));
    let Some((body, home)) = machines.next() else { return Vec::new() };
    let place = Place::of(&home);
    let own = reference(body, &["properties", "networkSecurityGroup", "id"]);
    let mut gates = vec![group_of(world, place, Way::Inbound, packet)];
    gates.extend(own.map(|key| group(world, &key, place, Way::Inbound, packet)));
    gates.retain(|gate| matches!(gate, Gate::Drop(_)));
    gates
}

/// Whether a private address is of a network or of a neighbour that has no subnet there.
pub(super) fn has_no_place(world: &World, network: &str, address: u32) -> bool {
    let near = neighbours(world, network);
    let claiming = near.iter().find(|one| claims(world, one, address));
    is_private(address)
        && claiming.is_some_and(|one| tells_its_subnets(world, one))
        && !is_a_front(world, address)
}

fn claims(world: &World, network: &str, address: u32) -> bool {
    address_space(world, network).0.iter().any(|one| one.contains(address))
}

/// The only subnet at all that holds an address to which a network has no route, not even an unknown one.
fn elsewhere<'w>(world: &'w World, network: &str, address: u32) -> Option<&'w str> {
    if !is_unrouted(world, network, address) {
        return None;
    }
    let holds = |body: &Value| subnet_prefixes(body).iter().any(|one| one.contains(address));
    let subnets = world.all("microsoft.network/virtualnetworks/subnets");
    let mut holding = subnets.filter(|(_, body)| holds(body));
    let (only, _) = holding.next()?;
    holding.next().is_none().then_some(only)
}

/// Whether a network has no route to an address, not even an unknown one.
fn is_unrouted(world: &World, network: &str, address: u32) -> bool {
    is_beyond_peers(world, network, address) && gateway::leads(world, network, address) == Tri::No
}

/// Whether an address is neither a network's own nor one that a peering of it routes.
pub(super) fn is_beyond_peers(world: &World, network: &str, address: u32) -> bool {
    let holds = |all: &[Prefix]| all.iter().any(|one| one.contains(address));
    let (own, is_whole) = address_space(world, network);
    let may_lead =
        |half: &Half<'_>| half.remote().is_none() || half.space().is_none_or(|all| holds(&all));
    is_whole && !holds(&own) && !halves(world, network).iter().any(may_lead)
}

/// Whether a network's body lists its subnets, and all that are listed or were captured say where they are.
fn tells_its_subnets(world: &World, network: &str) -> bool {
    let body = world.body(network);
    let Some(listed) = body.and_then(|body| list(body, &["properties", "subnets"])) else {
        return false;
    };
    let is_placed = |body: &Value| !subnet_prefixes(body).is_empty();
    let is_captured = |one: &Value| {
        let name = text(one, &["name"]).map(str::to_ascii_lowercase);
        let body = name.and_then(|name| world.body(&format!("{network}/subnets/{name}")));
        body.is_some_and(is_placed)
    };
    listed.iter().all(is_captured)
        && world.children(network, "subnets").all(|(_, body)| is_placed(body))
}

/// Whether a load balancer, a resolver or a firewall answers at an address.
fn is_a_front(world: &World, address: u32) -> bool {
    let kinds = [
        ("microsoft.network/loadbalancers", "frontendIPConfigurations"),
        ("microsoft.network/dnsresolvers/inboundendpoints", "ipConfigurations"),
        (FIREWALL, "ipConfigurations"),
    ];
    kinds.iter().any(|(kind, field)| {
        let parts = world.all(kind).flat_map(|(_, body)| list(body, &["properties", field]));
        parts.flatten().any(|one| seat::address(one) == Some(address))
    })
}

/// The subnet of an interface.
fn subnet_of(interface: &Value) -> Option<String> {
    let all = list(interface, &["properties", "ipConfigurations"])?;
    all.iter().find_map(|one| reference(one, &["properties", "subnet", "id"]))
}

/// A network, and those that it holds a half of a peering towards.
fn neighbours(world: &World, network: &str) -> Vec<String> {
    let remotes = halves(world, network).into_iter().filter_map(|half| half.remote());
    std::iter::once(network.to_owned()).chain(remotes).collect()
}

/// Whether nothing of a subnet crosses to an address in another network, or nothing comes back.
fn is_cut(world: &World, subnet: &str, home: &str, address: u32) -> bool {
    let (near, far) = (network_of(subnet), network_of(home));
    if near == far {
        return false;
    }
    // Rules speak of the two ends, not of what stands between them.
    let shore = |network, subnet, address| Shore { network, subnet, address, filtered: true };
    let ends = world.body(subnet).map_or(Vec::new(), subnet_prefixes);
    let ends: Vec<u32> =
        ends.into_iter().filter_map(usable).flat_map(|(first, last)| [first, last]).collect();
    let is_lost = |from: &u32| {
        let here = shore(near, subnet, Some(*from));
        Fate::of(&cross(world, here, shore(far, home, Some(address)))) == Fate::Dropped
    };
    !ends.is_empty() && ends.iter().all(is_lost)
}

/// Whether it is known who is in a subnet, and none of them has the address: it lists them and all were captured, or Azure keeps it for
/// the one firewall of a network.
fn is_empty(world: &World, home: &str, subnet: &Value, address: u32) -> bool {
    let is_known = |one: &Value| {
        let owner = reference(one, &["id"]);
        let owner = owner.as_deref().and_then(|id| id.split("/ipconfigurations/").next());
        owner.is_some_and(|owner| {
            owner.contains("/networkinterfaces/") && world.body(owner).is_some()
        })
    };
    let listed = list(subnet, &["properties", "ipConfigurations"]);
    let is_listed = listed.map_or_else(|| is_captured(world, home), |all| all.iter().all(is_known));
    let stands_here = |one: &Value| {
        let inner = one.get("properties").unwrap_or(one);
        seat::address(one).is_some() && reference(inner, &["subnet", "id"]).as_deref() == Some(home)
    };
    let firewalls = world.all(FIREWALL);
    let mut seats = firewalls.flat_map(|(_, body)| list(body, &["properties", "ipConfigurations"]));
    let has_firewall =
        last_name(home) == "azurefirewallsubnet" && seats.any(|all| all.iter().any(stands_here));
    (is_listed || has_firewall || is_of_stopped(world, home)) && !is_a_front(world, address)
}

/// Whether interfaces of machines in a subnet are here, and so are the load balancers whose pools they are in.
fn is_captured(world: &World, home: &str) -> bool {
    let interfaces = world.all(INTERFACE).map(|(_, body)| body);
    let machines: Vec<&Value> = interfaces
        .filter(|body| reference(body, &["properties", "privateEndpoint", "id"]).is_none())
        .filter(|body| subnet_of(body).as_deref() == Some(home))
        .collect();
    let is_here = |pool: &String| {
        let balancer = pool.rsplit_once("/backendaddresspools/");
        balancer.is_some_and(|(balancer, _)| world.body(balancer).is_some())
    };
    let is_whole = |body: &&Value| pools_of(body).is_some_and(|all| all.iter().all(is_here));
    !machines.is_empty() && machines.iter().all(is_whole)
}

/// Whether a subnet is that of the one firewall which is stopped, and so names no place: no other such subnet lacks its firewall.
fn is_of_stopped(world: &World, home: &str) -> bool {
    let seats = |body| list(body, &["properties", "ipConfigurations"]);
    let is_of_hub = |body| {
        ["virtualHub", "hubIPAddresses"].iter().any(|one| at(body, &["properties", one]).is_some())
    };
    let stopped = world
        .all(FIREWALL)
        .filter(|(_, body)| seats(body).is_some_and(<[Value]>::is_empty) && !is_of_hub(body));
    let taken: Vec<String> = world
        .all(FIREWALL)
        .flat_map(|(_, body)| seats(body).unwrap_or(&[]))
        .filter_map(|one| reference(one.get("properties").unwrap_or(one), &["subnet", "id"]))
        .collect();
    let places = world.all("microsoft.network/virtualnetworks/subnets").map(|(key, _)| key);
    let mut empty = places.filter(|key| {
        last_name(key) == "azurefirewallsubnet" && !taken.iter().any(|one| one == key)
    });
    stopped.count() == 1 && empty.next() == Some(home) && empty.next().is_none()
}
