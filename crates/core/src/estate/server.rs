//! PostgreSQL servers of Azure and the rules of their own gate as facts.

use std::net::Ipv4Addr;

use super::Unsettled;
use super::body::Node;
use super::endpoint::STATUS;
use super::network::fields_of;
use super::problem::Problems;
use crate::address::{AddressSet, documentation, internet, private};
use crate::id::ResourceId;

/// Which service a server belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// `Microsoft.DBforPostgreSQL/servers`.
    Single,
    /// `Microsoft.DBforPostgreSQL/flexibleServers`.
    Flexible,
    /// A machine, in Azure or elsewhere.
    Host,
}

/// A PostgreSQL server of Azure.
#[derive(Debug, Clone)]
pub struct Server {
    /// Which service.
    pub kind: ServerKind,
    /// Region, as written.
    pub location: Option<String>,
    /// `fullyQualifiedDomainName`, in lower case.
    pub fqdn: Option<String>,
    /// `publicNetworkAccess`.
    pub public_access: Option<bool>,
    /// Pointer of `publicNetworkAccess`.
    pub public_pointer: String,
    /// Subnet that a flexible server is injected into.
    pub delegated_subnet: Option<ResourceId>,
    /// The subnet is named, and could not be read.
    pub is_subnet_unreadable: bool,
    /// Private DNS zone of an injected server.
    pub private_zone: Option<ResourceId>,
    /// Private endpoint connections; `None` when the body does not list them.
    pub connections: Option<Vec<ServerConnection>>,
    /// The list of connections is there, and could not be read.
    pub are_connections_unreadable: bool,
    /// `userVisibleState` or `state`, as written.
    pub state: Option<String>,
    /// Pointer of the state.
    pub state_pointer: String,
    /// Service tier, such as `GeneralPurpose`.
    pub tier: Option<String>,
    /// Whether a Single Server refuses connections without TLS (`sslEnforcement`).
    pub enforces_tls: Option<bool>,
    /// Whether it is a row of Resource Graph, which has no rules of servers.
    pub is_row: bool,
}

impl Server {
    /// A machine that no server of the estate is, by its address or by a name in lower case.
    pub(crate) fn outside(host: &str, address: Option<Ipv4Addr>) -> Server {
        Server {
            kind: ServerKind::Host,
            location: None,
            fqdn: Some(host.to_ascii_lowercase()),
            // A private address is reached from inside networks only; a name tells nothing.
            public_access: address.map(|address| !private().contains(address)),
            public_pointer: String::new(),
            delegated_subnet: None,
            is_subnet_unreadable: false,
            private_zone: None,
            connections: Some(Vec::new()),
            are_connections_unreadable: false,
            state: None,
            state_pointer: String::new(),
            tier: None,
            enforces_tls: None,
            is_row: false,
        }
    }

    /// Whether its tier offers no pooler.
    pub fn has_no_pooler(&self) -> bool {
        self.tier.as_deref().is_some_and(|tier| tier.eq_ignore_ascii_case("Burstable"))
    }
}

/// A private endpoint connection, as the server sees it.
#[derive(Debug, Clone)]
pub struct ServerConnection {
    /// The connection's own id.
    pub id: Option<ResourceId>,
    /// The endpoint.
    pub endpoint: Option<ResourceId>,
    /// `Approved`, `Pending`, `Rejected` or `Disconnected`, as written.
    pub status: Option<String>,
    /// `provisioningState`, where it is not yet or no longer as written.
    pub unsettled: Option<Unsettled>,
    /// The resource that tells so: the server, or the connection where it was captured alone.
    pub resource: ResourceId,
    /// Pointer in that resource's body.
    pub pointer: String,
}

/// A server parameter.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its value, as written.
    pub value: Option<String>,
}

/// A migration of Azure's tool into a flexible server.
#[derive(Debug, Clone)]
pub struct Migration {
    /// The source.
    pub source: Option<ResourceId>,
    /// The name that the service uses instead of the source's own, whenever it is given.
    pub source_name: Option<String>,
    /// Pointer of that name.
    pub name_pointer: String,
    /// The runtime server that copies.
    pub runtime: Option<ResourceId>,
    /// How it connects: `sslMode`, as written.
    pub tls_mode: Option<String>,
    /// Pointer of that mode.
    pub mode_pointer: String,
}

/// A firewall rule of a server.
#[derive(Debug, Clone)]
pub struct FirewallRule {
    /// First address.
    pub start: Ipv4Addr,
    /// Last address.
    pub end: Ipv4Addr,
}

impl FirewallRule {
    /// The rule `0.0.0.0`-`0.0.0.0`: every address of Azure, of every customer.
    pub fn is_all_of_azure(&self) -> bool {
        self.start.is_unspecified() && self.end.is_unspecified()
    }

    /// The addresses that it lets in: none where it ends before it starts.
    pub fn addresses(&self) -> AddressSet {
        let range = (self.start <= self.end).then(|| (self.start.into(), self.end.into()));
        AddressSet::from_ranges(range.into_iter().collect())
    }

    /// Whether no caller at a public door has an address of the rule: the internet routes none of them.
    pub fn admits_nobody(&self) -> bool {
        !self.is_all_of_azure() && !self.addresses().overlaps(&internet())
    }

    /// Whether it holds addresses that stand for public ones in examples.
    pub fn is_of_examples(&self) -> bool {
        self.addresses().overlaps(&documentation())
    }

    /// Whether every IPv4 address is let in.
    pub fn is_everything(&self) -> bool {
        self.start.is_unspecified() && self.end == Ipv4Addr::BROADCAST
    }
}

/// A VNet rule of a Single Server.
#[derive(Debug, Clone)]
pub struct VnetRule {
    /// The subnet that is let in.
    pub subnet: ResourceId,
    /// `Ready`, `InProgress` and so on, as written.
    pub state: Option<String>,
    /// Prefix of its fields.
    pub fields: &'static str,
}

pub(crate) fn server(
    id: &ResourceId,
    kind: ServerKind,
    node: &Node,
    problems: &mut Problems,
) -> Server {
    let fields = fields_of(node);
    let (public_path, state_path) = match kind {
        ServerKind::Single => ("publicNetworkAccess", "userVisibleState"),
        ServerKind::Flexible | ServerKind::Host => ("network.publicNetworkAccess", "state"),
    };
    let connections = node
        .array("privateEndpointConnections", problems)
        .map(|list| list.iter().map(|one| listed_connection(id, one, problems)).collect());
    // The preview API of 2020 spelled these differently.
    let subnet = node
        .id("network.delegatedSubnetResourceId", problems)
        .or_else(|| node.id("delegatedSubnetArguments.subnetArmResourceId", problems));
    let zone = node
        .id("network.privateDnsZoneArmResourceId", problems)
        .or_else(|| node.id("privateDnsZoneArguments.privateDnsZoneArmResourceId", problems));
    let public_access = node.switch(public_path, problems).or_else(|| {
        (kind == ServerKind::Flexible).then(|| node.switch("publicNetworkAccess", problems))?
    });
    Server {
        kind,
        is_row: node.field("subscriptionId").is_some(),
        location: node.text("location", problems),
        fqdn: node.text("fullyQualifiedDomainName", problems).map(|text| text.to_ascii_lowercase()),
        public_access,
        public_pointer: format!("{fields}/{}", public_path.replace('.', "/")),
        is_subnet_unreadable: subnet.is_none()
            && node
                .path("network.delegatedSubnetResourceId")
                .is_some_and(|field| field.as_str() != Some("")),
        delegated_subnet: subnet,
        private_zone: zone,
        are_connections_unreadable: connections.is_none()
            && node.known_at("privateEndpointConnections").is_some(),
        connections,
        state: node.text(state_path, problems),
        state_pointer: format!("{fields}/{state_path}"),
        tier: node.text("sku.tier", problems),
        enforces_tls: node.switch("sslEnforcement", problems),
    }
}

fn listed_connection(id: &ResourceId, node: &Node, problems: &mut Problems) -> ServerConnection {
    let one = connection(id, node, problems);
    if one.endpoint.is_none() && !node.is_unresolved_at("privateEndpoint") {
        let message = "connection without a readable privateEndpoint.id; it may be any endpoint's";
        problems.add(&node.pointer(), message);
    }
    one
}

pub(crate) fn connection(
    resource: &ResourceId,
    node: &Node,
    problems: &mut Problems,
) -> ServerConnection {
    ServerConnection {
        id: node.id("id", problems),
        endpoint: node.id("privateEndpoint.id", problems),
        status: node.text(STATUS, problems),
        unsettled: Unsettled::read(node, problems),
        resource: resource.clone(),
        pointer: node.pointer_to(STATUS),
    }
}

pub(crate) fn setting(node: &Node, problems: &mut Problems) -> Setting {
    Setting { value: node.text("value", problems) }
}

pub(crate) fn migration(node: &Node, problems: &mut Problems) -> Migration {
    const NAME: &str = "sourceDbServerFullyQualifiedDomainName";
    Migration {
        source: node.id("sourceDbServerResourceId", problems),
        source_name: node.text(NAME, problems),
        name_pointer: format!("{}/{NAME}", fields_of(node)),
        tls_mode: node.text("sslMode", problems),
        mode_pointer: format!("{}/sslMode", fields_of(node)),
        // ARM's name, and that of az.
        runtime: node
            .id("migrationInstanceResourceId", problems)
            .or_else(|| node.id("migrationRuntimeResourceId", problems)),
    }
}

pub(crate) fn firewall_rule(node: &Node, problems: &mut Problems) -> Option<FirewallRule> {
    let bound = |field: &str, problems: &mut Problems| -> Option<Ipv4Addr> {
        let address = node.text(field, problems).and_then(|text| text.parse().ok());
        if address.is_none() {
            problems.add(
                &format!("{}/{field}", fields_of(node)),
                "is not an address; the rule is left out",
            );
        }
        address
    };
    Some(FirewallRule {
        start: bound("startIpAddress", problems)?,
        end: bound("endIpAddress", problems)?,
    })
}

pub(crate) fn vnet_rule(node: &Node, problems: &mut Problems) -> Option<VnetRule> {
    let Some(subnet) = node.id("virtualNetworkSubnetId", problems) else {
        problems.add("", "VNet rule without virtualNetworkSubnetId; it is left out");
        return None;
    };
    Some(VnetRule { subnet, state: node.text("state", problems), fields: fields_of(node) })
}
