//! What the rules of a network security group do with a connection, exactly, for a whole set of senders.

use std::net::Ipv4Addr;

use crate::address::{AddressSet, public};
use crate::estate::filter::{Direction, Prefix, Protocol, Rule};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::decision::{Decider, Decision, senders_of};
use crate::trace::rules;
use crate::trace::tag::{NetworkTag, gateway_has_tag};

/// Where the packets go to.
#[derive(Debug, Clone)]
pub enum Receiver {
    /// Addresses, normally one, with the application security groups that they are members of.
    Addresses(AddressSet, Vec<ResourceId>),
    /// The public front door of a server, whose address is not fixed; with its region, and whether the server is a flexible one.
    Gateway(Option<String>, bool),
}

/// Packets from some senders to a receiver.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'f> {
    /// Addresses that they may come from.
    pub senders: &'f AddressSet,
    /// Application security groups that the sender is a member of.
    pub members: &'f [ResourceId],
    /// Where they go.
    pub receiver: &'f Receiver,
    /// The receiver's port.
    pub service: Service,
    /// Where the rules stand.
    pub stand: Stand,
}

/// Where rules stand, as far as it says how they are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stand {
    /// Whether both ends are in one network: of groups with members in another one, no document says that rules match them.
    pub is_one_network: bool,
    /// At private endpoints, where Azure reads ports that packets come from as any.
    pub is_at_endpoint: bool,
    /// At a subnet of flexible servers, where Azure supports no rule that names application security groups.
    pub is_at_server: bool,
}

impl Flow<'_> {
    /// Whether a rule surely has nothing to do with the flow: most speak of other ports or other addresses.
    pub(super) fn is_missed_by(&self, rule: &Rule) -> bool {
        let is_off = |prefix: &Prefix, set: &AddressSet| matches!(prefix, Prefix::Network(network) if !set.meets(network));
        let is_past = match self.receiver {
            Receiver::Addresses(set, _) => {
                !set.is_empty() && rule.to.iter().all(|one| is_off(one, set))
            }
            Receiver::Gateway(..) => false,
        };
        is_past
            || rule.from.iter().all(|one| is_off(one, self.senders))
            || !(rule.protocol == Protocol::Any || rule.protocol == self.service.protocol)
            || !covers(&rule.ports.to, self.service.port)
    }
}

/// A port of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Its number.
    pub port: u16,
}

impl Service {
    /// A port of TCP.
    pub fn tcp(port: u16) -> Service {
        Service { protocol: Protocol::Tcp, port }
    }

    /// A port of every protocol.
    pub fn any(port: u16) -> Service {
        Service { protocol: Protocol::Any, port }
    }

    /// A port of UDP.
    pub fn udp(port: u16) -> Service {
        Service { protocol: Protocol::Udp, port }
    }
}

/// Ports that clients send from: a rule has to cover these to catch a client.
const CLIENT_PORTS: (u16, u16) = (32_768, 60_999);

/// Evaluates a group for a flow.
///
/// # Errors
/// [`Missing`] when the group's rules were not observed in full.
pub fn decide(
    estate: &Estate,
    group_id: &ResourceId,
    direction: Direction,
    flow: &Flow,
    tag: &NetworkTag,
) -> Result<Decision, Missing> {
    let rules = rules::all_for(estate, group_id, direction, flow)?;
    let question = Question {
        group: group_id,
        members: flow.members,
        holds_members: (
            flow.stand.is_one_network || direction == Direction::Outbound,
            flow.stand.is_one_network || direction == Direction::Inbound,
        ),
        receiver: flow.receiver,
        service: flow.service,
        stand: flow.stand,
        tag,
    };
    let mut decision = Decision::default();
    question.walk(&rules, flow.senders.clone(), &mut decision);
    let open = senders_of(&decision.unknown);
    if let Some(readings) = tag.readings(&open, &tag.held_receivers(flow.receiver)) {
        let [narrow, wide] = readings.each_ref().map(|tag| {
            let mut one = Decision::default();
            Question { tag, ..question }.walk(&rules, open.clone(), &mut one);
            one
        });
        decision.settle(&narrow, wide);
    }
    if !estate.is_brief() {
        decision.misses = question.near_misses(&rules, &decision);
    }
    Ok(decision)
}

#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    group: &'a ResourceId,
    members: &'a [ResourceId],
    /// Whether rules here surely match members of groups, by whether the sender and the receiver are in the network of these rules.
    holds_members: (bool, bool),
    pub(super) receiver: &'a Receiver,
    pub(super) service: Service,
    pub(super) stand: Stand,
    tag: &'a NetworkTag,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::trace) enum Match {
    No,
    Perhaps,
    Yes,
}

impl Question<'_> {
    fn walk(&self, rules: &[&Rule], senders: AddressSet, decision: &mut Decision) {
        if senders.is_empty() {
            return;
        }
        // Most rules speak of other ports or other addresses.
        let speaking = rules.iter().enumerate().find_map(|(index, rule)| {
            let (surely, perhaps) = self.caught(rule, &senders);
            let is_silent = surely.is_empty() && perhaps.is_empty();
            (!is_silent).then_some((index, surely, perhaps))
        });
        let Some((index, surely, perhaps)) = speaking else { return };
        let (rule, rest) = (rules[index], &rules[index + 1..]);
        if rule.is_action_unread() {
            let others = senders.difference(&perhaps);
            decision.unknown.push((perhaps, self.decider(rule)));
            return self.walk(rest, others, decision);
        }
        let tied = self.contradicted(rule, &rules[index..], &senders);
        if !tied.is_empty() {
            let decider = Decider { is_tied: true, ..self.decider(rule) };
            let others = senders.difference(&tied);
            decision.unknown.push((tied, decider));
            return self.walk(&rules[index..], others, decision);
        }
        if !surely.is_empty() {
            let list = if rule.allows { &mut decision.allowed } else { &mut decision.denied };
            list.push((surely.clone(), self.decider(rule)));
        }
        let open = senders.difference(&surely);
        let doubtful = open.intersection(&perhaps);
        self.walk(rest, open.difference(&doubtful), decision);
        if doubtful.is_empty() {
            return;
        }
        // Where the rule may or may not speak of these senders, the answer stands only if both readings agree.
        let mut other = Decision::default();
        self.walk(rest, doubtful, &mut other);
        let (same, different) = match rule.allows {
            true => (&mut other.allowed, &mut other.denied),
            false => (&mut other.denied, &mut other.allowed),
        };
        let list = if rule.allows { &mut decision.allowed } else { &mut decision.denied };
        list.append(same);
        decision.unknown.extend(different.drain(..).map(|(part, _)| (part, self.decider(rule))));
        decision.unknown.append(&mut other.unknown);
    }

    /// Senders of which rules with one priority may say both: Azure takes no such rules, so that captures of two times were put
    /// together, and which of them is read first nobody knows. `rules` begin with this one.
    fn contradicted(&self, rule: &Rule, rules: &[&Rule], senders: &AddressSet) -> AddressSet {
        let tied = rules.iter().take_while(|one| one.priority == rule.priority);
        if tied.clone().all(|one| one.allows == rule.allows) {
            return AddressSet::default();
        }
        let caught = |allows: bool| {
            let alike = tied.clone().filter(|one| one.allows == allows);
            alike.fold(AddressSet::default(), |all, one| all.union(&self.caught(one, senders).1))
        };
        caught(true).intersection(&caught(false))
    }

    /// The rule, with the group for those that every group ends with.
    pub(super) fn decider(&self, rule: &Rule) -> Decider {
        let mut known = decider(rule);
        if known.is_default() {
            known.rule.resource = self.group.clone();
        }
        known
    }

    /// Senders that the rule catches: surely, and perhaps.
    pub(super) fn caught(&self, rule: &Rule, senders: &AddressSet) -> (AddressSet, AddressSet) {
        let nothing = (AddressSet::default(), AddressSet::default());
        let (members, receiver, service) = (self.members, self.receiver, self.service);
        // Where they stand is of no account for what a rule surely misses.
        let flow = Flow { senders, members, receiver, service, stand: self.stand };
        if flow.is_missed_by(rule) || self.is_unsupported(rule) {
            return nothing;
        }
        let receiver = self.receives_any(&rule.to);
        let ports = self.client_ports(rule);
        let certainty = receiver.min(ports);
        if certainty == Match::No {
            return nothing;
        }
        let mut surely = AddressSet::default();
        let mut perhaps = AddressSet::default();
        for prefix in rule.from.iter() {
            let (in_it, maybe_in_it) = self.sends(prefix);
            surely = surely.union(&in_it);
            perhaps = perhaps.union(&maybe_in_it);
        }
        let surely = surely.intersection(senders);
        let perhaps = perhaps.intersection(senders).union(&surely);
        match certainty {
            Match::Yes if rule.unread.is_none() => (surely, perhaps),
            Match::Yes | Match::Perhaps | Match::No => (AddressSet::default(), perhaps),
        }
    }

    /// Whether nobody counts on a rule to let pass: it names the receiver's group where Azure supports none. One that denies may act all
    /// the same.
    fn is_unsupported(&self, rule: &Rule) -> bool {
        let is_group = |one: &Prefix| matches!(one, Prefix::ApplicationGroup(_));
        self.stand.is_at_server && rule.allows && rule.to.iter().any(is_group)
    }

    /// Whether a rule catches the ports that clients send from.
    pub(super) fn client_ports(&self, rule: &Rule) -> Match {
        if self.stand.is_at_endpoint { Match::Yes } else { client_ports(&rule.ports.from) }
    }

    /// Senders that a prefix stands for: surely, and perhaps.
    pub(super) fn sends(&self, prefix: &Prefix) -> (AddressSet, AddressSet) {
        match prefix {
            Prefix::ApplicationGroup(Some(group)) if self.members.contains(group) => {
                let surely =
                    if self.holds_members.0 { AddressSet::all() } else { AddressSet::default() };
                (surely, AddressSet::all())
            }
            Prefix::ApplicationGroup(None) if !self.members.is_empty() => {
                (AddressSet::default(), AddressSet::all())
            }
            _ => self.holds(prefix),
        }
    }

    /// Addresses that a prefix stands for: surely, and perhaps.
    fn holds(&self, prefix: &Prefix) -> (AddressSet, AddressSet) {
        match prefix {
            Prefix::Any => (AddressSet::all(), AddressSet::all()),
            Prefix::Network(network) => (AddressSet::of([network]), AddressSet::of([network])),
            Prefix::ApplicationGroup(_) | Prefix::Ipv6 => Default::default(),
            Prefix::Tag(name) => match name.to_ascii_lowercase().as_str() {
                "virtualnetwork" => (self.tag.surely.clone(), self.tag.perhaps.clone()),
                // What Azure itself answers with: no client and no server of anybody has such an address.
                "azureloadbalancer" | "azureplatformdns" | "azureplatformimds"
                | "azureplatformlkm" => Default::default(),
                "internet" => {
                    let public = public();
                    (public.difference(&self.tag.perhaps), public.difference(&self.tag.surely))
                }
                // Every other tag stands for public addresses of a service.
                _ => (AddressSet::default(), public()),
            },
        }
    }

    /// Whether some prefixes hold the receiver, each by itself or all of them together.
    pub(super) fn receives_any(&self, prefixes: &[Prefix]) -> Match {
        let best = prefixes.iter().map(|prefix| self.receives(prefix)).max().unwrap_or(Match::No);
        let Receiver::Addresses(set, _) = self.receiver else { return best };
        if best != Match::Perhaps || prefixes.len() < 2 {
            return best;
        }
        let held = prefixes.iter().map(|prefix| self.holds(prefix).0);
        let together = held.fold(AddressSet::default(), |all, one| all.union(&one));
        if set.is_within(&together) { Match::Yes } else { best }
    }

    pub(super) fn receives(&self, prefix: &Prefix) -> Match {
        match (self.receiver, prefix) {
            (_, Prefix::Any) => Match::Yes,
            (Receiver::Addresses(_, groups), Prefix::ApplicationGroup(group)) => match group {
                Some(group) if groups.contains(group) && self.holds_members.1 => Match::Yes,
                Some(group) if groups.contains(group) => Match::Perhaps,
                Some(_) => Match::No,
                None => Match::Perhaps,
            },
            (_, Prefix::ApplicationGroup(_) | Prefix::Ipv6) => Match::No,
            (Receiver::Addresses(set, _), Prefix::Network(_) | Prefix::Tag(_)) => {
                let (surely, perhaps) = self.holds(prefix);
                match () {
                    () if set.is_within(&surely) => Match::Yes,
                    () if set.overlaps(&perhaps) => Match::Perhaps,
                    () => Match::No,
                }
            }
            (Receiver::Gateway(..), Prefix::Network(network)) => {
                let is_private = AddressSet::of([network]).is_private();
                if is_private { Match::No } else { Match::Perhaps }
            }
            (Receiver::Gateway(location, is_flexible), Prefix::Tag(name)) => {
                gateway_has_tag(location.as_deref(), *is_flexible, name, self.tag)
            }
        }
    }
}

pub(crate) fn covers(ranges: &[(u16, u16)], port: u16) -> bool {
    ranges.iter().any(|&(low, high)| (low..=high).contains(&port))
}

pub(super) fn client_ports(ranges: &[(u16, u16)]) -> Match {
    let (first, last) = CLIENT_PORTS;
    if ranges.iter().any(|&(low, high)| low <= first && last <= high) {
        return Match::Yes;
    }
    let touches = ranges.iter().any(|&(low, high)| low <= last && first <= high);
    if touches { Match::Perhaps } else { Match::No }
}

pub(super) fn decider(rule: &Rule) -> Decider {
    Decider { rule: rule.clone(), is_tied: false }
}

/// A receiver that is one address.
pub fn to_address(address: Ipv4Addr) -> Receiver {
    Receiver::Addresses(AddressSet::one(address), Vec::new())
}
