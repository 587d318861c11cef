//! Security groups as chains of nftables: one counter a rule, at every leg of the subnets that they act on.

use flexway_core::address::{AddressSet, private};
use flexway_core::estate::filter::{Direction, Prefix, Protocol, Rule, Rules, SecurityGroup};
use flexway_core::estate::network::Subnet;
use flexway_core::id::ResourceId;
use ipnet::Ipv4Net;

use super::routes::{SINK, doors_by_endpoint, has_policy, networks_of, routes_of, sinks_packets};
use super::{Draft, Leg, Peer, quoted, set, tags};
use crate::twin::blueprint::{Gate, RESOLVER};

/// Mark of packets that keep their address on the way to a service, since their subnet's service endpoint carries them.
const KEEPS_ADDRESS: u32 = 1;

/// Azure's own rules at the end of every group: name, direction, whether it allows, senders, receivers.
const DEFAULTS: [(&str, Direction, bool, &str, &str); 6] = [
    ("AllowVnetInBound", Direction::Inbound, true, "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", Direction::Inbound, true, "AzureLoadBalancer", "*"),
    ("DenyAllInBound", Direction::Inbound, false, "*", "*"),
    ("AllowVnetOutBound", Direction::Outbound, true, "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", Direction::Outbound, true, "*", "Internet"),
    ("DenyAllOutBound", Direction::Outbound, false, "*", "*"),
];

/// The packet filter of a network's router, for `nft -f`.
///
/// What leaves a subnet is judged before it is routed and what enters one afterwards, as in Azure.
pub(super) fn of_router(draft: &mut Draft, network: usize) -> String {
    let (mut leave, mut enter, mut chains) = (Vec::new(), Vec::new(), Vec::new());
    let mut marks = Vec::new();
    let legs: Vec<usize> =
        (0..draft.legs.len()).filter(|at| draft.legs[*at].network == network).collect();
    for peer in draft.peers(network) {
        let (lines, chain) = guard(draft, network, &peer);
        enter.extend(lines);
        chains.extend(chain);
    }
    for at in legs {
        let leg = &draft.legs[at];
        let (port, name) = (quoted(&leg.port), leg.port.clone());
        let doors = doors_by_endpoint(draft, leg);
        if leg.facts.has_sql_endpoint() && !doors.is_empty() {
            marks.push(format!(
                "iifname {port} ip daddr {} meta mark set {KEEPS_ADDRESS}",
                set(doors)
            ));
        }
        let groups = groups_of(draft, at);
        let acts_inward = !draft.legs[at].is_endpoint
            || has_policy(draft.legs[at].facts, "NetworkSecurityGroupEnabled");
        if !draft.legs[at].is_endpoint {
            // The resolver is outside of security groups but for rules that name it.
            let dns: Vec<String> =
                groups.iter().flat_map(|group| dns_chain(draft, at, group)).collect();
            chains.push(chain(&format!("dns_{name}"), &dns));
            leave.push(format!("iifname {port} ip daddr {RESOLVER} jump dns_{name}"));
            leave.push(format!("iifname {port} ip daddr {RESOLVER} accept"));
            for (index, group) in groups.iter().rev().enumerate() {
                let lines = group_chain(draft, at, group, Direction::Outbound);
                chains.push(chain(&format!("out_{name}_{index}"), &lines));
                leave.push(format!("iifname {port} jump out_{name}_{index}"));
            }
        }
        for (index, group) in groups.iter().enumerate().filter(|_| acts_inward) {
            let lines = group_chain(draft, at, group, Direction::Inbound);
            chains.push(chain(&format!("in_{name}_{index}"), &lines));
            enter.push(format!("oifname {port} jump in_{name}_{index}"));
        }
    }
    let sinks = sinks(draft, network);
    chains.push(chain("sinks", &sinks));
    let egress = draft.networks[network].egress;
    let nowhere = set(private().networks());
    enter.push(format!("oifname \"out\" ip daddr {nowhere} drop"));
    let counters: Vec<String> = counters(draft, &chains);
    format!(
        "table ip twin {{\n{}{}chain leaving {{\ntype filter hook prerouting priority 0; policy accept;\n\
         ct state established,related accept\n{}\n}}\nchain marking {{\ntype filter hook prerouting priority -50; policy accept;\n{}\n}}\n\
         chain sinking {{\ntype filter hook forward priority -10; policy accept;\noifname \"{SINK}\" jump sinks\n}}\n\
         chain entering {{\ntype filter hook forward priority 0; policy accept;\nct state established,related accept\n{}\n}}\n\
         chain translating {{\ntype nat hook postrouting priority 100; policy accept;\n\
         oifname \"out\" meta mark {KEEPS_ADDRESS} accept\noifname \"out\" snat to {egress}\n}}\n}}\n",
        counters.concat(),
        chains.concat(),
        leave.join("\n"),
        marks.join("\n"),
        enter.join("\n"),
    )
}

/// Ends what the user's routes to nowhere have led into the sink, the longest prefix first: the kernel has chosen the route, and
/// this tells which it was. Answers of private endpoints do not pass the tables of users.
fn sinks(draft: &mut Draft, network: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let of_network = |leg: &Leg| leg.network == network && !leg.is_endpoint;
    let legs: Vec<usize> =
        (0..draft.legs.len()).filter(|at| of_network(&draft.legs[*at])).collect();
    for at in legs {
        let (port, subnet) = (quoted(&draft.legs[at].port), draft.legs[at].subnet);
        for route in routes_of(draft, subnet) {
            if !sinks_packets(draft, network, route) {
                continue;
            }
            let gate = Gate {
                resource: route.resource.clone(),
                pointer: route.pointer.clone(),
                name: route.name.clone(),
                drops: true,
            };
            let nets = networks_of(draft, route);
            let counter = if nets.is_empty() { String::new() } else { draft.count(gate) };
            lines.extend(nets.into_iter().map(|net| {
                let line = format!("iifname {port} ip daddr {net} counter name {counter} drop");
                (std::cmp::Reverse(net.prefix_len()), line)
            }));
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).chain(["drop".to_owned()]).collect()
}

/// The declarations of the counters that some chains use.
pub(super) fn counters(draft: &Draft, chains: &[String]) -> Vec<String> {
    let used = |name: &str| chains.iter().any(|text| text.contains(&format!("name {name} ")));
    let names = draft.result.gates.keys().filter(|name| used(name));
    names.map(|name| format!("counter {name} {{ }}\n")).collect()
}

fn chain(name: &str, lines: &[String]) -> String {
    format!("chain {name} {{\n{}\n}}\n", lines.join("\n"))
}

/// The security groups of a leg, that of the subnet first.
fn groups_of(draft: &mut Draft, at: usize) -> Vec<ResourceId> {
    let leg = &draft.legs[at];
    let subnet = leg.facts.security_group.to();
    let named: Vec<ResourceId> = subnet.into_iter().chain(leg.own_group).cloned().collect();
    let (known, unknown): (Vec<_>, Vec<_>) = named.into_iter().partition(|id| {
        draft.estate.get::<SecurityGroup>(id).is_ok_and(|group| group.rules.is_some())
    });
    for id in unknown {
        draft.note(format!("security group `{}` was not observed: it lets pass", id.name()));
    }
    known
}

/// The user's rules of one direction, lowest number first.
fn rules_of<'e>(draft: &Draft<'e>, group: &ResourceId, direction: Direction) -> Vec<&'e Rule> {
    let listed = draft.estate.get::<SecurityGroup>(group).ok().and_then(|one| one.rules.as_ref());
    let mut rules: Vec<&Rule> = listed.into_iter().flat_map(Rules::iter).collect();
    let alone = draft.estate.children::<Option<Rule>>(group).filter_map(|(_, one)| one.as_ref());
    for rule in alone {
        if rules.iter().all(|known| !known.name.eq_ignore_ascii_case(&rule.name)) {
            rules.push(rule);
        }
    }
    rules.retain(|rule| rule.direction == direction);
    rules.sort_by_key(|rule| rule.priority);
    rules
}

fn group_chain(
    draft: &mut Draft,
    at: usize,
    group: &ResourceId,
    direction: Direction,
) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in rules_of(draft, group, direction) {
        let counter = draft.count(Gate {
            resource: rule.resource.clone(),
            pointer: rule.place.pointer(),
            name: rule.name.to_string(),
            drops: !rule.allows,
        });
        let (from, to) = {
            let leg = &draft.legs[at];
            (tags::addresses(draft, leg, &rule.from), tags::addresses(draft, leg, &rule.to))
        };
        // Azure reads ports that packets come from as any at private endpoints.
        let reads_from_ports = !draft.legs[at].is_endpoint;
        lines.extend(line(rule, (&from, &to), &counter, reads_from_ports));
    }
    for (name, way, allows, from, to) in DEFAULTS {
        if way != direction {
            continue;
        }
        let counter = draft.count(Gate {
            resource: group.clone(),
            pointer: String::new(),
            name: name.to_owned(),
            drops: !allows,
        });
        let prefix = |word: &str| match word {
            "*" => Prefix::Any,
            tag => Prefix::tag(tag),
        };
        let leg = &draft.legs[at];
        let ends = [from, to].map(|word| tags::addresses(draft, leg, &[prefix(word)]));
        if let [Some(from), Some(to)] = [matching("saddr", &ends[0]), matching("daddr", &ends[1])] {
            lines.push(format!("{from}{to}{}", verdict(&counter, allows)));
        }
    }
    lines
}

/// Rules that name Azure's resolver, for the packets that ask it.
fn dns_chain(draft: &mut Draft, at: usize, group: &ResourceId) -> Vec<String> {
    let names_it = |prefix: &Prefix| matches!(prefix, Prefix::Tag(tag) if tag.eq_ignore_ascii_case("AzurePlatformDNS"));
    let mut lines = Vec::new();
    for rule in rules_of(draft, group, Direction::Outbound) {
        if !rule.to.iter().any(names_it) {
            continue;
        }
        let counter = draft.count(Gate {
            resource: rule.resource.clone(),
            pointer: rule.place.pointer(),
            name: rule.name.to_string(),
            drops: !rule.allows,
        });
        let from = tags::addresses(draft, &draft.legs[at], &rule.from);
        lines.extend(line(rule, (&from, &AddressSet::all()), &counter, true));
    }
    lines
}

/// A rule as a line of nftables; `None` for one that can match nothing.
fn line(
    rule: &Rule,
    (from, to): (&AddressSet, &AddressSet),
    counter: &str,
    reads_from_ports: bool,
) -> Option<String> {
    let (from, to) = (matching("saddr", from)?, matching("daddr", to)?);
    let ports = |side: &str, ranges: &[(u16, u16)]| {
        if ranges.contains(&(0, u16::MAX)) {
            return String::new();
        }
        let ranges = merged(ranges).into_iter().map(|(low, high)| match low == high {
            true => low.to_string(),
            false => format!("{low}-{high}"),
        });
        format!("th {side} {} ", set(ranges))
    };
    let from_ports =
        if reads_from_ports { ports("sport", &rule.ports.from) } else { String::new() };
    let ports = from_ports + &ports("dport", &rule.ports.to);
    let protocol = match rule.protocol {
        Protocol::Tcp => "meta l4proto tcp ",
        Protocol::Udp => "meta l4proto udp ",
        Protocol::Any if ports.is_empty() => "",
        Protocol::Any => "meta l4proto { tcp, udp } ",
        Protocol::Other => "meta l4proto { icmp, esp, ah } ",
    };
    Some(format!("{protocol}{from}{to}{ports}{}", verdict(counter, rule.allows)))
}

/// Ranges in order, joined where they touch: nftables refuses sets that overlap.
fn merged(ranges: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut all: Vec<(u16, u16)> = Vec::new();
    for (low, high) in sorted {
        match all.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => all.push((low, high)),
        }
    }
    all
}

fn matching(field: &str, addresses: &AddressSet) -> Option<String> {
    if *addresses == AddressSet::all() {
        return Some(String::new());
    }
    (!addresses.is_empty()).then(|| format!("ip {field} {} ", set(addresses.networks())))
}

/// Every group has to let pass: what one allows goes on to the next.
fn verdict(counter: &str, allows: bool) -> String {
    format!("counter name {counter} {}", if allows { "return" } else { "drop" })
}

/// What a peering keeps out: subnets that are not peered, and packets whose sender is in neither network.
fn guard(draft: &mut Draft, network: usize, peer: &Peer) -> (Vec<String>, Vec<String>) {
    let port = format!("p{}", peer.network);
    let gate = |name: &str| Gate {
        resource: peer.half_id.clone(),
        pointer: String::new(),
        name: name.to_owned(),
        drops: true,
    };
    let (mut lines, mut chains) = (Vec::new(), Vec::new());
    if peer.half.allows_forwarded != Some(true) {
        let counter = draft.count(gate("allowForwardedTraffic"));
        let space = AddressSet::of(&draft.networks[peer.network].space);
        let space = set(space.networks());
        chains.push(chain(
            &format!("forwarded_{port}"),
            &[format!("ip saddr != {space} {}", verdict(&counter, false))],
        ));
        lines.push(format!("iifname {} jump forwarded_{port}", quoted(&port)));
    }
    if let Some((own, other)) = &peer.half.subnets_only {
        let counter = draft.count(gate("peerCompleteVnets"));
        let prefixes = |vnet: &ResourceId, names: &[String]| {
            let nets: Vec<Ipv4Net> = names
                .iter()
                .filter_map(|name| draft.estate.get::<Subnet>(&vnet.child("subnets", name)).ok())
                .flat_map(|subnet| subnet.prefixes.clone())
                .collect();
            AddressSet::of(&nets)
        };
        let near = prefixes(&draft.networks[network].id, own);
        let far = prefixes(&draft.networks[peer.network].id, other);
        for (word, interface, from, to) in
            [("to", "oifname", &near, &far), ("from", "iifname", &far, &near)]
        {
            let pass = match (matching("saddr", from), matching("daddr", to)) {
                (Some(from), Some(to)) => vec![format!("{from}{to}return")],
                _ => Vec::new(),
            };
            let all = [pass, vec![verdict(&counter, false)]].concat();
            chains.push(chain(&format!("{word}_{port}"), &all));
            lines.push(format!("{interface} {} jump {word}_{port}", quoted(&port)));
        }
    }
    (lines, chains)
}
