//! Gateways, DNS resolvers, hubs and network managers of Terraform as ARM bodies.

use serde_json::{Value, json};

use super::fields::{Fields, body, object};

pub(super) fn gateway(fields: &Fields) -> Value {
    let configurations = fields.list("ip_configuration", frontend);
    body(
        fields,
        [
            ("gatewayType", fields.get("type")),
            ("vpnType", fields.get("vpn_type")),
            ("enableBgp", speaks_bgp(fields)),
            ("ipConfigurations", configurations),
        ],
    )
}

fn speaks_bgp(fields: &Fields) -> Option<Value> {
    fields.first(&["bgp_enabled", "enable_bgp"])
}

/// A place in a subnet, with a public address.
pub(super) fn frontend(block: Fields) -> Value {
    let properties = object([
        ("privateIPAddress", block.get("private_ip_address")),
        ("subnet", block.reference("subnet_id")),
        ("publicIPAddress", block.reference("public_ip_address_id")),
    ]);
    object([("name", block.get("name")), ("properties", Some(properties))])
}

pub(super) fn local_gateway(fields: &Fields) -> Value {
    let space = fields.get("address_space").map(|list| json!({ "addressPrefixes": list }));
    body(fields, [("localNetworkAddressSpace", space)])
}

/// A connection. Its status is not in Terraform's state.
pub(super) fn gateway_connection(fields: &Fields) -> Value {
    body(
        fields,
        [
            ("connectionType", fields.get("type")),
            ("enableBgp", speaks_bgp(fields)),
            ("virtualNetworkGateway1", fields.reference("virtual_network_gateway_id")),
            ("virtualNetworkGateway2", fields.reference("peer_virtual_network_gateway_id")),
            ("localNetworkGateway2", fields.reference("local_network_gateway_id")),
        ],
    )
}

pub(super) fn hub_connection(fields: &Fields) -> Value {
    body(fields, [("remoteVirtualNetwork", fields.reference("remote_virtual_network_id"))])
}

pub(super) fn inbound_endpoint(fields: &Fields) -> Value {
    let configurations = fields.list("ip_configurations", |block| {
        object([
            ("privateIpAddress", block.get("private_ip_address")),
            ("subnet", block.reference("subnet_id")),
        ])
    });
    body(fields, [("ipConfigurations", configurations)])
}

pub(super) fn forwarding_ruleset(fields: &Fields) -> Value {
    body(fields, [])
}

pub(super) fn forwarding_rule(fields: &Fields) -> Value {
    let servers = fields.list("target_dns_servers", |block| {
        object([("ipAddress", block.get("ip_address")), ("port", block.get("port"))])
    });
    body(
        fields,
        [
            ("domainName", fields.get("domain_name")),
            ("forwardingRuleState", fields.switch("enabled")),
            ("targetDnsServers", servers),
        ],
    )
}

pub(super) fn ruleset_link(fields: &Fields) -> Value {
    body(fields, [("virtualNetwork", fields.reference("virtual_network_id"))])
}

pub(super) fn network_manager(fields: &Fields) -> Value {
    body(fields, [("networkManagerScopeAccesses", fields.get("scope_accesses"))])
}

pub(super) fn rule_collection(fields: &Fields) -> Value {
    let groups = fields.get("network_group_ids").map(|list| match list {
        Value::Array(items) => items.into_iter().map(group).collect(),
        unresolved => unresolved,
    });
    body(fields, [("appliesToGroups", groups)])
}

fn group(id: Value) -> Value {
    json!({ "networkGroupId": id })
}

pub(super) fn admin_rule(fields: &Fields) -> Value {
    let side = |name: &str| {
        fields.list(name, |block| object([("addressPrefix", block.get("address_prefix"))]))
    };
    body(
        fields,
        [
            ("access", fields.get("action")),
            ("direction", fields.get("direction")),
            ("priority", fields.get("priority")),
            ("protocol", fields.get("protocol")),
            ("sourcePortRanges", fields.get("source_port_ranges")),
            ("destinationPortRanges", fields.get("destination_port_ranges")),
            ("sources", side("source")),
            ("destinations", side("destination")),
        ],
    )
}

pub(super) fn connectivity(fields: &Fields) -> Value {
    let groups = fields.list("applies_to_group", |block| {
        object([
            ("groupConnectivity", block.get("group_connectivity")),
            ("isGlobal", block.get("global_mesh_enabled")),
            ("networkGroupId", block.get("network_group_id")),
        ])
    });
    body(
        fields,
        [
            ("connectivityTopology", fields.get("connectivity_topology")),
            ("isGlobal", fields.get("global_mesh_enabled")),
            ("appliesToGroups", groups),
        ],
    )
}

pub(super) fn group_member(fields: &Fields) -> Value {
    body(fields, [("resourceId", fields.get("target_virtual_network_id"))])
}
