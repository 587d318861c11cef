//! What a new half of a peering takes from the appliances that routes hand it to: Azure's own routes through it are longer.

use serde_json::Value;

use super::super::address::Prefix;
use super::super::endpoint;
use super::super::route::own_routes;
use super::super::world::{
    World, flag, network_of, prefixes, reference, subnet_prefixes, text, texts,
};
use super::opened::{Opened, Part};
use super::price::{EVERY_PORT, POSTGRES, subnet_end};

/// The flows that no longer pass by an appliance once network `near` has a half, as a request writes it, towards network `far`.
pub(super) fn appliances(world: &World, near: &str, far: &str, half: &Value) -> Vec<Opened> {
    let is_part = flag(half, &["properties", "peerCompleteVnets"]) == Some(false);
    let named = |network: &str, field: &str| -> Vec<String> {
        let names = texts(half, &["properties", field]).into_iter();
        names.map(|name| format!("{network}/subnets/{name}").to_ascii_lowercase()).collect()
    };
    let space = |network: &str| {
        let body = world.body(network);
        let all =
            body.map(|body| prefixes(body, &["properties", "addressSpace", "addressPrefixes"]));
        all.flatten().unwrap_or_default()
    };
    let in_near = || {
        let all = world.all("microsoft.network/virtualnetworks/subnets");
        all.filter(|(key, _)| network_of(key) == near).map(|(key, _)| key.to_owned()).collect()
    };
    let senders: Vec<String> = if is_part { named(near, "localSubnetNames") } else { in_near() };
    let remote = named(far, "remoteSubnetNames");
    let bodies = remote.iter().filter_map(|subnet| world.body(subnet));
    let ranges = if is_part { bodies.flat_map(subnet_prefixes).collect() } else { space(far) };
    let mut carried: Vec<(Prefix, u8, (u64, u64))> =
        ranges.iter().map(|range| (*range, 0, EVERY_PORT)).collect();
    for address in strong_endpoints(world, far) {
        if let Some(range) = ranges.iter().find(|range| range.contains(address)) {
            carried.push((Prefix::one(address), range.len, POSTGRES));
        }
    }
    let mut flows = Vec::new();
    for sender in &senders {
        for (to, least, ports) in &carried {
            let Some(appliance) = appliance(world, sender, *to, *least) else { continue };
            if !space(far).iter().any(|own| own.contains(appliance)) {
                let count = u128::from(to.last() - to.first()) + 1;
                let name = format!("{}/{} past {appliance}", to.first(), to.len);
                flows.push(Opened::new(
                    subnet_end(world, sender),
                    vec![Part::Named(name, count)],
                    *ports,
                ));
            }
        }
    }
    flows
}

/// Where the longest route around a prefix leads, if it is shorter than the prefix: to an appliance, or elsewhere. As long a one beats
/// Azure's own.
fn appliance(world: &World, subnet: &str, to: Prefix, least: u8) -> Option<u32> {
    let routes = own_routes(world, subnet)?;
    let around = routes.iter().filter_map(|route| {
        let prefix = route.prefix?;
        (prefix.len <= to.len && prefix.contains(to.first())).then_some((prefix.len, route))
    });
    let (len, route) = around.max_by_key(|(len, _)| *len)?;
    let is_appliance = route.hop.eq_ignore_ascii_case("VirtualAppliance");
    route.appliance.filter(|_| is_appliance && len >= least && len < to.len)
}

/// Addresses of private endpoints in a network whose subnets do not let routes act on them.
fn strong_endpoints(world: &World, network: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for (key, body) in world.all("microsoft.network/privateendpoints") {
        let Some(subnet) = reference(body, &["properties", "subnet", "id"]) else { continue };
        let policy = ["properties", "privateEndpointNetworkPolicies"];
        let word = world.body(&subnet).and_then(|body| text(body, &policy)).unwrap_or_default();
        let acts = ["enabled", "routetableenabled"].contains(&word.to_ascii_lowercase().as_str());
        if network_of(&subnet) == network && !acts {
            found.extend(endpoint::addresses(world, key, body));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
