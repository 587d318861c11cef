//! DNS resolvers and forwarding rulesets as facts.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::body::Node;
use super::problem::Problems;
use super::shapes::whole_list;
use crate::id::ResourceId;

/// Where DNS servers are asked unless another port is named; resolvers of Azure answer there alone.
pub const DNS_PORT: u16 = 53;

/// Inbound endpoint of a DNS private resolver: answers with the zones that are linked to its own network.
#[derive(Debug, Clone)]
pub struct InboundEndpoint {
    /// Its addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// The subnets it stands in.
    pub subnets: Vec<ResourceId>,
}

/// Outbound endpoint of a DNS private resolver: where forwarded questions come from.
#[derive(Debug, Clone)]
pub struct OutboundEndpoint {
    /// The subnet it stands in.
    pub subnet: Option<ResourceId>,
}

/// A forwarding ruleset.
#[derive(Debug, Clone)]
pub struct Ruleset {
    /// The outbound endpoints that its questions leave by; `None` when not all of them can be read.
    pub outbound: Option<Vec<ResourceId>>,
}

/// A rule of a forwarding ruleset.
#[derive(Debug, Clone)]
pub struct ForwardingRule {
    /// Names that end so are forwarded; without the final dot, in lower case. Empty for every name.
    pub domain: String,
    /// Whether the rule acts; `None` where that cannot be read.
    pub is_enabled: Option<bool>,
    /// Where it forwards to, in order; `None` where a part of it was not told or cannot be read.
    pub servers: Option<Vec<SocketAddrV4>>,
    /// Pointer of the servers.
    pub servers_pointer: String,
}

/// A link of a forwarding ruleset to a network.
#[derive(Debug, Clone)]
pub struct RulesetLink {
    /// The network.
    pub vnet: ResourceId,
}

/// The forwarding rulesets that are linked to a network, as Azure lists them. Child of the network.
#[derive(Debug, Clone)]
pub struct LinkedRulesets {
    /// The rulesets; `None` when not all of them can be read.
    pub rulesets: Option<Vec<LinkedRuleset>>,
}

/// A ruleset in a network's list.
#[derive(Debug, Clone)]
pub struct LinkedRuleset {
    /// The ruleset.
    pub ruleset: ResourceId,
    /// Its link to the network, where the list tells it.
    pub link: Option<ResourceId>,
}

pub(crate) fn linked_rulesets(node: &Node, problems: &mut Problems) -> LinkedRulesets {
    let listed = whole_list(node, "nextLink", problems);
    let mut read = |one: &Node| {
        let ruleset = one.id("id", problems)?;
        Some(LinkedRuleset { ruleset, link: one.id("virtualNetworkLink.id", problems) })
    };
    let rulesets = listed.and_then(|all| all.iter().map(&mut read).collect());
    LinkedRulesets { rulesets }
}

pub(crate) fn inbound_endpoint(node: &Node, problems: &mut Problems) -> InboundEndpoint {
    let mut endpoint = InboundEndpoint { addresses: Vec::new(), subnets: Vec::new() };
    for one in node.array("ipConfigurations", problems).unwrap_or_default() {
        let text = one.text("privateIpAddress", problems);
        let text = text.or_else(|| one.text("privateIPAddress", problems));
        endpoint.addresses.extend(text.and_then(|text| text.parse::<Ipv4Addr>().ok()));
        endpoint.subnets.extend(one.id("subnet.id", problems));
    }
    endpoint
}

pub(crate) fn outbound_endpoint(node: &Node, problems: &mut Problems) -> OutboundEndpoint {
    OutboundEndpoint { subnet: node.id("subnet.id", problems) }
}

pub(crate) fn ruleset(node: &Node, problems: &mut Problems) -> Ruleset {
    let listed = node.array("dnsResolverOutboundEndpoints", problems);
    let outbound = listed.and_then(|all| all.iter().map(|one| one.id("id", problems)).collect());
    Ruleset { outbound }
}

pub(crate) fn forwarding_rule(node: &Node, problems: &mut Problems) -> Option<ForwardingRule> {
    let Some(domain) = node.path("domainName").and_then(|domain| domain.as_str()) else {
        problems.add("", "forwarding rule without a domainName that can be read; it is left out");
        return None;
    };
    let listed = node.array("targetDnsServers", problems);
    let servers =
        listed.and_then(|all| all.iter().map(|one| target_server(one, problems)).collect());
    let is_told = node.path("forwardingRuleState").is_some();
    Some(ForwardingRule {
        domain: domain.trim_end_matches('.').to_ascii_lowercase(),
        is_enabled: if is_told { node.switch("forwardingRuleState", problems) } else { Some(true) },
        servers,
        servers_pointer: node.pointer_to("targetDnsServers"),
    })
}

/// A server that a rule forwards to. Azure takes port 53 where none is named.
fn target_server(one: &Node, problems: &mut Problems) -> Option<SocketAddrV4> {
    let address = one.text("ipAddress", problems)?.parse().ok()?;
    let port = match one.path("port") {
        Some(_) => u16::try_from(one.number("port", problems)?).ok()?,
        None => DNS_PORT,
    };
    Some(SocketAddrV4::new(address, port))
}

pub(crate) fn ruleset_link(node: &Node, problems: &mut Problems) -> Option<RulesetLink> {
    let Some(vnet) = node.id("virtualNetwork.id", problems) else {
        problems.add("", "ruleset link without virtualNetwork.id; it is left out");
        return None;
    };
    Some(RulesetLink { vnet })
}
