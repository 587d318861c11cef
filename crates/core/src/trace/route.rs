//! Where packets of a subnet go: user-defined routes against the routes that Azure makes.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::estate::network::{NextHop, Route, RoutePrefix, RouteTable, Subnet, Vnet};
use crate::estate::{Estate, Missing, Set};
use crate::id::ResourceId;
use crate::trace::appliance::{self, Appliance};
use crate::trace::outward::lacks_gateway;

/// What becomes of a packet at the subnet's route table.
#[derive(Debug, Clone)]
pub enum Routed {
    /// Azure's own route carries it.
    Directly,
    /// A user-defined route carries it to where Azure's own would.
    ByUser(UserRoute),
    /// A user-defined route drops it.
    Dropped(UserRoute),
    /// A user-defined route hands it to something whose rules are not in the estate.
    Elsewhere(UserRoute, Missing),
    /// A user-defined route hands it to an appliance that surely does not forward it.
    Dead(UserRoute, Appliance),
    /// A user-defined route carries it on or drops it: which of them no document says.
    Doubtful(UserRoute, Missing),
    /// The table was not observed.
    Unknown(Missing),
}

/// The route that decided.
#[derive(Debug, Clone)]
pub struct UserRoute {
    /// The route table.
    pub table: ResourceId,
    /// The route's name.
    pub name: String,
    /// What it catches, as text.
    pub prefix: String,
    /// Where it leads.
    pub next_hop: NextHop,
    /// The table, or the route itself where it was captured alone.
    pub resource: ResourceId,
    /// Pointer in that resource's body.
    pub pointer: String,
}

/// Azure's own route to the destination, which a user-defined one competes with.
#[derive(Debug, Clone, Copy)]
pub enum OwnRoute {
    /// The /32 of a private endpoint: beaten by another /32, or, where the endpoint's subnet has the route policy on, by
    /// any route at least as long as the network's own range.
    Endpoint {
        /// Length of the range of the endpoint's network.
        range_length: u8,
        /// The route policy of the endpoint's subnet; `None` when not observed.
        policy_on: Option<bool>,
    },
    /// The range of a network.
    Network(u8),
    /// The internet.
    Internet,
    /// None at all.
    Nothing,
}

/// Routes a packet to an address.
pub fn to_address(
    estate: &Estate,
    subnet: (&ResourceId, &Subnet),
    address: Ipv4Addr,
    own: OwnRoute,
) -> Routed {
    let parts = to_addresses(estate, subnet, &AddressSet::one(address), own);
    parts.into_iter().next().map_or(Routed::Directly, |(_, routed)| routed)
}

/// Whether a user's route sends packets to an address into the gateway.
pub fn leads_to_gateway(estate: &Estate, subnet: (&ResourceId, &Subnet), to: Ipv4Addr) -> bool {
    let routed = to_address(estate, subnet, to, OwnRoute::Nothing);
    matches!(routed, Routed::Dropped(route) | Routed::Elsewhere(route, _) if route.next_hop == NextHop::Gateway)
}

/// Whether the table of a subnet surely leads nothing to a gateway: it keeps the routes of gateways out, and has none of its own there.
pub(super) fn uses_no_gateway(estate: &Estate, id: &ResourceId) -> bool {
    let Some(subnet) = estate.find::<Subnet>(id) else { return false };
    let keeps_out = matches!(table_of(estate, (id, subnet)), Ok(Some((_, facts))) if facts.keeps_gateway_routes_out);
    let leads_there = |route: &&Route| route.next_hop == NextHop::Gateway;
    keeps_out
        && matches!(user_routes(estate, (id, subnet)), Ok(Some((_, all))) if !all.iter().any(leads_there))
}

/// Whether some route of a user may catch one of some addresses.
pub fn catches_some(estate: &Estate, subnet: (&ResourceId, &Subnet), to: &AddressSet) -> bool {
    let caught =
        |route: &&Route| matches!(&route.prefix, RoutePrefix::Network(net) if to.meets(net));
    match user_routes(estate, subnet) {
        Ok(found) => found.is_some_and(|(_, routes)| routes.into_iter().any(|one| caught(&one))),
        Err(_) => true,
    }
}

/// Routes packets to a set of addresses: each part of the set with what becomes of it.
pub fn to_addresses(
    estate: &Estate,
    subnet: (&ResourceId, &Subnet),
    addresses: &AddressSet,
    own: OwnRoute,
) -> Vec<(AddressSet, Routed)> {
    let whole = |routed: Routed| vec![(addresses.clone(), routed)];
    let (table_id, mut routes) = match user_routes(estate, subnet) {
        Ok(Some(found)) => found,
        Ok(None) => return whole(Routed::Directly),
        Err(missing) => return whole(Routed::Unknown(missing)),
    };
    let length = |route: &Route| match &route.prefix {
        RoutePrefix::Network(network) => Some(network.prefix_len()),
        RoutePrefix::Tag(_) | RoutePrefix::Ipv6 => None,
    };
    let wins = |length: u8| match own {
        OwnRoute::Endpoint { range_length, policy_on } => {
            length == 32 || policy_on != Some(false) && length >= range_length
        }
        OwnRoute::Network(own_length) => length >= own_length,
        OwnRoute::Internet | OwnRoute::Nothing => true,
    };
    routes.retain(|route| length(route).is_some_and(wins));
    routes.sort_by_key(|route| std::cmp::Reverse(length(route)));
    let (mut rest, mut parts) = (addresses.clone(), Vec::new());
    for route in routes {
        let RoutePrefix::Network(network) = &route.prefix else { continue };
        let caught = AddressSet::of([network]);
        let part = rest.intersection(&caught);
        if !part.is_empty() {
            rest = rest.difference(&caught);
            let is_open = matches!(own, OwnRoute::Endpoint { policy_on: None, .. });
            let routed = match is_open && network.prefix_len() < 32 {
                true => Routed::Unknown(Missing::other(
                    format!(
                        "whether route `{}` beats the private endpoint's own: `privateEndpointNetworkPolicies` of its subnet",
                        route.name
                    ),
                    "capture the endpoint's subnet again",
                )),
                false => {
                    judge(estate, (subnet.0, table_id), route, matches!(own, OwnRoute::Internet))
                }
            };
            match routed {
                Routed::ByUser(route) if !matches!(own, OwnRoute::Internet) => {
                    parts.extend(within(estate, subnet.0, route, part));
                }
                routed => parts.push((part, routed)),
            }
        }
    }
    if !rest.is_empty() {
        parts.push((rest, Routed::Directly));
    }
    parts
}

/// Whether packets to an address would be handed to an appliance if no route dropped them.
pub fn hands_on_beneath(
    estate: &Estate,
    subnet: (&ResourceId, &Subnet),
    address: Ipv4Addr,
) -> bool {
    let Ok(Some((table, routes))) = user_routes(estate, subnet) else { return false };
    let length = |route: &Route| match &route.prefix {
        RoutePrefix::Network(network) if network.contains(&address) => Some(network.prefix_len()),
        _ => None,
    };
    let judged = routes.into_iter().filter_map(|route| {
        let length = length(route)?;
        match judge(estate, (subnet.0, table), route, false) {
            Routed::Dropped(_) => None,
            routed => Some((length, routed)),
        }
    });
    let best = judged.max_by_key(|(length, _)| *length);
    matches!(best, Some((_, Routed::Elsewhere(route, _))) if route.next_hop.appliance().is_some())
}

/// A route into the network carries packets between the network's own addresses: nobody else's are there.
fn within(
    estate: &Estate,
    subnet: &ResourceId,
    route: UserRoute,
    part: AddressSet,
) -> Vec<(AddressSet, Routed)> {
    let id = subnet.parent().unwrap_or_else(|| subnet.clone());
    let Some(space) = space_of(estate, &id) else {
        return vec![(part, Routed::Doubtful(route, Missing::field(&id, "addressSpace")))];
    };
    let space = AddressSet::of(space);
    let parts = [
        (part.intersection(&space), Routed::ByUser(route.clone())),
        (part.difference(&space), Routed::Dropped(route)),
    ];
    parts.into_iter().filter(|(part, _)| !part.is_empty()).collect()
}

/// The ranges of a network, where they were observed.
pub(super) fn space_of<'e>(estate: &'e Estate, vnet: &ResourceId) -> Option<&'e [Ipv4Net]> {
    let vnet = estate.find::<Vnet>(vnet).filter(|vnet| !vnet.space.is_empty())?;
    Some(&vnet.space)
}

/// What becomes of packets to a server that may have any address of its subnet: told only where it is the same for all of them.
pub(super) fn one_of(parts: Vec<(AddressSet, Routed)>, subnet: &ResourceId) -> Routed {
    shared(parts).unwrap_or_else(|| Routed::Unknown(unknown_address(subnet)))
}

/// The address of a server in a subnet, where routes to its addresses differ.
pub(super) fn unknown_address(subnet: &ResourceId) -> Missing {
    Missing::other(
        format!("which address the server in subnet `{}` has: routes differ", subnet.name()),
        "resolve its name on the target with `flexway probe`",
    )
}

/// What becomes of all parts alike; `None` where they differ.
pub(super) fn shared(parts: Vec<(AddressSet, Routed)>) -> Option<Routed> {
    let passes = |routed: &Routed| matches!(routed, Routed::Directly | Routed::ByUser(_));
    let drops = |routed: &Routed| matches!(routed, Routed::Dropped(_));
    let hop = |routed: &Routed| match routed {
        Routed::Elsewhere(route, _) => Some(route.next_hop.clone()),
        _ => None,
    };
    let first = parts.first().and_then(|(_, one)| hop(one));
    let is_same = parts.len() <= 1
        || parts.iter().all(|(_, one)| passes(one))
        || parts.iter().all(|(_, one)| drops(one))
        || first.is_some() && parts.iter().all(|(_, one)| hop(one) == first);
    is_same.then(|| parts.into_iter().next().map_or(Routed::Directly, |(_, routed)| routed))
}

/// The route table of a subnet, with its id; `None` where it has none.
///
/// # Errors
/// [`Missing`] when the table was not observed.
pub fn table_of<'e>(
    estate: &'e Estate,
    (subnet_id, subnet): (&ResourceId, &'e Subnet),
) -> Result<Option<(&'e ResourceId, &'e RouteTable)>, Missing> {
    let Some(table) = subnet.route_table.id(subnet_id, "routeTable")? else { return Ok(None) };
    Ok(Some((table, estate.get::<RouteTable>(table)?)))
}

/// The routes of the subnet's table, with the table's id; `None` where it has no table.
///
/// # Errors
/// [`Missing`] when the table was not observed, or does not list its routes.
pub(crate) fn user_routes<'e>(
    estate: &'e Estate,
    (subnet_id, subnet): (&ResourceId, &'e Subnet),
) -> Result<Option<(&'e ResourceId, Vec<&'e Route>)>, Missing> {
    let Some((table_id, table)) = table_of(estate, (subnet_id, subnet))? else { return Ok(None) };
    let listed = table.routes.as_deref().ok_or_else(|| Missing::field(table_id, "routes"))?;
    let mut routes: Vec<&Route> = listed.iter().collect();
    let mut alone = estate.children::<Route>(table_id).map(|(_, route)| route).peekable();
    if alone.peek().is_some() {
        let known: Set<String> = listed.iter().map(|one| one.name.to_ascii_lowercase()).collect();
        routes.extend(alone.filter(|one| !known.contains(&one.name.to_ascii_lowercase())));
    }
    Ok(Some((table_id, routes)))
}

pub(super) fn judge(
    estate: &Estate,
    (subnet, table): (&ResourceId, &ResourceId),
    route: &Route,
    is_public: bool,
) -> Routed {
    let prefix = match &route.prefix {
        RoutePrefix::Network(network) => network.to_string(),
        RoutePrefix::Tag(tag) => tag.clone(),
        RoutePrefix::Ipv6 => "IPv6".to_owned(),
    };
    let found = UserRoute {
        table: table.clone(),
        name: route.name.clone(),
        prefix,
        next_hop: route.next_hop.clone(),
        resource: route.resource.clone(),
        pointer: route.pointer.clone(),
    };
    let opaque = || {
        let (who, look) = appliance::name(estate, subnet, &route.next_hop);
        let help = format!("{look}, or probe the path from the target: `flexway probe`");
        Missing::other(format!("what {who} does with the packets"), help)
    };
    match &route.next_hop {
        NextHop::Drop => Routed::Dropped(found),
        NextHop::Local if !is_public => Routed::ByUser(found),
        NextHop::Internet if is_public => Routed::ByUser(found),
        NextHop::Local | NextHop::Internet => Routed::Dropped(found),
        NextHop::Gateway if subnet.parent().is_some_and(|one| lacks_gateway(estate, &one)) => {
            Routed::Dropped(found)
        }
        NextHop::Appliance(_) | NextHop::Gateway | NextHop::Other(_) => {
            Routed::Elsewhere(found, opaque())
        }
    }
}

/// Length of the range of a network that holds an address.
pub fn range_length(vnet: &Vnet, address: Ipv4Addr) -> u8 {
    vnet.space
        .iter()
        .filter(|net| net.contains(&address))
        .map(Ipv4Net::prefix_len)
        .max()
        .unwrap_or(0)
}

/// Azure's own route to a private address that no network near uses: it drops the packets in the range, 10/8 and its like, around
/// the address. Azure takes these routes out of a subnet whose table has one for 0.0.0.0/0.
pub(super) fn to_nowhere(
    estate: &Estate,
    subnet: (&ResourceId, &Subnet),
    address: Ipv4Addr,
) -> OwnRoute {
    let is_default =
        |route: &Route| matches!(&route.prefix, RoutePrefix::Network(net) if net.prefix_len() == 0);
    if let Ok(Some((_, routes))) = user_routes(estate, subnet)
        && routes.into_iter().any(is_default)
    {
        return OwnRoute::Nothing;
    }
    to_block(address)
}

/// The same for a subnet that has such routes: that to the whole block of private addresses.
pub(super) fn to_block(address: Ipv4Addr) -> OwnRoute {
    OwnRoute::Network(match address.octets() {
        [10, ..] => 8,
        [172, 16..=31, ..] => 12,
        [192, 168, ..] => 16,
        [100, 64..=127, ..] => 10,
        _ => 0,
    })
}

/// Addresses that a server in a subnet can have: Azure keeps the first four and the last one of each prefix.
pub fn usable_addresses(subnet: &Subnet) -> AddressSet {
    let ranges = subnet.prefixes.iter().map(|net| {
        let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
        match last - first {
            // Smaller than Azure allows: taken as it is.
            0..=4 => (first, last),
            _ => (first + 4, last - 1),
        }
    });
    AddressSet::from_ranges(ranges.collect())
}
