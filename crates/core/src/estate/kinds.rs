//! What resources say, by their type.

use super::body::Node;
use super::json::{Json, NULL};
use super::problem::Problems;
use super::shared::Shared;
use super::{
    Origin, Problem, dns, endpoint, filter, firewall, forwarder, gateway, governance, machine,
    network, server,
};
use crate::id::ResourceId;

/// What a resource says, by its type. The largest kinds stand apart, so that the others take no room for them.
#[derive(Debug, Clone)]
pub enum Facts {
    /// `virtualNetworks`
    Vnet(Box<network::Vnet>),
    /// `virtualNetworks/subnets`
    Subnet(Box<network::Subnet>),
    /// `virtualNetworks/virtualNetworkPeerings`
    Peering(network::Peering),
    /// `networkSecurityGroups`
    SecurityGroup(filter::SecurityGroup),
    /// `networkSecurityGroups/securityRules`, captured alone; `None` when it does not tell its direction
    Rule(Option<filter::Rule>),
    /// `networkManagers`
    NetworkManager(filter::NetworkManager),
    /// `networkManagers/securityAdminConfigurations/ruleCollections/rules`
    AdminRule(Box<filter::AdminRule>),
    /// `networkManagers/securityAdminConfigurations/ruleCollections`
    RuleCollection(filter::RuleCollection),
    /// Answer of `virtualNetworks/listNetworkManagerEffectiveConnectivityConfigurations`, named as a child of the network
    EffectiveConnectivity(governance::EffectiveConnectivity),
    /// Answer of `virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules`, named as a child of the network
    EffectiveAdminRules(filter::EffectiveAdminRules),
    /// `routeTables`
    RouteTable(network::RouteTable),
    /// `routeTables/routes`, captured alone
    Route(network::Route),
    /// `privateDnsZones`
    Zone(dns::Zone),
    /// `privateDnsZones/virtualNetworkLinks`
    Link(dns::Link),
    /// `privateDnsZones/A` and `/CNAME`
    Record(dns::Record),
    /// `privateEndpoints`
    Endpoint(Box<endpoint::Endpoint>),
    /// `privateEndpoints/privateDnsZoneGroups`
    ZoneGroup(endpoint::ZoneGroup),
    /// `networkInterfaces`
    Interface(Box<endpoint::Interface>),
    /// `servers` and `flexibleServers`
    Server(Box<server::Server>),
    /// `privateEndpointConnections` of a server
    Connection(server::ServerConnection),
    /// `configurations` of a server
    Setting(server::Setting),
    /// `firewallRules` of a server
    FirewallRule(server::FirewallRule),
    /// `virtualNetworkRules` of a Single Server
    VnetRule(server::VnetRule),
    /// `virtualNetworkGateways`
    Gateway(gateway::Gateway),
    /// `localNetworkGateways`
    LocalGateway(gateway::LocalGateway),
    /// `connections` of gateways
    GatewayConnection(gateway::GatewayConnection),
    /// `virtualHubs/hubVirtualNetworkConnections`
    HubConnection(gateway::HubConnection),
    /// `loadBalancers`
    LoadBalancer(Box<gateway::LoadBalancer>),
    /// `virtualMachines`
    Machine(machine::VirtualMachine),
    /// `publicIPAddresses` and `publicIPPrefixes`
    PublicAddress(gateway::PublicAddress),
    /// `natGateways`
    NatGateway(gateway::NatGateway),
    /// `azureFirewalls`
    Firewall(Box<firewall::Firewall>),
    /// `firewallPolicies`
    FirewallPolicy(Box<firewall::FirewallPolicy>),
    /// `firewallPolicies/ruleCollectionGroups`
    RuleCollectionGroup(firewall::RuleCollectionGroup),
    /// `ipGroups`
    IpGroup(firewall::IpGroup),
    /// `dnsResolvers/inboundEndpoints`
    InboundEndpoint(forwarder::InboundEndpoint),
    /// `dnsResolvers/outboundEndpoints`
    OutboundEndpoint(forwarder::OutboundEndpoint),
    /// `dnsForwardingRulesets`
    Ruleset(forwarder::Ruleset),
    /// `dnsForwardingRulesets/forwardingRules`
    ForwardingRule(forwarder::ForwardingRule),
    /// `dnsForwardingRulesets/virtualNetworkLinks`
    RulesetLink(forwarder::RulesetLink),
    /// Answer of `virtualNetworks/listDnsForwardingRulesets`, named as a child of the network
    LinkedRulesets(forwarder::LinkedRulesets),
    /// `networkManagers/connectivityConfigurations`
    Connectivity(governance::Connectivity),
    /// `networkManagers/networkGroups/staticMembers`
    GroupMember(governance::GroupMember),
    /// `Microsoft.Authorization/locks`
    Lock(governance::Lock),
    /// A provider of a subscription
    Registration(governance::Registration),
    /// `flexibleServers/migrations`
    Migration(server::Migration),
    /// A type that decides nothing here.
    Other,
}

/// A kind of facts that can be asked for by type.
pub trait Kind: Sized {
    /// The noun for messages.
    const NOUN: &'static str;
    /// The facts, when they are of this kind.
    fn of(facts: &Facts) -> Option<&Self>;
}

macro_rules! kinds {
    ($($variant:ident $kind:ty, $noun:literal;)*) => {
        $(
        impl Kind for $kind {
            const NOUN: &'static str = $noun;
            fn of(facts: &Facts) -> Option<&Self> {
                let Facts::$variant(inner) = facts else { return None };
                let own: &Self = inner;
                Some(own)
            }
        } )*
        impl Facts {
            /// The noun of their kind; `None` where they decide nothing.
            pub fn noun(&self) -> Option<&'static str> {
                match self {
                    $( Facts::$variant(_) => Some(<$kind as Kind>::NOUN), )*
                    Facts::Other => None,
                }
            }
        }
    };
}
kinds! {
    Vnet network::Vnet, "virtual network";
    Subnet network::Subnet, "subnet";
    Peering network::Peering, "peering";
    SecurityGroup filter::SecurityGroup, "network security group";
    Rule Option<filter::Rule>, "security rule";
    NetworkManager filter::NetworkManager, "network manager";
    AdminRule filter::AdminRule, "security admin rule";
    RuleCollection filter::RuleCollection, "collection of security admin rules";
    EffectiveAdminRules filter::EffectiveAdminRules, "list of effective security admin rules";
    RouteTable network::RouteTable, "route table";
    Route network::Route, "route";
    Zone dns::Zone, "private DNS zone";
    Link dns::Link, "virtual network link";
    Record dns::Record, "record set";
    Endpoint endpoint::Endpoint, "private endpoint";
    ZoneGroup endpoint::ZoneGroup, "private DNS zone group";
    Interface endpoint::Interface, "network interface";
    Server server::Server, "server";
    Connection server::ServerConnection, "private endpoint connection";
    Setting server::Setting, "server parameter";
    FirewallRule server::FirewallRule, "firewall rule";
    VnetRule server::VnetRule, "VNet rule";
    Gateway gateway::Gateway, "virtual network gateway";
    LocalGateway gateway::LocalGateway, "local network gateway";
    GatewayConnection gateway::GatewayConnection, "connection";
    HubConnection gateway::HubConnection, "hub connection";
    LoadBalancer gateway::LoadBalancer, "load balancer";
    Machine machine::VirtualMachine, "virtual machine";
    PublicAddress gateway::PublicAddress, "public address";
    NatGateway gateway::NatGateway, "NAT gateway";
    Firewall firewall::Firewall, "firewall";
    FirewallPolicy firewall::FirewallPolicy, "firewall policy";
    RuleCollectionGroup firewall::RuleCollectionGroup, "rule collection group";
    IpGroup firewall::IpGroup, "IP group";
    InboundEndpoint forwarder::InboundEndpoint, "inbound endpoint";
    OutboundEndpoint forwarder::OutboundEndpoint, "outbound endpoint";
    Ruleset forwarder::Ruleset, "DNS forwarding ruleset";
    ForwardingRule forwarder::ForwardingRule, "forwarding rule";
    RulesetLink forwarder::RulesetLink, "ruleset link";
    LinkedRulesets forwarder::LinkedRulesets, "list of linked rulesets";
    Connectivity governance::Connectivity, "connectivity configuration";
    EffectiveConnectivity governance::EffectiveConnectivity, "list of effective connectivity configurations";
    GroupMember governance::GroupMember, "network group member";
    Lock governance::Lock, "lock";
    Registration governance::Registration, "provider";
    Migration server::Migration, "migration";
}

/// Whether resources of a type, in lower case, say something here.
pub(super) fn is_known_type(kind: &str) -> bool {
    let Some(id) = ResourceId::of_type(kind) else { return false };
    let origin = Origin { file: "".into(), pointer: String::new() };
    let shared = &mut Shared::default();
    !matches!(read_facts(&id, &NULL, &origin, shared, &mut Vec::new()), Facts::Other)
        || TYPES_WITH_NEEDS.contains(&kind)
}

/// Whether a resource of a type, in lower case, of which no settings were read makes others uncertain: it may belong to any of them.
pub(super) fn counts_unread(kind: &str) -> bool {
    const ANYONES: [&str; 3] = [
        "microsoft.network/connections",
        "microsoft.network/virtualhubs/hubvirtualnetworkconnections",
        "microsoft.network/networkmanagers",
    ];
    TYPES_WITH_NEEDS.contains(&kind) || ANYONES.contains(&kind)
}

/// Types whose bodies say nothing without one field that they need.
pub(super) const TYPES_WITH_NEEDS: [&str; 9] = [
    "microsoft.network/virtualnetworks/virtualnetworkpeerings",
    "microsoft.network/routetables/routes",
    "microsoft.network/privatednszones/virtualnetworklinks",
    "microsoft.dbforpostgresql/servers/firewallrules",
    "microsoft.dbforpostgresql/flexibleservers/firewallrules",
    "microsoft.dbforpostgresql/servers/virtualnetworkrules",
    "microsoft.network/dnsforwardingrulesets/forwardingrules",
    "microsoft.network/dnsforwardingrulesets/virtualnetworklinks",
    "microsoft.network/networkmanagers/networkgroups/staticmembers",
];

pub(super) fn read_facts(
    id: &ResourceId,
    body: &Json,
    origin: &Origin,
    shared: &mut Shared,
    list: &mut Vec<Problem>,
) -> Facts {
    let node = Node::root(body);
    let problems = &mut Problems { origin, list, shared };
    match id.resource_type().as_str() {
        "microsoft.network/virtualnetworks" => {
            Facts::Vnet(Box::new(network::vnet(&node, problems)))
        }
        "microsoft.network/virtualnetworks/subnets" => {
            Facts::Subnet(Box::new(network::subnet(&node, problems)))
        }
        "microsoft.network/virtualnetworks/virtualnetworkpeerings" => {
            network::peering(&node, problems).map_or(Facts::Other, Facts::Peering)
        }
        "microsoft.network/networksecuritygroups" => {
            Facts::SecurityGroup(filter::security_group(id, &node, problems))
        }
        "microsoft.network/networksecuritygroups/securityrules" => {
            Facts::Rule(filter::rule(id, &node, problems))
        }
        "microsoft.network/routetables" => {
            Facts::RouteTable(network::route_table(id, &node, problems))
        }
        "microsoft.network/routetables/routes" => {
            network::route(id, &node, problems).map_or(Facts::Other, Facts::Route)
        }
        "microsoft.network/privatednszones" => Facts::Zone(dns::zone(&node, problems)),
        "microsoft.network/privatednszones/virtualnetworklinks" => {
            dns::link(&node, problems).map_or(Facts::Other, Facts::Link)
        }
        "microsoft.network/privatednszones/a" | "microsoft.network/privatednszones/cname" => {
            Facts::Record(dns::record(&node, problems))
        }
        "microsoft.network/privateendpoints" => {
            Facts::Endpoint(Box::new(endpoint::endpoint(&node, problems)))
        }
        "microsoft.network/privateendpoints/privatednszonegroups" => {
            Facts::ZoneGroup(endpoint::zone_group(&node, problems))
        }
        "microsoft.network/networkinterfaces" => {
            Facts::Interface(Box::new(endpoint::interface(&node, problems)))
        }
        "microsoft.dbforpostgresql/servers" => {
            let server = server::server(id, server::ServerKind::Single, &node, problems);
            Facts::Server(Box::new(server))
        }
        "microsoft.dbforpostgresql/flexibleservers" => {
            let server = server::server(id, server::ServerKind::Flexible, &node, problems);
            Facts::Server(Box::new(server))
        }
        "microsoft.dbforpostgresql/servers/privateendpointconnections"
        | "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections" => {
            Facts::Connection(server::connection(id, &node, problems))
        }
        "microsoft.dbforpostgresql/servers/configurations"
        | "microsoft.dbforpostgresql/flexibleservers/configurations" => {
            Facts::Setting(server::setting(&node, problems))
        }
        "microsoft.dbforpostgresql/servers/firewallrules"
        | "microsoft.dbforpostgresql/flexibleservers/firewallrules" => {
            server::firewall_rule(&node, problems).map_or(Facts::Other, Facts::FirewallRule)
        }
        "microsoft.dbforpostgresql/servers/virtualnetworkrules" => {
            server::vnet_rule(&node, problems).map_or(Facts::Other, Facts::VnetRule)
        }
        kind => read_surroundings(id, kind, &node, problems),
    }
}

/// Types that stand around the networks: gateways, resolvers, managers, locks, migrations.
fn read_surroundings(id: &ResourceId, kind: &str, node: &Node, problems: &mut Problems) -> Facts {
    match kind {
        "microsoft.network/virtualnetworkgateways" => {
            Facts::Gateway(gateway::gateway(node, problems))
        }
        "microsoft.network/localnetworkgateways" => {
            Facts::LocalGateway(gateway::local_gateway(node, problems))
        }
        "microsoft.network/connections" => {
            Facts::GatewayConnection(gateway::connection(node, problems))
        }
        "microsoft.network/virtualhubs/hubvirtualnetworkconnections" => {
            Facts::HubConnection(gateway::hub_connection(node, problems))
        }
        "microsoft.network/loadbalancers" => {
            Facts::LoadBalancer(Box::new(gateway::load_balancer(node, problems)))
        }
        "microsoft.network/publicipaddresses" => {
            Facts::PublicAddress(gateway::public_address(node, problems))
        }
        "microsoft.network/publicipprefixes" => {
            Facts::PublicAddress(gateway::public_prefix(node, problems))
        }
        "microsoft.compute/virtualmachines" => Facts::Machine(machine::machine(node, problems)),
        "microsoft.network/natgateways" => Facts::NatGateway(gateway::nat_gateway(node, problems)),
        "microsoft.network/azurefirewalls" => {
            Facts::Firewall(Box::new(firewall::firewall(node, problems)))
        }
        "microsoft.network/firewallpolicies" => {
            Facts::FirewallPolicy(Box::new(firewall::firewall_policy(node, problems)))
        }
        "microsoft.network/firewallpolicies/rulecollectiongroups" => {
            Facts::RuleCollectionGroup(firewall::rule_collection_group(node, problems))
        }
        "microsoft.network/ipgroups" => Facts::IpGroup(firewall::ip_group(node, problems)),
        "microsoft.network/dnsresolvers/inboundendpoints" => {
            Facts::InboundEndpoint(forwarder::inbound_endpoint(node, problems))
        }
        "microsoft.network/dnsresolvers/outboundendpoints" => {
            Facts::OutboundEndpoint(forwarder::outbound_endpoint(node, problems))
        }
        "microsoft.network/dnsforwardingrulesets" => {
            Facts::Ruleset(forwarder::ruleset(node, problems))
        }
        "microsoft.network/dnsforwardingrulesets/forwardingrules" => {
            forwarder::forwarding_rule(node, problems).map_or(Facts::Other, Facts::ForwardingRule)
        }
        "microsoft.network/dnsforwardingrulesets/virtualnetworklinks" => {
            forwarder::ruleset_link(node, problems).map_or(Facts::Other, Facts::RulesetLink)
        }
        "microsoft.network/virtualnetworks/listdnsforwardingrulesets" => {
            Facts::LinkedRulesets(forwarder::linked_rulesets(node, problems))
        }
        "microsoft.network/networkmanagers" => {
            Facts::NetworkManager(filter::network_manager(node, problems))
        }
        "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections" => {
            Facts::RuleCollection(filter::rule_collection(node, problems))
        }
        "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/rules" => {
            Facts::AdminRule(Box::new(filter::admin_rule(id, node, problems)))
        }
        "microsoft.network/virtualnetworks/listnetworkmanagereffectivesecurityadminrules" => {
            Facts::EffectiveAdminRules(filter::effective_rules(node, problems))
        }
        "microsoft.network/virtualnetworks/listnetworkmanagereffectiveconnectivityconfigurations" => {
            Facts::EffectiveConnectivity(governance::effective_connectivity(node, problems))
        }
        "microsoft.network/networkmanagers/connectivityconfigurations" => {
            Facts::Connectivity(governance::connectivity(node, problems))
        }
        "microsoft.network/networkmanagers/networkgroups/staticmembers" => {
            governance::group_member(node, problems).map_or(Facts::Other, Facts::GroupMember)
        }
        "microsoft.authorization/locks" => Facts::Lock(governance::lock(node, problems)),
        "microsoft.resources/registrations" => {
            Facts::Registration(governance::registration(node, problems))
        }
        "microsoft.dbforpostgresql/flexibleservers/migrations" => {
            Facts::Migration(server::migration(node, problems))
        }
        _ => Facts::Other,
    }
}
