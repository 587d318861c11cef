//! Networks, subnets, peerings and route tables as facts.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Unsettled;
use super::body::{Node, parse_network};
use super::problem::Problems;
use super::reference::Reference;
use crate::id::ResourceId;

/// A virtual network.
#[derive(Debug, Clone)]
pub struct Vnet {
    /// Azure's name of the region, as written.
    pub location: Option<String>,
    /// Address space.
    pub space: Vec<Ipv4Net>,
    /// Empty means Azure-provided DNS; `None` when they could not be read.
    pub dns_servers: Option<Vec<Ipv4Addr>>,
    /// Names of the subnets that its body lists; `None` where it has no such list, or one of them no name.
    pub subnets: Option<Vec<String>>,
    /// `privateEndpointVNetPolicies`, as written.
    pub endpoint_policies: Option<String>,
    /// Pointer of the DNS servers, whether there are any or not.
    pub dns_pointer: String,
}

/// A subnet.
#[derive(Debug, Clone)]
pub struct Subnet {
    /// Address prefixes; normally one.
    pub prefixes: Vec<Ipv4Net>,
    /// Network security group bound to it.
    pub security_group: Reference,
    /// Route table bound to it.
    pub route_table: Reference,
    /// NAT gateway bound to it.
    pub nat_gateway: Reference,
    /// `defaultOutboundAccess` is false: machines in it get no way into the internet but their own.
    pub is_private: bool,
    /// Service endpoints that are on, such as `Microsoft.Sql`.
    pub service_endpoints: Vec<String>,
    /// The addresses that Azure says are in use, by the ids of their configurations; `None` when not told.
    pub occupants: Option<Vec<ResourceId>>,
    /// The service endpoint Microsoft.Sql is there, in this state, which is not Succeeded.
    pub sql_endpoint_trouble: Option<Unsettled>,
    /// Regions that the service endpoint Microsoft.Sql is for, as their keys; empty where it names none, or all.
    pub sql_endpoint_regions: Vec<String>,
    /// Service endpoints are named, and some could not be read.
    pub are_endpoints_unreadable: bool,
    /// Services that the subnet is delegated to.
    pub delegations: Vec<String>,
    /// Gateways of applications, or a service that links the subnet to itself, have it for their own.
    pub is_reserved: bool,
    /// `privateEndpointNetworkPolicies`, as written.
    pub endpoint_policies: Option<String>,
    /// Prefix of the subnet's fields: `/properties`, or empty in output of az.
    pub fields: &'static str,
}

/// Lists of a subnet in which those stand that need it for themselves.
const OWNERS: [&str; 4] = [
    "applicationGatewayIPConfigurations",
    "applicationGatewayIpConfigurations",
    "resourceNavigationLinks",
    "serviceAssociationLinks",
];

/// Whether the name of a subnet tells that it is for private endpoints, such as `snet-pe` or `PrivateEndpoints`.
pub fn is_named_for_endpoints(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    name.contains("endpoint")
        || name.replace('-', "").contains("privatelink")
        || words.any(|word| ["pe", "pep", "peps", "plink"].contains(&word))
}

/// One half of a peering: what the network that owns it says.
#[derive(Debug, Clone)]
pub struct Peering {
    /// The other network.
    pub remote: ResourceId,
    /// `Initiated`, `Connected` or `Disconnected`, as written.
    pub state: Option<String>,
    /// `provisioningState`, where it is not yet or no longer as written.
    pub unsettled: Option<Unsettled>,
    /// `allowVirtualNetworkAccess`.
    pub allows_access: Option<bool>,
    /// `allowForwardedTraffic`: whether packets are taken whose sender is in neither network.
    pub allows_forwarded: Option<bool>,
    /// `allowGatewayTransit`: whether the other network may use this one's gateway.
    pub lends_gateway: Option<bool>,
    /// `useRemoteGateways`: whether this network uses the other one's gateway.
    pub uses_remote_gateway: Option<bool>,
    /// `remoteAddressSpace`: the prefixes that are routed. Empty when not observed.
    pub remote_space: Vec<Ipv4Net>,
    /// Subnet names on both sides when only some subnets are peered.
    pub subnets_only: Option<(Vec<String>, Vec<String>)>,
    /// `enableOnlyIPv6Peering`: whether IPv4 is left out.
    pub is_ipv6_only: bool,
    /// Prefix of its fields.
    pub fields: &'static str,
}

impl Peering {
    /// Whether its state says that it carries nothing.
    pub fn is_down(&self) -> bool {
        let is_in =
            |word: &str| self.state.as_deref().is_some_and(|one| one.eq_ignore_ascii_case(word));
        is_in("initiated") || is_in("disconnected")
    }
}

/// A route table.
#[derive(Debug, Clone)]
pub struct RouteTable {
    /// `disableBgpRoutePropagation`: whether routes of gateways are kept out.
    pub keeps_gateway_routes_out: bool,
    /// Pointer of that flag.
    pub propagation_pointer: String,
    /// `None` when the body does not list its routes, or lists one that cannot be read.
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
    /// A service tag, such as `Sql.WestEurope`.
    Tag(String),
    /// An IPv6 prefix: catches nothing here.
    Ipv6,
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

impl NextHop {
    /// Its kind, in Azure's word.
    pub fn word(&self) -> &str {
        match self {
            NextHop::Local => "VnetLocal",
            NextHop::Internet => "Internet",
            NextHop::Drop => "None",
            NextHop::Appliance(_) => "VirtualAppliance",
            NextHop::Gateway => "VirtualNetworkGateway",
            NextHop::Other(word) => word,
        }
    }

    /// The address of the appliance, where it is one with an address.
    pub fn appliance(&self) -> Option<Ipv4Addr> {
        if let NextHop::Appliance(text) = self { text.parse().ok() } else { None }
    }
}

/// The service endpoint that stands for Azure SQL, MySQL and PostgreSQL.
pub const SQL_ENDPOINT: &str = "Microsoft.Sql";

impl Subnet {
    /// Whether it is delegated to flexible servers, which have no interface of their own.
    pub fn is_of_servers(&self) -> bool {
        const SERVERS: &str = "Microsoft.DBforPostgreSQL/flexibleServers";
        self.delegations.iter().any(|one| one.eq_ignore_ascii_case(SERVERS))
    }

    /// Whether the subnet presents itself to Azure SQL services by its service endpoint.
    /// One that failed is off.
    pub fn has_sql_endpoint(&self) -> bool {
        self.sql_endpoint_trouble != Some(Unsettled::Failed)
            && self.service_endpoints.iter().any(|one| one.eq_ignore_ascii_case(SQL_ENDPOINT))
    }
}

/// `West Europe` and `westeurope` are one region.
pub fn region_key(location: &str) -> String {
    location
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase()
}

pub(crate) fn fields_of(node: &Node) -> &'static str {
    if node.field("properties").is_some() { "/properties" } else { "" }
}

pub(crate) fn vnet(node: &Node, problems: &mut Problems) -> Vnet {
    let subnets = node.array("subnets", problems);
    let name = |one: &Node| {
        let own = one.field("name").and_then(|name| name.as_str());
        let id = one.field("id").and_then(|id| id.as_str());
        own.or_else(|| id?.rsplit('/').next()).map(str::to_owned)
    };
    Vnet {
        subnets: subnets.and_then(|all| all.iter().map(name).collect()),
        location: node.text("location", problems),
        space: node.networks(
            "addressSpace.addressPrefix",
            "addressSpace.addressPrefixes",
            problems,
        ),
        endpoint_policies: node.text("privateEndpointVNetPolicies", problems),
        dns_servers: match node.path("dhcpOptions.dnsServers") {
            Some(_) => node.addresses("dhcpOptions.dnsServers", problems),
            None if node.field("dhcpOptions").is_none_or(|one| one.is_object()) => Some(Vec::new()),
            None => {
                let pointer = node.pointer_to("dhcpOptions");
                problems
                    .add(&pointer, "is not an object; the DNS servers are read as not observed");
                None
            }
        },
        dns_pointer: match node.path("dhcpOptions.dnsServers") {
            Some(field) => field.pointer(),
            None => fields_of(node).to_owned(),
        },
    }
}

pub(crate) fn subnet(node: &Node, problems: &mut Problems) -> Subnet {
    let listed = node.array("serviceEndpoints", problems);
    let is_listed = listed.is_some() || node.field("serviceEndpoints").is_none();
    let services = listed.unwrap_or_default();
    let names: Vec<String> =
        services.iter().filter_map(|one| one.text("service", problems)).collect();
    let delegations = node.array("delegations", problems).unwrap_or_default();
    let is_sql = |one: &&Node| {
        one.field("service")
            .and_then(|field| field.as_str())
            .is_some_and(|name| name.eq_ignore_ascii_case(SQL_ENDPOINT))
    };
    Subnet {
        sql_endpoint_trouble: services
            .iter()
            .find(is_sql)
            .and_then(|one| Unsettled::read(one, problems)),
        sql_endpoint_regions: {
            let listed = services.iter().find(is_sql).map(|one| one.texts("locations", problems));
            let listed = listed.unwrap_or_default();
            let are_all = listed.iter().any(|one| one == "*");
            if are_all { Vec::new() } else { listed.iter().map(|one| region_key(one)).collect() }
        },
        prefixes: node.networks("addressPrefix", "addressPrefixes", problems),
        security_group: node.reference("networkSecurityGroup", problems),
        route_table: node.reference("routeTable", problems),
        nat_gateway: node.reference("natGateway", problems),
        is_private: node.flag("defaultOutboundAccess", problems) == Some(false),
        are_endpoints_unreadable: !is_listed || names.len() < services.len(),
        service_endpoints: names,
        delegations: delegations
            .iter()
            .filter_map(|one| one.text("serviceName", problems))
            .collect(),
        occupants: node
            .array("ipConfigurations", problems)
            .map(|list| list.iter().filter_map(|one| one.id("id", problems)).collect()),
        is_reserved: OWNERS
            .iter()
            .any(|field| node.list(field, problems).is_none_or(|all| !all.is_empty())),
        endpoint_policies: node.text("privateEndpointNetworkPolicies", problems),
        fields: fields_of(node),
    }
}

pub(crate) fn peering(node: &Node, problems: &mut Problems) -> Option<Peering> {
    let Some(remote) = node.id("remoteVirtualNetwork.id", problems) else {
        problems.add("", "peering without remoteVirtualNetwork.id; it is left out");
        return None;
    };
    // Absent, they restrict nothing; not resolved, they may.
    let restricting = [
        "remoteAddressSpace.addressPrefixes",
        "peerCompleteVnets",
        "localSubnetNames",
        "remoteSubnetNames",
        "enableOnlyIPv6Peering",
    ];
    if restricting.iter().any(|path| node.is_unresolved_at(path)) {
        return None;
    }
    let whole = node.flag("peerCompleteVnets", problems).unwrap_or(true);
    let subnets_only = (!whole).then(|| {
        (node.texts("localSubnetNames", problems), node.texts("remoteSubnetNames", problems))
    });
    Some(Peering {
        remote,
        state: node.text("peeringState", problems),
        unsettled: Unsettled::read(node, problems),
        allows_access: node.flag("allowVirtualNetworkAccess", problems),
        allows_forwarded: node.flag("allowForwardedTraffic", problems),
        lends_gateway: node.flag("allowGatewayTransit", problems),
        uses_remote_gateway: node.flag("useRemoteGateways", problems),
        remote_space: node.networks(
            "remoteAddressSpace.addressPrefix",
            "remoteAddressSpace.addressPrefixes",
            problems,
        ),
        subnets_only,
        is_ipv6_only: node.flag("enableOnlyIPv6Peering", problems) == Some(true),
        fields: fields_of(node),
    })
}

pub(crate) fn route_table(id: &ResourceId, node: &Node, problems: &mut Problems) -> RouteTable {
    const PROPAGATION: &str = "disableBgpRoutePropagation";
    let mut table = RouteTable {
        keeps_gateway_routes_out: node.flag(PROPAGATION, problems).unwrap_or(false),
        propagation_pointer: format!("{}/{PROPAGATION}", fields_of(node)),
        routes: None,
    };
    let Some(nodes) = node.array("routes", problems) else { return table };
    let mut routes = Vec::new();
    for one in &nodes {
        match route(id, one, problems) {
            Some(route) => routes.push(route),
            None => {
                problems
                    .add(&one.pointer(), "route cannot be read; the table counts as not observed");
                return table;
            }
        }
    }
    routes.retain(|route| route.prefix != RoutePrefix::Ipv6);
    table.routes = Some(routes);
    table
}

/// One route; `None` when what it catches or where it leads cannot be read.
pub(crate) fn route(resource: &ResourceId, node: &Node, problems: &mut Problems) -> Option<Route> {
    let text = node.text("addressPrefix", problems)?;
    let prefix = match parse_network(&text) {
        Some(network) => RoutePrefix::Network(network),
        None if text.contains(':') => RoutePrefix::Ipv6,
        None if is_tag(&text) => RoutePrefix::Tag(text),
        None => return None,
    };
    let kind = node.text("nextHopType", problems)?;
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
        pointer: node.pointer(),
    })
}

/// Whether a text has the form of a service tag, such as `Sql.WestEurope`.
pub(crate) fn is_tag(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.')
}
