//! What rules say, in the order in which Azure's portal shows it.

use super::{AdminRule, Direction, Prefix, Protocol, Rule};
use crate::id::ResourceId;

/// Entries of a list that are shown: a rule may name hundreds of addresses.
const SHOWN_MAX: usize = 4;

const NOT_READ: &str = "what was not read";

impl Rule {
    /// Direction, protocol, addresses and ports: `outbound, tcp, 10.1.0.0/24 -> any port 5432`.
    pub fn words(&self) -> String {
        let from = list(&self.from, prefix);
        let to = list(&self.to, prefix);
        let (from, to) = (with_ports(from, &self.ports.from), with_ports(to, &self.ports.to));
        format!("{}, {}, {from} -> {to}", direction(self.direction), protocol(self.protocol))
    }

    /// Each side's networks, tags and groups, as a list.
    pub fn sides(&self) -> [Vec<String>; 2] {
        let each = |all: &[Prefix]| all.iter().map(prefix).collect();
        [each(&self.from), each(&self.to)]
    }

    /// What it speaks of.
    pub fn protocol_word(&self) -> &'static str {
        protocol(self.protocol)
    }

    /// Ports of the receiver, as a list; `*` for all of them.
    pub fn receiver_ports(&self) -> Vec<String> {
        match &*self.ports.to {
            [(0, u16::MAX)] => vec!["*".to_owned()],
            ports => ports.iter().map(range).collect(),
        }
    }

    /// Addresses of the sender.
    pub fn sender_words(&self) -> String {
        list(&self.from, prefix)
    }

    /// Addresses of the receiver.
    pub fn receiver_words(&self) -> String {
        list(&self.to, prefix)
    }
}

impl AdminRule {
    /// The same with the priority and the place of the rule, and with what was not observed.
    pub fn words(&self) -> String {
        let priority = self
            .priority
            .map_or("priority not observed".to_owned(), |one| format!("priority {one}"));
        let direction = self.direction.map_or("direction not observed", direction);
        let protocol = self.protocol.map_or("protocol not observed", protocol);
        let side = |prefixes: &[Option<Prefix>], ports: &[(u16, u16)]| {
            let of = |one: &Option<Prefix>| one.as_ref().map_or(NOT_READ.to_owned(), prefix);
            let addresses = list(prefixes, of);
            match ports.is_empty() {
                true => format!("{addresses} ports not observed"),
                false => with_ports(addresses, ports),
            }
        };
        let from = side(&self.from, &self.from_ports);
        let to = side(&self.to, &self.to_ports);
        let home = home(&self.id).map_or(String::new(), |home| format!("; {home}"));
        format!("{priority}, {direction}, {protocol}, {from} -> {to}{home}")
    }
}

/// Where a security admin rule stands, down from its network manager; `None` for an id that does not tell.
fn home(rule: &ResourceId) -> Option<String> {
    let collection = rule.parent()?;
    let configuration = collection.parent()?;
    let manager = configuration.parent()?;
    let names = (collection.name(), configuration.name(), manager.name());
    Some(format!(
        "collection `{}` in configuration `{}` of network manager `{}`",
        names.0, names.1, names.2
    ))
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Any => "any protocol",
        Protocol::Other => "icmp, esp or ah",
    }
}

fn prefix(prefix: &Prefix) -> String {
    match prefix {
        Prefix::Any => "any".to_owned(),
        Prefix::Network(network) => network.to_string(),
        Prefix::Tag(tag) => tag.to_string(),
        Prefix::ApplicationGroup(Some(group)) => format!("members of `{}`", group.name()),
        Prefix::ApplicationGroup(None) => NOT_READ.to_owned(),
        Prefix::Ipv6 => "addresses of IPv6".to_owned(),
    }
}

fn with_ports(addresses: String, ports: &[(u16, u16)]) -> String {
    match ports {
        [(0, u16::MAX)] => addresses,
        [(low, high)] if low == high => format!("{addresses} port {low}"),
        many => format!("{addresses} ports {}", list(many, range)),
    }
}

fn range(&(low, high): &(u16, u16)) -> String {
    if low == high { low.to_string() } else { format!("{low}-{high}") }
}

fn list<T>(all: &[T], word: impl Fn(&T) -> String) -> String {
    let shown: Vec<String> = all.iter().take(SHOWN_MAX).map(word).collect();
    let more = all.len().saturating_sub(SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}
