//! Private endpoints, their zone groups and network interfaces as facts.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::Unsettled;
use super::body::Node;
use super::network::{Subnet, fields_of};
use super::problem::Problems;
use super::reference::Reference;
use super::unresolved::unresolved;
use crate::id::ResourceId;

/// A private endpoint, as its owner sees it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Region, as written.
    pub location: Option<String>,
    /// `provisioningState`, where it is not yet or no longer as written.
    pub unsettled: Option<Unsettled>,
    /// The subnet that its address is in.
    pub subnet: Option<ResourceId>,
    /// What it connects to; normally one.
    pub connections: Vec<EndpointConnection>,
    /// Whether what it connects to is written and cannot be resolved.
    pub hides_services: bool,
    /// Whether `customDnsConfigs` is there and empty: Azure empties it when a zone group is attached.
    pub is_attached: bool,
    /// Addresses that the endpoint's own body tells (`customDnsConfigs`, `ipConfigurations`).
    pub addresses: Vec<Ipv4Addr>,
    /// Its network interfaces.
    pub interfaces: Vec<ResourceId>,
    /// Application security groups that it is a member of.
    pub groups: Vec<ResourceId>,
}

/// What a private endpoint says of its connection to a service.
#[derive(Debug, Clone)]
pub struct EndpointConnection {
    /// The service, such as a server.
    pub service: Option<ResourceId>,
    /// Sub-resources, such as `postgresqlServer`.
    pub groups: Vec<String>,
    /// `Approved`, `Pending`, `Rejected` or `Disconnected`, as written.
    pub status: Option<String>,
    /// Pointer in the endpoint's body.
    pub pointer: String,
}

/// A private DNS zone group: keeps the endpoint's records in its zones.
#[derive(Debug, Clone)]
pub struct ZoneGroup {
    /// Zones it writes to.
    pub zones: Vec<ResourceId>,
    /// Addresses of the records it wrote, where Azure tells them.
    pub addresses: Vec<Ipv4Addr>,
    /// Those records, where Azure tells them.
    pub records: Vec<ResourceId>,
    /// Whether it comes from an input that tells of no record which Azure writes.
    pub hides_records: bool,
}

/// A network interface.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Private addresses; the primary one first.
    pub addresses: Vec<Ipv4Addr>,
    /// The private endpoint that owns it.
    pub endpoint: Option<ResourceId>,
    /// The machine that it belongs to.
    pub machine: Option<ResourceId>,
    /// `primary`: whether it is the machine's first interface.
    pub is_primary: Option<bool>,
    /// The subnet of its first address.
    pub subnet: Option<ResourceId>,
    /// Its DNS servers, which count before those of its network; `None` when they could not be read.
    pub dns_servers: Option<Vec<Ipv4Addr>>,
    /// The public address of its primary address.
    pub public_address: Reference,
    /// The pools of load balancers that it is in; `None` where they could not be read.
    pub pools: Option<Vec<ResourceId>>,
    /// Network security group bound to it.
    pub security_group: Reference,
    /// Application security groups that its addresses are members of.
    pub groups: Vec<ResourceId>,
    /// Whether such groups are written and cannot be read.
    pub hides_groups: bool,
    /// `enableIPForwarding`: whether Azure lets it send packets of others.
    pub forwards: Option<bool>,
    /// Tag `disableSnatOnPL`: answers of private endpoints come back to it without address translation.
    pub has_endpoint_answers: bool,
    /// Prefix of its fields.
    pub fields: &'static str,
}

/// State of a private endpoint connection.
pub(super) const STATUS: &str = "privateLinkServiceConnectionState.status";

impl Subnet {
    /// Whether security rules act on private endpoints in it; `None` when not observed.
    pub fn rules_act_on_endpoints(&self) -> Option<bool> {
        self.policy_is_on("networksecuritygroupenabled")
    }

    /// Whether routes act on private endpoints in it; `None` when not observed.
    pub fn routes_act_on_endpoints(&self) -> Option<bool> {
        self.policy_is_on("routetableenabled")
    }

    fn policy_is_on(&self, word: &str) -> Option<bool> {
        match self.endpoint_policies.as_deref()?.to_ascii_lowercase().as_str() {
            "enabled" => Some(true),
            "disabled" => Some(false),
            one @ ("networksecuritygroupenabled" | "routetableenabled") => Some(one == word),
            _ => None,
        }
    }
}

pub(crate) fn endpoint(node: &Node, problems: &mut Problems) -> Endpoint {
    let mut connections = Vec::new();
    let mut hides_services = false;
    for list in ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"] {
        hides_services |= node.is_unresolved_at(list);
        for one in node.array(list, problems).unwrap_or_default() {
            hides_services |= one.is_unresolved_at("privateLinkServiceId");
            connections.push(EndpointConnection {
                service: one.id("privateLinkServiceId", problems),
                groups: one.texts("groupIds", problems),
                status: one.text(STATUS, problems),
                pointer: one.pointer_to(STATUS),
            });
        }
    }
    let mut addresses = Vec::new();
    let dns_configs = node.array("customDnsConfigs", problems);
    let is_attached = dns_configs.as_ref().is_some_and(Vec::is_empty);
    for one in dns_configs.unwrap_or_default() {
        addresses.extend(one.addresses("ipAddresses", problems).unwrap_or_default());
    }
    for one in node.array("ipConfigurations", problems).unwrap_or_default() {
        addresses.extend(address(&one, "privateIPAddress", problems));
    }
    let interfaces = node.array("networkInterfaces", problems).unwrap_or_default();
    Endpoint {
        location: node.text("location", problems),
        unsettled: Unsettled::read(node, problems),
        subnet: node.id("subnet.id", problems),
        connections,
        hides_services,
        is_attached,
        addresses,
        interfaces: interfaces.iter().filter_map(|one| one.id("id", problems)).collect(),
        groups: groups_of(node, problems).0,
    }
}

/// Marks the records of a zone group as not told, in a body that Azure did not answer: it writes them when it deploys the group.
pub(super) fn hide_records(id: &ResourceId, body: &mut Value) {
    if !id.is_type("microsoft.network/privateendpoints/privatednszonegroups") {
        return;
    }
    let configs = body.pointer_mut("/properties/privateDnsZoneConfigs");
    for config in configs.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fields) = config.get_mut("properties").and_then(Value::as_object_mut) {
            fields.entry("recordSets").or_insert_with(|| unresolved(""));
        }
    }
}

pub(crate) fn zone_group(node: &Node, problems: &mut Problems) -> ZoneGroup {
    let mut group = ZoneGroup {
        zones: Vec::new(),
        addresses: Vec::new(),
        records: Vec::new(),
        hides_records: false,
    };
    for config in node.array("privateDnsZoneConfigs", problems).unwrap_or_default() {
        let zone = config.id("privateDnsZoneId", problems);
        group.hides_records |= config.is_unresolved_at("recordSets");
        for set in config.array("recordSets", problems).unwrap_or_default() {
            group.addresses.extend(set.addresses("ipAddresses", problems).unwrap_or_default());
            let name = set.text("recordSetName", problems);
            group.records.extend(zone.iter().zip(name).map(|(zone, name)| zone.child("A", &name)));
        }
        group.zones.extend(zone);
    }
    group
}

pub(crate) fn interface(node: &Node, problems: &mut Problems) -> Interface {
    let mut configurations = node.array("ipConfigurations", problems).unwrap_or_default();
    configurations.sort_by_key(|one| one.flag("primary", problems) != Some(true));
    let mut addresses = Vec::new();
    for one in &configurations {
        addresses.extend(address(one, "privateIPAddress", problems));
        if addresses.is_empty() {
            addresses.extend(address(one, "privateIpAddress", problems));
        }
    }
    let public_address = match configurations.first() {
        Some(first) => match first.reference("publicIPAddress", problems) {
            Reference::None => first.reference("publicIpAddress", problems),
            found => found,
        },
        None => Reference::None,
    };
    let mut pools = Some(Vec::new());
    for one in configurations.iter().map(|one| pools_of(one, problems)) {
        pools = pools.zip(one).map(|(all, more)| [all, more].concat());
    }
    let groups: Vec<_> = configurations.iter().map(|one| groups_of(one, problems)).collect();
    Interface {
        addresses,
        endpoint: node.id("privateEndpoint.id", problems),
        machine: node.id("virtualMachine.id", problems),
        is_primary: node.flag("primary", problems),
        subnet: configurations.iter().find_map(|one| one.id("subnet.id", problems)),
        dns_servers: match node.path("dnsSettings.dnsServers") {
            Some(_) => node.addresses("dnsSettings.dnsServers", problems),
            None => Some(Vec::new()),
        },
        public_address,
        pools,
        security_group: node.reference("networkSecurityGroup", problems),
        hides_groups: groups.iter().any(|(_, is_hidden)| *is_hidden),
        groups: groups.into_iter().flat_map(|(known, _)| known).collect(),
        forwards: node.flag("enableIPForwarding", problems),
        has_endpoint_answers: node
            .text("tags.disableSnatOnPL", problems)
            .is_some_and(|text| text.eq_ignore_ascii_case("true")),
        fields: fields_of(node),
    }
}

fn pools_of(node: &Node, problems: &mut Problems) -> Option<Vec<ResourceId>> {
    let listed = node.list("loadBalancerBackendAddressPools", problems)?;
    listed.iter().map(|one| one.id("id", problems)).collect()
}

/// Application security groups, and whether there are others that cannot be read.
fn groups_of(node: &Node, problems: &mut Problems) -> (Vec<ResourceId>, bool) {
    let listed = node.list("applicationSecurityGroups", problems);
    let is_read = listed.is_some();
    let listed = listed.unwrap_or_default();
    let known: Vec<ResourceId> = listed.iter().filter_map(|one| one.id("id", problems)).collect();
    let is_hidden = !is_read || known.len() < listed.len();
    (known, is_hidden)
}

fn address(node: &Node, field: &str, problems: &mut Problems) -> Option<Ipv4Addr> {
    node.text(field, problems)?.parse().ok()
}
