//! Lays the namespaces of routers, servers and machines, and the cables between them.

use flexway_core::estate::forwarder::InboundEndpoint;

use super::gates::NAME as INTERNET_NAME;
use super::routes::{self, INTERNET, foreign_appliances};
use super::servers::{POOLER_PORT, PORT};
use super::{Draft, filters, names, quoted};
use crate::twin::blueprint::{Cable, Namespace, RESOLVER, Resolver};

pub(super) fn routers(draft: &mut Draft) {
    for network in 0..draft.networks.len() {
        let router = draft.networks[network].router.clone();
        let mut commands = vec![
            "link set lo up".to_owned(),
            format!("addr add {}/32 dev lo", draft.networks[network].gateway),
            format!("addr add {RESOLVER}/32 dev lo"),
            "link set out up".to_owned(),
        ];
        let mut addresses = vec![RESOLVER];
        for (_, endpoint) in draft.estate.all::<InboundEndpoint>() {
            let is_here = endpoint.subnets.iter().any(|subnet| {
                subnet.parent().is_some_and(|vnet| vnet == draft.networks[network].id)
            });
            for address in endpoint.addresses.iter().filter(|_| is_here) {
                commands.push(format!("addr add {address}/32 dev lo"));
                addresses.push(*address);
            }
        }
        let legs = draft.legs.iter().filter(|leg| leg.network == network);
        commands.extend(legs.map(|leg| format!("link set {} up", leg.port)));
        for peer in draft.peers(network) {
            commands.push(format!("link set p{} up", peer.network));
            if network < peer.network {
                let far = draft.networks[peer.network].router.clone();
                let ends =
                    [(router.clone(), format!("p{}", peer.network)), (far, format!("p{network}"))];
                draft.result.cables.push(Cable { ends });
            }
        }
        for port in foreign_appliances(draft, network) {
            let leg = port[1..].parse::<usize>().ok().and_then(|at| draft.legs.get(at));
            let Some(machine) = leg.map(|leg| leg.end.0.clone()) else { continue };
            commands.push(format!("link set {port} up"));
            let ends = [(router.clone(), port), (machine, format!("via{network}"))];
            draft.result.cables.push(Cable { ends });
        }
        commands.extend(routes::of_router(draft, network));
        let filter = filters::of_router(draft, network);
        // Private endpoints ask for nothing.
        let asks = draft.legs.iter().any(|leg| leg.network == network && !leg.is_endpoint);
        let zones = names::view(draft, Some(network));
        let resolver = (asks || addresses.len() > 1).then_some(Resolver { addresses, zones });
        draft.result.namespaces.push(Namespace {
            name: router,
            forwards: true,
            is_kept: false,
            commands,
            filter,
            resolver,
        });
    }
}

/// Servers and machines. Each answers from the address that was asked, over the leg of that address.
pub(super) fn hosts(draft: &mut Draft) {
    for at in 0..draft.result.places.len() {
        let place = draft.result.places[at].clone();
        let mut commands = vec!["link set lo up".to_owned()];
        let mut closed = Vec::new();
        let (mut ways, mut has_default) = (0, false);
        let mut leave = |commands: &mut Vec<String>, from: String, way: String, is_main: bool| {
            ways += 1;
            let table = 200 + ways;
            commands.push(format!("rule add pref {} from {from} lookup {table}", 100 + ways));
            commands.push(format!("route replace default {way} table {table}"));
            if is_main && !has_default {
                has_default = true;
                commands.push(format!("route replace default {way}"));
            }
        };
        for leg in draft.legs.iter().filter(|leg| leg.end.0 == place.namespace) {
            let network = &draft.networks[leg.network];
            let interface = &leg.end.1;
            commands.push(format!("link set {interface} up"));
            commands.push(format!("addr add {}/32 dev {interface}", leg.address));
            let way = format!("via {} dev {interface} onlink", network.gateway);
            for net in &leg.senders {
                commands.push(format!("route add local {net} dev lo"));
                leave(&mut commands, net.to_string(), way.clone(), !leg.is_endpoint);
            }
            leave(&mut commands, format!("{}/32", leg.address), way, !leg.is_endpoint);
            if let Some(gate) = &leg.closed {
                closed.push((interface.clone(), gate.clone()));
            }
            let ends = [(network.router.clone(), leg.port.clone()), leg.end.clone()];
            draft.result.cables.push(Cable { ends });
        }
        let door = draft.doors.iter().find(|door| door.namespace == place.namespace);
        if let Some(door) = door {
            commands.push("link set pub up".to_owned());
            commands.push(format!("addr add {}/32 dev pub", door.address));
            let way = format!("via {INTERNET} dev pub onlink");
            leave(&mut commands, format!("{}/32", door.address), way, true);
            let ends = [
                (INTERNET_NAME.to_owned(), door.port.clone()),
                (door.namespace.clone(), "pub".to_owned()),
            ];
            draft.result.cables.push(Cable { ends });
        }
        for port in straight_ways(draft, &place.namespace) {
            commands.push(format!("link set {port} up"));
        }
        let mut lines = Vec::new();
        let mut counters = String::new();
        for (interface, gate) in closed {
            let name = draft.count(gate);
            counters += &format!("counter {name} {{ }}\n");
            lines.push(format!("iifname {} counter name {name} drop", quoted(&interface)));
        }
        let pooler = match place.ports.contains(&POOLER_PORT) {
            true => format!("tcp dport {POOLER_PORT} redirect to :{PORT}"),
            false => String::new(),
        };
        let filter = format!(
            "table ip twin {{\n{counters}chain entering {{\ntype filter hook input priority 0; policy accept;\n{}\n}}\n\
             chain pooling {{\ntype nat hook prerouting priority -100; policy accept;\n{pooler}\n}}\n}}\n",
            lines.join("\n")
        );
        draft.result.namespaces.push(Namespace {
            name: place.namespace,
            forwards: !place.is_server && place.runs,
            is_kept: true,
            commands,
            filter,
            resolver: None,
        });
    }
}

/// Interfaces of a machine that routers of joined networks are wired to.
fn straight_ways(draft: &Draft, namespace: &str) -> Vec<String> {
    let ends = draft.result.cables.iter().flat_map(|cable| cable.ends.iter());
    let own = ends.filter(|(name, port)| name == namespace && port.starts_with("via"));
    own.map(|(_, port)| port.clone()).collect()
}
