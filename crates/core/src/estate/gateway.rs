//! Gateways to other networks, load balancers and public addresses as facts.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::body::Node;
use super::problem::Problems;
use crate::id::ResourceId;

/// A virtual network gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Subnets that it stands in: `GatewaySubnet` of its network.
    pub subnets: Vec<ResourceId>,
    /// Whether it may learn routes that no resource tells: by BGP, or over ExpressRoute.
    pub learns_routes: bool,
    /// Whether it surely is one of a VPN.
    pub is_vpn: bool,
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
    /// Its public frontends, with the address or prefix of each.
    pub doors: Vec<(ResourceId, ResourceId)>,
    /// Its rules; `None` where they could not be read.
    pub rules: Option<Vec<BalancerRule>>,
    /// Its rules of inbound NAT.
    pub nat_rules: Vec<BalancerRule>,
    /// Whether both lists of rules were told and read.
    pub has_all_rules: bool,
    /// Pools whose members come into the internet as some of its frontends, by rules for that; `None` where they could not be read.
    pub outbound: Option<Vec<(ResourceId, Vec<ResourceId>)>>,
    /// Its pools, with the configurations of interfaces that are members; `None` where there are, or may be, others.
    pub pools: Vec<(ResourceId, Option<Vec<ResourceId>>)>,
}

/// A rule of a load balancer: where it takes packets from a frontend.
#[derive(Debug, Clone)]
pub struct BalancerRule {
    /// The frontend.
    pub frontend: Option<ResourceId>,
    /// The pool, or the one configuration of an interface; `None` where it is not told.
    pub to: Option<ResourceId>,
    /// Whether it surely takes TCP, or surely does not.
    pub is_tcp: Option<bool>,
    /// The frontend's ports, first and last; 0 stands for every one.
    pub ports: Option<(u64, u64)>,
    /// The member's port; 0 stands for the one that was dialled.
    pub port_inside: Option<u64>,
    /// Whether packets keep the frontend as their destination (floating IP); `None` where that is not told.
    pub floats: Option<bool>,
    /// Whether members come into the internet as the frontend.
    pub translates: bool,
}

/// A private frontend of a load balancer or a firewall.
#[derive(Debug, Clone)]
pub struct Frontend {
    /// Its id, where it was told.
    pub id: Option<ResourceId>,
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
        // A default site takes all the rest.
        learns_routes: !is_vpn || speaks_bgp || node.field("gatewayDefaultSite").is_some(),
        is_vpn,
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
    let listed = FRONTENDS.iter().find_map(|name| node.array(name, problems)).unwrap_or_default();
    // A list that lacks is not an empty one: Terraform has resources of their own for what is in it.
    let [told, nat_rules] =
        ["loadBalancingRules", "inboundNatRules"].map(|name| node.array(name, problems));
    let has_all_rules = told.is_some() && nat_rules.is_some();
    let rules = told.or_else(|| node.field("loadBalancingRules").is_none().then(Vec::new));
    let mut read = |all: Vec<Node>| all.iter().map(|one| balancer_rule(one, problems)).collect();
    let (rules, nat_rules) = (rules.map(&mut read), read(nat_rules.unwrap_or_default()));
    let outbound = node.array("outboundRules", problems);
    let pools = node.array("backendAddressPools", problems).unwrap_or_default();
    LoadBalancer {
        sku: node.text("sku.name", problems),
        frontends: listed.iter().filter_map(|one| frontend(one, problems)).collect(),
        doors: listed.iter().filter_map(|one| door(one, problems)).collect(),
        outbound: outbound
            .and_then(|all| all.iter().map(|one| outbound_rule(one, problems)).collect()),
        rules,
        nat_rules,
        has_all_rules,
        pools: pools.iter().filter_map(|one| pool(one, problems)).collect(),
    }
}

fn balancer_rule(node: &Node, problems: &mut Problems) -> BalancerRule {
    let frontends = ["frontendIPConfiguration.id", "frontendIpConfiguration.id"];
    let receivers =
        ["backendAddressPool.id", "backendIPConfiguration.id", "backendIpConfiguration.id"];
    let floating = ["enableFloatingIP", "enableFloatingIp"];
    let port = node.number("frontendPort", problems);
    let range = ["frontendPortRangeStart", "frontendPortRangeEnd"];
    let [first, last] = range.map(|end| node.number(end, problems).or(port));
    let protocol = node.text("protocol", problems);
    let is = |word: &str| protocol.as_deref().map(|one| one.eq_ignore_ascii_case(word));
    BalancerRule {
        frontend: frontends.iter().find_map(|name| node.id(name, problems)),
        to: receivers.iter().find_map(|name| node.id(name, problems)),
        is_tcp: if is("all") == Some(true) { Some(true) } else { is("tcp") },
        ports: first.zip(last),
        // Which member gets which port of a range, no list tells.
        port_inside: node.number("backendPort", problems).filter(|_| port.is_some()),
        floats: floating.iter().find_map(|name| node.flag(name, problems)),
        translates: node.flag("disableOutboundSnat", problems) != Some(true),
    }
}

const FRONTENDS: [&str; 2] = ["frontendIPConfigurations", "frontendIpConfigurations"];

fn outbound_rule(node: &Node, problems: &mut Problems) -> Option<(ResourceId, Vec<ResourceId>)> {
    let frontends = FRONTENDS.iter().find_map(|name| node.array(name, problems))?;
    let frontends: Option<_> = frontends.iter().map(|one| one.id("id", problems)).collect();
    Some((node.id("backendAddressPool.id", problems)?, frontends?))
}

/// A public frontend, and the address or prefix that it has.
fn door(node: &Node, problems: &mut Problems) -> Option<(ResourceId, ResourceId)> {
    let names =
        ["publicIPAddress.id", "publicIpAddress.id", "publicIPPrefix.id", "publicIpPrefix.id"];
    let public = names.iter().find_map(|name| node.id(name, problems))?;
    Some((node.id("id", problems)?, public))
}

fn pool(node: &Node, problems: &mut Problems) -> Option<(ResourceId, Option<Vec<ResourceId>>)> {
    let names = ["backendIPConfigurations", "backendIpConfigurations"];
    let members = names.iter().find_map(|name| node.array(name, problems));
    let ids = |all: Vec<Node>| all.iter().map(|one| one.id("id", problems)).collect();
    let members = members.and_then(ids);
    Some((node.id("id", problems)?, members))
}

pub(super) fn frontend(node: &Node, problems: &mut Problems) -> Option<Frontend> {
    let names = ["privateIPAddress", "privateIpAddress"];
    let address = names.iter().find_map(|name| node.text(name, problems))?.parse().ok()?;
    let (id, subnet) = (node.id("id", problems), node.id("subnet.id", problems));
    Some(Frontend { id, address, subnet })
}

/// A public address, or a prefix of them.
#[derive(Debug, Clone)]
pub struct PublicAddress {
    /// Which; `None` while none is given out.
    pub network: Option<Ipv4Net>,
    /// The field that tells it.
    pub field: &'static str,
}

/// A NAT gateway: what subnets behind it send into the internet comes from its addresses.
#[derive(Debug, Clone)]
pub struct NatGateway {
    /// Region, as written.
    pub location: Option<String>,
    /// Its public addresses and prefixes of them; `None` where there are, or may be, others.
    pub addresses: Option<Vec<ResourceId>>,
    /// Subnets that it says it is attached to; `None` where they could not be read.
    pub subnets: Option<Vec<ResourceId>>,
}

pub(crate) fn public_address(node: &Node, problems: &mut Problems) -> PublicAddress {
    let text = node.text("ipAddress", problems);
    let address = text.and_then(|text| text.parse::<Ipv4Addr>().ok());
    PublicAddress { network: address.map(Ipv4Net::from), field: "ipAddress" }
}

/// Azure gives out no wider prefixes of public addresses.
const WIDEST_PREFIX: u8 = 21;

pub(crate) fn public_prefix(node: &Node, problems: &mut Problems) -> PublicAddress {
    let text = node.text("ipPrefix", problems);
    let network: Option<Ipv4Net> = text.and_then(|text| text.parse().ok());
    let network = network.filter(|one| one.prefix_len() >= WIDEST_PREFIX);
    PublicAddress { network, field: "ipPrefix" }
}

pub(crate) fn nat_gateway(node: &Node, problems: &mut Problems) -> NatGateway {
    let mut listed = |name: &str| -> Option<Vec<ResourceId>> {
        node.list(name, problems)?.iter().map(|one| one.id("id", problems)).collect()
    };
    let (own, prefixes) = (listed("publicIpAddresses"), listed("publicIpPrefixes"));
    let subnets = listed("subnets");
    NatGateway {
        location: node.text("location", problems),
        addresses: own.zip(prefixes).map(|(own, prefixes)| [own, prefixes].concat()),
        subnets,
    }
}
