//! What a request costs by itself, read from the request and the raw bodies: rights, interruptions, and the flows that it lets through.

use serde_json::Value;

use super::super::address::{Prefix, span_of};
use super::super::apply::Request;
use super::super::endpoint::{endpoints, holder};
use super::super::peering::halves;
use super::super::world::{
    World, at, flag, is_settled, list, network_of, prefixes, reference, subnet_prefixes, text,
    texts,
};
use super::opened::{Opened, Part};
use super::past;
use super::read::{Cost, EDITS, INTERRUPTIONS, NEW_ENDPOINTS, PRIVILEGE};
use super::settings::body_of;
use super::through;
use crate::id::ResourceId;

/// Addresses of a tag, or of what was not captured: as many as a /8 holds.
const MANY: u128 = 1 << 24;

pub(super) const EVERY_PORT: (u64, u64) = (0, 1 << 16);
pub(super) const POSTGRES: (u64, u64) = (5432, 5433);

/// What a request lets through.
pub(super) enum Opens {
    /// Exactly this.
    This(Vec<Opened>),
    /// This at least.
    AtLeast(Vec<Opened>),
    /// The checker has no rule for it.
    Unread,
}

/// The resource that a request is about.
pub(super) fn id_of(request: &Request) -> Option<ResourceId> {
    ResourceId::parse(request.path.split('?').next().unwrap_or(""))
}

/// What a request costs but for the flows that it lets through.
pub(super) fn price(world: &World, request: &Request) -> Option<Cost> {
    let id = id_of(request)?;
    let (kind, is_deleted) = (id.resource_type(), request.method == "DELETE");
    let is_new = body_of(world, &id.key()).is_none();
    let mut cost = Cost::default();
    cost[EDITS] = 1;
    cost[NEW_ENDPOINTS] =
        u128::from(!is_deleted && is_new && kind == "microsoft.network/privateendpoints");
    cost[PRIVILEGE] = match kind.as_str() {
        "microsoft.network/privateendpoints" => 3,
        "microsoft.network/privateendpoints/privatednszonegroups" => 1,
        kind if kind.starts_with("microsoft.network/privatednszones") => 1,
        kind if kind.starts_with("microsoft.network/dnsforwardingrulesets") => 1,
        _ => 2,
    };
    cost[INTERRUPTIONS] = match kind.as_str() {
        // A table that is bound to no subnet leads nothing.
        "microsoft.network/routetables/routes" => {
            let table = id.parent().map(|table| table.key()).unwrap_or_default();
            u128::from(bound(world, &table).next().is_some())
        }
        // Connections to the service are reset, and those that a new table leads go another way.
        "microsoft.network/virtualnetworks/subnets" => u128::from(
            !is_new && (adds_service(world, &id, request) || binds_table(world, &id, request)),
        ),
        _ => 0,
    };
    Some(cost)
}

fn adds_service(world: &World, subnet: &ResourceId, request: &Request) -> bool {
    let works = |body: &Value| -> Vec<String> {
        let all = list(body, &["properties", "serviceEndpoints"]).unwrap_or(&[]).iter();
        let good = all.filter(|one| is_settled(one));
        let names = good.filter_map(|one| text(one, &["service"]));
        names.map(str::to_ascii_lowercase).collect()
    };
    let before = body_of(world, &subnet.key()).map(works).unwrap_or_default();
    let after = works(&request.body);
    after.iter().any(|one| !before.contains(one))
}

fn binds_table(world: &World, subnet: &ResourceId, request: &Request) -> bool {
    let table = |body: &Value| reference(body, &["properties", "routeTable", "id"]);
    let before = body_of(world, &subnet.key()).and_then(table);
    table(&request.body).is_some_and(|after| before.as_deref() != Some(&*after))
}

/// The flows that a request lets through.
pub(super) fn opens(world: &World, request: &Request) -> Opens {
    let Some(id) = id_of(request) else { return Opens::Unread };
    let (key, kind, body) = (id.key(), id.resource_type(), &request.body);
    let parent = id.parent().map(|parent| parent.key()).unwrap_or_default();
    let old = body_of(world, &key);
    let flows = match (request.method.as_str(), kind.as_str(), old) {
        ("PUT", "microsoft.network/networksecuritygroups/securityrules", None) => rule(body),
        ("PUT", "microsoft.network/virtualnetworks/virtualnetworkpeerings", None) => {
            Some(half(world, &parent, body))
        }
        ("PUT", "microsoft.network/virtualnetworks/virtualnetworkpeerings", Some(old)) => {
            return half_again(world, &parent, old, body);
        }
        ("PUT", "microsoft.dbforpostgresql/servers/virtualnetworkrules", _) => {
            let subnet = reference(body, &["properties", "virtualNetworkSubnetId"]);
            subnet.map(|subnet| {
                vec![Opened::new(subnet_end(world, &subnet), vec![one(&parent)], POSTGRES)]
            })
        }
        ("PUT", kind, _) if kind.ends_with("/firewallrules") => {
            let ends =
                ["startIpAddress", "endIpAddress"].map(|end| text(body, &["properties", end]));
            let span =
                ends[0].zip(ends[1]).and_then(|(low, high)| span_of(&format!("{low}-{high}")));
            span.map(|(low, high)| {
                let from = Part::Addresses(low.into(), u64::from(high) + 1);
                vec![Opened::new(vec![from], vec![one(&parent)], POSTGRES)]
            })
        }
        ("DELETE", "microsoft.network/routetables/routes", Some(old)) => {
            Some(route_gone(world, &parent, &key, old))
        }
        // Which subnet a table is bound to then, another request says.
        ("PUT", "microsoft.network/routetables/routes", None)
            if bound(world, &parent).next().is_none() =>
        {
            return Opens::AtLeast(Vec::new());
        }
        ("PUT", "microsoft.network/routetables", None) => Some(Vec::new()),
        ("PUT", "microsoft.network/routetables/routes", None) => {
            let to = text(body, &["properties", "addressPrefix"]).map(|one| vec![end_of(one)]);
            let by_rules = through::firewall(world, &senders(world, &parent), body, EVERY_PORT);
            by_rules.or_else(|| Some(vec![Opened::new(senders(world, &parent), to?, EVERY_PORT)]))
        }
        ("PUT", "microsoft.network/routetables/routes", Some(old)) => {
            let ports = ports_of(world, text(old, &["properties", "addressPrefix"]));
            let by_rules = through::firewall(world, &senders(world, &parent), body, ports);
            by_rules.or_else(|| Some(route_gone(world, &parent, &key, old)))
        }
        ("PUT", "microsoft.network/firewallpolicies/rulecollectiongroups", None) => {
            list(body, &["properties", "ruleCollections"]).and_then(firewall_rules)
        }
        ("PUT", "microsoft.network/azurefirewalls", Some(old)) => {
            let all = |body| list(body, &["properties", "networkRuleCollections"]).unwrap_or(&[]);
            let is_new = |one: &&Value| !all(old).contains(one);
            let new: Vec<Value> = all(body).iter().filter(is_new).cloned().collect();
            firewall_rules(&new)
        }
        ("PUT", "microsoft.network/virtualnetworks/subnets", Some(_)) => {
            let to = vec![one(&format!("servers with a VNet rule for {key}"))];
            let flows = vec![Opened::new(subnet_end(world, &key), to, POSTGRES)];
            Some(if adds_service(world, &id, request) { flows } else { Vec::new() })
        }
        ("PUT", "microsoft.network/privateendpoints", None) => return endpoint(world, body),
        ("PUT", kind, _) if kind.ends_with("/privateendpointconnections") => {
            return approval(world, &key, &parent);
        }
        (_, "microsoft.network/routetables" | "microsoft.network/networkinterfaces", _) => {
            return Opens::AtLeast(vec![Opened::new(vec![many("")], vec![many("")], EVERY_PORT)]);
        }
        _ => Some(Vec::new()),
    };
    flows.map_or(Opens::Unread, Opens::This)
}

fn one(name: &str) -> Part {
    Part::Named(name.to_owned(), 1)
}

fn many(name: &str) -> Part {
    Part::Named(name.to_owned(), MANY)
}

fn span(prefix: Prefix) -> Part {
    Part::Addresses(prefix.first().into(), u64::from(prefix.last()) + 1)
}

/// A prefix, a range or a tag.
pub(super) fn end_of(word: &str) -> Part {
    match (word, Prefix::parse(word), span_of(word)) {
        ("*", ..) => Part::Addresses(0, 1 << 32),
        (_, Some(prefix), _) => span(prefix),
        (_, None, Some((low, high))) => Part::Addresses(low.into(), u64::from(high) + 1),
        // Azure's own resolver has one address.
        (tag, None, None) if tag.eq_ignore_ascii_case("AzurePlatformDNS") => one(tag),
        (tag, None, None) => many(tag),
    }
}

/// The addresses of some prefixes; of what was not captured there may be many.
fn known(key: &str, prefixes: Vec<Prefix>) -> Vec<Part> {
    match prefixes.is_empty() {
        true => vec![many(key)],
        false => prefixes.into_iter().map(span).collect(),
    }
}

pub(super) fn subnet_end(world: &World, subnet: &str) -> Vec<Part> {
    known(subnet, world.body(subnet).map(subnet_prefixes).unwrap_or_default())
}

fn network_end(world: &World, network: &str) -> Vec<Part> {
    let space = |body| prefixes(body, &["properties", "addressSpace", "addressPrefixes"]);
    known(network, world.body(network).and_then(space).unwrap_or_default())
}

/// The flows that a new rule admits; `None` where it names groups of machines.
fn rule(body: &Value) -> Option<Vec<Opened>> {
    let rule = at(body, &["properties"])?;
    if !text(rule, &["access"])?.eq_ignore_ascii_case("Allow") {
        return Some(Vec::new());
    }
    let words = |single: &str, several: &str| -> Vec<String> {
        let more = texts(rule, &[several]);
        text(rule, &[single]).into_iter().chain(more).map(str::to_owned).collect()
    };
    let end = |side: &str| -> Option<Vec<Part>> {
        let words = words(&format!("{side}AddressPrefix"), &format!("{side}AddressPrefixes"));
        (!words.is_empty()).then(|| words.iter().map(|word| end_of(word)).collect())
    };
    let ports = words("destinationPortRange", "destinationPortRanges");
    let flows = ports.iter().map(|word| {
        let (low, high) = match word.as_str() {
            "*" => (0_u16, u16::MAX),
            word => {
                let (low, high) = word.split_once('-').unwrap_or((word, word));
                (low.trim().parse().ok()?, high.trim().parse().ok()?)
            }
        };
        Some(Opened::new(end("source")?, end("destination")?, (low.into(), u64::from(high) + 1)))
    });
    flows.collect()
}

/// The flows that collections of a firewall's rules admit; `None` where they are not all rules about addresses.
fn firewall_rules(collections: &[Value]) -> Option<Vec<Opened>> {
    let mut flows = Vec::new();
    for one in collections {
        let inner = one.get("properties").unwrap_or(one);
        if !text(inner, &["action", "type"])?.eq_ignore_ascii_case("Allow") {
            continue;
        }
        for rule in list(inner, &["rules"])? {
            let end = |field: &str| -> Option<Vec<Part>> {
                let words = texts(rule, &[field]);
                (!words.is_empty()).then(|| words.iter().map(|word| end_of(word)).collect())
            };
            for port in texts(rule, &["destinationPorts"]) {
                let (low, high) = port.split_once('-').unwrap_or((port, port));
                let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
                let (from, to) = (end("sourceAddresses")?, end("destinationAddresses")?);
                flows.push(Opened::new(from, to, (low, high + 1)));
            }
        }
    }
    Some(flows)
}

/// The flows between two networks, or the subnets of them that a half names.
fn half(world: &World, near: &str, body: &Value) -> Vec<Opened> {
    let far = reference(body, &["properties", "remoteVirtualNetwork", "id"]).unwrap_or_default();
    let is_part = flag(body, &["properties", "peerCompleteVnets"]) == Some(false);
    let end = |network: &str, field: &str| -> Vec<Part> {
        if !is_part {
            return network_end(world, network);
        }
        let names = texts(body, &["properties", field]).into_iter();
        let ids = names.map(|name| format!("{network}/subnets/{name}").to_ascii_lowercase());
        ids.flat_map(|subnet| subnet_end(world, &subnet)).collect()
    };
    let (own, other) = (end(near, "localSubnetNames"), end(&far, "remoteSubnetNames"));
    let mut flows = vec![
        Opened::new(own.clone(), other.clone(), EVERY_PORT),
        Opened::new(other, own, EVERY_PORT),
    ];
    flows.extend(past::appliances(world, near, &far, body));
    flows
}

/// What a half lets through beside what it let through before.
fn half_again(world: &World, near: &str, old: &Value, body: &Value) -> Opens {
    let far = reference(old, &["properties", "remoteVirtualNetwork", "id"]).unwrap_or_default();
    let is_set = |body: &Value, field: &str| flag(body, &["properties", field]);
    let turns_on =
        |field: &str| is_set(body, field) == Some(true) && is_set(old, field) != Some(true);
    let own = || network_end(world, near);
    let mut flows = Vec::new();
    if is_set(body, "allowVirtualNetworkAccess") != Some(false)
        && is_set(old, "allowVirtualNetworkAccess") == Some(false)
    {
        flows.push(Opened::new(network_end(world, &far), own(), EVERY_PORT));
    }
    for field in ["allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways"] {
        if turns_on(field) {
            let others = (field == "allowForwardedTraffic").then(|| beside(world, &far, near));
            let others = others.flatten().unwrap_or_else(|| vec![many(field)]);
            flows.push(Opened::new(own(), others, EVERY_PORT));
        }
    }
    let lists = ["localSubnetNames", "remoteSubnetNames"];
    let is_same =
        |field: &&str| texts(old, &["properties", field]) == texts(body, &["properties", field]);
    if lists.iter().all(is_same) { Opens::This(flows) } else { Opens::AtLeast(flows) }
}

/// What a hub is peered with beside one network, which its machines may forward for; `None` where it does not tell all of it.
fn beside(world: &World, hub: &str, network: &str) -> Option<Vec<Part>> {
    let all = halves(world, hub);
    let others: Vec<_> =
        all.iter().filter(|half| half.remote().as_deref() != Some(network)).collect();
    let mut parts = Vec::new();
    for half in &others {
        let space = half.space().filter(|space| !space.is_empty())?;
        parts.extend(space.into_iter().map(span));
    }
    (!others.is_empty()).then_some(parts)
}

/// The subnets that are bound to a table.
fn bound<'w>(world: &'w World, table: &'w str) -> impl Iterator<Item = &'w str> {
    let is_bound = move |body: &Value| {
        reference(body, &["properties", "routeTable", "id"]).as_deref() == Some(table)
    };
    let subnets = world.all("microsoft.network/virtualnetworks/subnets");
    subnets.filter(move |(_, body)| is_bound(body)).map(|(subnet, _)| subnet)
}

/// Their addresses.
fn senders(world: &World, table: &str) -> Vec<Part> {
    let all: Vec<Part> = bound(world, table).flat_map(|subnet| subnet_end(world, subnet)).collect();
    if all.is_empty() { vec![many(table)] } else { all }
}

/// What a route kept from its way. Behind the address of a private endpoint one service answers.
fn route_gone(world: &World, table: &str, key: &str, old: &Value) -> Vec<Opened> {
    let prefix = text(old, &["properties", "addressPrefix"]).and_then(Prefix::parse);
    let to = match (prefix, text(old, &["properties", "nextHopIpAddress"])) {
        (None, _) => vec![many(key)],
        (Some(prefix), None) => vec![span(prefix)],
        // Past an appliance is another thing than through.
        (Some(prefix), Some(appliance)) => {
            let count = u128::from(prefix.last() - prefix.first()) + 1;
            vec![Part::Named(format!("{key} past {appliance}"), count)]
        }
    };
    let ports = ports_of(world, text(old, &["properties", "addressPrefix"]));
    vec![Opened::new(senders(world, table), to, ports)]
}

/// Ports that answer behind a prefix.
fn ports_of(world: &World, prefix: Option<&str>) -> (u64, u64) {
    let is_endpoint = |address| {
        let body = holder(world, address).and_then(|nic| world.body(&nic).cloned());
        body.is_some_and(|body| at(&body, &["properties", "privateEndpoint"]).is_some())
    };
    let prefix = prefix.and_then(Prefix::parse);
    let is_one = prefix.is_some_and(|prefix| prefix.len == 32 && is_endpoint(prefix.first()));
    if is_one { POSTGRES } else { EVERY_PORT }
}

/// Whoever is in the network of a new endpoint reaches it; and those beside it, as far as they are joined by then.
fn endpoint(world: &World, body: &Value) -> Opens {
    let subnet = reference(body, &["properties", "subnet", "id"]).unwrap_or_default();
    let address = list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]).iter();
    let words = address.filter_map(|one| text(one, &["properties", "privateIPAddress"]));
    let mut to: Vec<Part> = words.map(end_of).collect();
    if to.is_empty() {
        to.push(one("a new endpoint"));
    }
    let from = network_end(world, network_of(&subnet));
    Opens::AtLeast(vec![Opened::new(from, to, POSTGRES)])
}

fn approval(world: &World, connection: &str, server: &str) -> Opens {
    let own = |body: &Value| reference(body, &["properties", "privateEndpoint", "id"]);
    let listed = || {
        let all = list(world.body(server)?, &["properties", "privateEndpointConnections"])?;
        own(all.iter().find(|one| reference(one, &["id"]).as_deref() == Some(connection))?)
    };
    let endpoint = world.body(connection).and_then(own).or_else(listed);
    let all = endpoints(world, server);
    let facts = endpoint.and_then(|endpoint| all.into_iter().find(|one| one.key == endpoint));
    let Some(facts) = facts else { return Opens::Unread };
    let Some(subnet) = &facts.subnet else { return Opens::Unread };
    let to = facts.addresses.iter().map(|one| Part::Addresses((*one).into(), u64::from(*one) + 1));
    let to: Vec<Part> = to.collect();
    let to = if to.is_empty() { vec![one(&facts.key)] } else { to };
    Opens::AtLeast(vec![Opened::new(network_end(world, network_of(subnet)), to, POSTGRES)])
}
