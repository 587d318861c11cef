//! Load balancers, and their rules and pools, which Terraform writes as resources of their own.

use serde_json::{Value, json};

use super::super::unresolved::is_unresolved;
use super::fields::{Fields, body, not_told, object, referring};
use crate::id::ResourceId;

/// The attribute with the load balancer of a rule or a pool.
pub(super) const BALANCER: &str = "loadbalancer_id";

/// The list of a load balancer's pools.
pub(super) const POOLS: &str = "backendAddressPools";

/// The list of its rules for single interfaces.
pub(super) const NAT_RULES: &str = "inboundNatRules";

pub(super) fn load_balancer(id: &ResourceId, fields: &Fields) -> Value {
    let frontends = fields.list("frontend_ip_configuration", |block| {
        let properties = object([
            ("privateIPAddress", block.get("private_ip_address")),
            ("subnet", block.reference("subnet_id")),
            ("publicIPAddress", block.reference("public_ip_address_id")),
            ("publicIPPrefix", block.reference("public_ip_prefix_id")),
        ]);
        let own = frontend(id, &block, "name").and_then(|one| one.get("id").cloned());
        object([("id", own), ("name", block.get("name")), ("properties", Some(properties))])
    });
    let mut balancer = body(fields, [("frontendIPConfigurations", frontends)]);
    balancer["sku"] = object([("name", fields.get("sku"))]);
    balancer
}

/// The list of its load balancer that an instance stands in, and the entry that it is; `None` for other types.
pub(super) fn part(
    kind: &str,
    balancer: &ResourceId,
    fields: &Fields,
) -> Option<(&'static str, Value)> {
    let (list, properties) = match kind {
        "azurerm_lb_rule" => ("loadBalancingRules", rule(balancer, fields)),
        "azurerm_lb_nat_rule" => (NAT_RULES, nat_rule(balancer, fields)),
        "azurerm_lb_outbound_rule" => ("outboundRules", outbound_rule(balancer, fields)),
        "azurerm_lb_backend_address_pool" => (POOLS, pool(fields)),
        _ => return None,
    };
    let name = fields.text("name");
    let id = name.map(|name| json!(balancer.child(list, name).as_str()));
    Some((
        list,
        object([
            ("id", id),
            ("name", name.map(|name| json!(name))),
            ("properties", Some(properties)),
        ]),
    ))
}

/// The list that a type is an entry of; `None` for other types.
pub(super) fn list_of(kind: &str) -> Option<&'static str> {
    let lists = [
        ("azurerm_lb_rule", "loadBalancingRules"),
        ("azurerm_lb_nat_rule", NAT_RULES),
        ("azurerm_lb_outbound_rule", "outboundRules"),
        ("azurerm_lb_backend_address_pool", POOLS),
    ];
    lists.into_iter().find(|(one, _)| *one == kind).map(|(_, list)| list)
}

fn rule(balancer: &ResourceId, fields: &Fields) -> Value {
    // Version 3 of the provider made a list of the pool.
    let listed = fields.get("backend_address_pool_ids");
    let pool = match listed {
        Some(Value::Array(pools)) => match pools.as_slice() {
            [only] => Some(only.clone()),
            [] => None,
            [..] => Some(not_told()),
        },
        other => other,
    };
    object([
        ("frontendIPConfiguration", frontend(balancer, fields, "frontend_ip_configuration_name")),
        (
            "backendAddressPool",
            pool.or_else(|| fields.get("backend_address_pool_id")).map(referring),
        ),
        ("protocol", fields.get("protocol")),
        ("frontendPort", fields.get("frontend_port")),
        ("backendPort", fields.get("backend_port")),
        ("enableFloatingIP", floating(fields)),
        ("disableOutboundSnat", fields.get("disable_outbound_snat")),
    ])
}

fn nat_rule(balancer: &ResourceId, fields: &Fields) -> Value {
    object([
        ("frontendIPConfiguration", frontend(balancer, fields, "frontend_ip_configuration_name")),
        ("backendAddressPool", fields.reference("backend_address_pool_id")),
        ("backendIPConfiguration", fields.reference("backend_ip_configuration_id")),
        ("protocol", fields.get("protocol")),
        ("frontendPort", fields.get("frontend_port")),
        ("frontendPortRangeStart", fields.get("frontend_port_start")),
        ("frontendPortRangeEnd", fields.get("frontend_port_end")),
        ("backendPort", fields.get("backend_port")),
        ("enableFloatingIP", floating(fields)),
    ])
}

fn outbound_rule(balancer: &ResourceId, fields: &Fields) -> Value {
    let frontends = fields.list("frontend_ip_configuration", |block| {
        frontend(balancer, &block, "name").unwrap_or_else(not_told)
    });
    object([
        ("backendAddressPool", fields.reference("backend_address_pool_id")),
        ("frontendIPConfigurations", frontends),
    ])
}

/// The provider lists the interfaces that a pool had when it last looked.
fn pool(fields: &Fields) -> Value {
    let told = fields.told("backend_ip_configurations");
    let configurations = told.map(|list| match list {
        Value::Array(ids) => ids.into_iter().map(referring).collect(),
        unresolved => unresolved,
    });
    object([("backendIPConfigurations", configurations)])
}

/// The provider sends false where nothing is written.
fn floating(fields: &Fields) -> Option<Value> {
    fields.first(&["floating_ip_enabled", "enable_floating_ip"]).or(Some(json!(false)))
}

/// The frontend that an attribute names.
fn frontend(balancer: &ResourceId, fields: &Fields, name: &str) -> Option<Value> {
    let name = fields.get(name)?;
    match name.as_str() {
        Some(name) => {
            Some(json!({ "id": balancer.child("frontendIPConfigurations", name).as_str() }))
        }
        None => is_unresolved(&name).then_some(name),
    }
}
