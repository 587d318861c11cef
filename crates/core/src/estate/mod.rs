//! Everything observed of the network and the servers at one time. What was not observed is [`Missing`].

mod body;
pub mod dns;
pub mod endpoint;
pub mod filter;
pub mod network;
mod read;
pub mod server;
mod store;

use serde_json::Value;

pub use body::{Origin, Problem, Reference};
pub use read::{Input, Loaded, load};
pub use store::{Estate, Key, Reads, Resource};

use crate::id::ResourceId;
use body::{Node, Problems};

/// A fact that the estate does not hold. It is never read as fine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Missing {
    /// What was not observed.
    pub what: String,
    /// The resource that would tell it.
    pub resource: Option<ResourceId>,
    /// What to capture or to probe.
    pub help: String,
}

impl Missing {
    /// A resource that another one refers to and that was not captured.
    pub fn resource(noun: &str, id: &ResourceId) -> Missing {
        Missing {
            what: format!("{noun} `{}`", id.name()),
            resource: Some(id.clone()),
            help: format!("add the output of `az resource show --ids {id}` to the estate"),
        }
    }

    /// A field that a captured resource does not tell.
    pub fn field(id: &ResourceId, field: &str) -> Missing {
        Missing {
            what: format!("`{field}` of `{}`", id.name()),
            resource: Some(id.clone()),
            help: format!("capture it again: `az resource show --ids {id}`"),
        }
    }

    /// Something that no resource can tell.
    pub fn other(what: impl Into<String>, help: impl Into<String>) -> Missing {
        Missing { what: what.into(), resource: None, help: help.into() }
    }
}

/// What a resource says, by its type.
#[derive(Debug, Clone)]
pub enum Facts {
    /// `virtualNetworks`
    Vnet(network::Vnet),
    /// `virtualNetworks/subnets`
    Subnet(network::Subnet),
    /// `virtualNetworks/virtualNetworkPeerings`
    Peering(network::Peering),
    /// `networkSecurityGroups`
    SecurityGroup(filter::SecurityGroup),
    /// `networkSecurityGroups/securityRules`, captured alone; `None` when it cannot be read
    Rule(Option<filter::Rule>),
    /// `networkManagers`
    NetworkManager(filter::NetworkManager),
    /// `networkManagers/securityAdminConfigurations/ruleCollections/rules`
    AdminRule(filter::AdminRule),
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
    Endpoint(endpoint::Endpoint),
    /// `privateEndpoints/privateDnsZoneGroups`
    ZoneGroup(endpoint::ZoneGroup),
    /// `networkInterfaces`
    Interface(endpoint::Interface),
    /// `servers` and `flexibleServers`
    Server(server::Server),
    /// `privateEndpointConnections` of a server
    Connection(server::ServerConnection),
    /// `configurations` of a server
    Setting(server::Setting),
    /// `firewallRules` of a server
    FirewallRule(server::FirewallRule),
    /// `virtualNetworkRules` of a Single Server
    VnetRule(server::VnetRule),
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
                if let Facts::$variant(inner) = facts { Some(inner) } else { None }
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
}

fn read_facts(id: &ResourceId, body: &Value, origin: &Origin, list: &mut Vec<Problem>) -> Facts {
    let node = Node::root(body);
    let problems = &mut Problems { origin, list };
    match id.resource_type().as_str() {
        "microsoft.network/virtualnetworks" => Facts::Vnet(network::vnet(&node, problems)),
        "microsoft.network/virtualnetworks/subnets" => {
            Facts::Subnet(network::subnet(&node, problems))
        }
        "microsoft.network/virtualnetworks/virtualnetworkpeerings" => {
            network::peering(&node, problems).map_or(Facts::Other, Facts::Peering)
        }
        "microsoft.network/networksecuritygroups" => {
            Facts::SecurityGroup(filter::security_group(id, &node, problems))
        }
        "microsoft.network/networksecuritygroups/securityrules" => {
            let rule = filter::rule(id, &node, problems);
            if rule.is_none() {
                problems.add("", "security rule cannot be read; its group counts as not observed");
            }
            Facts::Rule(rule)
        }
        "microsoft.network/networkmanagers" => {
            Facts::NetworkManager(filter::network_manager(&node, problems))
        }
        "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/rules" => {
            Facts::AdminRule(filter::admin_rule(&node, problems))
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
            Facts::Endpoint(endpoint::endpoint(&node, problems))
        }
        "microsoft.network/privateendpoints/privatednszonegroups" => {
            Facts::ZoneGroup(endpoint::zone_group(&node, problems))
        }
        "microsoft.network/networkinterfaces" => {
            Facts::Interface(endpoint::interface(&node, problems))
        }
        "microsoft.dbforpostgresql/servers" => {
            Facts::Server(server::server(id, server::ServerKind::Single, &node, problems))
        }
        "microsoft.dbforpostgresql/flexibleservers" => {
            Facts::Server(server::server(id, server::ServerKind::Flexible, &node, problems))
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
        _ => Facts::Other,
    }
}
