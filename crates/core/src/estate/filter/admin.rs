//! Security admin rules of network managers: as they are written, and as they are in force on a network.

use super::read::{port_range, prefix};
use super::{Direction, Prefix, Protocol};
use crate::estate::body::Node;
use crate::estate::problem::Problems;
use crate::estate::shapes::whole_list;
use crate::id::ResourceId;

/// A network manager.
#[derive(Debug, Clone)]
pub struct NetworkManager {
    /// Whether it may hold security admin rules (`networkManagerScopeAccesses`).
    pub has_admin_rules: bool,
}

/// A collection of security admin rules.
#[derive(Debug, Clone)]
pub struct RuleCollection {
    /// The network groups on whose members its rules act.
    pub groups: Vec<ResourceId>,
}

/// A security admin rule.
#[derive(Debug, Clone)]
pub struct AdminRule {
    /// Its own id, also where it stands in a network's list.
    pub id: ResourceId,
    /// Where it stands in the body that holds it.
    pub pointer: String,
    /// 1 to 4096; lower numbers are read first. `None` when not observed.
    pub priority: Option<u64>,
    /// What it does; `None` when not observed.
    pub access: Option<Access>,
    /// Which way it looks; `None` when not observed.
    pub direction: Option<Direction>,
    /// What it speaks of; `None` when not observed.
    pub protocol: Option<Protocol>,
    /// Ports of the senders; empty when not observed.
    pub from_ports: Vec<(u16, u16)>,
    /// Ports of the receivers; empty when not observed.
    pub to_ports: Vec<(u16, u16)>,
    /// Senders; `None` for what cannot be read, such as a network group.
    pub from: Vec<Option<Prefix>>,
    /// Receivers, the same way.
    pub to: Vec<Option<Prefix>>,
}

/// What a security admin rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Security groups decide.
    Allow,
    /// Lets pass whatever security groups say.
    AlwaysAllow,
    /// Drops.
    Deny,
}

/// The security admin rules that are in force on a network, as Azure lists them. Child of the network.
#[derive(Debug, Clone)]
pub struct EffectiveAdminRules {
    /// The rules; `None` when not all of them can be read.
    pub rules: Option<Vec<AdminRule>>,
}

pub(in crate::estate) fn network_manager(node: &Node, problems: &mut Problems) -> NetworkManager {
    let accesses = node.texts("networkManagerScopeAccesses", problems);
    NetworkManager {
        has_admin_rules: accesses.is_empty()
            || accesses.iter().any(|one| one.eq_ignore_ascii_case("SecurityAdmin")),
    }
}

pub(in crate::estate) fn rule_collection(node: &Node, problems: &mut Problems) -> RuleCollection {
    let groups = node.array("appliesToGroups", problems).unwrap_or_default();
    let groups = groups.iter().filter_map(|one| one.id("networkGroupId", problems)).collect();
    RuleCollection { groups }
}

pub(in crate::estate) fn effective_rules(
    node: &Node,
    problems: &mut Problems,
) -> EffectiveAdminRules {
    let listed = whole_list(node, "skipToken", problems);
    let rule = |one: &Node| {
        let id = one.id("id", problems)?;
        Some(admin_rule(&id, one, problems))
    };
    EffectiveAdminRules { rules: listed.and_then(|all| all.iter().map(rule).collect()) }
}

pub(in crate::estate) fn admin_rule(
    id: &ResourceId,
    node: &Node,
    problems: &mut Problems,
) -> AdminRule {
    let word = |field: &'static str, problems: &mut Problems| {
        node.text(field, problems).unwrap_or_default().to_ascii_lowercase()
    };
    let ports = |field: &'static str, problems: &mut Problems| {
        let texts = node.texts(field, problems);
        let ranges: Option<Vec<_>> = texts.iter().map(|text| port_range(text)).collect();
        ranges.unwrap_or_default()
    };
    AdminRule {
        id: id.clone(),
        pointer: node.pointer(),
        priority: node.number("priority", problems),
        access: match word("access", problems).as_str() {
            "allow" => Some(Access::Allow),
            "alwaysallow" => Some(Access::AlwaysAllow),
            "deny" => Some(Access::Deny),
            _ => None,
        },
        direction: match word("direction", problems).as_str() {
            "inbound" => Some(Direction::Inbound),
            "outbound" => Some(Direction::Outbound),
            _ => None,
        },
        protocol: match word("protocol", problems).as_str() {
            "any" | "*" => Some(Protocol::Any),
            "tcp" => Some(Protocol::Tcp),
            "udp" => Some(Protocol::Udp),
            "icmp" | "esp" | "ah" => Some(Protocol::Other),
            _ => None,
        },
        from_ports: ports("sourcePortRanges", problems),
        to_ports: ports("destinationPortRanges", problems),
        from: side(node, "sources", problems),
        to: side(node, "destinations", problems),
    }
}

/// Addresses of one side of a rule.
fn side(node: &Node, field: &'static str, problems: &mut Problems) -> Vec<Option<Prefix>> {
    let entries = node.array(field, problems).unwrap_or_default();
    if entries.is_empty() {
        return vec![None];
    }
    let read = |entry: &Node| prefix(&entry.borrowed_text("addressPrefix", problems)?, problems);
    entries.iter().map(read).collect()
}
