//! Changes of subnets: the service endpoint, the NAT gateway.

use serde_json::{Value, json};

use super::exposure::{self, End, Exposure, Flows, POSTGRES};
use super::{
    Change, Edit, NETWORK_API, Request, Safety, in_subscription, place, quoted, whole_body,
};
use crate::estate::Estate;
use crate::estate::network::{SQL_ENDPOINT, Subnet};
use crate::estate::server::{FirewallRule, Server, ServerKind, VnetRule};
use crate::id::ResourceId;

/// Turns the service endpoint Microsoft.Sql on for the sake of a source, keeping those that are on already.
pub fn turn_on_service_endpoint(
    estate: &Estate,
    subnet_id: &ResourceId,
    subnet: &Subnet,
    source: &ResourceId,
) -> Change {
    // One that failed is listed, and does nothing.
    let mut before = subnet.service_endpoints.clone();
    before.retain(|one| !one.eq_ignore_ascii_case(SQL_ENDPOINT));
    let services = [&before[..], &[SQL_ENDPOINT.to_owned()]].concat();
    let list = |services: &[String]| -> Value {
        services.iter().map(|one| json!({ "service": one })).collect()
    };
    let body = |services: &[String]| {
        whole_subnet(estate, subnet_id, json!({ "serviceEndpoints": list(services) }))
    };
    let words: Vec<String> = services.iter().map(|one| quoted(one)).collect();
    Change {
        kind: "turn-on-service-endpoint",
        resource: subnet_id.clone(),
        title: format!("turn service endpoint {SQL_ENDPOINT} on for subnet `{}`", subnet_id.name()),
        request: Request::put(subnet_id, NETWORK_API, body(&services)),
        az: update(subnet_id, &format!("--service-endpoints {}", words.join(" "))),
        inverse: Some(Request::put(subnet_id, NETWORK_API, body(&before))),
        downtime: "open connections from the subnet to Azure SQL, MySQL and PostgreSQL servers are reset once",
        safety: Safety::Review,
        // VNet rules that had no effect let the subnet in from then on.
        exposure: vec![Exposure::new(
            format!("subnet `{}` -> every server whose VNet rule names it", subnet_id.name()),
            vec![Flows::new(
                exposure::subnet(estate, subnet_id),
                End::named(format!("servers with a VNet rule for {}", subnet_id.key()), 1),
                POSTGRES,
            )],
        )],
        affected: std::iter::once(format!(
            "firewall rules of Azure SQL, MySQL and PostgreSQL servers stop matching callers in subnet `{}`: only VNet \
             rules count for them then",
            subnet_id.name()
        ))
        .chain(shut(estate, subnet_id, source))
        .collect(),
        edits: vec![Edit::Patch(subnet_id.clone(), json!({ "serviceEndpoints": list(&services) }))],
    }
}

/// Other servers that let callers of a subnet in by their addresses alone, a sentence each.
fn shut(estate: &Estate, subnet: &ResourceId, source: &ResourceId) -> Vec<String> {
    let is_open =
        |server: &Server| server.kind == ServerKind::Single && server.public_access != Some(false);
    let others = estate.all::<Server>().filter(|(id, one)| *id != source && is_open(one));
    let words = |(id, _): (&ResourceId, &Server)| {
        let names_it = estate.children::<VnetRule>(id).any(|(_, rule)| rule.subnet == *subnet);
        let mut rules = estate.children::<FirewallRule>(id).map(|(_, rule)| rule).peekable();
        rules.peek().filter(|_| !names_it)?;
        let (server, subnet) = (id.name(), subnet.name());
        Some(match rules.any(FirewallRule::is_all_of_azure) {
            true => format!(
                "`{server}` may stop answering subnet `{subnet}`: documents disagree whether its rule for all of Azure counts then; \
                 a VNet rule of it for the subnet keeps it"
            ),
            false => format!(
                "`{server}` has firewall rules and no VNet rule for subnet `{subnet}`: it stops answering callers there that \
                 those let in"
            ),
        })
    };
    others.filter_map(words).collect()
}

/// Lets the machines of a subnet into the internet through a NAT gateway. Nothing comes in by it.
pub fn attach_nat_gateway(estate: &Estate, subnet: &ResourceId, gateway: &ResourceId) -> Change {
    let attached = json!({ "natGateway": { "id": gateway.as_str() } });
    let put =
        |changed: Value| Request::put(subnet, NETWORK_API, whole_subnet(estate, subnet, changed));
    Change {
        kind: "attach-nat-gateway",
        resource: subnet.clone(),
        title: format!("attach NAT gateway `{}` to subnet `{}`", gateway.name(), subnet.name()),
        request: put(attached.clone()),
        az: update(subnet, &format!("--nat-gateway {}", quoted(gateway.as_str()))),
        inverse: Some(put(json!({}))),
        downtime: "none",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "every machine in subnet `{}` gets a way out into the internet, and new connections leave with the addresses of NAT \
             gateway `{}`; nothing comes in by it",
            subnet.name(),
            gateway.name()
        )],
        edits: vec![Edit::Patch(subnet.clone(), attached)],
    }
}

/// Whether an id is that of a subnet.
pub(crate) fn is_subnet(id: &ResourceId) -> bool {
    id.is_type("microsoft.network/virtualnetworks/subnets")
}

/// An edit of a subnet with the requests that it takes where others were made before it.
pub(crate) fn sent_after(estate: &Estate, change: &Change) -> Change {
    let [Edit::Patch(subnet, fields)] = change.edits.as_slice() else { return change.clone() };
    let put = |fields| Request::put(subnet, NETWORK_API, whole_subnet(estate, subnet, fields));
    let back = |inverse: &Request| {
        let mut before = json!({});
        for name in fields.as_object().into_iter().flat_map(|fields| fields.keys()) {
            if let Some(old) = inverse.body["properties"].get(name) {
                before[name] = old.clone();
            }
        }
        put(before)
    };
    let inverse = change.inverse.as_ref().map(back);
    Change { request: put(fields.clone()), inverse, ..change.clone() }
}

pub(super) fn update(subnet: &ResourceId, options: &str) -> Vec<String> {
    let command = format!(
        "az network vnet subnet update {} --vnet-name {} --name {} {options}",
        place(subnet),
        quoted(subnet.name_at(0)),
        quoted(subnet.name())
    );
    in_subscription(subnet, command)
}

/// Everything of a subnet that a PUT has to repeat, with some properties changed.
pub(super) fn whole_subnet(estate: &Estate, id: &ResourceId, changed: Value) -> Value {
    let mut body = whole_body(estate, id, changed);
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
