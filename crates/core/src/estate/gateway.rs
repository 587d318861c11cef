//! Gateways to other networks, and load balancers, as facts.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::body::{Node, Problems};
use crate::id::ResourceId;

/// A virtual network gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Subnets that it stands in: `GatewaySubnet` of its network.
    pub subnets: Vec<ResourceId>,
    /// Whether it may learn routes that no resource tells: by BGP, or over ExpressRoute.
    pub learns_routes: bool,
}

impl Gateway {
    /// The networks that it stands in; normally one.
    pub fn vnets(&self) -> impl Iterator<Item = ResourceId> {
        self.subnets.iter().filter_map(ResourceId::parent)
    }
}

/// A network on the other side of a VPN.
#[derive(Debug, Clone)]
pub struct LocalGateway {
    /// Prefixes that stand there.
    pub space: Vec<Ipv4Net>,
}

/// A connection of a gateway.
#[derive(Debug, Clone)]
pub struct GatewayConnection {
    /// The virtual network gateways of Azure that it joins: one, or two.
    pub gateways: Vec<ResourceId>,
    /// The network on the other side.
    pub local: Option<ResourceId>,
    /// Whether routes are learned over it.
    pub learns_routes: bool,
    /// `connectionStatus`, as written.
    pub status: Option<String>,
}

/// A network that is connected to a virtual hub, which routes between its networks.
#[derive(Debug, Clone)]
pub struct HubConnection {
    /// The network; `None` where it is not told.
    pub vnet: Option<ResourceId>,
}

/// A load balancer.
#[derive(Debug, Clone)]
pub struct LoadBalancer {
    /// `sku.name`, as written.
    pub sku: Option<String>,
    /// Its private frontends.
    pub frontends: Vec<Frontend>,
}

/// A private frontend of a load balancer.
#[derive(Debug, Clone)]
pub struct Frontend {
    /// Its address.
    pub address: Ipv4Addr,
    /// The subnet it stands in.
    pub subnet: Option<ResourceId>,
}

pub(crate) fn gateway(node: &Node, problems: &mut Problems) -> Gateway {
    let places = node.array("ipConfigurations", problems).unwrap_or_default();
    let is_vpn =
        node.text("gatewayType", problems).is_some_and(|kind| kind.eq_ignore_ascii_case("vpn"));
    let speaks_bgp = node.flag("enableBgp", problems).unwrap_or(true);
    Gateway {
        subnets: places.iter().filter_map(|one| one.id("subnet.id", problems)).collect(),
        learns_routes: !is_vpn || speaks_bgp,
    }
}

pub(crate) fn hub_connection(node: &Node, problems: &mut Problems) -> HubConnection {
    let vnet = node.id("remoteVirtualNetwork.id", problems);
    if vnet.is_none() {
        problems.add(
            "",
            "connection of a hub without remoteVirtualNetwork.id: it may be any network's",
        );
    }
    HubConnection { vnet }
}

pub(crate) fn local_gateway(node: &Node, problems: &mut Problems) -> LocalGateway {
    LocalGateway {
        space: node.networks(
            "localNetworkAddressSpace.addressPrefix",
            "localNetworkAddressSpace.addressPrefixes",
            problems,
        ),
    }
}

pub(crate) fn connection(node: &Node, problems: &mut Problems) -> GatewayConnection {
    let ends = ["virtualNetworkGateway1.id", "virtualNetworkGateway2.id"];
    let kind = node.text("connectionType", problems);
    let is_static = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("ipsec"));
    GatewayConnection {
        gateways: ends.iter().filter_map(|end| node.id(end, problems)).collect(),
        local: node.id("localNetworkGateway2.id", problems),
        learns_routes: !is_static || node.flag("enableBgp", problems).unwrap_or(true),
        status: node.text("connectionStatus", problems),
    }
}

pub(crate) fn load_balancer(node: &Node, problems: &mut Problems) -> LoadBalancer {
    let mut frontends = Vec::new();
    let listed = ["frontendIPConfigurations", "frontendIpConfigurations"];
    for one in listed.iter().find_map(|name| node.array(name, problems)).unwrap_or_default() {
        let names = ["privateIPAddress", "privateIpAddress"];
        let text = names.iter().find_map(|name| one.text(name, problems));
        if let Some(address) = text.and_then(|text| text.parse().ok()) {
            frontends.push(Frontend { address, subnet: one.id("subnet.id", problems) });
        }
    }
    LoadBalancer { sku: node.text("sku.name", problems), frontends }
}

/// A public address.
#[derive(Debug, Clone)]
pub struct PublicAddress {
    /// The address; `None` while none is given out.
    pub address: Option<Ipv4Addr>,
}

/// A NAT gateway: what subnets behind it send into the internet comes from its addresses.
#[derive(Debug, Clone)]
pub struct NatGateway {
    /// Its public addresses; `None` where there are, or may be, others.
    pub addresses: Option<Vec<ResourceId>>,
}

pub(crate) fn public_address(node: &Node, problems: &mut Problems) -> PublicAddress {
    let text = node.text("ipAddress", problems);
    PublicAddress { address: text.and_then(|text| text.parse().ok()) }
}

pub(crate) fn nat_gateway(node: &Node, problems: &mut Problems) -> NatGateway {
    // A prefix stands for all addresses in it.
    let prefixes = node.list("publicIpPrefixes", problems);
    let has_no_prefix = prefixes.is_some_and(|all| all.is_empty());
    let listed = node.list("publicIpAddresses", problems);
    let known = listed.and_then(|all| all.iter().map(|one| one.id("id", problems)).collect());
    NatGateway { addresses: known.filter(|_| has_no_prefix) }
}
