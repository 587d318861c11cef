//! Security rules of network security groups as facts.

mod admin;
mod read;
mod words;

use std::ops::Deref;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::body::Node;
use crate::id::ResourceId;

pub use admin::{Access, AdminRule, EffectiveAdminRules, NetworkManager, RuleCollection};
pub(super) use admin::{admin_rule, effective_rules, network_manager, rule_collection};
pub(super) use read::{port_range, range, rule, security_group};

/// A network security group.
#[derive(Debug, Clone)]
pub struct SecurityGroup {
    /// `None` when the body does not list its rules, or lists one that does not tell its direction.
    pub rules: Option<Rules>,
    /// Whether the body lists the rules of Azure's own that every group ends with.
    pub lists_defaults: bool,
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
            let ports = &rule.ports.to;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Arc<String>,
    /// 100 to 4096; lower numbers are read first. Zero where it could not be read.
    pub priority: u32,
    /// Which way it looks.
    pub direction: Direction,
    /// Whether it lets pass.
    pub allows: bool,
    /// What it speaks of.
    pub protocol: Protocol,
    /// Addresses of the sender.
    pub from: Prefixes,
    /// Addresses of the receiver.
    pub to: Prefixes,
    /// Ports of both.
    pub ports: Arc<Ports>,
    /// The resource that holds the rule: the group, or the rule itself where it was captured alone.
    pub resource: ResourceId,
    /// Where it stands in that resource's body.
    pub place: Place,
    /// The field that could not be read, where there is one, `access` before all others. Such a rule is as wide as it may be, and
    /// catches nothing for sure.
    pub unread: Option<RuleField>,
}

/// A field of a rule that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleField {
    /// What it does.
    Access,
    /// The protocol.
    Protocol,
    /// Who sends.
    Sender,
    /// Who receives.
    Receiver,
    /// Its turn.
    Priority,
    /// Ports of the receiver.
    ReceiverPort,
    /// Ports of the sender.
    SenderPort,
}

impl RuleField {
    /// As the rule's body calls it.
    pub const fn name(self) -> &'static str {
        match self {
            RuleField::Access => "access",
            RuleField::Protocol => "protocol",
            RuleField::Sender => "sourceAddressPrefix",
            RuleField::Receiver => "destinationAddressPrefix",
            RuleField::Priority => "priority",
            RuleField::ReceiverPort => "destinationPortRange",
            RuleField::SenderPort => "sourcePortRange",
        }
    }
}

impl Rule {
    /// Whether nobody knows what it does with the packets that it catches.
    pub(crate) fn is_action_unread(&self) -> bool {
        self.unread == Some(RuleField::Access)
    }

    /// Whether another rule does the same with the same packets at the same turn, whatever it is called.
    pub(crate) fn acts_like(&self, other: &Rule) -> bool {
        self.priority == other.priority && self.catches_like(other)
    }

    /// The same at whatever turn.
    pub(crate) fn catches_like(&self, other: &Rule) -> bool {
        let catches = |rule: &Rule| (rule.direction, rule.allows, rule.protocol);
        catches(self) == catches(other)
            && (&self.from, &self.to, &self.ports) == (&other.from, &other.to, &other.ports)
            && self.unread == other.unread
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

/// Ranges of ports that a rule speaks of; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Of the sender.
    pub from: Vec<(u16, u16)>,
    /// Of the receiver.
    pub to: Vec<(u16, u16)>,
}

/// What a rule says of the addresses of one side: nearly always a single prefix.
#[derive(Debug, Clone)]
pub enum Prefixes {
    /// One.
    One(Prefix),
    /// Any number.
    Many(Arc<Vec<Prefix>>),
}

impl Deref for Prefixes {
    type Target = [Prefix];

    fn deref(&self) -> &[Prefix] {
        match self {
            Prefixes::One(one) => std::slice::from_ref(one),
            Prefixes::Many(all) => all,
        }
    }
}

impl Eq for Prefixes {}

impl PartialEq for Prefixes {
    fn eq(&self, other: &Prefixes) -> bool {
        **self == **other
    }
}

/// What a rule says of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `*`, `Any` or `0.0.0.0/0`.
    Any,
    /// An address prefix.
    Network(Ipv4Net),
    /// A service tag.
    Tag(Arc<String>),
    /// An application security group: holds its members' interfaces, never an address of a delegated subnet.
    /// `None` where the group cannot be read.
    ApplicationGroup(Option<ResourceId>),
    /// An IPv6 prefix: never matches IPv4.
    Ipv6,
}

impl Prefix {
    /// A service tag.
    pub fn tag(name: &str) -> Prefix {
        Prefix::Tag(Arc::new(name.to_owned()))
    }

    /// Whether it is the tag VirtualNetwork.
    pub fn is_network_tag(&self) -> bool {
        matches!(self, Prefix::Tag(tag) if tag.eq_ignore_ascii_case("VirtualNetwork"))
    }
}
