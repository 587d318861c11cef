//! Reads security groups and their rules.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::{
    Direction, Place, Ports, Prefix, Prefixes, Protocol, Rule, RuleField, Rules, SecurityGroup,
};
use crate::address::AddressSet;
use crate::estate::body::{Node, parse_network};
use crate::estate::network::is_tag;
use crate::estate::problem::Problems;
use crate::id::ResourceId;

pub(in crate::estate) fn security_group(
    id: &ResourceId,
    node: &Node,
    problems: &mut Problems,
) -> SecurityGroup {
    let lists_defaults = node.field("defaultSecurityRules").is_some();
    let Some(nodes) = node.array("securityRules", problems) else {
        return SecurityGroup { rules: None, lists_defaults };
    };
    let mut rules = Vec::with_capacity(nodes.len());
    for one in &nodes {
        match rule(id, one, problems) {
            Some(rule) => rules.push(rule),
            None => return SecurityGroup { rules: None, lists_defaults },
        }
    }
    SecurityGroup { rules: Some(Rules::of_list(rules)), lists_defaults }
}

/// One rule; `None` when it does not tell its direction.
pub(in crate::estate) fn rule(
    resource: &ResourceId,
    node: &Node,
    problems: &mut Problems,
) -> Option<Rule> {
    let name = node.borrowed_text("name", problems);
    let name = name.as_deref().unwrap_or(resource.name());
    let name = problems.shared.names.of_text(name, |name| Some(name.to_owned()))?;
    let Some(direction) = direction(node, problems) else {
        let what = "its group counts as not observed";
        say_unread(node, &name, "direction", what, problems);
        return None;
    };
    let (access, protocol) = (access(node, problems), protocol(node, problems));
    let (from, to) = (addresses(node, &SOURCE, problems), addresses(node, &DESTINATION, problems));
    let priority = node.number("priority", problems).and_then(|number| number.try_into().ok());
    let (ports, unread_ports) = ports(node, problems);
    let unread = [
        access.is_none().then_some(RuleField::Access),
        protocol.is_none().then_some(RuleField::Protocol),
        from.is_none().then_some(RuleField::Sender),
        to.is_none().then_some(RuleField::Receiver),
        priority.is_none().then_some(RuleField::Priority),
        unread_ports,
    ];
    let mut unread = unread.into_iter().flatten().peekable();
    let first = unread.peek().copied();
    for field in unread {
        let what = "what it may catch counts as not decided";
        say_unread(node, &name, field.name(), what, problems);
    }
    Some(Rule {
        name,
        priority: priority.unwrap_or(0),
        direction,
        allows: access.unwrap_or(false),
        protocol: protocol.unwrap_or(Protocol::Any),
        from: from.unwrap_or(Prefixes::One(Prefix::Any)),
        to: to.unwrap_or(Prefixes::One(Prefix::Any)),
        ports,
        resource: resource.clone(),
        place: Place::read(node),
        unread: first,
    })
}

fn say_unread(node: &Node, rule: &str, field: &'static str, what: &str, problems: &mut Problems) {
    let message = format!("`{field}` of security rule `{rule}` cannot be read; {what}");
    problems.add(&node.pointer_to(field), message);
}

fn direction(node: &Node, problems: &mut Problems) -> Option<Direction> {
    match &*node.borrowed_text("direction", problems)? {
        word if word.eq_ignore_ascii_case("inbound") => Some(Direction::Inbound),
        word if word.eq_ignore_ascii_case("outbound") => Some(Direction::Outbound),
        _ => None,
    }
}

/// Whether a rule lets pass.
fn access(node: &Node, problems: &mut Problems) -> Option<bool> {
    match &*node.borrowed_text("access", problems)? {
        word if word.eq_ignore_ascii_case("allow") => Some(true),
        word if word.eq_ignore_ascii_case("deny") => Some(false),
        _ => None,
    }
}

fn protocol(node: &Node, problems: &mut Problems) -> Option<Protocol> {
    match &*node.borrowed_text("protocol", problems)? {
        word if word.eq_ignore_ascii_case("tcp") => Some(Protocol::Tcp),
        word if word.eq_ignore_ascii_case("udp") => Some(Protocol::Udp),
        "*" => Some(Protocol::Any),
        word if word.eq_ignore_ascii_case("any") => Some(Protocol::Any),
        word if OTHER_PROTOCOLS.iter().any(|one| word.eq_ignore_ascii_case(one)) => {
            Some(Protocol::Other)
        }
        _ => None,
    }
}

const OTHER_PROTOCOLS: [&str; 4] = ["icmp", "icmpv6", "esp", "ah"];

/// Tags as Azure's first portal and its oldest clients spelled them.
const LEGACY_TAGS: [(&str, &str); 3] = [
    ("VIRTUAL_NETWORK", "VirtualNetwork"),
    ("AZURE_LOADBALANCER", "AzureLoadBalancer"),
    ("INTERNET", "Internet"),
];

/// What the fields of one side of a rule are called.
struct Names {
    prefix: &'static str,
    prefixes: &'static str,
    groups: &'static str,
    port: &'static str,
    ports: &'static str,
}

const SOURCE: Names = Names {
    prefix: RuleField::Sender.name(),
    prefixes: "sourceAddressPrefixes",
    groups: "sourceApplicationSecurityGroups",
    port: RuleField::SenderPort.name(),
    ports: "sourcePortRanges",
};

const DESTINATION: Names = Names {
    prefix: RuleField::Receiver.name(),
    prefixes: "destinationAddressPrefixes",
    groups: "destinationApplicationSecurityGroups",
    port: RuleField::ReceiverPort.name(),
    ports: "destinationPortRanges",
};

/// Addresses of one side of a rule; `None` where a part of them cannot be read, or there are none.
fn addresses(node: &Node, names: &Names, problems: &mut Problems) -> Option<Prefixes> {
    let texts = values(node, names.prefix, names.prefixes, problems);
    let groups = node.array(names.groups, problems).unwrap_or_default();
    if let ([one], []) = (texts.as_slice(), groups.as_slice())
        && let Some(prefix) = prefix(one, problems)
    {
        return Some(Prefixes::One(prefix));
    }
    let mut all = Vec::new();
    for text in &texts {
        match prefix(text, problems) {
            Some(prefix) => all.push(prefix),
            None if let Some(range) = range(text) => {
                all.extend(range.networks().into_iter().map(Prefix::Network));
            }
            None => return None,
        }
    }
    let groups = groups.iter().map(|one| one.id("id", problems));
    all.extend(groups.map(Prefix::ApplicationGroup));
    (!all.is_empty()).then(|| Prefixes::Many(problems.shared.prefixes.once(all)))
}

/// Ports of both sides, and the first of their fields of which a part cannot be read, or that is not there.
fn ports(node: &Node, problems: &mut Problems) -> (Arc<Ports>, Option<RuleField>) {
    const ALL: (u16, u16) = (0, u16::MAX);
    let from = values(node, SOURCE.port, SOURCE.ports, problems);
    let to = values(node, DESTINATION.port, DESTINATION.ports, problems);
    let ranges = |texts: &[Cow<str>]| -> Option<Vec<_>> {
        let all: Vec<_> = texts.iter().map(|text| port_range(text)).collect::<Option<_>>()?;
        (!all.is_empty()).then_some(all)
    };
    let key = format!("{from:?} {to:?}");
    let known = problems
        .shared
        .ports
        .of_text(&key, |_| Some(Ports { from: ranges(&from)?, to: ranges(&to)? }));
    if let Some(known) = known {
        return (known, None);
    }
    let (from, to) = (ranges(&from), ranges(&to));
    let field = if to.is_none() { RuleField::ReceiverPort } else { RuleField::SenderPort };
    let widest = || vec![ALL];
    let ports = Ports { from: from.unwrap_or_else(widest), to: to.unwrap_or_else(widest) };
    (Arc::new(ports), Some(field))
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
            problems.add(&item.pointer(), "is not a text; it is read as not observed");
            return Vec::new();
        };
        texts.push(Cow::Borrowed(text));
    }
    texts
}

/// Addresses from one to another, as `10.1.4.4-10.1.4.9`.
pub(in crate::estate) fn range(text: &str) -> Option<AddressSet> {
    let (low, high) = text.split_once('-')?;
    let [low, high] = [low, high].map(|end| end.trim().parse::<Ipv4Addr>().ok().map(u32::from));
    let (low, high) = (low?, high?);
    (low <= high).then(|| AddressSet::from_ranges(vec![(low, high)]))
}

pub(super) fn prefix(text: &str, problems: &mut Problems) -> Option<Prefix> {
    let text = text.trim();
    match parse_network(text) {
        Some(network) if network.prefix_len() == 0 => Some(Prefix::Any),
        Some(network) => Some(Prefix::Network(network)),
        None if text == "*" || text.eq_ignore_ascii_case("any") => Some(Prefix::Any),
        None if text.contains(':') => Some(Prefix::Ipv6),
        // Azure takes a bare number for the address of that number, as .NET does: recorded rules hold such.
        None if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
            let number: u32 = text.parse().ok()?;
            Some(Prefix::Network(Ipv4Net::from(Ipv4Addr::from(number))))
        }
        None => {
            let text =
                LEGACY_TAGS.iter().find(|(old, _)| *old == text).map_or(text, |(_, new)| new);
            let tag = || problems.shared.names.of_text(text, |text| Some(text.to_owned()));
            is_tag(text).then(tag)?.map(Prefix::Tag)
        }
    }
}

pub(in crate::estate) fn port_range(text: &str) -> Option<(u16, u16)> {
    let text = text.trim();
    if text == "*" {
        return Some((0, u16::MAX));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let range = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (range.0 <= range.1).then_some(range)
}
