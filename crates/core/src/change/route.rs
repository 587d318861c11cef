//! Changes of route tables: take one route away, lead it elsewhere, add one, let the routes of gateways in.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure::{self, EVERY_PORT, End, Exposure, Flows, MANY, POSTGRES, Ports};
use super::{
    Change, Edit, Listed, NETWORK_API, Request, Safety, free_name, in_subscription,
    listed_properties, place, quoted, through, whole_body,
};
use crate::estate::endpoint::Interface;
use crate::estate::gateway::Gateway;
use crate::estate::network::{Route, RoutePrefix, RouteTable, Subnet};
use crate::estate::{Estate, Key};
use crate::id::ResourceId;

/// A route as its table lists it.
struct Standing {
    id: ResourceId,
    /// Its body there.
    body: Option<Value>,
    prefix: Option<Ipv4Net>,
    /// The address that it leads to.
    appliance: Option<String>,
}

impl Standing {
    fn of(estate: &Estate, table: &ResourceId, route: &str) -> Standing {
        let body = estate.body(table);
        let listed =
            body.as_ref().and_then(|body| body.pointer(&estate.locate(table, "", "routes")));
        let is_it = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(route);
        let body = listed.and_then(Value::as_array).into_iter().flatten().find(is_it).cloned();
        let fields = body.as_ref().map(|old| old.get("properties").unwrap_or(old));
        let text = |name: &str| fields.and_then(|fields| fields.get(name)?.as_str());
        Standing {
            id: table.child("routes", route),
            prefix: text("addressPrefix").and_then(|text| text.parse().ok()),
            appliance: text("nextHopIpAddress").map(str::to_owned),
            body,
        }
    }

    /// The request that writes it as it is.
    fn put_back(&self) -> Option<Request> {
        let fields = listed_properties(self.body.as_ref()?);
        Some(Request::put(&self.id, NETWORK_API, json!({ "properties": fields })))
    }

    /// What comes to pass by another way than its own.
    fn exposure(&self, estate: &Estate, table: &ResourceId) -> Exposure {
        let caught = self
            .prefix
            .map_or_else(|| End::named(self.id.key(), MANY), |prefix| End::of(&[prefix]));
        // To pass by an appliance is more than to get through, which other changes let the same packets do.
        let caught = match (&self.appliance, self.prefix) {
            (Some(appliance), Some(_)) => {
                End::named(format!("{} past {appliance}", self.id.key()), caught.len())
            }
            _ => caught,
        };
        let ports = self.prefix.map_or(EVERY_PORT, |prefix| ports(estate, prefix));
        Exposure::new(
            format!("everything that route `{}` kept from its way", self.id.name()),
            vec![Flows::new(senders(estate, (table, &bound_to(estate, table))), caught, ports)],
        )
    }

    /// What passes once it leads to another address: no more than the rules of a firewall there let through.
    fn exposure_by(&self, estate: &Estate, table: &ResourceId, address: Ipv4Addr) -> Exposure {
        let by_rules = self.prefix.and_then(|prefix| {
            let senders = senders(estate, (table, &bound_to(estate, table)));
            through::firewall(estate, address, &senders, (prefix, ports(estate, prefix)))
        });
        let Some((firewall, flows)) = by_rules else { return self.exposure(estate, table) };
        let words = format!(
            "what rules of firewall `{}` let pass of what route `{}` catches",
            firewall.name(),
            self.id.name()
        );
        Exposure::new(words, flows)
    }

    fn edit(&self, table: &ResourceId, fields: Option<Value>) -> Edit {
        let (holder, element) = (table.clone(), self.id.name().to_owned());
        Edit::Listed(Listed { holder, list: "routes", element, fields })
    }
}

/// A command about one route; `flags` begin with a blank.
fn az_route(table: &ResourceId, verb: &str, route: &str, flags: &str) -> Vec<String> {
    let names = format!("--route-table-name {} --name {}", quoted(table.name()), quoted(route));
    let place = place(table);
    in_subscription(table, format!("az network route-table route {verb} {place} {names}{flags}"))
}

/// Deletes a user-defined route.
pub fn delete(estate: &Estate, table: &ResourceId, route: &str) -> Change {
    let standing = Standing::of(estate, table, route);
    let passed_by = standing.appliance.as_ref().map(|address| {
        format!("packets that it led to {address} go past what stands there: a firewall no longer sees them")
    });
    Change {
        kind: "delete-route",
        title: format!("delete route `{route}` of table `{}`", table.name()),
        request: Request::delete(&standing.id, NETWORK_API),
        az: az_route(table, "delete", route, ""),
        inverse: standing.put_back(),
        downtime: "open connections that use the route are rerouted",
        safety: Safety::Review,
        exposure: vec![standing.exposure(estate, table)],
        affected: std::iter::once(bound(table, &bound_to(estate, table)))
            .chain(passed_by)
            .collect(),
        edits: vec![standing.edit(table, None), Edit::Remove(standing.id.clone())],
        resource: standing.id,
    }
}

/// Leads a route that hands packets to an appliance to another address. `None` where the table does not list it as one.
pub fn set_next_hop(
    estate: &Estate,
    table: &ResourceId,
    route: &str,
    address: Ipv4Addr,
) -> Option<Change> {
    let standing = Standing::of(estate, table, route);
    let old = standing.appliance.as_ref()?;
    let mut fields = listed_properties(standing.body.as_ref()?);
    fields["nextHopIpAddress"] = json!(address.to_string());
    Some(Change {
        kind: "set-next-hop",
        title: format!(
            "lead route `{route}` of table `{}` to {address} instead of {old}",
            table.name()
        ),
        request: Request::put(&standing.id, NETWORK_API, json!({ "properties": fields })),
        az: az_route(table, "update", route, &format!(" --next-hop-ip-address {address}")),
        inverse: standing.put_back(),
        downtime: "open connections that use the route are rerouted",
        safety: Safety::Review,
        exposure: vec![standing.exposure_by(estate, table, address)],
        affected: vec![bound(table, &bound_to(estate, table))],
        edits: vec![standing.edit(table, Some(fields.into()))],
        resource: standing.id,
    })
}

/// Adds a route that hands packets for a network to an appliance.
pub fn add_to_appliance(
    estate: &Estate,
    table: &ResourceId,
    network: Ipv4Net,
    address: Ipv4Addr,
) -> Change {
    to_appliance(estate, (table, &bound_to(estate, table)), network, address)
}

pub(super) fn to_appliance(
    estate: &Estate,
    table: (&ResourceId, &[ResourceId]),
    network: Ipv4Net,
    address: Ipv4Addr,
) -> Change {
    let wanted = format!("to-{}-{}", network.addr(), network.prefix_len()).replace('.', "-");
    let body = json!({ "properties": {
        "addressPrefix": network.to_string(),
        "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": address.to_string(),
    } });
    let words = (network.to_string(), format!("the appliance at {address}"));
    let change = add(estate, table, &wanted, (body, End::of(&[network])), words);
    let by = through::firewall(estate, address, &senders(estate, table), (network, EVERY_PORT));
    let Some((firewall, flows)) = by else { return change };
    let words = format!(
        "what rules of firewall `{}` let pass from every subnet bound to table `{}` -> {network}",
        firewall.name(),
        table.0.name()
    );
    Change { exposure: vec![Exposure::new(words, flows)], ..change }
}

/// Adds a route that hands packets for one address to the VPN gateway of a network. `None` where another gateway stands beside it: over
/// ExpressRoute no such route counts.
pub fn add_to_gateway(
    estate: &Estate,
    table: &ResourceId,
    address: Ipv4Addr,
    vnet: &ResourceId,
) -> Option<Change> {
    if !estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())).all(|(_, one)| one.is_vpn) {
        return None;
    }
    let network = Ipv4Net::from(address);
    let wanted = format!("to-{address}-32").replace('.', "-");
    let body = json!({ "properties": {
        "addressPrefix": network.to_string(), "nextHopType": "VirtualNetworkGateway" } });
    let words = (network.to_string(), "the virtual network gateway".to_owned());
    let users = bound_to(estate, table);
    Some(add(estate, (table, &users), &wanted, (body, End::of(&[network])), words))
}

/// Adds a route that sends packets for a service tag to the internet, past broader routes.
pub fn add_for_service(estate: &Estate, table: &ResourceId, tag: &str) -> Change {
    let wanted = tag.replace('.', "-").to_ascii_lowercase();
    let body = json!({ "properties": { "addressPrefix": tag, "nextHopType": "Internet" } });
    let words = (format!("`{tag}`"), "the internet".to_owned());
    let users = bound_to(estate, table);
    add(estate, (table, &users), &wanted, (body, exposure::tag(tag)), words)
}

/// Adds a route for some packets to a table, which these subnets are bound to; `words` name them and where they are led to.
fn add(
    estate: &Estate,
    (table, users): (&ResourceId, &[ResourceId]),
    wanted: &str,
    (body, caught): (Value, End),
    (what, to): (String, String),
) -> Change {
    let name = free_name(estate, table, "routes", wanted);
    let id = table.child("routes", &name);
    let field = |name: &str| body["properties"].get(name).and_then(Value::as_str);
    let flag = |flag: &str, name: &str| {
        field(name).map(|value| format!(" --{flag} {}", quoted(value))).unwrap_or_default()
    };
    Change {
        kind: "add-route",
        title: format!("send packets for {what} to {to} by a route of table `{}`", table.name()),
        request: Request::put(&id, NETWORK_API, body.clone()),
        az: az_route(
            table,
            "create",
            &name,
            &[
                flag("address-prefix", "addressPrefix"),
                flag("next-hop-type", "nextHopType"),
                flag("next-hop-ip-address", "nextHopIpAddress"),
            ]
            .concat(),
        ),
        inverse: Some(Request::delete(&id, NETWORK_API)),
        // A table leads packets once it is bound.
        downtime: match bound_to(estate, table).is_empty() {
            true => "none",
            false => "open connections that the route catches are rerouted",
        },
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("every subnet bound to table `{}` -> {what}", table.name()),
            vec![Flows::new(senders(estate, (table, users)), caught, EVERY_PORT)],
        )],
        affected: vec![bound(table, users)],
        edits: vec![Edit::PutRoute(id.clone(), body)],
        resource: id,
    }
}

/// Whether a route is there, in its table's list or captured alone.
pub fn stands(estate: &Estate, id: &ResourceId) -> bool {
    let Some(table) = id.parent() else { return false };
    let mut routes = routes_of(estate, &table);
    estate.resource(id).is_some() || routes.any(|one| one.name.eq_ignore_ascii_case(id.name()))
}

/// Whether another route of the table has the prefix of a new one: Azure takes no second one.
pub(super) fn is_taken(estate: &Estate, id: &ResourceId, body: &Value) -> bool {
    let prefix = body.pointer("/properties/addressPrefix").and_then(Value::as_str);
    let Some((table, prefix)) = id.parent().zip(prefix) else { return false };
    let has_prefix = |one: &Route| {
        let is_other = !one.name.eq_ignore_ascii_case(id.name());
        is_other
            && match &one.prefix {
                RoutePrefix::Tag(tag) => tag.eq_ignore_ascii_case(prefix),
                RoutePrefix::Network(network) => prefix.parse() == Ok(*network),
                RoutePrefix::Ipv6 => false,
            }
    };
    routes_of(estate, &table).any(has_prefix)
}

/// Whether a table has a route for a network, and not for a part of it or more.
pub fn has_prefix(estate: &Estate, table: &ResourceId, network: Ipv4Net) -> bool {
    routes_of(estate, table).any(|one| one.prefix == RoutePrefix::Network(network))
}

/// The routes that a table lists, and those that were captured alone.
pub(super) fn routes_of<'e>(
    estate: &'e Estate,
    table: &ResourceId,
) -> impl Iterator<Item = &'e Route> {
    let listed = estate.find::<RouteTable>(table).and_then(|table| table.routes.as_deref());
    let alone = estate.children::<Route>(table).map(|(_, route)| route);
    listed.into_iter().flatten().chain(alone)
}

/// The subnets that are bound to a table.
pub fn bound_to(estate: &Estate, table: &ResourceId) -> Vec<ResourceId> {
    estate.list::<Subnet>(Key::UsersOf(table.clone())).map(|(id, _)| id.clone()).collect()
}

/// The same in words.
fn bound(table: &ResourceId, users: &[ResourceId]) -> String {
    let name = |id: &ResourceId| format!("`{}` of network `{}`", id.name(), id.name_at(0));
    let names: Vec<String> = users.iter().map(name).collect();
    let which = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    format!("every subnet bound to table `{}`{which}", table.name())
}

/// Addresses of the subnets that are bound to a table.
fn senders(estate: &Estate, (table, users): (&ResourceId, &[ResourceId])) -> End {
    let all = users.iter().map(|subnet| exposure::subnet(estate, subnet)).reduce(End::union);
    all.unwrap_or_else(|| End::named(table.key(), MANY))
}

/// Ports that answer behind a prefix: a private endpoint carries one service.
fn ports(estate: &Estate, prefix: Ipv4Net) -> Ports {
    let mut holders = estate.list::<Interface>(Key::Holders(prefix.addr())).peekable();
    let is_one = prefix.prefix_len() == 32 && holders.peek().is_some();
    if is_one && holders.all(|(_, one)| one.endpoint.is_some()) { POSTGRES } else { EVERY_PORT }
}

/// Lets the routes of gateways into the subnets of a table.
pub fn let_gateway_routes_in(estate: &Estate, table: &ResourceId) -> Change {
    const FLAG: &str = "disableBgpRoutePropagation";
    let put = |flag: bool| {
        Request::put(table, NETWORK_API, whole_body(estate, table, json!({ FLAG: flag })))
    };
    let behind = End::named(table.key(), MANY);
    let beyond = End::named("beyond the gateway", MANY);
    Change {
        kind: "let-gateway-routes-in",
        resource: table.clone(),
        title: format!("switch gateway route propagation on for route table `{}`", table.name()),
        request: put(false),
        az: in_subscription(
            table,
            format!(
                "az network route-table update {} --name {} --disable-bgp-route-propagation false",
                place(table),
                quoted(table.name())
            ),
        ),
        inverse: Some(put(true)),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("subnets of table `{}` <-> every network beyond the gateway", table.name()),
            Flows::between(behind, beyond, EVERY_PORT),
        )],
        affected: vec![bound(table, &bound_to(estate, table))],
        edits: vec![Edit::Patch(table.clone(), json!({ FLAG: false }))],
    }
}
