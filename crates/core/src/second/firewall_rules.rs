//! The network rules of a firewall of Azure: what they do with one packet. Rules for web sites and those that translate addresses count
//! for nothing: PostgreSQL is neither of the web, nor behind the firewall's own public addresses.

use serde_json::Value;

use super::address::{Prefix, holds_no_public, is_private, span_of};
use super::rule::{are_ports, port_matches};
use super::tag::front_in_tag;
use super::verdict::{Gate, Tri};
use super::world::{World, at, reference, text};

/// Policies in a row, each the base of the one before it; Azure does not tell how many there may be.
const POLICIES_MAX: usize = 4;

/// Whom a packet is for.
#[derive(Clone, Copy)]
pub(super) enum Receiver<'a> {
    Address(u32),
    /// The front door of servers in a region, some address of the internet.
    Front {
        single: bool,
        region: Option<&'a str>,
    },
}

/// What the rules do with a packet.
pub(super) enum Decision {
    Allowed,
    /// What says so: the collection, or the firewall, which denies what nothing allows.
    Denied(Gate),
    /// They are known, and not whether one of them speaks of the packet.
    Open,
    /// They are not known.
    Unknown,
}

/// A packet of TCP.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// `None` where it is not known.
    pub(super) from: Option<u32>,
    pub(super) to: Receiver<'a>,
    pub(super) port: u16,
}

/// Rules that are read at one turn.
pub(super) struct Collection<'w> {
    /// The place of its policy, first those that others build upon, the priority of its group and its own: lower ones come first.
    turn: (usize, u64, u64),
    pub(super) allows: bool,
    pub(super) rules: Vec<Rule<'w>>,
    /// What it stands in, and its name there.
    place: (String, Option<&'w str>),
}

/// The words of a rule. A list that is absent says nothing, which is not the same as an empty one.
pub(super) struct Rule<'w> {
    protocols: Option<Vec<&'w str>>,
    pub(super) ports: Option<Vec<&'w str>>,
    pub(super) senders: Ends<'w>,
    pub(super) receivers: Ends<'w>,
}

/// One end of a rule.
pub(super) struct Ends<'w> {
    pub(super) addresses: Vec<&'w str>,
    /// Ids of lists of addresses.
    pub(super) groups: Vec<String>,
    /// Whether it speaks of names, whose addresses nobody knows.
    pub(super) has_names: bool,
}

/// What a firewall does with a packet. Of rules that may match both outcomes are followed.
pub(super) fn decide(world: &World, key: &str, firewall: &Value, asking: Asking<'_>) -> Decision {
    let Some(collections) = known_collections(world, key, firewall) else {
        return Decision::Unknown;
    };
    let (mut may_pass, mut drop) = (false, None);
    let mut is_settled = false;
    for (index, one) in collections.iter().enumerate() {
        let is_next = index > 0 && collections[index - 1].turn != one.turn;
        if is_settled && is_next {
            break;
        }
        // Of several with one turn nobody knows which is read first.
        let held = one.rules.iter().fold(Tri::No, |sum, rule| sum.or(rule.matches(world, asking)));
        match (held, one.allows) {
            (Tri::No, _) => {}
            (_, true) => may_pass = true,
            (_, false) => {
                let own = Gate::drop("firewall", &one.place.0, one.place.1);
                drop = Some(drop.map_or(own.clone(), |other: Gate| other.either(own)));
            }
        }
        is_settled |= held == Tri::Yes;
    }
    if !is_settled {
        let own = Gate::drop("firewall", key, None);
        drop = Some(drop.map_or(own.clone(), |other| other.either(own)));
    }
    match drop {
        Some(_) if may_pass => Decision::Open,
        Some(gate) => Decision::Denied(gate),
        None => Decision::Allowed,
    }
}

/// All collections, unless its last change failed: then nobody knows them.
pub(super) fn known_collections<'w>(
    world: &'w World,
    key: &str,
    firewall: &'w Value,
) -> Option<Vec<Collection<'w>>> {
    let state = text(firewall, &["properties", "provisioningState"]);
    let is_failed = state.is_some_and(|word| word.eq_ignore_ascii_case("Failed"));
    collections(world, key, firewall).filter(|_| !is_failed)
}

/// All collections of network rules, in their order; `None` where one of them is not known.
fn collections<'w>(
    world: &'w World,
    key: &str,
    firewall: &'w Value,
) -> Option<Vec<Collection<'w>>> {
    let mut all = Vec::new();
    if at(firewall, &["properties", "firewallPolicy"]).is_none() {
        let classic = at(firewall, &["properties", "networkRuleCollections"])?.as_array()?;
        for body in classic {
            all.push(collection(body, (0, 0), key, classic_rules(body)?)?);
        }
    } else {
        for (level, policy) in chain(world, firewall)?.iter().rev().enumerate() {
            of_policy(world, policy, level, &mut all)?;
        }
    }
    all.sort_by_key(|one| one.turn);
    Some(all)
}

/// A firewall's policy, its base, and so on; `None` where one of them was not captured. Empty for a firewall without one.
pub(super) fn chain(world: &World, firewall: &Value) -> Option<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    let (mut body, mut field) = (firewall, "firewallPolicy");
    while at(body, &["properties", field]).is_some() {
        let next = reference(body, &["properties", field, "id"])?;
        if all.contains(&next) || all.len() == POLICIES_MAX {
            return None;
        }
        body = world.body(&next)?;
        all.push(next);
        field = "basePolicy";
    }
    Some(all)
}

/// Adds the collections of one policy.
fn of_policy<'w>(
    world: &'w World,
    policy: &str,
    level: usize,
    all: &mut Vec<Collection<'w>>,
) -> Option<()> {
    let listed = at(world.body(policy)?, &["properties", "ruleCollectionGroups"])?.as_array()?;
    let mut groups: Vec<String> =
        listed.iter().map(|one| reference(one, &["id"])).collect::<Option<_>>()?;
    let captured = world.children(policy, "rulecollectiongroups");
    groups.extend(captured.map(|(name, _)| format!("{policy}/rulecollectiongroups/{name}")));
    groups.sort_unstable();
    groups.dedup();
    for key in &groups {
        let group = world.body(key)?;
        let priority = number(group, "priority")?;
        for body in part(group, "ruleCollections")?.as_array()? {
            if is(body, "ruleCollectionType", "FirewallPolicyNatRuleCollection")? {
                continue;
            }
            if !is(body, "ruleCollectionType", "FirewallPolicyFilterRuleCollection")? {
                return None;
            }
            all.push(collection(body, (level, priority), key, rules_of_policy(body)?)?);
        }
    }
    Some(())
}

fn collection<'w>(
    body: &'w Value,
    (level, group): (usize, u64),
    of: &str,
    rules: Vec<Rule<'w>>,
) -> Option<Collection<'w>> {
    let action = at(part(body, "action")?, &["type"])?.as_str()?;
    let allows = action.eq_ignore_ascii_case("Allow");
    if !allows && !action.eq_ignore_ascii_case("Deny") {
        return None;
    }
    let turn = (level, group, number(body, "priority")?);
    Some(Collection { turn, allows, rules, place: (of.to_owned(), text(body, &["name"])) })
}

fn classic_rules(collection: &Value) -> Option<Vec<Rule<'_>>> {
    let all = part(collection, "rules")?.as_array()?.iter();
    all.map(|rule| Rule::read(rule, "protocols")).collect()
}

fn rules_of_policy(collection: &Value) -> Option<Vec<Rule<'_>>> {
    let mut all = Vec::new();
    for rule in part(collection, "rules")?.as_array()? {
        if is(rule, "ruleType", "NetworkRule")? {
            all.push(Rule::read(rule, "ipProtocols")?);
        } else if !is(rule, "ruleType", "ApplicationRule")? {
            return None;
        }
    }
    Some(all)
}

/// A field under `properties`, or beside the name.
fn part<'v>(body: &'v Value, field: &str) -> Option<&'v Value> {
    at(body, &["properties", field]).or_else(|| at(body, &[field]))
}

fn number(body: &Value, field: &str) -> Option<u64> {
    part(body, field)?.as_u64()
}

/// Whether a field is a word; `None` where it is no word at all.
fn is(body: &Value, field: &str, word: &str) -> Option<bool> {
    Some(part(body, field)?.as_str()?.eq_ignore_ascii_case(word))
}

/// The words of a list, if it is there; `None` where it cannot be read.
pub(super) fn words<'v>(body: &'v Value, field: &str) -> Option<Option<Vec<&'v str>>> {
    let Some(found) = part(body, field) else { return Some(None) };
    found.as_array()?.iter().map(Value::as_str).collect::<Option<_>>().map(Some)
}

/// Whether one of the words of a list does; nobody knows of one that is absent.
fn each(all: &Option<Vec<&str>>, held: &dyn Fn(&str) -> Tri) -> Tri {
    match all {
        None => Tri::Maybe,
        Some(all) => all.iter().fold(Tri::No, |sum, word| sum.or(held(word.trim()))),
    }
}

impl<'w> Rule<'w> {
    fn read(body: &'w Value, protocols: &str) -> Option<Rule<'w>> {
        let names = words(body, "destinationFqdns")?.unwrap_or_default();
        Some(Rule {
            protocols: words(body, protocols)?,
            ports: words(body, "destinationPorts")?,
            senders: Ends::read(body, "source", false)?,
            receivers: Ends::read(body, "destination", !names.is_empty())?,
        })
    }

    pub(super) fn is_of_tcp(&self) -> Tri {
        each(&self.protocols, &|word| match word.to_ascii_lowercase().as_str() {
            "tcp" | "any" => Tri::Yes,
            "udp" | "icmp" => Tri::No,
            _ => Tri::Maybe,
        })
    }

    fn matches(&self, world: &World, asking: Asking<'_>) -> Tri {
        let protocol = self.is_of_tcp();
        let port = each(&self.ports, &|word| match are_ports(word) {
            true => Tri::of(port_matches(word, asking.port)),
            false => Tri::Maybe,
        });
        let from = self.senders.hold(world, |word| match (word, asking.from) {
            ("*", _) => Tri::Yes,
            (word, from) => holds(word, from),
        });
        let to = self.receivers.hold(world, |word| match asking.to {
            _ if word == "*" => Tri::Yes,
            // A word is a tag, which stands for addresses of Azure's services in the internet.
            Receiver::Address(to) if is_private(to) && is_tag(word) => Tri::No,
            Receiver::Address(to) => holds(word, Some(to)),
            Receiver::Front { single, region } if is_tag(word) => {
                front_in_tag(&word.to_ascii_lowercase(), single, region)
            }
            Receiver::Front { .. } => holds_internet(word),
        });
        protocol.and(port).and(from).and(to)
    }
}

impl<'w> Ends<'w> {
    fn read(body: &'w Value, side: &str, has_names: bool) -> Option<Ends<'w>> {
        let list = |rest: &str| words(body, &format!("{side}{rest}"));
        let groups = list("IpGroups")?.unwrap_or_default();
        Some(Ends {
            addresses: list("Addresses")?.unwrap_or_default(),
            groups: groups.iter().map(|id| key_of(id)).collect(),
            has_names,
        })
    }

    /// Whether one of the words holds an address, in the eyes of `held`.
    fn hold(&self, world: &World, held: impl Fn(&str) -> Tri) -> Tri {
        if self.addresses.is_empty() && self.groups.is_empty() {
            return Tri::Maybe;
        }
        let names = if self.has_names { Tri::Maybe } else { Tri::No };
        let by_address = self.addresses.iter().fold(names, |sum, word| sum.or(held(word.trim())));
        self.groups.iter().fold(by_address, |sum, key| sum.or(in_group(world, key, &held)))
    }
}

fn key_of(id: &str) -> String {
    id.trim().trim_end_matches('/').to_ascii_lowercase()
}

/// Whether a list of addresses that stands alone holds an address.
fn in_group(world: &World, key: &str, held: impl Fn(&str) -> Tri) -> Tri {
    let Some(all) = world.body(key).and_then(|body| words(body, "ipAddresses").flatten()) else {
        return Tri::Maybe;
    };
    all.iter().map(|word| word.trim()).fold(Tri::No, |sum, word| {
        // It has addresses alone, and no word for all of them or for some service.
        sum.or(if span(word).is_some() { held(word) } else { Tri::Maybe })
    })
}

/// Both ends of what a word stands for.
pub(super) fn span(word: &str) -> Option<(u32, u32)> {
    let prefix = Prefix::parse(word).map(|one| (one.first(), one.last()));
    prefix.or_else(|| span_of(word)).filter(|(low, high)| low <= high)
}

/// Whether a word holds an address, which may not be known.
fn holds(word: &str, address: Option<u32>) -> Tri {
    match (span(word), address) {
        (Some((0, u32::MAX)), _) => Tri::Yes,
        (Some((low, high)), Some(address)) => Tri::of((low..=high).contains(&address)),
        (Some(_), None) | (None, _) => Tri::Maybe,
    }
}

/// Whether a word holds an address of the internet that no resource tells.
fn holds_internet(word: &str) -> Tri {
    match span(word) {
        Some((0, u32::MAX)) => Tri::Yes,
        Some((low, high)) if holds_no_public(low, high) => Tri::No,
        Some(_) | None => Tri::Maybe,
    }
}

pub(super) fn is_tag(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(letter))
}
