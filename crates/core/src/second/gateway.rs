//! Gateways: whether those of a network, or those lent to it, lead to an address.

use serde_json::Value;

use super::address::{Prefix, holds_no_public};
use super::peering::{Half, halves, has_hub};
use super::route::{Hop, OwnRoute, own_hop, own_routes, propagates};
use super::verdict::{Gate, Tri};
use super::world::{World, address_space, at, flag, list, network_of, prefixes, reference, text};

/// Whether a gateway leads from a network to an address.
pub(super) fn leads(world: &World, network: &str, address: u32) -> Tri {
    leads_to(world, network, &|one| one.contains(address))
}

/// Whether a gateway may lead from a network into the internet: by a default route that it learned or was given, or to addresses which
/// are no private ones. One without a connection is there for something that was not captured.
pub(super) fn may_lead_out(world: &World, network: &str) -> bool {
    let is_outside = |one: &Prefix| !holds_no_public(one.first(), one.last());
    let is_idle = |network: &str| {
        let mut all = gateways_in(world, network);
        all.any(|(key, _)| connections_of(world, key).next().is_none())
    };
    let all = halves(world, network);
    let mut lenders = all.iter().filter(|half| half.uses_remote_gateways());
    leads_to(world, network, &is_outside) != Tri::No
        || is_idle(network)
        || lenders.any(|half| half.remote().is_none_or(|remote| is_idle(&remote)))
}

/// Whether a gateway leads from a network to a prefix of some sort.
fn leads_to(world: &World, network: &str, is_meant: &dyn Fn(&Prefix) -> bool) -> Tri {
    if has_hub(world, network) {
        return Tri::Maybe;
    }
    let mut sum = match world.body(&seat(network)) {
        Some(_) => lends(world, network, is_meant),
        None => Tri::No,
    };
    for half in halves(world, network).iter().filter(|half| half.uses_remote_gateways()) {
        let Some(remote) = half.remote() else { return Tri::Maybe };
        sum = sum.or(match is_lent(world, &remote, network) {
            Tri::Yes => lends(world, &remote, is_meant),
            other => other,
        });
    }
    sum
}

/// Whether a network lends another one its gateways, whatever they are. One that was not captured may.
pub(super) fn is_lent(world: &World, lender: &str, network: &str) -> Tri {
    let all = halves(world, lender);
    let back = all.iter().find(|back| back.remote().as_deref() == Some(network));
    let is_up = |state: String| state == "connected";
    match back {
        Some(half) => Tri::of(half.lends_gateway() && half.state().is_none_or(is_up)),
        None if world.body(lender).is_none() => Tri::Maybe,
        None => Tri::No,
    }
}

/// Whether a network has a gateway, or may use that of another network; only one that lists its subnets surely has none.
pub(super) fn stands(world: &World, network: &str) -> Tri {
    let Some(body) = world.body(network) else { return Tri::Yes };
    let listed = list(body, &["properties", "subnets"]);
    let is_seat = |one: &Value| is_subnet(one, "gatewaysubnet");
    let lends = |lender: String| is_lent(world, &lender, network) != Tri::No;
    let may_use =
        |half: &Half<'_>| half.remote().is_none_or(|one| !half.keeps_gateways_out() && lends(one));
    let has_one = world.body(&seat(network)).is_some()
        || listed.is_some_and(|all| all.iter().any(is_seat))
        || gateways_in(world, network).next().is_some()
        || has_hub(world, network)
        || halves(world, network).iter().any(may_use);
    match (has_one, listed) {
        (true, _) => Tri::Yes,
        (false, Some(_)) => Tri::No,
        (false, None) => Tri::Maybe,
    }
}

/// Whether an element of a network's list of subnets is that of a name, in lower case.
fn is_subnet(one: &Value, wanted: &str) -> bool {
    let id = reference(one, &["id"]);
    let is_it = |name: &str| name.eq_ignore_ascii_case(wanted);
    text(one, &["name"]).is_some_and(is_it)
        || id.is_some_and(|id| id.rsplit('/').next().is_some_and(is_it))
}

/// Whether no address, gateway or route server can be in a network unseen.
pub(super) fn are_all_seen(world: &World, network: &str) -> bool {
    let listed = world.body(network).and_then(|body| list(body, &["properties", "subnets"]));
    let lists = |name| listed.is_some_and(|all| all.iter().any(|one| is_subnet(one, name)));
    let is_captured = |name| world.body(&format!("{network}/subnets/{name}")).is_some();
    let is_named =
        |one: &Value| reference(one, &["id"]).is_some() || text(one, &["name"]).is_some();
    let is_list_read = listed.is_some_and(|all| all.iter().all(is_named));
    let is_seen = is_captured("gatewaysubnet") || is_list_read && !lists("gatewaysubnet");
    let (space, is_told) = address_space(world, network);
    is_told
        && !space.is_empty()
        && is_seen
        && !is_captured("routeserversubnet")
        && !lists("routeserversubnet")
}

/// The subnet that gateways stand in.
pub(super) fn seat(network: &str) -> String {
    format!("{network}/subnets/gatewaysubnet")
}

/// The gateways that stand in a network.
fn gateways_in<'w>(world: &'w World, network: &str) -> impl Iterator<Item = (&'w str, &'w Value)> {
    let home = seat(network);
    let stands = move |body: &Value| {
        let places = list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]);
        places.iter().any(|one| {
            let inner = one.get("properties").unwrap_or(one);
            reference(inner, &["subnet", "id"]).as_deref() == Some(home.as_str())
        })
    };
    let gateways = world.all("microsoft.network/virtualnetworkgateways");
    gateways.filter(move |(_, body)| stands(body))
}

/// Whether a gateway that stands in a network leads to an address, or learns routes and may.
pub(super) fn may_lead_itself(world: &World, network: &str, address: u32) -> bool {
    let is_meant = |one: &Prefix| one.contains(address);
    let may = |(key, body): (&str, &Value)| {
        !is_static(body, "gatewayType", "Vpn") || by_connections(world, key, &is_meant) == Tri::Yes
    };
    gateways_in(world, network).any(may)
}

/// The gate of a route of a subnet that drops packets to an address, and wins over a gateway's of the same length.
pub(super) fn dropped_before(world: &World, subnet: &str, to: u32) -> Option<Gate> {
    let (own, known) = (own_routes(world, subnet)?, length_beyond(world, to)?);
    let length = |route: &OwnRoute<'_>| Some(route.prefix.filter(|one| one.contains(to))?.len);
    let longest =
        own.iter().filter(|route| length(route).is_some()).max_by_key(|route| length(route))?;
    if length(longest) < Some(known) {
        return None;
    }
    match own_hop(world, longest, (subnet, to), "route") {
        Hop::Drop(gate) => Some(gate),
        _ => None,
    }
}

/// Whether a gateway's route is longer than any that a subnet's table has for an address.
pub(super) fn is_longer(world: &World, subnet: &str, to: u32) -> bool {
    let own = own_routes(world, subnet).unwrap_or_default();
    let longest = own
        .iter()
        .filter_map(|route| route.prefix.filter(|one| one.contains(to)))
        .map(|one| one.len)
        .max();
    propagates(world, subnet)
        && leads(world, network_of(subnet), to) == Tri::Yes
        && longest < length_beyond(world, to)
}

/// Length of the longest prefix of a network beyond a gateway that holds an address.
pub(super) fn length_beyond(world: &World, to: u32) -> Option<u8> {
    let field = ["properties", "localNetworkAddressSpace", "addressPrefixes"];
    let all = world.all("microsoft.network/localnetworkgateways");
    let known = all.filter_map(|(_, body)| prefixes(body, &field)).flatten();
    known.filter(|prefix| prefix.contains(to)).map(|prefix| prefix.len).max()
}

/// Whether the gateways of a network lead to a prefix of some sort: those that learn routes may.
fn lends(world: &World, network: &str, is_meant: &dyn Fn(&Prefix) -> bool) -> Tri {
    let each =
        gateways_in(world, network).map(|(key, body)| match by_connections(world, key, is_meant) {
            Tri::Yes => Tri::Yes,
            written if is_static(body, "gatewayType", "Vpn") => written,
            _ => Tri::Maybe,
        });
    each.reduce(Tri::or).unwrap_or(Tri::Maybe)
}

/// Whether a subnet may send something to a gateway: by a route that one learned, or that somebody wrote.
pub(super) fn may_use(world: &World, subnet: &str) -> bool {
    let leads_there =
        |route: &OwnRoute<'_>| route.hop.eq_ignore_ascii_case("VirtualNetworkGateway");
    propagates(world, subnet)
        || own_routes(world, subnet).is_none_or(|own| own.iter().any(leads_there))
}

/// Whether two networks have gateways that may lead from one to the other.
pub(super) fn may_join(world: &World, near: &str, far: &str) -> bool {
    let has_seat = |network: &str| world.body(&seat(network)).is_some();
    has_seat(near)
        && has_seat(far)
        && !leads_elsewhere(world, near, far)
        && !leads_elsewhere(world, far, near)
}

/// Whether the gateways of a network have written-down connections alone, none of them into the space of another network.
fn leads_elsewhere(world: &World, network: &str, other: &str) -> bool {
    let Some(space) = prefixes(world.body(other).unwrap_or(&Value::Null), &SPACE) else {
        return false;
    };
    if has_hub(world, network) || halves(world, network).iter().any(Half::uses_remote_gateways) {
        return false;
    }
    let mut has_some = false;
    for (key, body) in gateways_in(world, network) {
        if !is_static(body, "gatewayType", "Vpn") {
            return false;
        }
        for connection in connections_of(world, key) {
            let Some(beyond) = beyond(world, connection) else { return false };
            let meets = |one: &Prefix| {
                space.iter().any(|other| one.contains(other.first()) || other.contains(one.first()))
            };
            if !is_static(connection, "connectionType", "IPsec") || beyond.iter().any(meets) {
                return false;
            }
            has_some |= !beyond.is_empty();
        }
    }
    has_some && !space.is_empty()
}

/// The address space of a network.
const SPACE: [&str; 3] = ["properties", "addressSpace", "addressPrefixes"];

/// Whether a gateway or a connection is of a sort that has only the routes which are written down, and is told no site for all the rest.
fn is_static(body: &Value, field: &str, sort: &str) -> bool {
    let kind = text(body, &["properties", field]);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(sort))
        && flag(body, &["properties", "enableBgp"]) == Some(false)
        && at(body, &["properties", "gatewayDefaultSite"]).is_none()
}

/// Whether what a gateway is connected with holds a prefix of some sort. A connection that tells no gateway may be any one's.
fn by_connections(world: &World, gateway: &str, is_meant: &dyn Fn(&Prefix) -> bool) -> Tri {
    let mut all = world.all(CONNECTION);
    let is_told = all.all(|(_, body)| ENDS.iter().any(|end| end_of(body, end).is_some()));
    let unsure = if is_told { Tri::No } else { Tri::Maybe };
    connections_of(world, gateway).fold(unsure, |sum, body| {
        let holds = beyond(world, body).map(|all| all.iter().any(is_meant));
        sum.or(match (is_static(body, "connectionType", "IPsec"), holds) {
            (_, Some(true)) => Tri::Yes,
            (true, Some(false)) => Tri::No,
            (_, _) => Tri::Maybe,
        })
    })
}

const CONNECTION: &str = "microsoft.network/connections";

/// The gateways of Azure that a connection joins: one, or two.
const ENDS: [&str; 2] = ["virtualNetworkGateway1", "virtualNetworkGateway2"];

fn end_of(connection: &Value, end: &str) -> Option<String> {
    reference(connection, &["properties", end, "id"])
}

/// The connections of a gateway.
fn connections_of<'w>(world: &'w World, gateway: &str) -> impl Iterator<Item = &'w Value> {
    let joins =
        move |body: &Value| ENDS.iter().any(|end| end_of(body, end).as_deref() == Some(gateway));
    let all = world.all(CONNECTION).map(|(_, body)| body);
    all.filter(move |body| joins(body))
}

/// What is written down as beyond a connection; `None` where some of it cannot be read, or nothing is there.
fn beyond(world: &World, connection: &Value) -> Option<Vec<Prefix>> {
    let local = reference(connection, &["properties", "localNetworkGateway2", "id"])?;
    let field = ["properties", "localNetworkAddressSpace", "addressPrefixes"];
    let written = list(world.body(&local)?, &field)?.iter();
    let of_ipv4 = written.filter(|one| one.as_str().is_none_or(|word| !word.contains(':')));
    let all: Option<Vec<Prefix>> = of_ipv4.map(|one| Prefix::parse(one.as_str()?)).collect();
    all.filter(|all| !all.is_empty())
}
