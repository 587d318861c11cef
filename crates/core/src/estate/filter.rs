//! Security rules of network security groups as facts.

use std::borrow::Cow;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::body::{Node, Problems, parse_network};
use super::network::is_tag;
use crate::id::ResourceId;

/// A network security group.
#[derive(Debug, Clone)]
pub struct SecurityGroup {
    /// `None` when the body does not list its rules, or lists one that cannot be read.
    pub rules: Option<Rules>,
}

/// The rules that a group lists.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Those into the subnet, then those out of it; lowest priority number first.
    all: Vec<Rule>,
    /// The ports of the receiver that each speaks of, from the lowest to the highest.
    ports: Vec<(u16, u16)>,
    inbound_count: usize,
}

impl Rules {
    fn of_list(mut all: Vec<Rule>) -> Rules {
        all.sort_by_key(|rule| (rule.direction == Direction::Outbound, rule.priority));
        all.shrink_to_fit();
        let inbound_count = all.partition_point(|rule| rule.direction == Direction::Inbound);
        let span = |rule: &Rule| {
            let ports = &rule.to_ports;
            ports.iter().fold((u16::MAX, 0), |all, one| (all.0.min(one.0), all.1.max(one.1)))
        };
        let ports = all.iter().map(span).collect();
        Rules { all, ports, inbound_count }
    }

    /// Every rule.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.all.iter()
    }

    /// The rules of one direction, lowest priority number first.
    pub fn of(&self, direction: Direction) -> &[Rule] {
        &self.all[self.range(direction)]
    }

    /// Those of them that may speak of a port of the receiver.
    pub fn about_port(&self, direction: Direction, port: u16) -> impl Iterator<Item = &Rule> {
        let ports = self.ports[self.range(direction)].iter();
        let may = move |&(_, &(low, high)): &(&Rule, &(u16, u16))| low <= port && port <= high;
        self.of(direction).iter().zip(ports).filter(may).map(|(rule, _)| rule)
    }

    fn range(&self, direction: Direction) -> std::ops::Range<usize> {
        match direction {
            Direction::Inbound => 0..self.inbound_count,
            Direction::Outbound => self.inbound_count..self.all.len(),
        }
    }
}

/// One security rule. What rules say alike they share, by one word each: estates have millions.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: Arc<String>,
    /// 100 to 4096; lower numbers are read first.
    pub priority: u32,
    /// Which way it looks.
    pub direction: Direction,
    /// Whether it lets pass.
    pub allows: bool,
    /// What it speaks of.
    pub protocol: Protocol,
    /// Addresses of the sender.
    pub from: Arc<Vec<Prefix>>,
    /// Ports of the sender.
    pub from_ports: Arc<Vec<(u16, u16)>>,
    /// Addresses of the receiver.
    pub to: Arc<Vec<Prefix>>,
    /// Ports of the receiver.
    pub to_ports: Arc<Vec<(u16, u16)>>,
    /// The resource that holds the rule: the group, or the rule itself where it was captured alone.
    pub resource: ResourceId,
    /// Where it stands in that resource's body.
    pub place: Place,
}

impl Rule {
    /// Whether another rule does the same with the same packets at the same turn, whatever it is called.
    pub(crate) fn acts_like(&self, other: &Rule) -> bool {
        let catches = |rule: &Rule| (rule.priority, rule.direction, rule.allows, rule.protocol);
        catches(self) == catches(other)
            && (&self.from, &self.from_ports) == (&other.from, &other.from_ports)
            && (&self.to, &self.to_ports) == (&other.to, &other.to_ports)
    }
}

/// Where a rule stands in the body of the resource that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the body.
    Whole,
    /// It is the one with that index in the group's list.
    Listed(u32),
    /// The same, in a body whose properties stand beside its id.
    ListedFlat(u32),
}

impl Place {
    fn read(node: &Node) -> Place {
        match node.index().and_then(|index| index.try_into().ok()) {
            None => Place::Whole,
            Some(index) if node.is_under_properties() => Place::Listed(index),
            Some(index) => Place::ListedFlat(index),
        }
    }

    /// Pointer in the body.
    pub fn pointer(self) -> String {
        match self {
            Place::Whole => String::new(),
            Place::Listed(index) => format!("/properties/securityRules/{index}"),
            Place::ListedFlat(index) => format!("/securityRules/{index}"),
        }
    }
}

/// A security admin rule of a network manager, as far as it can concern one port.
#[derive(Debug, Clone)]
pub struct AdminRule {
    /// Whether it drops.
    pub denies: bool,
    /// Whether it lets pass whatever security groups say.
    pub always_allows: bool,
    /// Which way it looks; `None` when not observed.
    pub direction: Option<Direction>,
    /// What it speaks of; everything when not observed.
    pub protocol: Protocol,
    /// Ports of the receivers; all when not observed.
    pub to_ports: Vec<(u16, u16)>,
}

/// A network manager.
#[derive(Debug, Clone)]
pub struct NetworkManager {
    /// Whether it may hold security admin rules (`networkManagerScopeAccesses`).
    pub has_admin_rules: bool,
}

/// Protocol of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Every protocol.
    Any,
    /// ICMP, ESP or AH.
    Other,
}

/// Direction of a rule, as the subnet sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the subnet.
    Inbound,
    /// Out of the subnet.
    Outbound,
}

/// What a rule says of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `*`, `Any` or `0.0.0.0/0`.
    Any,
    /// An address prefix.
    Network(Ipv4Net),
    /// A service tag.
    Tag(String),
    /// An application security group: holds its members' interfaces, never an address of a delegated subnet.
    /// `None` where the group cannot be read.
    ApplicationGroup(Option<ResourceId>),
    /// An IPv6 prefix: never matches IPv4.
    Ipv6,
}

pub(crate) fn security_group(
    id: &ResourceId,
    node: &Node,
    problems: &mut Problems,
) -> SecurityGroup {
    let Some(nodes) = node.array("securityRules", problems) else {
        return SecurityGroup { rules: None };
    };
    let mut rules = Vec::with_capacity(nodes.len());
    for one in &nodes {
        match rule(id, one, problems) {
            Some(rule) => rules.push(rule),
            None => {
                problems.add(
                    &one.pointer(),
                    "security rule cannot be read; the group counts as not observed",
                );
                return SecurityGroup { rules: None };
            }
        }
    }
    SecurityGroup { rules: Some(Rules::of_list(rules)) }
}

pub(crate) fn network_manager(node: &Node, problems: &mut Problems) -> NetworkManager {
    let accesses = node.texts("networkManagerScopeAccesses", problems);
    NetworkManager {
        has_admin_rules: accesses.iter().any(|one| one.eq_ignore_ascii_case("SecurityAdmin")),
    }
}

pub(crate) fn admin_rule(node: &Node, problems: &mut Problems) -> AdminRule {
    let word = |field: &str, problems: &mut Problems| {
        node.text(field, problems).unwrap_or_default().to_ascii_lowercase()
    };
    let mut to_ports: Vec<(u16, u16)> = Vec::new();
    for text in node.texts("destinationPortRanges", problems) {
        to_ports.extend(port_range(&text));
    }
    if to_ports.is_empty() {
        to_ports.push((0, u16::MAX));
    }
    AdminRule {
        // What is not known to allow may deny.
        denies: !matches!(word("access", problems).as_str(), "allow" | "alwaysallow"),
        always_allows: word("access", problems) == "alwaysallow",
        direction: match word("direction", problems).as_str() {
            "inbound" => Some(Direction::Inbound),
            "outbound" => Some(Direction::Outbound),
            _ => None,
        },
        protocol: match word("protocol", problems).as_str() {
            "udp" => Protocol::Udp,
            "icmp" | "esp" | "ah" => Protocol::Other,
            "tcp" => Protocol::Tcp,
            _ => Protocol::Any,
        },
        to_ports,
    }
}

/// One rule; `None` when a field that decides is absent or cannot be read.
pub(crate) fn rule(resource: &ResourceId, node: &Node, problems: &mut Problems) -> Option<Rule> {
    let direction = match &*node.borrowed_text("direction", problems)? {
        word if word.eq_ignore_ascii_case("inbound") => Direction::Inbound,
        word if word.eq_ignore_ascii_case("outbound") => Direction::Outbound,
        _ => return None,
    };
    let allows = match &*node.borrowed_text("access", problems)? {
        word if word.eq_ignore_ascii_case("allow") => true,
        word if word.eq_ignore_ascii_case("deny") => false,
        _ => return None,
    };
    let protocol = match &*node.borrowed_text("protocol", problems)? {
        word if word.eq_ignore_ascii_case("tcp") => Protocol::Tcp,
        word if word.eq_ignore_ascii_case("udp") => Protocol::Udp,
        "*" => Protocol::Any,
        word if word.eq_ignore_ascii_case("any") => Protocol::Any,
        word if OTHER_PROTOCOLS.iter().any(|one| word.eq_ignore_ascii_case(one)) => Protocol::Other,
        _ => return None,
    };
    let (from, from_ports) = side(node, &SOURCE, problems)?;
    let (to, to_ports) = side(node, &DESTINATION, problems)?;
    let name = node.borrowed_text("name", problems);
    let name = name.as_deref().unwrap_or(resource.name());
    let name = problems.shared.names.of_text(name, |name| Some(name.to_owned()))?;
    Some(Rule {
        name,
        priority: node.number("priority", problems)?.try_into().ok()?,
        direction,
        allows,
        protocol,
        from,
        from_ports,
        to,
        to_ports,
        resource: resource.clone(),
        place: Place::read(node),
    })
}

const OTHER_PROTOCOLS: [&str; 4] = ["icmp", "icmpv6", "esp", "ah"];

/// What the fields of one side of a rule are called.
struct Names {
    prefix: &'static str,
    prefixes: &'static str,
    groups: &'static str,
    port: &'static str,
    ports: &'static str,
}

const SOURCE: Names = Names {
    prefix: "sourceAddressPrefix",
    prefixes: "sourceAddressPrefixes",
    groups: "sourceApplicationSecurityGroups",
    port: "sourcePortRange",
    ports: "sourcePortRanges",
};

const DESTINATION: Names = Names {
    prefix: "destinationAddressPrefix",
    prefixes: "destinationAddressPrefixes",
    groups: "destinationApplicationSecurityGroups",
    port: "destinationPortRange",
    ports: "destinationPortRanges",
};

/// Addresses and port ranges of one side of a rule.
type Side = (Arc<Vec<Prefix>>, Arc<Vec<(u16, u16)>>);

fn side(node: &Node, names: &Names, problems: &mut Problems) -> Option<Side> {
    let texts = values(node, names.prefix, names.prefixes, problems);
    let groups = node.array(names.groups, problems).unwrap_or_default();
    let prefixes = match (texts.as_slice(), groups.as_slice()) {
        ([one], []) => problems.shared.prefixes.of_text(one, |text| Some(vec![prefix(text)?]))?,
        _ => {
            let named = texts.iter().map(|text| prefix(text));
            let groups = groups.iter().map(|one| one.id("id", problems));
            let groups: Vec<_> = groups.map(|id| Some(Prefix::ApplicationGroup(id))).collect();
            let all: Vec<Prefix> = named.chain(groups).collect::<Option<_>>()?;
            problems.shared.prefixes.once(all)
        }
    };
    let texts = values(node, names.port, names.ports, problems);
    let ports = match texts.as_slice() {
        [one] => problems.shared.ports.of_text(one, |text| Some(vec![port_range(text)?]))?,
        _ => {
            let all: Vec<_> = texts.iter().map(|text| port_range(text)).collect::<Option<_>>()?;
            problems.shared.ports.once(all)
        }
    };
    (!prefixes.is_empty() && !ports.is_empty()).then_some((prefixes, ports))
}

/// Values of the singular and the plural field; where the plural one has elements it is the one that counts.
fn values<'a>(
    node: &Node<'a>,
    one: &'static str,
    many: &'static str,
    problems: &mut Problems,
) -> Vec<Cow<'a, str>> {
    let listed = node.array(many, problems).unwrap_or_default();
    if listed.is_empty() {
        return node.borrowed_text(one, problems).into_iter().collect();
    }
    let mut texts = Vec::with_capacity(listed.len());
    for item in &listed {
        // A rule of which a part cannot be read counts as not read.
        let Some(text) = item.as_str() else {
            problems.add(&item.pointer(), "is not a text; the rule is read as not observed");
            return Vec::new();
        };
        texts.push(Cow::Borrowed(text));
    }
    texts
}

fn prefix(text: &str) -> Option<Prefix> {
    match parse_network(text) {
        Some(network) if network.prefix_len() == 0 => Some(Prefix::Any),
        Some(network) => Some(Prefix::Network(network)),
        None if text == "*" || text.eq_ignore_ascii_case("any") => Some(Prefix::Any),
        None if text.contains(':') => Some(Prefix::Ipv6),
        // Azure takes a bare number for the address of that number, as .NET does: recorded rules hold such.
        None if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            let number: u32 = text.parse().ok()?;
            Some(Prefix::Network(Ipv4Net::from(std::net::Ipv4Addr::from(number))))
        }
        None => is_tag(text).then(|| Prefix::Tag(text.to_owned())),
    }
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some((0, u16::MAX));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let range = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (range.0 <= range.1).then_some(range)
}
