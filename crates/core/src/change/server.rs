//! Changes at the server's own gate.

use std::net::Ipv4Addr;

use serde_json::json;

use super::exposure::{self, Exposure, Flows, POSTGRES};
use super::{Change, Edit, FLEXIBLE_API, Request, SINGLE_API, Safety, az_rest, free_name};
use crate::address::AddressSet;
use crate::estate::Estate;
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
            vec![Flows::new(exposure::subnet(estate, subnet), exposure::server(server), POSTGRES)],
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
            vec![Flows::new(range.clone().into(), exposure::server(server), POSTGRES)],
        )],
        affected: Vec::new(),
        edits: vec![Edit::Put(rule.clone(), body)],
        resource: rule,
    }
}

/// Deletes a VNet rule, so that it can be made again.
pub fn delete_vnet_rule(rule: &ResourceId, state: &str) -> Change {
    let request = Request::delete(rule, SINGLE_API);
    let wait = may_become_ready(state).then(|| {
        format!(
            "state `{state}` may become Ready by itself: delete rule `{}` only where it has not done so in a quarter of an hour",
            rule.name()
        )
    });
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
        affected: wait.into_iter().collect(),
        edits: vec![Edit::Remove(rule.clone())],
    }
}

/// Whether a VNet rule of a state is on its way: Azure makes it ready without anybody's help.
pub fn may_become_ready(state: &str) -> bool {
    ["initializing", "inprogress"].iter().any(|one| state.eq_ignore_ascii_case(one))
}
