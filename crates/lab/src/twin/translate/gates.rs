//! The internet of a twin: it leads from the networks to the front doors of servers, through their gates.

use flexway_core::address::{AddressSet, private};
use flexway_core::estate::network::Subnet;
use flexway_core::estate::server::{FirewallRule, Server, VnetRule};
use flexway_core::id::ResourceId;

use super::filters::counters;
use super::routes::{INTERNET, doors_by_endpoint};
use super::{Draft, names, quoted, set};
use crate::twin::blueprint::{Cable, Gate, Namespace, RESOLVER, Resolver};

/// The internet's namespace.
pub(super) const NAME: &str = "net";

/// Every public address that packets of a twin leave Azure's networks with.
const AZURE: &str = "198.51.100.0/24, 203.0.113.0/24";

pub(super) fn internet(draft: &mut Draft) {
    let mut commands = vec![
        "link set lo up".to_owned(),
        format!("addr add {INTERNET}/32 dev lo"),
        format!("addr add {RESOLVER}/32 dev lo"),
        "route add blackhole default".to_owned(),
    ];
    for (index, network) in draft.networks.iter().enumerate() {
        let way = format!("via {} dev u{index} onlink", network.gateway);
        commands.push(format!("link set u{index} up"));
        commands.push(format!("route replace {}/32 {way}", network.egress));
        // Answers to subnets that come with their own address.
        let legs =
            draft.legs.iter().filter(|leg| leg.network == index && leg.facts.has_sql_endpoint());
        for leg in legs.filter(|leg| !doors_by_endpoint(draft, leg).is_empty()) {
            let nets = leg.facts.prefixes.iter();
            commands.extend(nets.map(|net| format!("route replace {net} {way}")));
        }
    }
    for door in &draft.doors {
        commands.push(format!("link set {} up", door.port));
        commands.push(format!("route replace {}/32 dev {}", door.address, door.port));
    }
    for index in 0..draft.networks.len() {
        let ends = [(NAME, format!("u{index}")), (&draft.networks[index].router, "out".to_owned())];
        let ends = ends.map(|(name, port)| (name.to_owned(), port));
        draft.result.cables.push(Cable { ends });
    }
    let (mut jumps, mut chains) = (Vec::new(), Vec::new());
    for index in 0..draft.doors.len() {
        let lines = gate(draft, index);
        chains.push(format!("chain gate_{index} {{\n{}\n}}\n", lines.join("\n")));
        jumps.push(format!("oifname {} jump gate_{index}", quoted(&draft.doors[index].port)));
    }
    let filter = format!(
        "table ip twin {{\n{}{}chain entering {{\ntype filter hook forward priority 0; policy accept;\n\
         ct state established,related accept\n{}\n}}\n}}\n",
        counters(draft, &chains).concat(),
        chains.concat(),
        jumps.join("\n")
    );
    let resolver = Resolver { addresses: vec![RESOLVER], zones: names::view(draft, None) };
    draft.result.namespaces.push(Namespace {
        name: NAME.to_owned(),
        forwards: true,
        is_kept: false,
        commands,
        filter,
        resolver: Some(resolver),
    });
}

/// What a server does with callers at its front door.
fn gate(draft: &mut Draft, index: usize) -> Vec<String> {
    let estate = draft.estate;
    let id = draft.doors[index].server.clone();
    let counted = |draft: &mut Draft, resource: &ResourceId, name: &str, drops: bool| {
        let (resource, name) = (resource.clone(), name.to_owned());
        draft.count(Gate { resource, pointer: String::new(), name, drops })
    };
    let Ok(server) = estate.get::<Server>(&id) else { return vec!["drop".to_owned()] };
    if server.public_access != Some(true) {
        let counter = counted(draft, &id, "publicNetworkAccess", true);
        return vec![format!("counter name {counter} drop")];
    }
    let mut lines = Vec::new();
    for (rule_id, rule) in estate.children::<VnetRule>(&id) {
        let network = rule.subnet.parent().and_then(|vnet| draft.network_of(&vnet));
        let Ok(subnet) = estate.get::<Subnet>(&rule.subnet) else { continue };
        let Some(network) = network else { continue };
        let region = draft.networks[network].region.clone();
        let is_ready =
            rule.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("ready"));
        if is_ready && region == draft.doors[index].region && !subnet.prefixes.is_empty() {
            let counter = counted(draft, rule_id, "virtual network rule", false);
            let nets = set(AddressSet::of(&subnet.prefixes).networks());
            lines.push(format!(
                "iifname \"u{network}\" ip saddr {nets} counter name {counter} accept"
            ));
        }
    }
    // Address rules say nothing of subnets that come as themselves.
    let counter = counted(draft, &id, "virtual network rules", true);
    lines.push(format!("ip saddr {} counter name {counter} drop", set(private().networks())));
    for (rule_id, rule) in estate.children::<FirewallRule>(&id) {
        let counter = counted(draft, rule_id, "firewall rule", false);
        let from = match rule.is_all_of_azure() {
            true => format!("{{ {AZURE} }}"),
            false if rule.start > rule.end => continue,
            false => format!("{{ {}-{} }}", rule.start, rule.end),
        };
        lines.push(format!("ip saddr {from} counter name {counter} accept"));
    }
    let counter = counted(draft, &id, "firewall rules", true);
    lines.push(format!("counter name {counter} drop"));
    lines
}
