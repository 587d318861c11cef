//! ARM bodies of the provider's types: which function writes which.

use serde_json::Value;

use super::fields::Fields;
use super::world::BOUND;
use super::{balancers, firewall, network, service, surroundings};
use crate::id::ResourceId;

/// The body of a resource of a provider's type.
pub(super) fn body_of(kind: &str, id: &ResourceId, fields: &Fields) -> Value {
    match kind {
        "azurerm_virtual_network" => network::vnet(id, fields),
        "azurerm_subnet" => bound_subnet(fields),
        "azurerm_virtual_network_peering" => network::peering(fields),
        "azurerm_network_security_group" => network::security_group(fields),
        "azurerm_network_security_rule" => network::rule(fields),
        "azurerm_route_table" => network::route_table(fields),
        "azurerm_route" => network::route(fields),
        "azurerm_network_interface" => network::interface(fields),
        "azurerm_public_ip" => network::public_address(fields),
        "azurerm_public_ip_prefix" => network::public_prefix(fields),
        "azurerm_nat_gateway" => network::nat_gateway(fields),
        "azurerm_lb" => balancers::load_balancer(id, fields),
        "azurerm_private_endpoint" => service::endpoint(fields),
        "azurerm_private_dns_zone" => service::zone(fields),
        "azurerm_private_dns_zone_virtual_network_link" => service::link(fields),
        "azurerm_private_dns_a_record" => service::addresses_record(fields),
        "azurerm_private_dns_cname_record" => service::alias_record(fields),
        "azurerm_postgresql_server" => service::single_server(fields),
        "azurerm_postgresql_flexible_server" => service::flexible_server(fields),
        "azurerm_postgresql_firewall_rule" | "azurerm_postgresql_flexible_server_firewall_rule" => {
            service::firewall_rule(fields)
        }
        "azurerm_postgresql_virtual_network_rule" => service::vnet_rule(fields),
        "azurerm_postgresql_configuration" | "azurerm_postgresql_flexible_server_configuration" => {
            service::setting(fields)
        }
        "azurerm_management_lock" => service::lock(fields),
        kind => around(kind, fields),
    }
}

/// The body of what stands around the networks.
fn around(kind: &str, fields: &Fields) -> Value {
    match kind {
        "azurerm_virtual_network_gateway" => surroundings::gateway(fields),
        "azurerm_local_network_gateway" => surroundings::local_gateway(fields),
        "azurerm_virtual_network_gateway_connection" => surroundings::gateway_connection(fields),
        "azurerm_virtual_hub_connection" => surroundings::hub_connection(fields),
        "azurerm_firewall" => firewall::firewall(fields),
        "azurerm_firewall_policy" => firewall::policy(fields),
        "azurerm_firewall_policy_rule_collection_group" => firewall::group(fields),
        "azurerm_ip_group" => firewall::ip_group(fields),
        "azurerm_private_dns_resolver_inbound_endpoint" => surroundings::inbound_endpoint(fields),
        "azurerm_private_dns_resolver_dns_forwarding_ruleset" => {
            surroundings::forwarding_ruleset(fields)
        }
        "azurerm_private_dns_resolver_forwarding_rule" => surroundings::forwarding_rule(fields),
        "azurerm_private_dns_resolver_virtual_network_link" => surroundings::ruleset_link(fields),
        "azurerm_network_manager" => surroundings::network_manager(fields),
        "azurerm_network_manager_admin_rule_collection" => surroundings::rule_collection(fields),
        "azurerm_network_manager_admin_rule" => surroundings::admin_rule(fields),
        "azurerm_network_manager_connectivity_configuration" => surroundings::connectivity(fields),
        "azurerm_network_manager_static_member" => surroundings::group_member(fields),
        _ => service::azapi(fields),
    }
}

/// A subnet with what its own attributes say is bound to it.
fn bound_subnet(fields: &Fields) -> Value {
    let mut subnet = network::subnet(fields);
    for (property, attribute) in BOUND {
        if let Some(value) = fields.reference(attribute) {
            subnet["properties"][property] = value;
        }
    }
    subnet
}

/// Resources that are written inside of another one.
pub(super) fn children_of(
    kind: &str,
    id: &ResourceId,
    fields: &Fields,
) -> Vec<(ResourceId, Value)> {
    match kind {
        "azurerm_private_endpoint" => service::zone_groups(id, fields),
        _ => Vec::new(),
    }
}
