//! Sets of changes: what tells them apart, in which order they are made, and what came of those that were tried.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::rc::Rc;

use serde_json::Value;

use super::halves;
use crate::change::{Change, Edit, Exposure};
use crate::diagnose::{self, Question};
use crate::estate::{Estate, Map};
use crate::trace::step::Verdict;

/// Estates kept with changes made to them; where there are more, all are let go.
const APPLIED_MAX: usize = 256;

/// A change as some set holds it. One request has one number, whoever thought of it.
#[derive(Clone)]
pub(super) struct Met {
    number: u32,
    /// What it is for, whatever its name, and its number among rules.
    purpose: Rc<str>,
    change: Rc<Change>,
}

impl Deref for Met {
    type Target = Change;

    fn deref(&self) -> &Change {
        &self.change
    }
}

impl PartialEq for Met {
    fn eq(&self, other: &Met) -> bool {
        self.number == other.number
    }
}

/// The requests that were met, by what tells them apart: the first of its kind tells what is let through and what stops in every set.
#[derive(Default)]
pub(super) struct Requests(Map<String, First>);

/// The first change with a request.
struct First {
    number: u32,
    purpose: Rc<str>,
    exposure: Vec<Exposure>,
    downtime: &'static str,
}

impl Requests {
    /// A change as if no other one were made.
    pub(super) fn meet(&mut self, estate: &Estate, change: &Change) -> Met {
        let alone = halves::alone(estate, change);
        let next = self.0.len() as u32;
        let first = self.0.entry(identity(&alone)).or_insert_with(|| First {
            number: next,
            purpose: purpose(&alone).into(),
            exposure: alone.exposure.clone(),
            downtime: alone.downtime,
        });
        let (exposure, downtime) = (first.exposure.clone(), first.downtime);
        let change = Rc::new(Change { exposure, downtime, ..alone });
        Met { number: first.number, purpose: first.purpose.clone(), change }
    }
}

/// What tells a set of changes from others, in any order.
pub(super) fn numbers(changes: &[Met]) -> Vec<u32> {
    let mut all = in_order(changes);
    all.sort_unstable();
    all
}

fn in_order(changes: &[Met]) -> Vec<u32> {
    changes.iter().map(|one| one.number).collect()
}

/// Sets that were tried: what is kept spares making changes and judging twice.
pub(super) struct Tried<'s> {
    estate: &'s Estate,
    question: &'s Question,
    /// The estate with changes made to it, by their numbers, in their order.
    applied: Map<Vec<u32>, Rc<Estate>>,
    judged: Map<Vec<u32>, Verdict>,
}

impl<'s> Tried<'s> {
    pub(super) fn new(estate: &'s Estate, question: &'s Question) -> Tried<'s> {
        Tried { estate, question, applied: Map::default(), judged: Map::default() }
    }

    /// Takes down the verdict with a set of changes.
    pub(super) fn note(&mut self, changes: &[Met], verdict: Verdict) {
        self.judged.insert(numbers(changes), verdict);
    }

    /// The verdict with a set of changes.
    pub(super) fn verdict(&mut self, changes: &[Met]) -> Verdict {
        let key = numbers(changes);
        if let Some(known) = self.judged.get(&key) {
            return *known;
        }
        let verdict = diagnose::verdict(&self.apply(changes), self.question);
        self.judged.insert(key, verdict);
        verdict
    }

    /// The estate with changes made to it.
    pub(super) fn apply(&mut self, changes: &[Met]) -> Rc<Estate> {
        let key = in_order(changes);
        if let Some(known) = self.applied.get(&key) {
            return known.clone();
        }
        let after = match changes.split_last() {
            Some((last, rest)) => Rc::new(last.apply(&self.apply(rest))),
            None => Rc::new(self.estate.clone()),
        };
        if self.applied.len() >= APPLIED_MAX {
            self.applied.clear();
        }
        self.applied.insert(key, after.clone());
        after
    }
}

/// The sets that lack one of the changes.
pub(super) fn each_left_out(changes: &[Met]) -> impl Iterator<Item = Vec<Met>> {
    (0..changes.len()).map(|left_out| {
        let mut fewer = changes.to_vec();
        fewer.remove(left_out);
        fewer
    })
}

/// When a change is made: what others stand on first, names that others follow last. Rules that move make room for each other, the
/// last one first.
pub(super) fn turn(change: &Change) -> (u8, std::cmp::Reverse<u64>) {
    let number = match change.kind {
        "move-rule" => change.request.body["properties"]["priority"].as_u64().unwrap_or(0),
        _ => 0,
    };
    let turn = match change.kind {
        "create-route-table" | "create-subnet" | "create-zone" => 0,
        "delete-peering" | "delete-vnet-rule" | "delete-endpoint" | "move-rule"
        | "unlink-ruleset" | "unlink-zone" => 1,
        "create-endpoint" => 2,
        "bind-route-table" | "link-zone" | "link-ruleset" => 4,
        "redirect-missing-names" => 5,
        _ => 3,
    };
    (turn, std::cmp::Reverse(number))
}

/// Whether two changes of a set serve one purpose: a second endpoint of the server, a second rule for the same flow,
/// a second value of one record.
pub(super) fn serves_twice(changes: &[Met]) -> bool {
    let records = changes.iter().flat_map(|change| &change.edits).filter_map(|edit| match edit {
        Edit::PutInZone(id, _) | Edit::PutForEndpoint(_, id, _) => Some(id),
        _ => None,
    });
    repeats(records) || repeats(changes.iter().map(|one| &one.purpose))
}

fn repeats<T: Ord>(mut all: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    !all.all(|one| seen.insert(one))
}

/// Whether a set holds all changes of a way, whatever names and numbers its rules have, and whatever else their requests repeat.
pub(super) fn holds(changes: &[Met], way: &[Met]) -> bool {
    let is_alike = |one: &Met, other: &Met| {
        let is_rule = || one.kind == "add-rule" && other.kind == "add-rule";
        one == other
            || one.kind == other.kind && one.resource == other.resource && one.edits == other.edits
            || is_rule() && one.purpose == other.purpose
    };
    way.iter().all(|one| changes.iter().any(|other| is_alike(one, other)))
}

/// What a change is for, whatever its name, and its number among rules.
fn purpose(change: &Change) -> String {
    let place = match change.kind {
        // Where a new one stands is a matter of names and free addresses.
        "create-endpoint" | "create-subnet" => return change.kind.to_owned(),
        "add-firewall-rule" | "add-rule" | "add-vnet-rule" | "link-zone" | "link-ruleset"
        | "create-peering" | "attach-zone" => change.resource.parent(),
        _ => None,
    };
    let place = place.unwrap_or_else(|| change.resource.clone());
    let mut body = change.request.body.clone();
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("priority");
    }
    format!("{} {} {body}", change.kind, place.key())
}

/// What tells a change from others.
pub(super) fn identity(change: &Change) -> String {
    format!("{} {} {}", change.request.method, change.request.path, change.request.body)
}
