//! What a resource is found by: the keys that its id and its facts give.

use std::net::Ipv4Addr;

use super::Facts;
use crate::id::ResourceId;

/// What a question about an estate depends on, and what a change of a resource touches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A resource, or its absence.
    Resource(ResourceId),
    /// The resources below another one.
    Below(ResourceId),
    /// The resources below another one that say nothing which could be read.
    UnreadBelow(ResourceId),
    /// All resources of a kind, by its noun.
    Kind(&'static str),
    /// The virtual network links of a network.
    LinksOf(ResourceId),
    /// The private endpoints in a network.
    EndpointsIn(ResourceId),
    /// The private endpoints that connect to a service.
    EndpointsOf(ResourceId),
    /// The network interfaces of a private endpoint.
    InterfacesOf(ResourceId),
    /// The zone groups that say they wrote a record set.
    WritersOf(ResourceId),
    /// The resources that a security group or a route table acts on.
    UsersOf(ResourceId),
    /// The private DNS zones of a name, in lower case.
    ZonesNamed(String),
    /// The record sets, endpoints, interfaces, load balancers, firewalls and resolver endpoints that hold an address.
    Holders(Ipv4Addr),
    /// The locks that act on a scope, in lower case.
    LocksOn(String),
    /// The gateways of a network.
    GatewaysOf(ResourceId),
    /// The connections that join a network to virtual hubs.
    HubsOf(ResourceId),
    /// Connections of virtual hubs that do not tell their network.
    HubsOfUnknown,
    /// The connections of a gateway.
    ConnectionsOf(ResourceId),
    /// Connections that do not tell their gateway.
    ConnectionsOfUnknown,
    /// The forwarding rulesets of a network, by their links.
    RulesetsOf(ResourceId),
    /// The network groups that a network is a member of.
    GroupsOf(ResourceId),
    /// The halves of peerings in a network that lead to another one.
    PeeringsBetween(ResourceId, ResourceId),
    /// The flexible servers injected into a network.
    ServersIn(ResourceId),
    /// The servers of a name or a fully qualified name, in lower case.
    ServersNamed(String),
}

/// Keys under which a resource is found.
pub(super) fn keys_of(id: &ResourceId, facts: &Facts) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut above = id.parent();
    while let Some(parent) = above {
        above = parent.parent();
        keys.push(Key::Below(parent));
    }
    keys.extend(facts.noun().map(Key::Kind));
    keys.extend(zone_of(id).map(|zone| Key::ZonesNamed(zone.name().to_ascii_lowercase())));
    match facts {
        Facts::Link(link) => keys.push(Key::LinksOf(link.vnet.clone())),
        Facts::Endpoint(endpoint) => {
            let services = endpoint.connections.iter().filter_map(|one| one.service.clone());
            keys.extend(services.map(Key::EndpointsOf));
            let vnet = endpoint.subnet.as_ref().and_then(ResourceId::parent);
            keys.extend(vnet.map(Key::EndpointsIn));
            keys.extend(endpoint.addresses.iter().copied().map(Key::Holders));
        }
        Facts::ZoneGroup(group) => {
            keys.extend(group.records.iter().cloned().map(Key::WritersOf));
        }
        Facts::Interface(interface) => {
            keys.extend(interface.endpoint.clone().map(Key::InterfacesOf));
            keys.extend(interface.addresses.iter().copied().map(Key::Holders));
        }
        Facts::Record(record) => {
            keys.extend(record.addresses.iter().flatten().copied().map(Key::Holders));
        }
        Facts::LoadBalancer(balancer) => {
            keys.extend(balancer.frontends.iter().map(|one| Key::Holders(one.address)));
        }
        Facts::Firewall(firewall) => {
            keys.extend(firewall.frontends.iter().map(|one| Key::Holders(one.address)));
        }
        Facts::InboundEndpoint(endpoint) => {
            keys.extend(endpoint.addresses.iter().copied().map(Key::Holders));
        }
        Facts::Gateway(gateway) => keys.extend(gateway.vnets().map(Key::GatewaysOf)),
        Facts::GatewayConnection(connection) => {
            keys.extend(connection.gateways.iter().cloned().map(Key::ConnectionsOf));
            if connection.gateways.is_empty() {
                keys.push(Key::ConnectionsOfUnknown);
            }
        }
        Facts::Lock(_) => keys.push(Key::LocksOn(id.scope())),
        Facts::RulesetLink(link) => keys.push(Key::RulesetsOf(link.vnet.clone())),
        Facts::Peering(peering) => {
            let between = |near| Key::PeeringsBetween(near, peering.remote.clone());
            keys.extend(id.parent().map(between));
        }
        Facts::Server(server) => {
            let vnet = server.delegated_subnet.as_ref().and_then(ResourceId::parent);
            keys.extend(vnet.map(Key::ServersIn));
            keys.push(Key::ServersNamed(id.name().to_ascii_lowercase()));
            keys.extend(
                server.fqdn.as_ref().map(|fqdn| Key::ServersNamed(fqdn.to_ascii_lowercase())),
            );
        }
        Facts::HubConnection(connection) => {
            keys.push(connection.vnet.clone().map_or(Key::HubsOfUnknown, Key::HubsOf));
        }
        Facts::GroupMember(member) => keys.push(Key::GroupsOf(member.vnet.clone())),
        Facts::Subnet(subnet) => {
            let used = [&subnet.security_group, &subnet.route_table];
            keys.extend(
                used.into_iter().filter_map(|one| one.to()).map(|id| Key::UsersOf(id.clone())),
            );
        }
        Facts::Other => keys.extend(id.parent().map(Key::UnreadBelow)),
        _ => {}
    }
    keys
}

/// The private DNS zone that a resource is, or is a child of.
pub(super) fn zone_of(id: &ResourceId) -> Option<ResourceId> {
    let is_zone = |id: &ResourceId| id.is_type("microsoft.network/privatednszones");
    if is_zone(id) { Some(id.clone()) } else { id.parent().filter(is_zone) }
}
