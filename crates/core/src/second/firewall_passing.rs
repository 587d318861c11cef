//! What the network rules of a firewall of Azure let pass, rule by rule, without asking of one packet.

use serde_json::Value;

use super::firewall_rules::{Ends, Rule, is_tag, known_collections, span, words};
use super::rule::are_ports;
use super::verdict::Tri;
use super::world::World;

/// What a rule lets pass, of TCP.
pub(super) struct Passing<'w> {
    /// First and last addresses; `None` for whoever it may be.
    pub(super) from: Option<Vec<(u32, u32)>>,
    pub(super) to: Option<Vec<(u32, u32)>>,
    /// Services that it names as receivers.
    pub(super) tags: Vec<&'w str>,
    /// The first, and the one behind the last.
    pub(super) ports: Vec<(u64, u64)>,
}

/// The rules that let packets of TCP pass; `None` where not all rules are known.
pub(super) fn passing<'w>(
    world: &'w World,
    key: &str,
    firewall: &'w Value,
) -> Option<Vec<Passing<'w>>> {
    let all = known_collections(world, key, firewall)?;
    let rules = all.into_iter().filter(|one| one.allows).flat_map(|one| one.rules);
    Some(rules.filter(|rule| rule.is_of_tcp() != Tri::No).map(|rule| rule.passing(world)).collect())
}

impl<'w> Rule<'w> {
    fn passing(self, world: &World) -> Passing<'w> {
        let ports = self.ports.filter(|all| all.iter().all(|word| are_ports(word)));
        let both = |word: &str| match word.trim() {
            "*" => (0, 1 << 16),
            word => {
                let (low, high) = word.split_once('-').unwrap_or((word, word));
                let number = |word: &str| word.trim().parse::<u64>().unwrap_or_default();
                (number(low), number(high) + 1)
            }
        };
        Passing {
            from: self.senders.spans(world, false),
            to: self.receivers.spans(world, true),
            tags: self.receivers.tags().collect(),
            ports: ports
                .map_or_else(|| vec![(0, 1 << 16)], |all| all.into_iter().map(both).collect()),
        }
    }
}

impl<'w> Ends<'w> {
    fn tags(&self) -> impl Iterator<Item = &'w str> {
        let words = self.addresses.iter().map(|word| word.trim());
        words.filter(|word| *word != "*" && span(word).is_none() && is_tag(word))
    }

    /// The addresses that it holds; `None` where it may hold any, by a name or a tag, if tags are not told apart.
    fn spans(&self, world: &World, tags_apart: bool) -> Option<Vec<(u32, u32)>> {
        let is_silent = self.addresses.is_empty() && self.groups.is_empty();
        if is_silent || self.has_names || !tags_apart && self.tags().next().is_some() {
            return None;
        }
        let mut all = Vec::new();
        for word in self.addresses.iter().map(|word| word.trim()) {
            match span(word) {
                _ if word == "*" => all.push((0, u32::MAX)),
                Some(both) => all.push(both),
                None if is_tag(word) => {}
                None => return None,
            }
        }
        for group in &self.groups {
            let words = words(world.body(group)?, "ipAddresses")??;
            for word in words {
                all.push(span(word.trim())?);
            }
        }
        Some(all)
    }
}
