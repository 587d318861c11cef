//! Security admin rules of network managers, packet by packet, in every world that fits what was captured.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::address::is_private;
use super::filter::{End, Packet, Place, Way, by_prefix};
use super::rule::{direction, port_matches, protocol, source_port};
use super::tag;
use super::verdict::{Gate, Tri};
use super::world::{World, at, list, reference, text, texts};

const RULES: &str =
    "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/rules";
const LISTS: &str = "listnetworkmanagereffectivesecurityadminrules";

/// Worlds are told apart by who acts: beyond so many questions every outcome counts as possible.
const QUESTIONS_MAX: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Onward,
    Open,
    Denied,
}

/// A rule that may speak of the packet.
struct Rule<'w> {
    key: String,
    body: &'w Value,
    matches: Tri,
}

/// What admin rules and then the group make of a packet.
pub(super) fn before(
    world: &World,
    place: Place<'_>,
    way: Way,
    packet: &Packet<'_>,
    group: Gate,
) -> Gate {
    let network = place.subnet.rsplit_once("/subnets/").map_or("", |(network, _)| network);
    let speaking = |key: String, body| {
        let matches = matches(world, body, way, packet);
        (matches != Tri::No).then_some(Rule { key, body, matches })
    };
    let mut outcomes = BTreeMap::new();
    if let Some(listed) = in_force(world, network) {
        let rules: Vec<Rule> = listed.filter_map(|(key, body)| speaking(key, body)).collect();
        let managers: BTreeSet<&str> = rules.iter().map(|rule| above(&rule.key, 3)).collect();
        if managers.is_empty() {
            outcomes.insert(Outcome::Onward, String::new());
        }
        // Which manager comes first is a question of scopes.
        for manager in managers {
            let own = rules.iter().filter(|rule| above(&rule.key, 3) == manager).collect();
            play(own, &mut outcomes);
        }
    } else {
        let rules: Vec<Rule> =
            world.all(RULES).filter_map(|(key, body)| speaking(key.to_owned(), body)).collect();
        every_world(world, network, &rules, &mut outcomes);
        let cut = world.children(network, LISTS).next().map(|_| network.to_owned());
        if let Some(manager) = cut.or_else(|| unread(world)) {
            outcomes.insert(Outcome::Denied, manager);
        }
    }
    if place.endpoint {
        let may_open = outcomes.contains_key(&Outcome::Open);
        return if may_open { group.either(Gate::Pass) } else { group };
    }
    let gates = outcomes.into_iter().map(|(outcome, key)| match outcome {
        Outcome::Onward => group.clone(),
        Outcome::Open => Gate::Pass,
        Outcome::Denied => Gate::drop(way.word(), &key, None),
    });
    gates.reduce(Gate::either).unwrap_or(group)
}

/// The rules that Azure lists as in force on a network, where the list is whole.
fn in_force<'w>(
    world: &'w World,
    network: &str,
) -> Option<impl Iterator<Item = (String, &'w Value)>> {
    let (_, body) = world.children(network, LISTS).find(|(_, body)| {
        let more = at(body, &["properties", "skipToken"]);
        let is_over = more.is_none_or(|more| more.as_str() == Some(""));
        let is_read = |all: &[Value]| all.iter().all(|rule| reference(rule, &["id"]).is_some());
        is_over && list(body, &["properties", "value"]).is_some_and(is_read)
    })?;
    let rules = list(body, &["properties", "value"])?;
    Some(rules.iter().filter_map(|rule| Some((reference(rule, &["id"])?, rule))))
}

/// The id a number of names further up.
fn above(key: &str, count: usize) -> &str {
    (0..2 * count).fold(key, |key, _| key.rsplit_once('/').map_or("", |(parent, _)| parent))
}

/// Tries every answer to: which configurations are deployed, and which collections act on the network as policies have it.
fn every_world(
    world: &World,
    network: &str,
    rules: &[Rule<'_>],
    outcomes: &mut BTreeMap<Outcome, String>,
) {
    let is_sure = |rule: &Rule<'_>| acts_on(world, network, above(&rule.key, 1));
    let mut questions: BTreeSet<&str> = rules.iter().map(|rule| above(&rule.key, 2)).collect();
    questions.extend(rules.iter().filter(|rule| !is_sure(rule)).map(|rule| above(&rule.key, 1)));
    if questions.len() > QUESTIONS_MAX {
        let key = rules.first().map(|rule| rule.key.clone()).unwrap_or_default();
        for outcome in [Outcome::Onward, Outcome::Open, Outcome::Denied] {
            outcomes.insert(outcome, key.clone());
        }
        return;
    }
    for answers in 0..1_u32 << questions.len() {
        let yes = |key: &str| {
            questions.iter().position(|one| *one == key).is_none_or(|at| answers >> at & 1 == 1)
        };
        let act = |rule: &&Rule<'_>| yes(above(&rule.key, 2)) && yes(above(&rule.key, 1));
        play(rules.iter().filter(act).collect(), outcomes);
    }
}

/// Whether a collection is for a group that lists the network.
fn acts_on(world: &World, network: &str, collection: &str) -> bool {
    let groups =
        world.body(collection).and_then(|one| list(one, &["properties", "appliesToGroups"]));
    groups.unwrap_or(&[]).iter().any(|one| {
        let group = reference(one, &["networkGroupId"]).unwrap_or_default();
        world.children(&group, "staticmembers").any(|(_, body)| {
            reference(body, &["properties", "resourceId"]).as_deref() == Some(network)
        })
    })
}

fn play(mut rules: Vec<&Rule<'_>>, outcomes: &mut BTreeMap<Outcome, String>) {
    let turn = |rule: &Rule<'_>| {
        at(rule.body, &["properties", "priority"]).and_then(|number| match number {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        })
    };
    rules.sort_by_key(|rule| turn(rule));
    for (index, rule) in rules.iter().enumerate() {
        let possible = match text(rule.body, &["properties", "access"]) {
            Some(word) if word.eq_ignore_ascii_case("Allow") => &[Outcome::Onward][..],
            Some(word) if word.eq_ignore_ascii_case("AlwaysAllow") => &[Outcome::Open],
            Some(word) if word.eq_ignore_ascii_case("Deny") => &[Outcome::Denied],
            _ => &[Outcome::Onward, Outcome::Open, Outcome::Denied],
        };
        for outcome in possible {
            outcomes.entry(*outcome).or_insert_with(|| rule.key.clone());
        }
        // Of rules with one number any may be the first.
        let is_last = rules.get(index + 1).is_none_or(|next| turn(next) != turn(rule));
        let decides = |one: &&Rule<'_>| one.matches == Tri::Yes && turn(one) == turn(rule);
        if is_last && turn(rule).is_some() && rules.iter().any(decides) {
            return;
        }
    }
    outcomes.entry(Outcome::Onward).or_default();
}

/// A manager or a collection that may hold rules, none of which was captured.
fn unread(world: &World) -> Option<String> {
    let mut holders: BTreeSet<String> = world
        .all("microsoft.network/networkmanagers")
        .filter(|(_, body)| {
            let scopes = texts(body, &["properties", "networkManagerScopeAccesses"]);
            scopes.is_empty()
                || scopes.iter().any(|scope| scope.eq_ignore_ascii_case("SecurityAdmin"))
        })
        .map(|(key, _)| key.to_owned())
        .collect();
    let collections = world.all(RULES.trim_end_matches("/rules"));
    holders.extend(collections.map(|(key, _)| key.to_owned()));
    let kind = format!("microsoft.network/virtualnetworks/{LISTS}");
    for (_, body) in world.all(&kind) {
        let rules = list(body, &["properties", "value"]).unwrap_or(&[]).iter();
        holders
            .extend(rules.filter_map(|one| Some(above(&reference(one, &["id"])?, 3).to_owned())));
    }
    holders
        .into_iter()
        .find(|holder| !world.all(RULES).any(|(rule, _)| rule.starts_with(&format!("{holder}/"))))
}

fn matches(world: &World, rule: &Value, way: Way, packet: &Packet<'_>) -> Tri {
    let ends = |field: &str, end: End<'_>| {
        let entries = list(rule, &["properties", field]).unwrap_or(&[]);
        if entries.is_empty() {
            return Tri::Maybe;
        }
        entries.iter().fold(Tri::No, |sum, one| {
            let prefix = text(one, &["addressPrefix"]);
            sum.or(prefix.map_or(Tri::Maybe, |prefix| end_matches(world, prefix.trim(), end)))
        })
    };
    let ports = texts(rule, &["properties", "destinationPortRanges"]);
    let port = match ports.is_empty() {
        true => Tri::Maybe,
        false => Tri::of(ports.iter().any(|one| port_matches(one, packet.port))),
    };
    direction(rule, way)
        .and(protocol(rule, &[packet.protocol]))
        .and(port)
        .and(source_port(rule))
        .and(ends("sources", packet.from))
        .and(ends("destinations", packet.to))
}

/// Tags mean what they mean in security groups. Only one holds private addresses; which, depends on the subnet.
fn end_matches(world: &World, word: &str, end: End<'_>) -> Tri {
    if let Some(held) = by_prefix(word, end) {
        return held;
    }
    // A network group is given by its id.
    let is_public_tag = !word.contains('/') && !word.eq_ignore_ascii_case("VirtualNetwork");
    match end {
        _ if word.contains(':') => Tri::No,
        End::Front { .. } if is_public_tag => {
            tag::contains(world, "", &word.to_ascii_lowercase(), end)
        }
        End::Address(address) if is_public_tag && is_private(address) => Tri::No,
        _ => Tri::Maybe,
    }
}
