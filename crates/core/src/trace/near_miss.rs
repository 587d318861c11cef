//! Rules that were meant to let packets pass and do not: one that misses them by one thing, or comes after the denial.

use crate::address::AddressSet;
use crate::estate::filter::{Direction, Prefix, Protocol, Rule};
use crate::trace::POOLER_PORT;
use crate::trace::PORT;
use crate::trace::decision::{Decider, Decision};
use crate::trace::filter::{Match, Question, Receiver, covers};
use crate::trace::rules::FIRST_DEFAULT;

/// What a rule misses the packets by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// It names other ports.
    Port,
    /// It names an application security group, which the copier or the receiver is no member of.
    Group,
    /// It names the service tag of another region.
    Region,
    /// It names the tag VirtualNetwork, which does not hold the other end here.
    NetworkTag,
    /// It names other addresses: told beside the denial, which is the fault.
    Address,
    /// It comes after the denial: told in the same way.
    Order,
}

/// The rule and its miss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// What it misses by.
    pub miss: Miss,
    /// The rule.
    pub rule: Decider,
    /// What the rule names in that place; senders that it would let pass where it comes too late.
    pub names: String,
    /// The port of the packets.
    pub port: u16,
}

impl Question<'_> {
    /// Rules ahead of the denial that would let the denied senders pass but for one thing.
    pub(super) fn near_misses(&self, rules: &[&Rule], decision: &Decision) -> Vec<NearMiss> {
        let Some(denied_at) = decision.denied.iter().map(|(_, rule)| rule.priority).min() else {
            return Vec::new();
        };
        let denied = decision.denied_senders();
        let ahead = rules.iter().copied().filter(|rule| {
            rule.allows
                && rule.unread.is_none()
                && rule.priority < denied_at
                && (rule.protocol == Protocol::Any || rule.protocol == self.service.protocol)
                && self.client_ports(rule) != Match::No
        });
        let mut misses: Vec<NearMiss> =
            ahead.filter_map(|rule| self.miss_of(rule, &denied)).collect();
        misses.sort_by_key(|one| one.miss == Miss::NetworkTag);
        misses.extend(self.too_late(rules, decision));
        misses
    }

    /// Users' rules behind the denials that would let denied senders pass.
    fn too_late(&self, rules: &[&Rule], decision: &Decision) -> Vec<NearMiss> {
        let denied = decision.denied_senders();
        let (mut rest, mut found) = (denied.clone(), Vec::new());
        for rule in rules.iter().filter(|rule| rule.allows && rule.priority < FIRST_DEFAULT) {
            let before = decision.denied.iter().filter(|(_, one)| one.priority < rule.priority);
            let before = before.fold(AddressSet::default(), |all, (part, _)| all.union(part));
            let (caught, _) = self.caught(rule, &before.intersection(&rest));
            if !caught.is_empty() {
                rest = rest.difference(&caught);
                let names = if caught == denied { "it".to_owned() } else { caught.to_string() };
                let rule = self.decider(rule);
                found.push(NearMiss { miss: Miss::Order, rule, names, port: self.service.port });
            }
        }
        found
    }

    fn miss_of(&self, rule: &Rule, denied: &AddressSet) -> Option<NearMiss> {
        let sends = || rule.from.iter().any(|one| self.sends(one).0.overlaps(denied));
        let receives = || self.receives_any(&rule.to) == Match::Yes;
        let port = self.service.port;
        let found =
            |miss, names: String| Some(NearMiss { miss, rule: self.decider(rule), names, port });
        if !covers(&rule.ports.to, self.service.port) {
            let is_it = is_about_postgres(rule) && sends() && receives();
            return if is_it { found(Miss::Port, ports(rule)) } else { None };
        }
        let is_group = |one: &&Prefix| matches!(one, Prefix::ApplicationGroup(_));
        let is_unsupported = self.stand.is_at_server && rule.to.iter().any(|one| is_group(&one));
        let (sends, receives) = (sends(), receives() && !is_unsupported);
        let group = |side: &[Prefix]| side.iter().find(is_group).map(name);
        let from_group =
            group(&rule.from).filter(|_| !sends && (receives || group(&rule.to).is_some()));
        let to_group = group(&rule.to).filter(|_| sends && !receives);
        if let Some(group) = from_group.or(to_group) {
            return found(Miss::Group, group);
        }
        if sends && !receives && matches!(self.receiver, Receiver::Gateway(..)) {
            let regional = rule.to.iter().find(|one| is_regional(one)).map(name);
            return regional.and_then(|tag| found(Miss::Region, tag));
        }
        let has_tag = |side: &[Prefix]| side.iter().any(Prefix::is_network_tag);
        let is_near = matches!(self.receiver, Receiver::Addresses(..));
        let by_tag = (sends || has_tag(&rule.from)) && (receives || has_tag(&rule.to));
        match is_near && by_tag && !(sends && receives) {
            true => found(Miss::NetworkTag, "VirtualNetwork".to_owned()),
            false => {
                self.missed_address(rule, denied).and_then(|names| found(Miss::Address, names))
            }
        }
    }

    /// What a rule about some ports says of the addresses of one end, where it misses that end alone.
    fn missed_address(&self, rule: &Rule, denied: &AddressSet) -> Option<String> {
        let Receiver::Addresses(to, _) = self.receiver else { return None };
        let is_network = |one: &Prefix| matches!(one, Prefix::Network(_));
        let (from_networks, to_networks) =
            (rule.from.iter().all(is_network), rule.to.iter().all(is_network));
        let sends = rule.from.iter().any(|one| self.sends(one).0.overlaps(denied));
        match (sends, self.receives_any(&rule.to)) {
            _ if rule.ports.to.contains(&(0, u16::MAX)) => None,
            (true, Match::No) if to_networks && !to.is_empty() => {
                Some(format!("to {}, not to {to}", rule.receiver_words()))
            }
            (false, Match::Yes) if from_networks => {
                Some(format!("from {}, not from {denied}", rule.sender_words()))
            }
            _ => None,
        }
    }
}

/// Ranges of this length or more are those of one subnet: a rule for it speaks of the servers there, and not of a whole network.
const SUBNET_LENGTH_MIN: u8 = 24;

/// Whether a rule is about this flow, and not about other ports of everybody.
fn is_about_postgres(rule: &Rule) -> bool {
    let is_narrow = |side: &[Prefix]| side.iter().all(|one| matches!(one, Prefix::Network(_)));
    let is_of_subnet = |one: &Prefix| matches!(one, Prefix::Network(network) if network.prefix_len() >= SUBNET_LENGTH_MIN);
    let other_end = match rule.direction {
        Direction::Outbound => &rule.to,
        Direction::Inbound => &rule.from,
    };
    let is_of_databases = |prefix: &Prefix| {
        let tag =
            if let Prefix::Tag(tag) = prefix { tag.to_ascii_lowercase() } else { return false };
        tag == "sql" || tag.starts_with("sql.")
    };
    let near = [PORT, POOLER_PORT, PORT + 1];
    near.iter().any(|port| covers(&rule.ports.to, *port))
        || is_narrow(&rule.from) && is_narrow(&rule.to)
        || other_end.iter().all(is_of_subnet)
        || rule.to.iter().all(is_of_databases)
}

fn is_regional(prefix: &Prefix) -> bool {
    let Prefix::Tag(tag) = prefix else { return false };
    let tag = tag.to_ascii_lowercase();
    tag.starts_with("sql.") || tag.starts_with("azurecloud.")
}

fn name(prefix: &Prefix) -> String {
    match prefix {
        Prefix::ApplicationGroup(Some(id)) => id.name().to_owned(),
        Prefix::ApplicationGroup(None) => "a group".to_owned(),
        Prefix::Tag(tag) => tag.to_string(),
        Prefix::Network(network) => network.to_string(),
        Prefix::Any => "*".to_owned(),
        Prefix::Ipv6 => "IPv6".to_owned(),
    }
}

fn ports(rule: &Rule) -> String {
    let word = |&(low, high): &(u16, u16)| {
        if low == high { low.to_string() } else { format!("{low}-{high}") }
    };
    rule.ports.to.iter().map(word).collect::<Vec<_>>().join(", ")
}
