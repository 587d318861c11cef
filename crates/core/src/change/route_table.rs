//! Changes that give a subnet a route table of its own: make the table, lead packets by it, and bind it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::route::{bound_to, routes_of, to_appliance};
use super::subnet::{update, whole_subnet};
use super::{Change, Edit, NETWORK_API, Request, Safety, in_subscription, place, quoted};
use crate::estate::Estate;
use crate::estate::network::{NextHop, Route, RoutePrefix, RouteTable, Vnet};
use crate::id::ResourceId;

/// Makes a route table that hands packets for some networks to an appliance, and binds it to a subnet that has none; where one was made
/// before and is bound to no subnet, what it lacks. `None` where it is not known in which region the network is.
pub fn new_to_appliance(
    estate: &Estate,
    subnet: &ResourceId,
    networks: &[Ipv4Net],
    address: Ipv4Addr,
) -> Option<Vec<Change>> {
    let vnet = subnet.parent()?;
    let location = estate.find::<Vnet>(&vnet)?.location.as_deref()?;
    let leads = |network: &Ipv4Net, route: &Route| {
        route.prefix == RoutePrefix::Network(*network)
            && route.next_hop == NextHop::Appliance(address.to_string())
    };
    let is_begun = |table: &ResourceId| {
        let is_wanted = |route: &Route| networks.iter().any(|one| leads(one, route));
        let is_told = estate.find::<RouteTable>(table).is_some_and(|one| one.routes.is_some());
        is_told && bound_to(estate, table).is_empty() && routes_of(estate, table).all(is_wanted)
    };
    let wanted = format!("{}-{}-routes", vnet.name(), subnet.name());
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut tables = std::iter::once(wanted.clone())
        .chain(numbered)
        .map(|name| vnet.sibling("Microsoft.Network/routeTables", &name));
    let table = tables.find(|id| estate.resource(id).is_none() || is_begun(id))?;
    let mut changes = Vec::new();
    if estate.resource(&table).is_none() {
        changes.push(create(&table, location));
    }
    let is_lacking = |one: &&Ipv4Net| !routes_of(estate, &table).any(|route| leads(one, route));
    let users = [subnet.clone()];
    let route = |one: &Ipv4Net| to_appliance(estate, (&table, &users), *one, address);
    changes.extend(networks.iter().filter(is_lacking).map(route));
    changes.push(bind(estate, &table, subnet));
    Some(changes)
}

/// Makes a table without routes, which no subnet is bound to.
fn create(table: &ResourceId, location: &str) -> Change {
    let body =
        json!({ "location": location, "properties": { "disableBgpRoutePropagation": false } });
    // A list in the request would take its routes out whenever it is sent again; Azure answers an empty one.
    let mut made = body.clone();
    made["properties"]["routes"] = json!([]);
    let command = format!(
        "az network route-table create {} --name {} --location {}",
        place(table),
        quoted(table.name()),
        quoted(location)
    );
    Change {
        kind: "create-route-table",
        resource: table.clone(),
        title: format!("create route table `{}`", table.name()),
        request: Request::put(table, NETWORK_API, body),
        az: in_subscription(table, command),
        inverse: Some(Request::delete(table, NETWORK_API)),
        downtime: "none",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Put(table.clone(), made)],
    }
}

/// Binds a table to a subnet that has none.
fn bind(estate: &Estate, table: &ResourceId, subnet: &ResourceId) -> Change {
    let bound = json!({ "routeTable": { "id": table.as_str() } });
    let put =
        |changed: Value| Request::put(subnet, NETWORK_API, whole_subnet(estate, subnet, changed));
    Change {
        kind: "bind-route-table",
        resource: subnet.clone(),
        title: format!("bind route table `{}` to subnet `{}`", table.name(), subnet.name()),
        request: put(bound.clone()),
        az: update(subnet, &format!("--route-table {}", quoted(table.as_str()))),
        inverse: Some(put(json!({}))),
        downtime: "open connections that the table's routes catch are rerouted",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "every machine in subnet `{}` of network `{}`: its packets follow the routes of table `{}`",
            subnet.name(),
            subnet.name_at(0),
            table.name()
        )],
        edits: vec![Edit::Patch(subnet.clone(), bound)],
    }
}

/// Whether Azure would not take an edit: the table that it is about is not there.
pub(super) fn is_refused(estate: &Estate, edit: &Edit) -> bool {
    let table = match edit {
        Edit::PutRoute(route, _) => route.parent(),
        Edit::Patch(_, fields) => fields["routeTable"]["id"].as_str().and_then(ResourceId::parse),
        _ => None,
    };
    table.is_some_and(|table| estate.resource(&table).is_none())
}
