//! Routes of a router: what Azure's fabric lays for a network, and what the user's tables say before it.
//!
//! A subnet's table decides by the longest prefix, then by the metric: the user's routes come before Azure's. What stays inside the
//! network is thrown on to the table that delivers.

use std::net::Ipv4Addr;

use flexway_core::estate::network::{NextHop, Route, RoutePrefix, RouteTable, Subnet};
use flexway_core::id::ResourceId;
use ipnet::Ipv4Net;

use super::tags::doors_of_tag;
use super::{Draft, Leg, Peer};

/// The table that delivers to the legs of the network.
pub(super) const DELIVERY: u32 = 100;

/// The table of ways to joined networks.
const JOINED: u32 = 101;

/// Tables of subnets begin here.
const SUBNETS: u32 = 1000;

/// Metrics: the user's routes, Azure's own, Azure's last ones.
const USER: u32 = 10;
const OWN: u32 = 20;
const LAST: u32 = 30;

/// The internet's own address.
pub(super) const INTERNET: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 1);

/// Where the user's routes to nowhere lead: there packets are counted, and end.
pub(super) const SINK: &str = "lo";

/// Addresses that Azure drops unless a network has them.
const UNUSED: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/// Lines for `ip -batch` in the router of a network.
pub(super) fn of_router(draft: &mut Draft, network: usize) -> Vec<String> {
    // Tags know a network of which only IPv6 is peered; packets of IPv4 have no way there.
    let peers = draft.peers(network);
    let peers: Vec<Peer> = { peers }.into_iter().filter(|peer| !peer.half.is_ipv6_only).collect();
    let mut lines = vec![
        "rule add pref 20 iif lo lookup 100".to_owned(),
        "rule add pref 21 iif lo lookup 101".to_owned(),
        "rule add pref 22 iif out lookup 100".to_owned(),
        // Silent, as Azure drops; without it the kernel would answer that there is no route.
        "rule add pref 30 blackhole".to_owned(),
    ];
    for peer in &peers {
        lines.push(format!("rule add pref 23 iif p{} lookup {DELIVERY}", peer.network));
        for net in draft.remote_space(peer) {
            lines.push(format!("route replace {net} {} table {JOINED}", to_peer(draft, peer)));
        }
    }
    let mut tables: Vec<&ResourceId> = Vec::new();
    let legs: Vec<usize> =
        (0..draft.legs.len()).filter(|at| draft.legs[*at].network == network).collect();
    for at in legs {
        let leg = &draft.legs[at];
        let port = leg.port.clone();
        let known = tables.iter().position(|subnet| *subnet == leg.subnet);
        let index = known.unwrap_or(tables.len());
        let table = SUBNETS + index as u32;
        // Answers of private endpoints do not pass the tables of users.
        let tables_of_leg = [(10, table), (11, DELIVERY), (12, JOINED)];
        for (pref, table) in tables_of_leg.into_iter().skip(usize::from(leg.is_endpoint)) {
            lines.push(format!("rule add pref {pref} iif {port} lookup {table}"));
        }
        for net in leg.senders.iter().copied().chain([Ipv4Net::from(leg.address)]) {
            lines.push(format!("route replace {net} dev {port} table {DELIVERY}"));
        }
        if known.is_none() {
            tables.push(leg.subnet);
            let routes = of_subnet(draft, at, &peers);
            lines.extend(
                routes.into_iter().map(|line| format!("route replace {line} table {table}")),
            );
        }
    }
    for line in foreign_appliances(draft, network) {
        lines.push(format!("rule add pref 13 iif {line} lookup {DELIVERY}"));
    }
    lines
}

fn to_peer(draft: &Draft, peer: &Peer) -> String {
    format!("via {} dev p{} onlink", draft.networks[peer.network].gateway, peer.network)
}

/// The routes of a subnet, as `ip route` has them, without their table.
fn of_subnet(draft: &mut Draft, at: usize, peers: &[Peer]) -> Vec<String> {
    let network = draft.legs[at].network;
    let mut lines = vec![format!("default via {INTERNET} dev out onlink metric {LAST}")];
    lines.extend(
        draft.networks[network].space.iter().map(|net| format!("throw {net} metric {OWN}")),
    );
    for peer in peers {
        let nets = draft.remote_space(peer);
        let way = to_peer(draft, peer);
        lines.extend(nets.iter().map(|net| format!("{net} {way} metric {OWN}")));
    }
    let leg = &draft.legs[at];
    let routes: Vec<&Route> = routes_of(draft, leg.subnet);
    let is_default =
        |route: &&Route| matches!(route.prefix, RoutePrefix::Network(net) if net.prefix_len() == 0);
    if !routes.iter().any(is_default) {
        lines.extend(UNUSED.iter().map(|net| format!("blackhole {net} metric {LAST}")));
    }
    lines.extend(to_endpoints(draft, leg, peers, &routes));
    if leg.facts.has_sql_endpoint() {
        for address in doors_by_endpoint(draft, leg) {
            lines.push(format!("{address}/32 via {INTERNET} dev out onlink metric {OWN}"));
        }
    }
    for route in routes {
        let nets = networks_of(draft, route);
        let way = way_of(draft, network, route);
        lines.extend(nets.iter().map(|net| match &way {
            Way::Via(words) => format!("{net} {words} metric {USER}"),
            Way::Kind(kind) => format!("{kind} {net} metric {USER}"),
        }));
    }
    lines
}

/// What a route catches of what a twin shows.
pub(super) fn networks_of(draft: &Draft, route: &Route) -> Vec<Ipv4Net> {
    match &route.prefix {
        RoutePrefix::Network(net) => vec![*net],
        RoutePrefix::Tag(tag) => doors_of_tag(draft, tag).networks(),
        RoutePrefix::Ipv6 => Vec::new(),
    }
}

/// Addresses of front doors that the subnet's service endpoint leads to: those of Single Servers of its own region.
pub(super) fn doors_by_endpoint(draft: &Draft, leg: &Leg) -> Vec<Ipv4Addr> {
    let own = &draft.networks[leg.network].region;
    let doors = draft.doors.iter().filter(|door| !door.is_flexible && door.region == *own);
    doors.map(|door| door.address).collect()
}

/// The /32 that each private endpoint puts into its own network and into those that are joined with it. Where the policy of its
/// subnet is on, a route of the user that is at least as long as the network's range takes it away.
fn to_endpoints(draft: &Draft, leg: &Leg, peers: &[Peer], routes: &[&Route]) -> Vec<String> {
    let mut lines = Vec::new();
    for end in draft.legs.iter().filter(|end| end.is_endpoint) {
        let address = end.address;
        let way = if end.network == leg.network {
            Some(format!("throw {address}/32"))
        } else {
            let peer = peers.iter().find(|peer| peer.network == end.network);
            let routed = peer
                .filter(|peer| draft.remote_space(peer).iter().any(|net| net.contains(&address)));
            routed.map(|peer| format!("{address}/32 {}", to_peer(draft, peer)))
        };
        let space = &draft.networks[end.network].space;
        let range =
            space.iter().filter(|net| net.contains(&address)).map(Ipv4Net::prefix_len).max();
        let takes_away = |route: &&&Route| match &route.prefix {
            RoutePrefix::Network(net) => net.contains(&address) && Some(net.prefix_len()) >= range,
            RoutePrefix::Tag(_) | RoutePrefix::Ipv6 => false,
        };
        let is_taken =
            has_policy(end.facts, "RouteTableEnabled") && routes.iter().any(|one| takes_away(&one));
        if let Some(way) = way.filter(|_| !is_taken) {
            lines.push(format!("{way} metric {OWN}"));
        }
    }
    lines
}

/// Whether a subnet's policy for private endpoints is on, for everything or for this.
pub(super) fn has_policy(subnet: &Subnet, this: &str) -> bool {
    subnet.endpoint_policies.as_deref().is_some_and(|policy| {
        policy.eq_ignore_ascii_case("Enabled") || policy.eq_ignore_ascii_case(this)
    })
}

enum Way {
    Via(String),
    Kind(&'static str),
}

fn way_of(draft: &mut Draft, network: usize, route: &Route) -> Way {
    match &route.next_hop {
        NextHop::Drop | NextHop::Local if sinks_packets(draft, network, route) => {
            Way::Via(format!("dev {SINK}"))
        }
        NextHop::Drop | NextHop::Local => Way::Kind("throw"),
        NextHop::Internet => Way::Via(format!("via {INTERNET} dev out onlink")),
        NextHop::Appliance(text) => {
            let address: Option<Ipv4Addr> = text.parse().ok();
            let port = address.and_then(|address| appliance_port(draft, network, address));
            port.map_or(Way::Kind("blackhole"), |port| {
                Way::Via(format!("via {text} dev {port} onlink"))
            })
        }
        NextHop::Gateway | NextHop::Other(_) => {
            draft.note(format!("route `{}` leads out of what a twin shows; it drops", route.name));
            Way::Kind("blackhole")
        }
    }
}

/// Whether a route leads to nowhere: one into its network does where it catches addresses of others, and the network's own ranges are
/// longer.
pub(super) fn sinks_packets(draft: &Draft, network: usize, route: &Route) -> bool {
    let space = &draft.networks[network].space;
    let is_inside = || matches!(&route.prefix, RoutePrefix::Network(net) if space.iter().any(|own| own.contains(net)));
    match route.next_hop {
        NextHop::Drop => true,
        NextHop::Local => !is_inside(),
        NextHop::Internet | NextHop::Appliance(_) | NextHop::Gateway | NextHop::Other(_) => false,
    }
}

/// The interface that leads to a machine in this network or in one that is joined with it.
pub(super) fn appliance_port(draft: &Draft, network: usize, address: Ipv4Addr) -> Option<String> {
    let at = draft.legs.iter().position(|leg| leg.address == address && !leg.is_endpoint)?;
    let leg = &draft.legs[at];
    if leg.network == network {
        return Some(leg.port.clone());
    }
    let is_joined = draft.peers(network).iter().any(|peer| peer.network == leg.network);
    is_joined.then(|| format!("a{at}"))
}

/// Interfaces of a router that lead straight to machines in joined networks, since a next hop is reached by the fabric.
pub(super) fn foreign_appliances(draft: &Draft, network: usize) -> Vec<String> {
    let own = draft.legs.iter().filter(|leg| leg.network == network);
    let routes = own.flat_map(|leg| routes_of(draft, leg.subnet));
    let mut ports: Vec<String> = routes
        .filter_map(|route| match &route.next_hop {
            NextHop::Appliance(text) => appliance_port(draft, network, text.parse().ok()?),
            _ => None,
        })
        .filter(|port| port.starts_with('a'))
        .collect();
    ports.sort();
    ports.dedup();
    ports
}

/// The user's routes of a subnet. A table that was not observed has none.
pub(super) fn routes_of<'e>(draft: &Draft<'e>, subnet: &ResourceId) -> Vec<&'e Route> {
    let estate = draft.estate;
    let Some((_, facts)) = estate.all::<Subnet>().find(|(id, _)| *id == subnet) else {
        return Vec::new();
    };
    let Some(table) = facts.route_table.to() else { return Vec::new() };
    let listed = estate.get::<RouteTable>(table).ok().and_then(|one| one.routes.as_ref());
    let mut routes: Vec<&Route> = listed.into_iter().flatten().collect();
    for (_, alone) in estate.children::<Route>(table) {
        if routes.iter().all(|known| !known.name.eq_ignore_ascii_case(&alone.name)) {
            routes.push(alone);
        }
    }
    routes
}
