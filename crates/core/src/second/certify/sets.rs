//! Sets of changes, applied.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::apply::Outcome;
use super::super::verdict::Verdict;
use super::super::world::World;
use super::opened::count;
use super::read::{Change, Cost, EXPOSED};
use super::{After, Judge, short};
use crate::id::ResourceId;

/// Applies changes in the order in which they are given.
pub(super) fn apply_in_order<'c>(
    world: &World,
    changes: impl Iterator<Item = &'c Change>,
) -> After {
    let mut after = After { world: world.clone(), refused: Vec::new() };
    for change in changes {
        match change.request.apply(&mut after.world) {
            Outcome::Made | Outcome::Changed | Outcome::AlreadySo => {}
            Outcome::Refused(why) => {
                after.refused.push(format!("\"{}\": {}", change.title, short(&why)))
            }
        }
    }
    after
}

/// Changes without repetition, and verdicts over sets of them that are known already.
pub(super) struct Catalogue<'p> {
    judge: &'p Judge<'p>,
    pub(super) changes: Vec<&'p Change>,
    known: BTreeMap<Vec<usize>, Verdict>,
    /// How many flows sets let through.
    opened: BTreeMap<Vec<usize>, u128>,
}

impl<'p> Catalogue<'p> {
    /// The certificate's catalogue, and the plan's own changes.
    pub(super) fn of(judge: &'p Judge<'p>) -> Catalogue<'p> {
        let mut changes: Vec<&Change> = Vec::new();
        for change in judge.plan.catalogue.iter().chain(&judge.plan.changes) {
            if !changes.iter().any(|one| one.request == change.request) {
                changes.push(change);
            }
        }
        Catalogue { judge, changes, known: BTreeMap::new(), opened: BTreeMap::new() }
    }

    /// The place of a change.
    pub(super) fn place(&self, change: &Change) -> usize {
        let is_it = |one: &&Change| one.request == change.request;
        self.changes.iter().position(is_it).unwrap_or(self.changes.len())
    }

    /// The sum of what changes cost, flows that several of them let through counted once; `None` when the plan does not tell it of one.
    pub(super) fn cost(&mut self, set: &[usize]) -> Option<Cost> {
        let mut sum = Cost::default();
        let mut opening = Vec::new();
        for index in set {
            let change = self.changes.get(*index)?;
            sum.iter_mut().zip(change.cost?).for_each(|(sum, one)| *sum = sum.saturating_add(one));
            if !change.opens.as_ref()?.is_empty() {
                opening.push(*index);
            }
        }
        opening.sort_unstable();
        let changes = &self.changes;
        sum[EXPOSED] = *self.opened.entry(opening).or_insert_with_key(|opening| {
            let each = opening.iter().flat_map(|index| changes[*index].opens.iter().flatten());
            count(&each.collect::<Vec<_>>())
        });
        Some(sum)
    }

    /// The verdict over a set that was judged before.
    pub(super) fn known(&self, set: &[usize]) -> Option<Verdict> {
        self.known.get(set).copied()
    }

    /// The verdict over the changes of a set: what others rest on comes first.
    pub(super) fn verdict(&mut self, set: &[usize]) -> Verdict {
        let mut key = set.to_vec();
        key.sort_unstable();
        if let Some(verdict) = self.known.get(&key) {
            return *verdict;
        }
        let verdict = self.judge.verdict(&self.world(&key));
        self.known.insert(key, verdict);
        verdict
    }

    /// Why nobody knows what a set does.
    pub(super) fn doubt(&self, set: &[usize]) -> String {
        let why = self.judge.ask(&self.world(set)).why;
        format!("nobody knows with {}: {why}", self.titles(set))
    }

    pub(super) fn world(&self, set: &[usize]) -> World {
        let mut changes: Vec<&Change> = set.iter().map(|index| self.changes[*index]).collect();
        changes.sort_by_key(|change| rank(change));
        apply_in_order(self.judge.world, changes.into_iter()).world
    }

    /// Whether a change of the set writes below a resource, or names one, that was not captured and that a change which is left out
    /// makes: it may be there or not.
    pub(super) fn rests_on_what_is_left_out(&self, set: &[usize]) -> bool {
        let id = |index: usize| {
            let request = &self.changes[index].request;
            ResourceId::parse(request.path.split('?').next().unwrap_or(""))
        };
        let left_out = (0..self.changes.len()).filter(|index| !set.contains(index)).filter_map(id);
        let unseen = left_out.filter(|id| self.judge.world.body(&id.key()).is_none());
        let rests = |made: &ResourceId| {
            set.iter().any(|index| {
                id(*index).and_then(|id| id.parent()).as_ref() == Some(made)
                    || names(&self.changes[*index].request.body, made)
            })
        };
        unseen.into_iter().any(|made| rests(&made))
    }

    pub(super) fn titles(&self, set: &[usize]) -> String {
        if set.is_empty() {
            return "no change at all".to_owned();
        }
        let titles: Vec<String> =
            set.iter().map(|index| format!("\"{}\"", self.changes[*index].title)).collect();
        titles.join(" and ")
    }
}

/// Whether a body names a resource.
fn names(body: &Value, id: &ResourceId) -> bool {
    match body {
        Value::String(text) => text.eq_ignore_ascii_case(id.as_str()),
        Value::Array(items) => items.iter().any(|item| names(item, id)),
        Value::Object(fields) => fields.values().any(|item| names(item, id)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What goes makes room, then come parents, then what stands in them.
fn rank(change: &Change) -> u8 {
    let path = change.request.path.split('?').next().unwrap_or("");
    let kind = ResourceId::parse(path).map(|id| id.resource_type()).unwrap_or_default();
    match (change.request.method.as_str(), kind.as_str()) {
        ("DELETE", _) => 0,
        (_, "microsoft.network/virtualnetworks/subnets" | "microsoft.network/privatednszones") => 1,
        (_, "microsoft.network/privateendpoints") => 2,
        (_, _) => 3,
    }
}
