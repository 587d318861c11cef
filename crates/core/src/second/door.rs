//! The server itself: state, port, and the rules of its public door.

use serde_json::Value;

use super::address::{Prefix, address_of, holds_examples, holds_no_public};
use super::verdict::{Gate, Tri};
use super::world::{
    World, at, is_settled, last_name, list, network_of, reference, region, spelt, text, texts,
};

pub(super) fn is_single(server: &str) -> bool {
    server.contains("/providers/microsoft.dbforpostgresql/servers/")
}

/// The delegated subnet of a flexible server: `Err` when its network mode was not observed,
/// `Ok(None)` for a server with public access.
pub(super) fn delegated_subnet(world: &World, server: &str) -> Result<Option<String>, Gate> {
    if is_single(server) {
        return Ok(None);
    }
    let missing = || Gate::unknown("the network mode", server);
    let body = world.body(server).ok_or_else(missing)?;
    let old = ["properties", "delegatedSubnetArguments", "subnetArmResourceId"];
    let subnet = reference(body, &["properties", "network", "delegatedSubnetResourceId"])
        .or_else(|| reference(body, &old));
    if subnet.is_none() && at(body, &["properties", "network"]).is_none() {
        return Err(missing());
    }
    Ok(subnet)
}

/// Whether the server takes connections at all.
pub(super) fn standing(world: &World, server: &str) -> Gate {
    let field = if is_single(server) { "userVisibleState" } else { "state" };
    match world.body(server).and_then(|body| text(body, &["properties", field])) {
        Some(word) if word.eq_ignore_ascii_case("Ready") => Gate::Pass,
        Some(_) => Gate::drop("state", server, Some(field)),
        None => Gate::unknown("the state", server),
    }
}

/// Whether something listens on the port.
pub(super) fn listening(world: &World, server: &str, port: u16) -> Gate {
    let closed = || Gate::drop("port", server, Some("port"));
    match port {
        5432 => Gate::Pass,
        6432 if !is_single(server) => {
            let tier = world.body(server).and_then(|body| text(body, &["sku", "tier"]));
            if tier.is_some_and(|tier| tier.eq_ignore_ascii_case("Burstable")) {
                return closed();
            }
            let key = format!("{server}/configurations/pgbouncer.enabled");
            match world.body(&key).and_then(|body| text(body, &["properties", "value"])) {
                Some(word) if ["true", "on"].contains(&word.to_ascii_lowercase().as_str()) => {
                    Gate::Pass
                }
                Some(_) => Gate::drop("port", &key, Some("value")),
                None => Gate::unknown("the setting pgbouncer.enabled", server),
            }
        }
        _ => closed(),
    }
}

/// As what a packet comes to the public door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Caller<'w> {
    /// From a subnet with a service endpoint: with the subnet's identity and without a public
    /// address.
    Subnet(&'w str),
    /// From a subnet whose service endpoint is being turned on or off.
    Turning(&'w str),
    /// From some public address of Azure.
    Azure,
    /// From this public address of Azure.
    At(u32),
    /// By way of the machine with this private address.
    Behind(u32),
    /// By way of something that may have changed the address: an appliance, for packets of that
    /// subnet, or a gateway.
    Somewhere(Option<&'w str>),
}

/// Whether the public door is open at all.
pub(super) fn public_access(world: &World, server: &str) -> Gate {
    let path: &[&str] = if is_single(server) {
        &["properties", "publicNetworkAccess"]
    } else {
        &["properties", "network", "publicNetworkAccess"]
    };
    match world.body(server).and_then(|body| text(body, path)) {
        Some(word) if word.eq_ignore_ascii_case("Enabled") => Gate::Pass,
        Some(_) => Gate::drop("door", server, Some("publicNetworkAccess")),
        None => Gate::unknown("public access", server),
    }
}

/// Whether VNet rules or firewall rules let the caller in.
pub(super) fn rules(world: &World, server: &str, caller: Caller<'_>) -> Gate {
    let kinds = ["firewallrules", "virtualnetworkrules"];
    let has_some = || kinds.iter().any(|kind| world.children(server, kind).next().is_some());
    match rules_as_told(world, server, caller) {
        // Resource Graph answers with servers and never with their rules.
        Gate::Drop(_) if is_row(world, server) && !has_some() => Gate::unknown("the rules", server),
        gate => gate,
    }
}

fn is_row(world: &World, server: &str) -> bool {
    world.body(server).is_some_and(|body| at(body, &["subscriptionId"]).is_some())
}

fn rules_as_told(world: &World, server: &str, caller: Caller<'_>) -> Gate {
    match caller {
        Caller::Subnet(subnet) => vnet_rule(world, server, subnet),
        Caller::Turning(subnet) => {
            vnet_rule(world, server, subnet).either(firewall(world, server, true))
        }
        Caller::Azure => firewall(world, server, true),
        Caller::At(address) => firewall_at(world, server, address),
        Caller::Behind(_) => Gate::unknown("the caller's address at", server),
        Caller::Somewhere(subnet) => {
            // The subnet's own identity does not survive; that of the appliance's might count.
            let mut rules = world.children(server, "virtualnetworkrules");
            let may_act = |rule: &Value| {
                text(rule, &["properties", "state"])
                    .is_none_or(|word| word.eq_ignore_ascii_case("Ready"))
            };
            let is_other = |rule: &Value| reference(rule, RULE_SUBNET).as_deref() != subnet;
            let others = subnet.is_some() && rules.any(|(_, rule)| may_act(rule) && is_other(rule));
            match firewall(world, server, false) {
                Gate::Drop(_) if others => Gate::unknown("the caller's address at", server),
                other => other,
            }
        }
    }
}

/// The subnet that a VNet rule names.
const RULE_SUBNET: &[&str] = &["properties", "virtualNetworkSubnetId"];

fn vnet_rule(world: &World, server: &str, subnet: &str) -> Gate {
    let mut worst = None;
    for (name, rule) in world.children(server, "virtualnetworkrules") {
        match reference(rule, RULE_SUBNET) {
            Some(named) if named == subnet => {}
            Some(_) => continue,
            None => {
                worst = Some(Gate::unknown(&format!("the subnet of VNet rule {name}"), server));
                continue;
            }
        }
        match text(rule, &["properties", "state"]) {
            Some(word) if word.eq_ignore_ascii_case("Ready") => return Gate::Pass,
            Some(_) => worst = worst.or(Some(Gate::drop("door", server, Some(name)))),
            None => worst = Some(Gate::unknown(&format!("the state of VNet rule {name}"), server)),
        }
    }
    // Documents disagree on whether "allow Azure services" helps such a caller.
    let lets_azure = |rule| span(rule).is_none_or(|span| span == (0, 0));
    let azure = world.children(server, "firewallrules").any(|(_, rule)| lets_azure(rule));
    match worst {
        Some(Gate::Unknown(why)) => Gate::Unknown(why),
        _ if azure => Gate::unknown("the effect of rule 0.0.0.0 on a subnet's identity", server),
        Some(gate) => gate,
        None => {
            Gate::drop("door", server, Some(&format!("no VNet rule for {}", last_name(subnet))))
        }
    }
}

fn span(rule: &Value) -> Option<(u32, u32)> {
    let address = |field| address_of(text(rule, &["properties", field])?);
    Some((address("startIpAddress")?, address("endIpAddress")?))
}

fn firewall(world: &World, server: &str, from_azure: bool) -> Gate {
    let mut sum = Tri::of(are_whole(world, server));
    for (_, rule) in world.children(server, "firewallrules") {
        sum = sum.or(match span(rule) {
            Some((0, 0)) => {
                if from_azure {
                    Tri::Yes
                } else {
                    Tri::Maybe
                }
            }
            Some((0, u32::MAX)) => Tri::Yes,
            Some((start, end)) if start > end => Tri::No,
            // They stand for others behind what is not in the estate, and where it has such addresses itself.
            Some((start, end)) if holds_no_public(start, end) => {
                let may_stand = !from_azure || has_examples(world);
                match may_stand && holds_examples(start, end) {
                    true => Tri::Maybe,
                    false => Tri::No,
                }
            }
            Some(_) | None => Tri::Maybe,
        });
    }
    match sum {
        Tri::Yes => Gate::Pass,
        Tri::No => Gate::drop("door", server, Some("no firewall rule")),
        Tri::Maybe => Gate::unknown("the caller's public address at", server),
    }
}

/// Whether some public address of the estate is one that stands for others in examples.
fn has_examples(world: &World) -> bool {
    let own = world
        .all("microsoft.network/publicipaddresses")
        .filter_map(|(_, body)| Prefix::parse(text(body, &["properties", "ipAddress"])?));
    let ranges = world
        .all("microsoft.network/publicipprefixes")
        .filter_map(|(_, body)| Prefix::parse(text(body, &["properties", "ipPrefix"])?));
    let mut all = own.chain(ranges);
    all.any(|one| holds_examples(one.first(), one.last()))
}

/// Whether the rules together leave out no address of the internet.
fn are_whole(world: &World, server: &str) -> bool {
    let mut spans: Vec<_> =
        world.children(server, "firewallrules").filter_map(|(_, rule)| span(rule)).collect();
    spans.retain(|(start, end)| start <= end);
    spans.sort_unstable();
    let mut next = 0;
    for (start, end) in spans {
        if start > next && !holds_no_public(next, start - 1) {
            return false;
        }
        match end.checked_add(1) {
            Some(after) => next = next.max(after),
            None => return true,
        }
    }
    holds_no_public(next, u32::MAX)
}

/// The same for an address that is known.
fn firewall_at(world: &World, server: &str, address: u32) -> Gate {
    let mut sum = Tri::No;
    for (_, rule) in world.children(server, "firewallrules") {
        sum = sum.or(match span(rule) {
            Some((0, 0)) => Tri::Yes,
            Some((start, end)) => Tri::of((start..=end).contains(&address)),
            None => Tri::Maybe,
        });
    }
    match sum {
        Tri::Yes => Gate::Pass,
        Tri::No => Gate::drop("door", server, Some("no firewall rule")),
        Tri::Maybe => Gate::unknown("the firewall rules", server),
    }
}

/// Whether a subnet's packets carry its identity to this server: a service endpoint for
/// `Microsoft.Sql`, in one region, to a Single Server; and whether that endpoint is up.
pub(super) fn has_identity(
    world: &World,
    subnet: &str,
    network: &str,
    server: &str,
) -> (Tri, bool) {
    if !is_single(server) {
        return (Tri::No, false);
    }
    let Some(body) = world.body(subnet) else { return (Tri::Maybe, true) };
    let has_failed = |one: &&Value| {
        text(one, &["provisioningState"]).is_some_and(|word| word.eq_ignore_ascii_case("Failed"))
    };
    let Some(endpoint) = sql_endpoint(body).filter(|one| !has_failed(one)) else {
        return (Tri::No, false);
    };
    let is_up = is_settled(endpoint);
    let same = match (world.body(server).and_then(region), world.body(network).and_then(region)) {
        (Some(server), Some(network)) => Tri::of(server == network),
        _ => Tri::Maybe,
    };
    let places = texts(endpoint, &["locations"]);
    let home = world.body(server).and_then(region).unwrap_or_default();
    let names = |one: &&str| *one == "*" || spelt(one) == home;
    // Nobody says what an endpoint does for regions that it does not name.
    let is_named = places.is_empty() || home.is_empty() || places.iter().any(names);
    (if is_named { same } else { same.and(Tri::Maybe) }, is_up)
}

/// Whether a service endpoint might go round a route of one's own: the routes of `Microsoft.Sql`
/// may hold flexible servers, or not.
pub(super) fn may_bypass(world: &World, subnet: &str, server: &str) -> bool {
    let near = world.body(network_of(subnet)).and_then(region);
    let far = world.body(server).and_then(region);
    // The endpoint's routes are those of its own region.
    let is_afar = near.is_some() && far.is_some() && near != far;
    !is_single(server)
        && !is_afar
        && world.body(subnet).is_some_and(|body| sql_endpoint(body).is_some())
}

fn sql_endpoint(subnet: &Value) -> Option<&Value> {
    list(subnet, &["properties", "serviceEndpoints"])?.iter().find(|one| {
        text(one, &["service"]).is_some_and(|word| word.eq_ignore_ascii_case("Microsoft.Sql"))
    })
}
