//! Firewalls of Azure, which put an address of their own on what they send into the internet.

use serde_json::Value;

use super::address::{Prefix, holds_no_public};
use super::endpoint::Endpoint;
use super::peering::{Shore, cross, halves};
use super::route::{Hop, handed_to, next_hop};
use super::sender::{addresses_of_nat, public_addresses};
use super::verdict::Gate;
use super::world::{World, at, list, network_of, private_address, reference};

/// The one firewall with that private address in a network or a neighbour of it, and its subnet.
pub(super) fn at_hop<'w>(world: &'w World, network: &str, hop: u32) -> Option<(&'w Value, String)> {
    let neighbours: Vec<String> =
        halves(world, network).into_iter().filter_map(|half| half.remote()).collect();
    let is_near = |one: &str| one == network || neighbours.iter().any(|near| near == one);
    let seat = |body: &'w Value| {
        let all = list(body, &["properties", "ipConfigurations"])?;
        let own = all.iter().find(|one| private_address(one) == Some(hop))?;
        let home = reference(own, &["properties", "subnet", "id"])?;
        is_near(network_of(&home)).then_some((body, home))
    };
    let mut found =
        world.all("microsoft.network/azurefirewalls").filter_map(|(_, body)| seat(body));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// Where what it sends on ends, of packets that the longest route of a subnet hands to it: it has no tunnels, so that they leave its own
/// subnet as all others do.
pub(super) fn loses(
    world: &World,
    subnet: &str,
    (home, to): (&str, Option<u32>),
    endpoint: Option<&Endpoint>,
) -> Vec<Gate> {
    let lost = || {
        let (near, far) = (network_of(subnet), network_of(home));
        let (_, seat) = at_hop(world, near, handed_to(world, subnet, to?)?)?;
        let hub = network_of(&seat);
        if hub == near || hub == far {
            return None;
        }
        match next_hop(world, &seat, to, endpoint, "route") {
            Hop::Drop(gate) => Some(vec![gate]),
            Hop::Peer(network) if network == far => {
                let here = Shore { network: hub, subnet: &seat, address: None, filtered: true };
                let there = Shore { network: far, subnet: home, address: to, filtered: true };
                Some(cross(world, here, there))
            }
            _ => None,
        }
    };
    let mut gates = lost().unwrap_or_default();
    gates.retain(|gate| matches!(gate, Gate::Drop(_)));
    gates
}

/// The addresses on what it sends into the internet; none where they are not sure.
pub(super) fn sends_as(world: &World, firewall: &Value, home: &str) -> Vec<u32> {
    known(world, firewall, home).unwrap_or_default()
}

fn known(world: &World, firewall: &Value, home: &str) -> Option<Vec<u32>> {
    let has = |path: &[&str]| at(firewall, path).is_some();
    let is_special = has(&["properties", "managementIpConfiguration"])
        || has(&["properties", "additionalProperties", "Network.SNAT.PrivateRanges"]);
    if is_special || !hides_senders(world, firewall) {
        return None;
    }
    let subnet = world.body(home)?;
    if list(subnet, &["properties", "serviceEndpoints"]).is_some_and(|all| !all.is_empty()) {
        return None;
    }
    let own: Option<Vec<String>> = list(firewall, &["properties", "ipConfigurations"])?
        .iter()
        .map(|one| {
            reference(one, &["properties", "publicIPAddress", "id"])
                .or_else(|| reference(one, &["properties", "publicIpAddress", "id"]))
        })
        .collect();
    let own = own?;
    match reference(subnet, &["properties", "natGateway", "id"]) {
        Some(nat) => addresses_of_nat(world, &nat),
        None => {
            let all: Option<Vec<_>> = own.iter().map(|key| public_addresses(world, key)).collect();
            Some(all?.concat())
        }
    }
}

/// Whether its policy leaves the sender of nothing that goes into the internet as it is.
fn hides_senders(world: &World, firewall: &Value) -> bool {
    let Some(policy) = reference(firewall, &["properties", "firewallPolicy", "id"]) else {
        return true;
    };
    let Some(policy) = world.body(&policy) else { return false };
    let snat = |field| at(policy, &["properties", "snat", field]);
    let is_inside = |one: &Value| {
        let word = one.as_str().unwrap_or("");
        let prefix = Prefix::parse(word);
        word == "IANAPrivateRanges"
            || prefix.is_some_and(|one| holds_no_public(one.first(), one.last()))
    };
    let ranges =
        snat("privateRanges").map_or(Some(&[][..]), |all| all.as_array().map(Vec::as_slice));
    let learns = snat("autoLearnPrivateRanges").and_then(Value::as_str);
    at(policy, &["properties", "basePolicy"]).is_none()
        && ranges.is_some_and(|all| all.iter().all(is_inside))
        && learns.is_none_or(|word| word.eq_ignore_ascii_case("disabled"))
}
