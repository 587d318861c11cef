//! ARM bodies of the provider's types: which function writes which.

use serde_json::Value;

use super::fields::Fields;
use super::world::BOUND;
use super::{network, service};
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
        "azurerm_virtual_network_gateway" => network::gateway(fields),
        "azurerm_lb" => network::load_balancer(fields),
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
