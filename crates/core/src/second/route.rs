//! Routes: where a subnet sends a packet, by the longest prefix.

use serde_json::Value;

use super::address::{Prefix, address_of, private_range};
use super::endpoint::Endpoint;
use super::peering::{halves, has_hub};
use super::verdict::{Gate, Tri};
use super::world::{
    World, address_space, flag, list, network_of, prefixes, reference, subnet_prefixes, text,
};
use super::{appliance, gateway, mesh};

/// A route that somebody wrote.
pub(super) struct OwnRoute<'w> {
    pub(super) table: String,
    pub(super) name: &'w str,
    /// `None` for a tag.
    pub(super) prefix: Option<Prefix>,
    pub(super) word: &'w str,
    pub(super) hop: &'w str,
    /// The appliance's address, where the route names one.
    pub(super) appliance: Option<u32>,
}

impl OwnRoute<'_> {
    /// Whether it hands packets to a machine that surely does not send them on.
    pub(super) fn leads_to_nobody(&self, world: &World, subnet: &str) -> bool {
        let is_appliance = self.hop.eq_ignore_ascii_case("virtualappliance");
        let address = self.appliance.filter(|_| is_appliance);
        address.is_some_and(|address| appliance::is_dead(world, subnet, address))
    }
}

/// The routes of a subnet's table, none if it has no table; `None` when they were not observed.
pub(super) fn own_routes<'w>(world: &'w World, subnet: &str) -> Option<Vec<OwnRoute<'w>>> {
    let body = world.body(subnet)?;
    let Some(table) = reference(body, &["properties", "routeTable", "id"]) else {
        return Some(Vec::new());
    };
    let inside = list(world.body(&table)?, &["properties", "routes"])?;
    let mut bodies: Vec<(&str, &Value)> =
        inside.iter().map(|route| (text(route, &["name"]).unwrap_or(""), route)).collect();
    for (name, route) in world.children(&table, "routes") {
        bodies.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        bodies.push((name, route));
    }
    let read = |(name, route): (&'w str, &'w Value)| {
        let word = text(route, &["properties", "addressPrefix"])?;
        let hop = text(route, &["properties", "nextHopType"])?;
        let appliance = text(route, &["properties", "nextHopIpAddress"]).and_then(address_of);
        let (table, prefix) = (table.clone(), Prefix::parse(word));
        // Tags begin with a letter, and IPv6 has colons.
        let is_garbled = prefix.is_none()
            && !word.contains(':')
            && !word.starts_with(|first: char| first.is_ascii_alphabetic());
        if is_garbled {
            return None;
        }
        Some(OwnRoute { table, name, prefix, word, hop, appliance })
    };
    bodies.into_iter().map(read).collect()
}

/// Whether a subnet takes over what gateways learn.
pub(super) fn propagates(world: &World, subnet: &str) -> bool {
    let table = world
        .body(subnet)
        .and_then(|body| reference(body, &["properties", "routeTable", "id"]))
        .and_then(|table| world.body(&table));
    table.is_none_or(|table| {
        flag(table, &["properties", "disableBgpRoutePropagation"]) != Some(true)
    })
}

/// Whether a network has, or borrows, a gateway whose routes are not in ARM.
pub(super) fn may_have_gateway(world: &World, network: &str) -> bool {
    let lends = |lender: String| gateway::is_lent(world, &lender, network) != Tri::No;
    world.body(&format!("{network}/subnets/gatewaysubnet")).is_some()
        || halves(world, network)
            .iter()
            .any(|half| half.uses_remote_gateways() && half.remote().is_none_or(lends))
        || has_hub(world, network)
}

/// Where a packet goes next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Hop {
    /// Inside the network.
    Local,
    /// Through a peering to that network, or to a private endpoint there.
    Peer(String),
    /// Straight to a private endpoint in the same network.
    Endpoint,
    Drop(Gate),
    /// To an appliance or a gateway, whose mind is not in ARM, or may be.
    Opaque(Gate),
    Unknown(Gate),
}

/// The address that the longest route of a subnet's table hands packets to an address to.
pub(super) fn handed_to(world: &World, subnet: &str, address: u32) -> Option<u32> {
    let own = own_routes(world, subnet)?;
    let holding = own.iter().filter_map(|route| {
        Some((route.prefix.filter(|prefix| prefix.contains(address))?.len, route.appliance))
    });
    holding.max_by_key(|(len, _)| *len)?.1
}

/// The gate of the route that decides where packets to an address go: the longest one of the subnet's table, if Azure's own is no
/// longer, or the network's.
pub(super) fn deciding(world: &World, subnet: &str, address: u32, stage: &'static str) -> Gate {
    let network = network_of(subnet);
    let all = own_routes(world, subnet).unwrap_or_default();
    let holding = all
        .iter()
        .filter_map(|route| Some((route.prefix.filter(|one| one.contains(address))?.len, route)));
    let longest = holding.max_by_key(|(len, _)| *len);
    let system = system(world, network, address, subnet, stage).map_or(0, |(len, _)| len);
    match longest {
        Some((len, route)) if len >= system => Gate::drop(stage, &route.table, Some(route.name)),
        Some(_) | None => Gate::drop(stage, network, None),
    }
}

/// Whether a route of a subnet may hand packets to an appliance or a gateway, whatever else leads there; those for one address, where it
/// is known.
pub(super) fn may_hand_on(world: &World, subnet: &str, address: Option<u32>) -> bool {
    let hands_on = |route: &OwnRoute<'_>| {
        ["VirtualAppliance", "VirtualNetworkGateway"]
            .iter()
            .any(|one| route.hop.eq_ignore_ascii_case(one))
            && address.is_none_or(|to| route.prefix.is_some_and(|prefix| prefix.contains(to)))
    };
    own_routes(world, subnet).is_none_or(|all| all.iter().any(hands_on))
}

/// Whether a route of the subnet hands packets to an address to an appliance.
pub(super) fn is_handed_on(world: &World, subnet: &str, address: u32) -> bool {
    let holds = |route: &OwnRoute<'_>| route.prefix.is_some_and(|prefix| prefix.contains(address));
    let is_alive = |route: &OwnRoute<'_>| !route.leads_to_nobody(world, subnet);
    let all = own_routes(world, subnet).unwrap_or_default();
    all.iter().any(|route| route.appliance.is_some() && holds(route) && is_alive(route))
}

/// The next hop from a subnet to an address; `endpoint` when the address is a private endpoint's.
pub(super) fn next_hop(
    world: &World,
    subnet: &str,
    address: Option<u32>,
    endpoint: Option<&Endpoint>,
    stage: &'static str,
) -> Hop {
    let network = network_of(subnet);
    let Some(own) = own_routes(world, subnet) else {
        return Hop::Opaque(Gate::unknown("the routes", subnet));
    };
    let Some(address) = address else {
        return Hop::Unknown(Gate::unknown("the way from subnet to an unknown address", subnet));
    };
    let longest = own
        .iter()
        .filter_map(|route| Some((route.prefix.filter(|prefix| prefix.contains(address))?, route)))
        .max_by_key(|(prefix, _)| prefix.len)
        .map(|(prefix, route)| (prefix.len, own_hop(world, route, (subnet, address), stage)));
    if let Some(endpoint) = endpoint
        && let Some(hop) = to_endpoint(world, network, address, endpoint)
    {
        return match longest {
            Some((32, own)) => own,
            Some((len, own)) => match invalidates(world, endpoint, address, len) {
                Tri::Yes => own,
                Tri::No => hop,
                Tri::Maybe if own == hop => hop,
                Tri::Maybe => Hop::Unknown(Gate::unknown("the network policies", &endpoint.key)),
            },
            None => hop,
        };
    }
    let has_default = own.iter().any(|route| route.prefix.is_some_and(|prefix| prefix.len == 0));
    let (system_len, system) = match system(world, network, address, subnet, stage) {
        // A route for 0.0.0.0/0 takes those away that drop packets to private addresses.
        Ok((_, Hop::Drop(gate))) if has_default => (0, Hop::Drop(gate)),
        Ok(system) => system,
        // A route of a user wins over one as long. A network's range is never longer than the subnets in it.
        Err((_, len))
            if longest.as_ref().is_some_and(|(own, _)| {
                len.is_some_and(|len| *own >= len) || *own >= subnet_len(world, address)
            }) =>
        {
            (0, Hop::Local)
        }
        Err((gate, _)) => {
            // What is another network's does not arrive where the own one had it too, and not by a route that drops it.
            let is_lost = gate == Gate::unknown("the address space", network)
                && is_elsewhere(world, network, address);
            let own = longest.map(|(_, own)| own);
            return own
                .filter(|own| is_lost && matches!(own, Hop::Drop(_)))
                .unwrap_or(Hop::Unknown(gate));
        }
    };
    match longest {
        Some((len, own)) if len >= system_len => own,
        // The true range is somewhere between the subnet's and what a route of one's own covers.
        Some(_) if system == Hop::Local && !address_space(world, network).1 => {
            Hop::Unknown(Gate::unknown("the address space", network))
        }
        _ => system,
    }
}

/// The length of the range of a captured network that holds an address.
fn range_len(world: &World, address: u32) -> u8 {
    let networks = world.all("microsoft.network/virtualnetworks");
    let ranges = networks.flat_map(|(key, _)| address_space(world, key).0);
    ranges.filter(|range| range.contains(address)).map(|range| range.len).max().unwrap_or(32)
}

/// Whether a captured subnet of another network holds an address.
fn is_elsewhere(world: &World, network: &str, address: u32) -> bool {
    let mut subnets = world.all("microsoft.network/virtualnetworks/subnets");
    subnets.any(|(key, body)| {
        network_of(key) != network
            && subnet_prefixes(body).iter().any(|prefix| prefix.contains(address))
    })
}

/// The length of the captured subnet that holds an address.
fn subnet_len(world: &World, address: u32) -> u8 {
    let subnets = world.all("microsoft.network/virtualnetworks/subnets");
    let prefixes = subnets.flat_map(|(_, body)| subnet_prefixes(body));
    prefixes.filter(|prefix| prefix.contains(address)).map(|prefix| prefix.len).max().unwrap_or(32)
}

pub(super) fn own_hop(
    world: &World,
    route: &OwnRoute<'_>,
    (subnet, to): (&str, u32),
    stage: &'static str,
) -> Hop {
    let network = network_of(subnet);
    let drop = || Hop::Drop(Gate::drop(stage, &route.table, Some(route.name)));
    if route.leads_to_nobody(world, subnet) {
        return drop();
    }
    match route.hop.to_ascii_lowercase().as_str() {
        // A private address is nowhere on the internet.
        "none" | "internet" => drop(),
        "vnetlocal" | "virtualnetwork" => {
            let (own, is_whole) = address_space(world, network);
            let is_foreign = is_whole && !own.iter().any(|one| one.contains(to));
            if is_foreign { drop() } else { Hop::Local }
        }
        word @ ("virtualappliance" | "virtualnetworkgateway") => {
            let is_there = match word {
                "virtualappliance" => Tri::Yes,
                _ => gateway::stands(world, network),
            };
            let gate =
                || Gate::unknown(&format!("what stands behind route {}", route.name), network);
            match is_there {
                Tri::Yes => Hop::Opaque(gate()),
                Tri::No => drop(),
                Tri::Maybe => Hop::Unknown(gate()),
            }
        }
        _ => Hop::Unknown(Gate::unknown(&format!("the next hop {}", route.hop), &route.table)),
    }
}

/// A private endpoint's own route, in its network and in those directly peered with it.
fn to_endpoint(world: &World, network: &str, address: u32, endpoint: &Endpoint) -> Option<Hop> {
    let home = network_of(endpoint.subnet.as_deref()?);
    if home == network {
        return Some(Hop::Endpoint);
    }
    let all = halves(world, network);
    let half = all.iter().find(|half| half.remote().as_deref() == Some(home))?;
    let holds = half.space().map(|all| all.iter().any(|prefix| prefix.contains(address)));
    match (half.is_up(world), holds) {
        (Tri::No, _) | (_, Some(false)) => None,
        (Tri::Yes, Some(true)) => Some(Hop::Peer(home.to_owned())),
        (Tri::Yes | Tri::Maybe, _) => {
            Some(Hop::Unknown(Gate::unknown("the routes of the peering with", home)))
        }
    }
}

/// Whether a route of that length puts a private endpoint's own route out of force.
fn invalidates(world: &World, endpoint: &Endpoint, address: u32, len: u8) -> Tri {
    if len == 0 {
        return Tri::No;
    }
    let Some(subnet) = &endpoint.subnet else { return Tri::Maybe };
    let policy = world
        .body(subnet)
        .and_then(|body| text(body, &["properties", "privateEndpointNetworkPolicies"]));
    let acts = policy.map_or(Tri::Maybe, |word| {
        Tri::of(["enabled", "routetableenabled"].contains(&word.to_ascii_lowercase().as_str()))
    });
    let space = world
        .body(network_of(subnet))
        .and_then(|body| prefixes(body, &["properties", "addressSpace", "addressPrefixes"]));
    let range = space.and_then(|all| {
        all.iter().filter(|prefix| prefix.contains(address)).map(|prefix| prefix.len).max()
    });
    acts.and(range.map_or(Tri::Maybe, |range| Tri::of(len >= range)))
}

/// Azure's own route and its length; where it is not known, why, and the length that it has at most, if that is.
fn system(
    world: &World,
    network: &str,
    address: u32,
    subnet: &str,
    stage: &'static str,
) -> Result<(u8, Hop), (Gate, Option<u8>)> {
    let (space, is_whole) = address_space(world, network);
    let longest = |all: &[Prefix]| {
        all.iter().filter(|prefix| prefix.contains(address)).map(|prefix| prefix.len).max()
    };
    let mut best = longest(&space).map(|len| (len, Hop::Local));
    // Networks whose spaces overlap cannot be peered, so a peering's range is never one's own.
    let mut unsure = (!is_whole).then(|| (Gate::unknown("the address space", network), None));
    for half in halves(world, network) {
        let Some(remote) = half.remote() else {
            unsure = Some((Gate::unknown("where a peering leads", network), None));
            continue;
        };
        match (half.is_up(world), half.space().map(|all| longest(&all))) {
            (Tri::No, _) | (_, Some(None)) => {}
            (Tri::Yes, Some(Some(len))) => {
                if best.as_ref().is_none_or(|(best, _)| *best < len) {
                    best = Some((len, Hop::Peer(remote)));
                }
            }
            (Tri::Yes | Tri::Maybe, len) => {
                // Of several that are not known none has a bound that counts.
                let len = len.flatten().filter(|_| unsure.is_none());
                unsure = Some((Gate::unknown("the routes of the peering with", &remote), len));
            }
        }
    }
    let led = match propagates(world, subnet) {
        true => gateway::leads(world, network, address),
        false => Tri::No,
    };
    match (best, unsure) {
        (Some(best), _) => Ok(best),
        (None, Some(unsure)) => Err(unsure),
        (None, None) if led != Tri::No => {
            let gate = Gate::unknown("the routes of the gateway", network);
            // Of what it learned nobody knows the length: longer than a default route, and no longer than another one of a user.
            match led {
                Tri::Maybe => Ok((1, Hop::Unknown(gate))),
                _ => Err((gate, gateway::length_beyond(world, address))),
            }
        }
        (None, None) => match mesh::towards(world, network, address) {
            // A mesh routes what its members have.
            Some(gate) => Ok((range_len(world, address), Hop::Unknown(gate))),
            None => {
                let len = private_range(address).map_or(0, |range| range.len);
                Ok((len, Hop::Drop(Gate::drop(stage, network, None))))
            }
        },
    }
}

/// Whether a next hop brings the packet into the network where it has to be. True when something
/// opaque took it, or may have.
pub(super) fn arrive(hop: Hop, near: &str, far: &str, gates: &mut Vec<Gate>) -> bool {
    match hop {
        Hop::Local if near == far => {}
        Hop::Endpoint => {}
        Hop::Peer(network) if network == far => {}
        // No document says what a route of one's own into the network does with a neighbour's
        // addresses.
        Hop::Local => gates.push(Gate::unknown("the reach of a route to VnetLocal", near)),
        Hop::Peer(_) => gates.push(Gate::drop("route", near, Some("another network"))),
        Hop::Drop(gate) => gates.push(gate),
        Hop::Unknown(gate) => gates.push(gate),
        Hop::Opaque(gate) => {
            gates.push(gate);
            return true;
        }
    }
    false
}
