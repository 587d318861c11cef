//! Changes of route tables: take one route away, let the routes of gateways in.

use serde_json::{Value, json};

use super::exposure::{self, EVERY_PORT, Exposure};
use super::{
    Change, Edit, Listed, NETWORK_API, Request, Safety, in_subscription, place, quoted, whole_body,
};
use crate::estate::Estate;
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
    let prefix = old.as_ref().map(|old| old.get("properties").unwrap_or(old));
    let prefix = prefix.and_then(|fields| fields.get("addressPrefix")?.as_str()?.parse().ok());
    let caught = prefix.map_or(exposure::MANY, |prefix: ipnet::Ipv4Net| exposure::size(&[prefix]));
    let inverse = old.map(|old| {
        let properties = old.get("properties").cloned().unwrap_or(old);
        Request::put(&id, NETWORK_API, json!({ "properties": properties }))
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
            exposure::MANY,
            caught,
            EVERY_PORT,
        )],
        affected: vec![format!("every subnet bound to table `{}`", table.name())],
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

/// Lets the routes of gateways into the subnets of a table.
pub fn let_gateway_routes_in(estate: &Estate, table: &ResourceId) -> Change {
    const FLAG: &str = "disableBgpRoutePropagation";
    let put = |flag: bool| {
        Request::put(table, NETWORK_API, whole_body(estate, table, json!({ FLAG: flag })))
    };
    Change {
        kind: "let-gateway-routes-in",
        resource: table.clone(),
        title: format!("let routes of gateways into the subnets of table `{}`", table.name()),
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
            exposure::MANY,
            exposure::MANY,
            EVERY_PORT,
        )],
        affected: vec![format!("every subnet bound to table `{}`", table.name())],
        edits: vec![Edit::Patch(table.clone(), json!({ FLAG: false }))],
    }
}
