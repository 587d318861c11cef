//! Networks, subnets, peerings, security groups, routes and interfaces of Terraform as ARM bodies.

use serde_json::{Value, json};

use super::fields::{Fields, body, not_told, object, referring};
use crate::id::ResourceId;

pub(super) fn vnet(id: &ResourceId, fields: &Fields) -> Value {
    let subnets = fields.list("subnet", |block| {
        let mut subnet = subnet(&block);
        subnet["name"] = block.get("name").unwrap_or(Value::Null);
        if let Some(name) = block.text("name") {
            subnet["id"] = json!(id.child("subnets", name).as_str());
        }
        for (field, attribute) in
            [("networkSecurityGroup", "security_group"), ("routeTable", "route_table_id")]
        {
            if let Some(reference) = block.told_reference(attribute) {
                subnet["properties"][field] = reference;
            }
        }
        subnet
    });
    let servers = fields.told("dns_servers");
    body(
        fields,
        [
            (
                "addressSpace",
                fields.get("address_space").map(|list| json!({ "addressPrefixes": list })),
            ),
            ("dhcpOptions", servers.map(|list| json!({ "dnsServers": list }))),
            ("subnets", subnets),
        ],
    )
}

/// A subnet as a resource, or as a block of its network. What is bound to it is added where that is known.
pub(super) fn subnet(fields: &Fields) -> Value {
    let named = |service: Value| json!({ "service": service });
    let listed = fields.get("service_endpoints").map(|list| match list {
        Value::Array(items) => items.into_iter().map(named).collect(),
        unresolved => unresolved,
    });
    let blocks = || {
        fields.list("service_endpoint", |block| {
            match block.first(&["service", "service_name", "name"]) {
                Some(service) => named(service),
                None => block.values.as_str().map_or(json!({}), |text| named(json!(text))),
            }
        })
    };
    let delegations = fields.list("delegation", |block| {
        let service = block.blocks("service_delegation").find_map(|one| one.get("name"));
        object([
            ("name", block.get("name")),
            ("properties", Some(object([("serviceName", service)]))),
        ])
    });
    body(
        fields,
        [
            ("addressPrefix", fields.get("address_prefix")),
            ("addressPrefixes", fields.get("address_prefixes")),
            ("serviceEndpoints", listed.or_else(blocks)),
            ("delegations", delegations),
            ("privateEndpointNetworkPolicies", endpoint_policies(fields)),
            ("defaultOutboundAccess", fields.get("default_outbound_access_enabled")),
        ],
    )
}

/// Three spellings: a word since 3.99, a flag before, and a flag with the opposite meaning before that.
fn endpoint_policies(fields: &Fields) -> Option<Value> {
    let switch = || fields.switch("private_endpoint_network_policies_enabled");
    let opposite = || match fields.get("enforce_private_link_endpoint_network_policies")? {
        Value::Bool(true) => Some(json!("Disabled")),
        Value::Bool(false) => Some(json!("Enabled")),
        other => Some(other),
    };
    fields.get("private_endpoint_network_policies").or_else(switch).or_else(opposite)
}

pub(super) fn peering(fields: &Fields) -> Value {
    body(
        fields,
        [
            ("remoteVirtualNetwork", fields.reference("remote_virtual_network_id")),
            ("allowVirtualNetworkAccess", fields.get("allow_virtual_network_access")),
            ("allowForwardedTraffic", fields.get("allow_forwarded_traffic")),
            ("allowGatewayTransit", fields.get("allow_gateway_transit")),
            ("useRemoteGateways", fields.get("use_remote_gateways")),
            ("peerCompleteVnets", fields.get("peer_complete_virtual_networks_enabled")),
            ("localSubnetNames", fields.get("local_subnet_names")),
            ("remoteSubnetNames", fields.get("remote_subnet_names")),
        ],
    )
}

/// A group that the plan makes has the rules that the plan tells, and no others.
pub(super) fn security_group(fields: &Fields) -> Value {
    let rules = fields.list("security_rule", |block| {
        let mut one = rule(&block);
        one["name"] = block.get("name").unwrap_or(Value::Null);
        one
    });
    body(fields, [("securityRules", rules.or_else(|| fields.is_new.then(|| json!([]))))])
}

pub(super) fn rule(fields: &Fields) -> Value {
    let groups = |name: &str| {
        fields.get(name).map(|list| match list {
            Value::Array(items) => items.into_iter().map(referring).collect(),
            unresolved => unresolved,
        })
    };
    let properties = object([
        ("priority", fields.get("priority")),
        ("direction", fields.get("direction")),
        ("access", fields.get("access")),
        ("protocol", fields.get("protocol")),
        ("sourceAddressPrefix", fields.get("source_address_prefix")),
        ("sourceAddressPrefixes", fields.get("source_address_prefixes")),
        ("sourcePortRange", fields.get("source_port_range")),
        ("sourcePortRanges", fields.get("source_port_ranges")),
        ("sourceApplicationSecurityGroups", groups("source_application_security_group_ids")),
        ("destinationAddressPrefix", fields.get("destination_address_prefix")),
        ("destinationAddressPrefixes", fields.get("destination_address_prefixes")),
        ("destinationPortRange", fields.get("destination_port_range")),
        ("destinationPortRanges", fields.get("destination_port_ranges")),
        (
            "destinationApplicationSecurityGroups",
            groups("destination_application_security_group_ids"),
        ),
    ]);
    json!({ "properties": properties })
}

pub(super) fn route_table(fields: &Fields) -> Value {
    let routes = fields.list("route", |block| {
        let mut one = route(&block);
        one["name"] = block.get("name").unwrap_or(Value::Null);
        one
    });
    let propagates = fields.get("bgp_route_propagation_enabled").and_then(|one| one.as_bool());
    let stops = fields.get("disable_bgp_route_propagation");
    body(
        fields,
        [
            ("routes", routes.or_else(|| fields.is_new.then(|| json!([])))),
            ("disableBgpRoutePropagation", propagates.map(|one| json!(!one)).or(stops)),
        ],
    )
}

pub(super) fn route(fields: &Fields) -> Value {
    let properties = object([
        ("addressPrefix", fields.get("address_prefix")),
        ("nextHopType", fields.get("next_hop_type")),
        ("nextHopIpAddress", fields.get("next_hop_in_ip_address")),
    ]);
    json!({ "properties": properties })
}

pub(super) fn interface(fields: &Fields) -> Value {
    let configurations = fields.list("ip_configuration", |block| {
        let properties = object([
            ("privateIPAddress", block.get("private_ip_address")),
            ("subnet", block.reference("subnet_id")),
            ("publicIPAddress", block.reference("public_ip_address_id")),
            ("primary", block.get("primary")),
            ("applicationSecurityGroups", untold_members(&block)),
            ("loadBalancerBackendAddressPools", untold_members(&block)),
        ]);
        object([("name", block.get("name")), ("properties", Some(properties))])
    });
    let forwards = fields.first(&["ip_forwarding_enabled", "enable_ip_forwarding"]);
    body(
        fields,
        [
            ("ipConfigurations", configurations),
            ("enableIPForwarding", forwards),
            ("dnsSettings", fields.get("dns_servers").map(|list| json!({ "dnsServers": list }))),
            ("virtualMachine", fields.reference("virtual_machine_id")),
        ],
    )
}

/// A list whose entries are resources of their own: of an interface that exists there may be others than Terraform knows.
fn untold_members(block: &Fields) -> Option<Value> {
    (!block.is_new).then(not_told)
}

/// The interfaces of a machine, its first one first; `None` for other types.
pub(super) fn interfaces_of_machine(kind: &str, fields: &Fields) -> Option<Vec<ResourceId>> {
    if !kind.ends_with("_virtual_machine") {
        return None;
    }
    let listed = fields.get("network_interface_ids");
    let listed = listed.iter().filter_map(Value::as_array).flatten();
    Some(listed.filter_map(|one| ResourceId::parse(one.as_str()?)).collect())
}

pub(super) fn nat_gateway(fields: &Fields) -> Value {
    let references = |name: &str| {
        fields.get(name).map(|list| match list {
            Value::Array(items) => items.into_iter().map(referring).collect(),
            unresolved => unresolved,
        })
    };
    // Versions before 3 told them here; since then each is a resource of its own.
    body(
        fields,
        [
            ("publicIpAddresses", references("public_ip_address_ids")),
            ("publicIpPrefixes", references("public_ip_prefix_ids")),
        ],
    )
}

pub(super) fn public_address(fields: &Fields) -> Value {
    body(
        fields,
        [
            ("ipAddress", fields.get("ip_address")),
            ("publicIPAllocationMethod", fields.get("allocation_method")),
        ],
    )
}

pub(super) fn public_prefix(fields: &Fields) -> Value {
    body(fields, [("ipPrefix", fields.get("ip_prefix"))])
}
