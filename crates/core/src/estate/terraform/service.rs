//! Private endpoints, private DNS and PostgreSQL servers of Terraform as ARM bodies.

use serde_json::{Value, json};

use super::fields::{Fields, body, object, referring};
use crate::estate::unresolved::{is_unresolved, unresolved};
use crate::id::ResourceId;

/// An endpoint. Whether its connection is approved is not in Terraform's state.
pub(super) fn endpoint(fields: &Fields) -> Value {
    let connections = |is_manual: bool| -> Value {
        let blocks = fields.blocks("private_service_connection");
        let is_meant = |block: &Fields| {
            block.get("is_manual_connection").and_then(|one| one.as_bool()) == Some(is_manual)
        };
        blocks.filter(is_meant).map(|block| connection(&block)).collect()
    };
    let interfaces = fields.list("network_interface", |block| object([("id", block.get("id"))]));
    let configs = fields.list("custom_dns_configs", |block| {
        object([("fqdn", block.get("fqdn")), ("ipAddresses", block.get("ip_addresses"))])
    });
    body(
        fields,
        [
            ("subnet", fields.reference("subnet_id")),
            ("privateLinkServiceConnections", Some(connections(false))),
            ("manualPrivateLinkServiceConnections", Some(connections(true))),
            ("customDnsConfigs", configs),
            ("ipConfigurations", addresses(fields)),
            ("networkInterfaces", interfaces),
            ("customNetworkInterfaceName", fields.get("custom_network_interface_name")),
        ],
    )
}

fn connection(block: &Fields) -> Value {
    let properties = object([
        ("privateLinkServiceId", block.get("private_connection_resource_id")),
        ("groupIds", block.get("subresource_names")),
        ("requestMessage", block.get("request_message")),
    ]);
    object([("name", block.get("name")), ("properties", Some(properties))])
}

/// Addresses that were asked for, or the one that the connection got.
fn addresses(fields: &Fields) -> Option<Value> {
    let one = |block: Fields| {
        let properties = object([
            ("privateIPAddress", block.get("private_ip_address")),
            ("groupId", block.get("subresource_name")),
            ("memberName", block.get("member_name")),
        ]);
        object([("name", block.get("name")), ("properties", Some(properties))])
    };
    let asked = fields.list("ip_configuration", one);
    if asked.as_ref().and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        return asked;
    }
    let got = fields.blocks("private_service_connection").filter_map(|block| {
        let address = block.get("private_ip_address").filter(|one| !is_unresolved(one))?;
        Some(json!({ "properties": { "privateIPAddress": address } }))
    });
    let got: Vec<Value> = got.collect();
    if got.is_empty() { asked } else { Some(Value::Array(got)) }
}

/// The zone groups of an endpoint: blocks of it in Terraform, children of it in ARM.
pub(super) fn zone_groups(id: &ResourceId, fields: &Fields) -> Vec<(ResourceId, Value)> {
    let group = |block: Fields| {
        let name = block.text("name")?;
        let zones = block.values.get("private_dns_zone_ids").filter(|zones| !zones.is_null());
        let configs = match zones.and_then(Value::as_array) {
            Some(list) => list.iter().map(|zone| zone_config(fields, zone)).collect(),
            None => zones?.clone(),
        };
        let body = json!({ "properties": { "privateDnsZoneConfigs": configs } });
        Some((id.child("privateDnsZoneGroups", name), body))
    };
    fields.blocks("private_dns_zone_group").filter_map(group).collect()
}

/// The records that a group writes stand in no state: what it says of them is that it wrote them. So it stands for them.
fn zone_config(fields: &Fields, zone: &Value) -> Value {
    let is_its = |block: &Fields| block.get("private_dns_zone_id").as_ref() == Some(zone);
    let written = fields.blocks("private_dns_zone_configs").find(is_its);
    let name = written.and_then(|block| block.get("name"));
    let properties =
        object([("privateDnsZoneId", Some(zone.clone())), ("recordSets", Some(unresolved("")))]);
    object([("name", name), ("properties", Some(properties))])
}

pub(super) fn zone(fields: &Fields) -> Value {
    let properties = object([("numberOfRecordSets", fields.get("number_of_record_sets"))]);
    json!({ "location": "global", "properties": properties })
}

pub(super) fn link(fields: &Fields) -> Value {
    let properties = object([
        ("virtualNetwork", fields.reference("virtual_network_id")),
        ("registrationEnabled", fields.get("registration_enabled")),
        ("resolutionPolicy", fields.get("resolution_policy")),
    ]);
    json!({ "location": "global", "properties": properties })
}

pub(super) fn addresses_record(fields: &Fields) -> Value {
    let entry = |address: Value| json!({ "ipv4Address": address });
    let records = fields.get("records").map(|list| match list {
        Value::Array(items) => items.into_iter().map(entry).collect(),
        unresolved => unresolved,
    });
    body(fields, [("ttl", fields.get("ttl")), ("aRecords", records)])
}

pub(super) fn alias_record(fields: &Fields) -> Value {
    let alias = fields.get("record").map(|name| json!({ "cname": name }));
    body(fields, [("ttl", fields.get("ttl")), ("cnameRecord", alias)])
}

/// A server. Its state is not in Terraform's.
pub(super) fn single_server(fields: &Fields) -> Value {
    let mut server = body(
        fields,
        [
            ("publicNetworkAccess", fields.switch("public_network_access_enabled")),
            ("sslEnforcement", fields.switch("ssl_enforcement_enabled")),
            ("fullyQualifiedDomainName", fields.get("fqdn")),
            ("version", fields.get("version")),
        ],
    );
    server["sku"] = sku(fields);
    server
}

/// A flexible server. What is not configured of its network is what Azure does without it: a server that is not in a subnet.
pub(super) fn flexible_server(fields: &Fields) -> Value {
    let network = object([
        ("publicNetworkAccess", fields.switch("public_network_access_enabled")),
        ("delegatedSubnetResourceId", fields.get("delegated_subnet_id")),
        ("privateDnsZoneArmResourceId", fields.get("private_dns_zone_id")),
    ]);
    let mut server = body(
        fields,
        [
            ("network", Some(network)),
            ("fullyQualifiedDomainName", fields.get("fqdn")),
            ("version", fields.get("version")),
        ],
    );
    server["sku"] = sku(fields);
    server
}

/// `GP_Gen5_4` and `GP_Standard_D4s_v3` begin with their tier.
fn sku(fields: &Fields) -> Value {
    let tier = fields.text("sku_name").and_then(|name| match name.split('_').next()? {
        "B" => Some("Basic"),
        "GP" => Some("GeneralPurpose"),
        "MO" => Some("MemoryOptimized"),
        _ => None,
    });
    // The small tier has another name on flexible servers.
    let is_burstable = fields.text("sku_name").is_some_and(|name| name.starts_with("B_Standard"));
    let tier = if is_burstable { Some("Burstable") } else { tier };
    object([("name", fields.get("sku_name")), ("tier", tier.map(|tier| json!(tier)))])
}

pub(super) fn firewall_rule(fields: &Fields) -> Value {
    body(
        fields,
        [
            ("startIpAddress", fields.get("start_ip_address")),
            ("endIpAddress", fields.get("end_ip_address")),
        ],
    )
}

pub(super) fn vnet_rule(fields: &Fields) -> Value {
    body(
        fields,
        [
            ("virtualNetworkSubnetId", fields.get("subnet_id")),
            (
                "ignoreMissingVnetServiceEndpoint",
                fields.get("ignore_missing_vnet_service_endpoint"),
            ),
        ],
    )
}

pub(super) fn setting(fields: &Fields) -> Value {
    body(fields, [("value", fields.get("value"))])
}

pub(super) fn lock(fields: &Fields) -> Value {
    body(fields, [("level", fields.get("lock_level"))])
}

/// The body of an `azapi_resource`, which is ARM already; older versions of the provider write it as text.
pub(super) fn azapi(fields: &Fields) -> Value {
    let body = match fields.get("body") {
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::Null),
        Some(body) => body,
        None => Value::Null,
    };
    let mut resource = match is_unresolved(&body) {
        true => json!({ "properties": body }),
        false => Value::Object(body.as_object().cloned().unwrap_or_default()),
    };
    if let Some(location) = fields.get("location") {
        resource["location"] = location;
    }
    resource
}

/// What is bound to a subnet or an interface by a resource of its own: the attribute of the owner's id, and the property.
pub(super) fn binding(kind: &str, fields: &Fields) -> Option<(&'static str, &'static str, Value)> {
    let (owner, property, attribute) = match kind {
        "azurerm_subnet_network_security_group_association" => {
            ("subnet_id", "networkSecurityGroup", "network_security_group_id")
        }
        "azurerm_subnet_route_table_association" => ("subnet_id", "routeTable", "route_table_id"),
        "azurerm_subnet_nat_gateway_association" => ("subnet_id", "natGateway", "nat_gateway_id"),
        "azurerm_network_interface_security_group_association" => {
            ("network_interface_id", "networkSecurityGroup", "network_security_group_id")
        }
        "azurerm_virtual_network_dns_servers" => {
            let servers = fields.get("dns_servers").unwrap_or_else(|| json!([]));
            return Some(("virtual_network_id", "dhcpOptions", json!({ "dnsServers": servers })));
        }
        _ => return None,
    };
    let bound = fields.get(attribute).map_or_else(super::fields::not_told, referring);
    Some((owner, property, bound))
}
