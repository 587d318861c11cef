//! Changes at the server's own gate and at the subnet's service endpoint.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::exposure::{self, Exposure};
use super::{
    Change, Edit, FLEXIBLE_API, NETWORK_API, Request, SINGLE_API, Safety, az_rest, free_name,
    in_subscription, place, quoted, whole_body,
};
use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::network::SQL_ENDPOINT;
use crate::estate::network::Subnet;
use crate::id::ResourceId;

/// Adds a VNet rule of a Single Server for a subnet. The rule may come before the subnet's service endpoint.
pub fn add_vnet_rule(estate: &Estate, server: &ResourceId, subnet: &ResourceId) -> Change {
    let name = free_name(
        estate,
        server,
        "virtualNetworkRules",
        &format!("{}-{}", subnet.name_at(0), subnet.name()),
    );
    let rule = server.child("virtualNetworkRules", &name);
    let body = json!({ "properties": {
        "virtualNetworkSubnetId": subnet.as_str(), "ignoreMissingVnetServiceEndpoint": true } });
    let request = Request::put(&rule, SINGLE_API, body.clone());
    let mut simulated = body;
    simulated["properties"]["state"] = json!("Ready");
    Change {
        kind: "add-vnet-rule",
        title: format!("let subnet `{}` in by a VNet rule of `{}`", subnet.name(), server.name()),
        az: vec![az_rest(&request)],
        request,
        inverse: Some(Request::delete(&rule, SINGLE_API)),
        downtime: "none",
        safety: Safety::Safe,
        exposure: vec![Exposure::new(
            format!("subnet `{}` -> `{}`:5432/tcp", subnet.name(), server.name()),
            exposure::size_of_subnet(estate, subnet),
            1,
            1,
        )],
        affected: Vec::new(),
        edits: vec![Edit::PutRule(rule.clone(), simulated)],
        resource: rule,
    }
}

/// Lets one public address in by a firewall rule.
pub fn add_firewall_rule(
    estate: &Estate,
    server: &ResourceId,
    (start, end): (Ipv4Addr, Ipv4Addr),
) -> Change {
    let range = AddressSet::from_ranges(vec![(start.into(), end.into())]);
    let name =
        free_name(estate, server, "firewallRules", &format!("copier-{start}").replace('.', "-"));
    let rule = server.child("firewallRules", &name);
    let is_single = server.is_type("microsoft.dbforpostgresql/servers");
    let api = if is_single { SINGLE_API } else { FLEXIBLE_API };
    let body = json!({
        "properties": { "startIpAddress": start.to_string(), "endIpAddress": end.to_string() }
    });
    let request = Request::put(&rule, api, body.clone());
    Change {
        kind: "add-firewall-rule",
        title: format!("let {range} in by a firewall rule of `{}`", server.name()),
        az: vec![az_rest(&request)],
        request,
        inverse: Some(Request::delete(&rule, api)),
        downtime: "none",
        safety: Safety::Safe,
        exposure: vec![Exposure::new(
            format!("{range} -> `{}`:5432/tcp", server.name()),
            range.len(),
            1,
            1,
        )],
        affected: Vec::new(),
        edits: vec![Edit::Put(rule.clone(), body)],
        resource: rule,
    }
}

/// Deletes a VNet rule, so that it can be made again.
pub fn delete_vnet_rule(rule: &ResourceId) -> Change {
    let request = Request::delete(rule, SINGLE_API);
    Change {
        kind: "delete-vnet-rule",
        resource: rule.clone(),
        title: format!("delete VNet rule `{}`, which is not ready", rule.name()),
        az: vec![az_rest(&request)],
        request,
        inverse: None,
        downtime: "none: a rule that is not ready lets nobody in",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Remove(rule.clone())],
    }
}

/// Turns the service endpoint Microsoft.Sql on, keeping those that are on already.
pub fn turn_on_service_endpoint(
    estate: &Estate,
    subnet_id: &ResourceId,
    subnet: &Subnet,
) -> Change {
    let mut services = subnet.service_endpoints.clone();
    services.push(SQL_ENDPOINT.to_owned());
    let list = |services: &[String]| -> Value {
        services.iter().map(|one| json!({ "service": one })).collect()
    };
    let body = |services: &[String]| subnet_body(estate, subnet_id, list(services));
    let words: Vec<String> = services.iter().map(|one| quoted(one)).collect();
    Change {
        kind: "turn-on-service-endpoint",
        resource: subnet_id.clone(),
        title: format!("turn service endpoint {SQL_ENDPOINT} on for subnet `{}`", subnet_id.name()),
        request: Request::put(subnet_id, NETWORK_API, body(&services)),
        az: in_subscription(
            subnet_id,
            format!(
                "az network vnet subnet update {} --vnet-name {} --name {} --service-endpoints {}",
                place(subnet_id),
                quoted(subnet_id.name_at(0)),
                quoted(subnet_id.name()),
                words.join(" ")
            ),
        ),
        inverse: Some(Request::put(subnet_id, NETWORK_API, body(&subnet.service_endpoints))),
        downtime: "open connections from the subnet to Azure SQL, MySQL and PostgreSQL servers are reset once",
        safety: Safety::Review,
        // VNet rules that had no effect let the subnet in from then on.
        exposure: vec![Exposure::new(
            format!("subnet `{}` -> every server whose VNet rule names it", subnet_id.name()),
            exposure::size_of_subnet(estate, subnet_id),
            1,
            1,
        )],
        affected: vec![format!(
            "firewall rules of Azure SQL, MySQL and PostgreSQL servers stop matching callers in subnet `{}`: only VNet \
             rules count for them then",
            subnet_id.name()
        )],
        edits: vec![Edit::Patch(subnet_id.clone(), json!({ "serviceEndpoints": list(&services) }))],
    }
}

/// Everything of a subnet that a PUT has to repeat, with other service endpoints.
fn subnet_body(estate: &Estate, id: &ResourceId, services: Value) -> Value {
    let mut body = whole_body(estate, id, json!({ "serviceEndpoints": services }));
    let Some(properties) = body["properties"].as_object_mut() else { return body };
    if let Some(list) = properties.get_mut("delegations") {
        *list = delegations(list);
    }
    for told in ["ipConfigurations", "privateEndpoints", "delegation"] {
        properties.remove(told);
    }
    json!({ "properties": properties })
}

/// Delegations without what Azure adds to them.
fn delegations(list: &Value) -> Value {
    let one = |entry: &Value| {
        let service = entry.pointer("/properties/serviceName").or_else(|| entry.get("serviceName"));
        json!({ "name": entry["name"], "properties": { "serviceName": service } })
    };
    list.as_array().into_iter().flatten().map(one).collect()
}
