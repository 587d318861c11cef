//! Changes of route tables: take one route away, add one for a service, let the routes of gateways in.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure::{self, EVERY_PORT, End, Exposure, Flows, MANY, POSTGRES, Ports};
use super::{
    Change, Edit, Listed, NETWORK_API, Request, Safety, free_name, in_subscription,
    listed_properties, place, quoted, whole_body,
};
use crate::estate::endpoint::Interface;
use crate::estate::network::{Route, RoutePrefix, RouteTable, Subnet};
use crate::estate::{Estate, Key};
use crate::id::ResourceId;

/// Deletes a user-defined route.
pub fn delete(estate: &Estate, table: &ResourceId, route: &str) -> Change {
    let id = table.child("routes", route);
    let place_of = estate.locate(table, "", "routes");
    let body = estate.body(table);
    let routes = body.as_ref().and_then(|body| body.pointer(&place_of));
    let is_other = |one: &&Value| one.get("name").and_then(Value::as_str) != Some(route);
    let old =
        routes.and_then(Value::as_array).into_iter().flatten().find(|one| !is_other(one)).cloned();
    let fields = old.as_ref().map(|old| old.get("properties").unwrap_or(old));
    let appliance = fields.and_then(|fields| fields.get("nextHopIpAddress")?.as_str());
    let passed_by = appliance
        .map(|address| format!("packets that it led to {address} go past what stands there: a firewall no longer sees them"));
    let prefix = fields.and_then(|fields| fields.get("addressPrefix")?.as_str()?.parse().ok());
    let caught =
        prefix.map_or_else(|| End::named(id.key(), MANY), |prefix: Ipv4Net| End::of(&[prefix]));
    let ports = prefix.map_or(EVERY_PORT, |prefix| ports(estate, prefix));
    let inverse = old.map(|old| {
        Request::put(&id, NETWORK_API, json!({ "properties": listed_properties(&old) }))
    });
    Change {
        kind: "delete-route",
        title: format!("delete route `{route}` of table `{}`", table.name()),
        request: Request::delete(&id, NETWORK_API),
        az: in_subscription(
            table,
            format!(
                "az network route-table route delete {} --route-table-name {} --name {}",
                place(table),
                quoted(table.name()),
                quoted(route)
            ),
        ),
        inverse,
        downtime: "open connections that use the route are rerouted",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("everything that route `{route}` kept from its way"),
            vec![Flows::new(senders(estate, table), caught, ports)],
        )],
        affected: std::iter::once(bound(estate, table)).chain(passed_by).collect(),
        edits: vec![
            Edit::Listed(Listed {
                holder: table.clone(),
                list: "routes",
                element: route.to_owned(),
                fields: None,
            }),
            Edit::Remove(id.clone()),
        ],
        resource: id,
    }
}

/// Adds a route that sends packets for a service tag to the internet, past broader routes.
pub fn add_for_service(estate: &Estate, table: &ResourceId, tag: &str) -> Change {
    let wanted = tag.replace('.', "-").to_ascii_lowercase();
    let name = free_name(estate, table, "routes", &wanted);
    let id = table.child("routes", &name);
    let body = json!({ "properties": { "addressPrefix": tag, "nextHopType": "Internet" } });
    Change {
        kind: "add-route",
        title: format!(
            "send packets for `{tag}` to the internet by a route of table `{}`",
            table.name()
        ),
        request: Request::put(&id, NETWORK_API, body.clone()),
        az: in_subscription(
            table,
            format!(
                "az network route-table route create {} --route-table-name {} --name {} --address-prefix {} \
             --next-hop-type Internet",
                place(table),
                quoted(table.name()),
                quoted(&name),
                quoted(tag)
            ),
        ),
        inverse: Some(Request::delete(&id, NETWORK_API)),
        downtime: "open connections to the service are rerouted",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("every subnet bound to table `{}` -> `{tag}`", table.name()),
            vec![Flows::new(senders(estate, table), exposure::tag(tag), EVERY_PORT)],
        )],
        affected: vec![bound(estate, table)],
        edits: vec![Edit::PutRoute(id.clone(), body)],
        resource: id,
    }
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
    let listed = estate.find::<RouteTable>(&table).and_then(|table| table.routes.as_deref());
    let alone = estate.children::<Route>(&table).map(|(_, route)| route);
    listed.into_iter().flatten().chain(alone).any(has_prefix)
}

/// The subnets that are bound to a table, in words.
fn bound(estate: &Estate, table: &ResourceId) -> String {
    let users = estate.list::<Subnet>(Key::UsersOf(table.clone()));
    let names: Vec<String> =
        users.map(|(id, _)| format!("`{}` of network `{}`", id.name(), id.name_at(0))).collect();
    let which = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    format!("every subnet bound to table `{}`{which}", table.name())
}

/// Addresses of the subnets that are bound to a table.
fn senders(estate: &Estate, table: &ResourceId) -> End {
    let bound = estate.list::<Subnet>(Key::UsersOf(table.clone()));
    let all = bound.map(|(subnet, _)| exposure::subnet(estate, subnet)).reduce(End::union);
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
        affected: vec![bound(estate, table)],
        edits: vec![Edit::Patch(table.clone(), json!({ FLAG: false }))],
    }
}
