//! Firewalls of Azure, which put an address of their own on what they send into the internet.

use serde_json::Value;

use super::address::{Prefix, address_of, holds_no_public, is_private};
use super::endpoint::Endpoint;
use super::firewall_rules::chain;
use super::gateway;
use super::peering::{Shore, cross, halves};
use super::route::{Hop, handed_to, next_hop};
use super::seat::address;
use super::sender::{addresses_of_nat, public_addresses};
use super::verdict::{Gate, Tri};
use super::world::{World, at, list, network_of, private_address, reference, text};

/// A firewall that stands in a subnet.
pub(super) struct Firewall<'w> {
    pub(super) key: &'w str,
    pub(super) body: &'w Value,
    /// Its subnet.
    pub(super) seat: String,
    /// Its private address.
    pub(super) address: u32,
}

/// The one firewall with that private address in a network or a neighbour of it.
pub(super) fn at_hop<'w>(world: &'w World, network: &str, hop: u32) -> Option<Firewall<'w>> {
    let neighbours: Vec<String> =
        halves(world, network).into_iter().filter_map(|half| half.remote()).collect();
    let is_near = |one: &str| one == network || neighbours.iter().any(|near| near == one);
    let read = |(key, body): (&'w str, &'w Value)| {
        let all = list(body, &["properties", "ipConfigurations"])?;
        let own = all.iter().find(|one| private_address(one) == Some(hop))?;
        let seat = reference(own, &["properties", "subnet", "id"])?;
        is_near(network_of(&seat)).then_some(Firewall { key, body, seat, address: hop })
    };
    let mut found = world.all("microsoft.network/azurefirewalls").filter_map(read);
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
        let firewall = at_hop(world, near, handed_to(world, subnet, to?)?)?;
        let (seat, address) = (firewall.seat, Some(firewall.address));
        let hub = network_of(&seat);
        if hub == near || hub == far {
            return None;
        }
        match next_hop(world, &seat, to, endpoint, "route") {
            Hop::Drop(gate) => Some(vec![gate]),
            hop if matches!(&hop, Hop::Peer(network) if network == far)
                // A gateway leads into no network that has none.
                || matches!(hop, Hop::Unknown(_)) && gateway::stands(world, far) == Tri::No =>
            {
                let here = Shore { network: hub, subnet: &seat, address, filtered: true };
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
pub(super) fn sends_as(world: &World, firewall: &Firewall<'_>) -> Vec<u32> {
    known(world, firewall).unwrap_or_default()
}

/// Whether what it sends into the internet has public addresses of its own, be they known or not, and leaves by Azure's own way.
pub(super) fn sends_out(world: &World, firewall: &Firewall<'_>) -> bool {
    let has = |path: &[&str]| at(firewall.body, path).is_some();
    let is_special = has(&["properties", "managementIpConfiguration"]) || has(&CLASSIC_RANGES);
    let serves = |subnet| {
        list(subnet, &["properties", "serviceEndpoints"]).is_some_and(|all| !all.is_empty())
    };
    !is_special
        && hides_senders(world, firewall.body)
        && world.body(&firewall.seat).is_some_and(|subnet| !serves(subnet))
}

fn known(world: &World, firewall: &Firewall<'_>) -> Option<Vec<u32>> {
    if !sends_out(world, firewall) {
        return None;
    }
    let own: Option<Vec<String>> = list(firewall.body, &["properties", "ipConfigurations"])?
        .iter()
        .map(|one| {
            reference(one, &["properties", "publicIPAddress", "id"])
                .or_else(|| reference(one, &["properties", "publicIpAddress", "id"]))
        })
        .collect();
    let own = own?;
    match reference(world.body(&firewall.seat)?, &["properties", "natGateway", "id"]) {
        Some(nat) => addresses_of_nat(world, &nat),
        None => {
            let all: Option<Vec<_>> = own.iter().map(|key| public_addresses(world, key)).collect();
            Some(all?.concat())
        }
    }
}

/// Whom a firewall asks for names that it is asked for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Asks {
    /// Azure's resolver, from its own network.
    Azure,
    Others,
    /// Its DNS proxy is off.
    Nobody,
}

/// Whether a server is an inbound endpoint of a resolver in the firewall's own network, which no group guards, with no route in between.
fn asks_beside(world: &World, firewall: &Value, server: &str) -> bool {
    let home = |body: &Value| {
        let all = list(body, &["properties", "ipConfigurations"])?;
        let inner = all.first()?;
        let inner = inner.get("properties").unwrap_or(inner);
        reference(inner, &["subnet", "id"])
    };
    let Some(own) = home(firewall) else { return false };
    let seat =
        list(firewall, &["properties", "ipConfigurations"]).and_then(|all| address(all.first()?));
    let is_straight =
        |from: &str, to: Option<u32>| next_hop(world, from, to, None, "name") == Hop::Local;
    let mut all = world.all("microsoft.network/dnsresolvers/inboundendpoints");
    all.any(|(_, body)| {
        let parts = list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]);
        let has_it =
            parts.iter().any(|part| address(part).is_some() && address(part) == address_of(server));
        let place = home(body).filter(|place| network_of(place) == network_of(&own));
        let is_bare = |subnet: &Value| {
            reference(subnet, &["properties", "networkSecurityGroup", "id"]).is_none()
        };
        has_it
            && place.is_some_and(|place| {
                world.body(&place).is_some_and(is_bare)
                    && is_straight(&own, address_of(server))
                    && is_straight(&place, seat)
            })
    })
}

/// Whom it asks; `None` where that is not known.
pub(super) fn asks(world: &World, firewall: &Value) -> Option<Asks> {
    let told = |body, path: &[&str]| at(body, path).filter(|one| !one.is_null());
    let is_readable =
        |body, field: &str| told(body, &["properties", field]).is_none_or(Value::is_object);
    if text(firewall, &["properties", "provisioningState"])
        .is_some_and(|state| state.eq_ignore_ascii_case("failed"))
    {
        return None;
    }
    let (is_on, servers) = if told(firewall, &["properties", "firewallPolicy"]).is_some() {
        let policy = world.body(&reference(firewall, &["properties", "firewallPolicy", "id"])?)?;
        let is_own = told(policy, &["properties", "dnsSettings"]).is_some();
        if !is_readable(policy, "dnsSettings") {
            return None;
        }
        if !is_own && told(policy, &["properties", "basePolicy"]).is_some() {
            return None;
        }
        let others = list(policy, &["properties", "dnsSettings", "servers"]);
        let is_on = told(policy, &["properties", "dnsSettings", "enableProxy"]);
        let servers: Option<Vec<&str>> = others.unwrap_or(&[]).iter().map(Value::as_str).collect();
        (is_on.map_or(Some(false), Value::as_bool)?, servers?)
    } else {
        if !is_readable(firewall, "additionalProperties") {
            return None;
        }
        let setting = |name| told(firewall, &["properties", "additionalProperties", name]);
        let is_on =
            setting("Network.DNS.EnableProxy").map_or("false", |one| one.as_str().unwrap_or(""));
        let is_on = match is_on.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return None,
        };
        let listed = setting("Network.DNS.Servers").map_or(Some(""), Value::as_str)?;
        (is_on, listed.split(',').map(str::trim).filter(|one| !one.is_empty()).collect())
    };
    Some(match servers[..] {
        _ if !is_on => Asks::Nobody,
        [] | ["168.63.129.16"] => Asks::Azure,
        [one] if asks_beside(world, firewall, one) => Asks::Azure,
        _ => Asks::Others,
    })
}

/// Where a firewall without a policy says which receivers are told the true sender.
const CLASSIC_RANGES: [&str; 3] =
    ["properties", "additionalProperties", "Network.SNAT.PrivateRanges"];

/// Azure's word for the private ranges.
const IANA: &str = "IANAPrivateRanges";

/// Whether a private receiver is told the true sender, and not an address of the firewall's subnet; `None` where that is not known.
pub(super) fn keeps_sender(world: &World, firewall: &Value, to: u32) -> Option<bool> {
    let policies = chain(world, firewall)?;
    let snat = |key: &String| at(world.body(key)?, &["properties", "snat"]);
    let told: Vec<&Value> = policies.iter().filter_map(snat).collect();
    let snat = match told[..] {
        _ if at(firewall, &CLASSIC_RANGES).is_some() => return None,
        [] => return Some(is_private(to)),
        [one] if policies.len() == 1 => one,
        _ => return None,
    };
    let ranges = match at(snat, &["privateRanges"]) {
        None => Some(vec![IANA]),
        Some(Value::Array(all)) if !all.is_empty() => all.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let holds = |word: &str| match Prefix::parse(word) {
        Some(prefix) => Some(prefix.contains(to)),
        None => word.trim().eq_ignore_ascii_case(IANA).then(|| is_private(to)),
    };
    let held: Vec<bool> = ranges?.into_iter().map(holds).collect::<Option<_>>()?;
    let learns = at(snat, &["autoLearnPrivateRanges"]);
    let is_disabled = |word: &str| word.eq_ignore_ascii_case("Disabled");
    let learns_none = learns.is_none_or(|one| one.as_str().is_some_and(is_disabled));
    (held.contains(&true) || learns_none).then_some(held.contains(&true))
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
        word == IANA || prefix.is_some_and(|one| holds_no_public(one.first(), one.last()))
    };
    let ranges =
        snat("privateRanges").map_or(Some(&[][..]), |all| all.as_array().map(Vec::as_slice));
    let learns = snat("autoLearnPrivateRanges").and_then(Value::as_str);
    at(policy, &["properties", "basePolicy"]).is_none()
        && ranges.is_some_and(|all| all.iter().all(is_inside))
        && learns.is_none_or(|word| word.eq_ignore_ascii_case("disabled"))
}
