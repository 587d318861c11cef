//! Which resource of the azurerm provider makes what a request makes, and under which names its arguments go.

use serde_json::{Map, Value};

use super::Azurerm;
use super::hcl::{Attributes, Block, attribute, string, value};
use crate::id::ResourceId;

/// How strings that are ids of things declared here are written.
pub(super) type Reference<'r> = &'r dyn Fn(&str) -> Option<String>;

/// Properties of a request under the provider's names; a property that is not in the list has no name there.
type Names = &'static [(&'static str, &'static str)];

const PEERING: Names = &[
    ("remoteVirtualNetwork", "remote_virtual_network_id"),
    ("allowVirtualNetworkAccess", "allow_virtual_network_access"),
    ("allowForwardedTraffic", "allow_forwarded_traffic"),
    ("allowGatewayTransit", "allow_gateway_transit"),
    ("useRemoteGateways", "use_remote_gateways"),
];
const LINK: Names =
    &[("virtualNetwork", "virtual_network_id"), ("registrationEnabled", "registration_enabled")];
const RECORD: Names = &[("ttl", "ttl"), ("aRecords", "records")];
const RULE: Names = &[
    ("description", "description"),
    ("priority", "priority"),
    ("direction", "direction"),
    ("access", "access"),
    ("protocol", "protocol"),
    ("sourceAddressPrefix", "source_address_prefix"),
    ("sourceAddressPrefixes", "source_address_prefixes"),
    ("sourcePortRange", "source_port_range"),
    ("sourcePortRanges", "source_port_ranges"),
    ("destinationAddressPrefix", "destination_address_prefix"),
    ("destinationAddressPrefixes", "destination_address_prefixes"),
    ("destinationPortRange", "destination_port_range"),
    ("destinationPortRanges", "destination_port_ranges"),
];
const SUBNET: Names = &[
    ("addressPrefix", "address_prefixes"),
    ("addressPrefixes", "address_prefixes"),
    ("privateEndpointNetworkPolicies", "private_endpoint_network_policies"),
];
const VNET_RULE: Names = &[
    ("virtualNetworkSubnetId", "subnet_id"),
    ("ignoreMissingVnetServiceEndpoint", "ignore_missing_vnet_service_endpoint"),
];
const FIREWALL: Names =
    &[("startIpAddress", "start_ip_address"), ("endIpAddress", "end_ip_address")];

const RULESET_LINK: Names = &[("virtualNetwork", "virtual_network_id")];
const ROUTE: Names = &[
    ("addressPrefix", "address_prefix"),
    ("nextHopType", "next_hop_type"),
    ("nextHopIpAddress", "next_hop_in_ip_address"),
];

/// A resource type of the provider.
pub(super) struct Known {
    /// Its name.
    pub(super) name: &'static str,
    names: Names,
    /// The argument that holds the parent's name, or its id when it ends with `_id`; none for a top resource.
    parent: Option<&'static str>,
}

/// The provider's resource for a new thing of this type; `None` where it has none, or none that can
/// say all of the body.
pub(super) fn known(id: &ResourceId, body: &Value, version: Azurerm) -> Option<Known> {
    let known = |name, names, parent| Some(Known { name, names, parent });
    let is_four = version == Azurerm::V4;
    let found = match id.resource_type().as_str() {
        "microsoft.network/privatednszones" => known("azurerm_private_dns_zone", &[], None),
        "microsoft.network/privatednszones/virtualnetworklinks" => {
            let parent = if is_four { "private_dns_zone_name" } else { "private_dns_zone_id" };
            known("azurerm_private_dns_zone_virtual_network_link", LINK, Some(parent))
        }
        "microsoft.network/privatednszones/a" => {
            let parent = if is_four { "zone_name" } else { "private_dns_zone_id" };
            known("azurerm_private_dns_a_record", RECORD, Some(parent))
        }
        "microsoft.network/virtualnetworks/virtualnetworkpeerings" => {
            known("azurerm_virtual_network_peering", PEERING, Some("virtual_network_name"))
        }
        "microsoft.network/virtualnetworks/subnets" => {
            known("azurerm_subnet", SUBNET, Some("virtual_network_name"))
        }
        "microsoft.network/networksecuritygroups/securityrules" => {
            known("azurerm_network_security_rule", RULE, Some("network_security_group_name"))
        }
        "microsoft.network/routetables/routes" if is_four => {
            known("azurerm_route", ROUTE, Some("route_table_name"))
        }
        "microsoft.network/dnsforwardingrulesets/virtualnetworklinks" => known(
            "azurerm_private_dns_resolver_virtual_network_link",
            RULESET_LINK,
            Some("dns_forwarding_ruleset_id"),
        ),
        "microsoft.network/privateendpoints" => known("azurerm_private_endpoint", &[], None),
        "microsoft.dbforpostgresql/servers/virtualnetworkrules" if is_four => {
            known("azurerm_postgresql_virtual_network_rule", VNET_RULE, Some("server_name"))
        }
        "microsoft.dbforpostgresql/servers/firewallrules" if is_four => {
            known("azurerm_postgresql_firewall_rule", FIREWALL, Some("server_name"))
        }
        "microsoft.dbforpostgresql/flexibleservers/firewallrules" => {
            known("azurerm_postgresql_flexible_server_firewall_rule", FIREWALL, Some("server_id"))
        }
        _ => None,
    }?;
    let says_all = match found.name {
        "azurerm_private_endpoint" => endpoint_parts(body).is_some(),
        _ => properties(body).keys().all(|own| found.names.iter().any(|(name, _)| name == own)),
    };
    says_all.then_some(found)
}

/// Properties of a body.
fn properties(body: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    body.get("properties").and_then(Value::as_object).unwrap_or(&NONE)
}

/// The arguments of a resource, its blocks left out.
pub(super) fn arguments(
    known: &Known,
    id: &ResourceId,
    body: &Value,
    reference: Reference<'_>,
) -> Attributes {
    let mut list = vec![attribute("name", string(id.name()))];
    let parent = id.parent();
    let by_id = known.parent.filter(|argument| argument.ends_with("_id"));
    if by_id.is_none() {
        list.push(attribute("resource_group_name", string(id.resource_group())));
    }
    if let (Some(argument), Some(parent)) = (known.parent, &parent) {
        let declared = reference(parent.as_str());
        let text = match by_id {
            Some(_) => value(&Value::from(parent.as_str()), 1, reference),
            None => declared
                .map(|one| one.trim_end_matches(".id").to_owned() + ".name")
                .unwrap_or_else(|| string(parent.name())),
        };
        list.push(attribute(argument, text));
    }
    if known.name == "azurerm_private_endpoint" {
        list.push(attribute("location", value(&body["location"], 1, reference)));
        list.push(attribute("subnet_id", value(&body["properties"]["subnet"]["id"], 1, reference)));
        return list;
    }
    for (name, field) in properties(body) {
        let Some((_, argument)) = known.names.iter().find(|(own, _)| own == name) else {
            continue;
        };
        list.push(attribute(argument, value(&plain(argument, field), 1, reference)));
    }
    list
}

/// A value as the provider wants it: ids and addresses out of their objects, a list where it has lists only.
fn plain(argument: &str, field: &Value) -> Value {
    match (argument, field) {
        ("records", Value::Array(records)) => {
            records.iter().map(|record| record["ipv4Address"].clone()).collect()
        }
        ("address_prefixes", Value::String(_)) => Value::Array(vec![field.clone()]),
        (_, Value::Object(fields)) => fields.get("id").cloned().unwrap_or_default(),
        _ => field.clone(),
    }
}

/// A private endpoint's body as the provider takes it apart.
struct EndpointParts<'b> {
    /// The name of its one automatic connection.
    connection: &'b str,
    service: &'b str,
    groups: &'b Value,
    /// The addresses it asks for, by name.
    addresses: Vec<(&'b str, &'b Map<String, Value>)>,
}

/// Fields of an address that a private endpoint asks for, under the provider's names.
const ADDRESS: Names = &[
    ("privateIPAddress", "private_ip_address"),
    ("groupId", "subresource_name"),
    ("memberName", "member_name"),
];

/// The parts of a private endpoint's body, when it says nothing that the provider could not.
fn endpoint_parts(body: &Value) -> Option<EndpointParts<'_>> {
    let own = properties(body);
    let known = ["subnet", "privateLinkServiceConnections", "ipConfigurations"];
    let [connection] = own.get("privateLinkServiceConnections")?.as_array()?.as_slice() else {
        return None;
    };
    let inner = connection.get("properties")?;
    let inner_known = ["privateLinkServiceId", "groupIds"];
    let configurations = own.get("ipConfigurations").and_then(Value::as_array);
    let mut addresses = Vec::new();
    for one in configurations.into_iter().flatten() {
        addresses.push((one.get("name")?.as_str()?, properties(one)));
    }
    let mut asked = addresses.iter().flat_map(|(_, fields)| fields.keys());
    let says_all = own.keys().all(|name| known.contains(&name.as_str()))
        && inner.as_object()?.keys().all(|name| inner_known.contains(&name.as_str()))
        && asked.all(|name| ADDRESS.iter().any(|(known, _)| known == name));
    says_all.then_some(EndpointParts {
        connection: connection.get("name")?.as_str()?,
        service: inner.get("privateLinkServiceId")?.as_str()?,
        groups: inner.get("groupIds")?,
        addresses,
    })
}

/// Blocks of a resource: a private endpoint's connection and addresses, and the zone group that the same plan attaches.
pub(super) fn blocks(
    known: &Known,
    body: &Value,
    group: Option<(&str, &Value)>,
    reference: Reference<'_>,
) -> Vec<Block> {
    if known.name != "azurerm_private_endpoint" {
        return Vec::new();
    }
    let mut blocks = Vec::new();
    if let Some(parts) = endpoint_parts(body) {
        let service = value(&Value::from(parts.service), 2, reference);
        blocks.push(Block::new(
            "private_service_connection",
            vec![
                attribute("name", string(parts.connection)),
                attribute("private_connection_resource_id", service),
                attribute("subresource_names", value(parts.groups, 2, reference)),
                attribute("is_manual_connection", "false"),
            ],
        ));
        for (name, fields) in parts.addresses {
            let mut list = vec![attribute("name", string(name))];
            for (own, argument) in ADDRESS {
                let field = fields.get(*own);
                list.extend(field.map(|field| attribute(argument, value(field, 2, reference))));
            }
            blocks.push(Block::new("ip_configuration", list));
        }
    }
    if let Some((name, body)) = group {
        let configs = properties(body).get("privateDnsZoneConfigs").and_then(Value::as_array);
        let zones: Value = configs
            .into_iter()
            .flatten()
            .map(|config| config["properties"]["privateDnsZoneId"].clone())
            .collect();
        blocks.push(Block::new(
            "private_dns_zone_group",
            vec![
                attribute("name", string(name)),
                attribute("private_dns_zone_ids", value(&zones, 2, reference)),
            ],
        ));
    }
    blocks
}
