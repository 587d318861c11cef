//! Networks, subnets, peerings and route tables as facts.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::body::{Node, Problems, parse_network};
use crate::id::ResourceId;

/// A virtual network.
#[derive(Debug, Clone)]
pub struct Vnet {
    /// Azure's name of the region, as written.
    pub location: Option<String>,
    /// Address space.
    pub space: Vec<Ipv4Net>,
    /// Empty means Azure-provided DNS.
    pub dns_servers: Vec<Ipv4Addr>,
    /// Pointer of the DNS servers, whether there are any or not.
    pub dns_pointer: String,
}

/// A subnet.
#[derive(Debug, Clone)]
pub struct Subnet {
    /// Address prefixes; normally one.
    pub prefixes: Vec<Ipv4Net>,
    /// Network security group bound to it.
    pub security_group: Option<ResourceId>,
    /// Route table bound to it.
    pub route_table: Option<ResourceId>,
    /// Service endpoints that are on, such as `Microsoft.Sql`.
    pub service_endpoints: Vec<String>,
    /// Services that the subnet is delegated to.
    pub delegations: Vec<String>,
    /// `privateEndpointNetworkPolicies`, as written.
    pub endpoint_policies: Option<String>,
    /// Prefix of the subnet's fields: `/properties`, or empty in output of az.
    pub fields: &'static str,
}

/// One half of a peering: what the network that owns it says.
#[derive(Debug, Clone)]
pub struct Peering {
    /// The other network.
    pub remote: ResourceId,
    /// `Initiated`, `Connected` or `Disconnected`, as written.
    pub state: Option<String>,
    /// `allowVirtualNetworkAccess`.
    pub allows_access: Option<bool>,
    /// `remoteAddressSpace`: the prefixes that are routed. Empty when not observed.
    pub remote_space: Vec<Ipv4Net>,
    /// Subnet names on both sides when only some subnets are peered.
    pub subnets_only: Option<(Vec<String>, Vec<String>)>,
    /// Prefix of its fields.
    pub fields: &'static str,
}

/// A route table.
#[derive(Debug, Clone)]
pub struct RouteTable {
    /// `None` when the body does not list its routes.
    pub routes: Option<Vec<Route>>,
}

/// A user-defined route.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// What it catches.
    pub prefix: RoutePrefix,
    /// Where it leads.
    pub next_hop: NextHop,
    /// The resource that holds the route: the table, or the route itself where it was captured alone.
    pub resource: ResourceId,
    /// Pointer in that resource's body.
    pub pointer: String,
}

/// What a route catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutePrefix {
    /// An address prefix.
    Network(Ipv4Net),
    /// A service tag, such as `Sql.WestEurope`, or a text that could not be read as a prefix.
    Tag(String),
}

/// Where a route leads (`nextHopType`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextHop {
    /// `VnetLocal`.
    Local,
    /// `Internet`.
    Internet,
    /// `None`: packets are dropped.
    Drop,
    /// `VirtualAppliance`, with its address.
    Appliance(String),
    /// `VirtualNetworkGateway`.
    Gateway,
    /// A value this model does not know.
    Other(String),
}

pub(crate) fn fields_of(node: &Node) -> &'static str {
    if node.field("properties").is_some() { "/properties" } else { "" }
}

pub(crate) fn vnet(node: &Node, problems: &mut Problems) -> Vnet {
    Vnet {
        location: node.text("location", problems),
        space: node.networks(
            "addressSpace.addressPrefix",
            "addressSpace.addressPrefixes",
            problems,
        ),
        dns_servers: node.addresses("dhcpOptions.dnsServers", problems),
        dns_pointer: format!("{}/dhcpOptions/dnsServers", fields_of(node)),
    }
}

pub(crate) fn subnet(node: &Node, problems: &mut Problems) -> Subnet {
    let services = node.array("serviceEndpoints", problems).unwrap_or_default();
    let delegations = node.array("delegations", problems).unwrap_or_default();
    Subnet {
        prefixes: node.networks("addressPrefix", "addressPrefixes", problems),
        security_group: node.id("networkSecurityGroup.id", problems),
        route_table: node.id("routeTable.id", problems),
        service_endpoints: services
            .iter()
            .filter_map(|one| one.text("service", problems))
            .collect(),
        delegations: delegations
            .iter()
            .filter_map(|one| one.text("serviceName", problems))
            .collect(),
        endpoint_policies: node.text("privateEndpointNetworkPolicies", problems),
        fields: fields_of(node),
    }
}

pub(crate) fn peering(node: &Node, problems: &mut Problems) -> Option<Peering> {
    let Some(remote) = node.id("remoteVirtualNetwork.id", problems) else {
        problems.add("", "peering without remoteVirtualNetwork.id; it is left out");
        return None;
    };
    let whole = node.flag("peerCompleteVnets", problems).unwrap_or(true);
    let subnets_only = (!whole).then(|| {
        (node.texts("localSubnetNames", problems), node.texts("remoteSubnetNames", problems))
    });
    Some(Peering {
        remote,
        state: node.text("peeringState", problems),
        allows_access: node.flag("allowVirtualNetworkAccess", problems),
        remote_space: node.networks(
            "remoteAddressSpace.addressPrefix",
            "remoteAddressSpace.addressPrefixes",
            problems,
        ),
        subnets_only,
        fields: fields_of(node),
    })
}

pub(crate) fn route_table(id: &ResourceId, node: &Node, problems: &mut Problems) -> RouteTable {
    let routes = node.array("routes", problems);
    RouteTable {
        routes: routes.map(|list| list.iter().filter_map(|one| route(id, one, problems)).collect()),
    }
}

/// One route; `None` for IPv6.
pub(crate) fn route(resource: &ResourceId, node: &Node, problems: &mut Problems) -> Option<Route> {
    let text = node.text("addressPrefix", problems).unwrap_or_default();
    let prefix = match parse_network(&text) {
        Some(network) => RoutePrefix::Network(network),
        None if text.contains(':') => return None,
        None => RoutePrefix::Tag(text),
    };
    let kind = node.text("nextHopType", problems).unwrap_or_default();
    let next_hop = match kind.to_ascii_lowercase().as_str() {
        "vnetlocal" | "virtualnetwork" => NextHop::Local,
        "internet" => NextHop::Internet,
        "none" => NextHop::Drop,
        "virtualnetworkgateway" => NextHop::Gateway,
        "virtualappliance" => {
            NextHop::Appliance(node.text("nextHopIpAddress", problems).unwrap_or_default())
        }
        _ => NextHop::Other(kind),
    };
    Some(Route {
        name: node.text("name", problems).unwrap_or_else(|| resource.name().to_owned()),
        prefix,
        next_hop,
        resource: resource.clone(),
        pointer: node.pointer.clone(),
    })
}
