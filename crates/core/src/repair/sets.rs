//! Sets of changes: what tells them apart, in which order they are made, and what came of those that were tried.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use crate::change::{Change, Edit};
use crate::diagnose::{self, Question};
use crate::estate::Estate;
use crate::trace::step::Verdict;

/// Estates kept with changes made to them; where there are more, all are let go.
const APPLIED_MAX: usize = 256;

/// Sets that were tried: what is kept spares making changes and judging twice.
pub(super) struct Tried<'s> {
    estate: &'s Estate,
    question: &'s Question,
    /// The estate with changes made to it, by what tells them apart, in their order.
    applied: BTreeMap<Vec<String>, Rc<Estate>>,
    judged: BTreeMap<Vec<String>, Verdict>,
}

impl<'s> Tried<'s> {
    pub(super) fn new(estate: &'s Estate, question: &'s Question) -> Tried<'s> {
        Tried { estate, question, applied: BTreeMap::new(), judged: BTreeMap::new() }
    }

    /// Takes down the verdict with a set of changes.
    pub(super) fn note(&mut self, changes: &[Change], verdict: Verdict) {
        self.judged.insert(identities(changes), verdict);
    }

    /// The verdict with a set of changes.
    pub(super) fn verdict(&mut self, changes: &[Change]) -> Verdict {
        let key = identities(changes);
        if let Some(known) = self.judged.get(&key) {
            return *known;
        }
        let verdict = diagnose::verdict(&self.apply(changes), self.question);
        self.judged.insert(key, verdict);
        verdict
    }

    /// The estate with changes made to it.
    pub(super) fn apply(&mut self, changes: &[Change]) -> Rc<Estate> {
        let key: Vec<String> = changes.iter().map(identity).collect();
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
pub(super) fn each_left_out(changes: &[Change]) -> impl Iterator<Item = Vec<Change>> {
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
        "create-subnet" | "create-zone" => 0,
        "delete-peering" | "delete-vnet-rule" | "delete-endpoint" | "move-rule"
        | "unlink-ruleset" | "unlink-zone" => 1,
        "create-endpoint" => 2,
        "link-zone" | "link-ruleset" => 4,
        "redirect-missing-names" => 5,
        _ => 3,
    };
    (turn, std::cmp::Reverse(number))
}

/// Whether two changes of a set serve one purpose: a second endpoint of the server, a second rule for the same flow,
/// a second value of one record.
pub(super) fn serves_twice(changes: &[Change]) -> bool {
    let records = changes.iter().flat_map(|change| &change.edits).filter_map(|edit| match edit {
        Edit::PutInZone(id, _) | Edit::PutForEndpoint(_, id, _) => Some(id.key().to_owned()),
        _ => None,
    });
    let mut purposes = BTreeSet::new();
    !changes.iter().map(purpose).chain(records).all(|purpose| purposes.insert(purpose))
}

/// Whether a set holds all changes of a way, whatever names and numbers its rules have, and whatever else their requests repeat.
pub(super) fn holds(changes: &[Change], way: &[Change]) -> bool {
    let is_alike = |one: &Change, other: &Change| {
        one == other
            || one.kind == other.kind && one.resource == other.resource && one.edits == other.edits
            || [one, other].iter().all(|change| change.kind == "add-rule")
                && purpose(one) == purpose(other)
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

/// What tells a set of changes from others.
pub(super) fn identities(changes: &[Change]) -> Vec<String> {
    let mut all: Vec<String> = changes.iter().map(identity).collect();
    all.sort();
    all
}

/// What tells a change from others.
pub(super) fn identity(change: &Change) -> String {
    format!("{} {} {}", change.request.method, change.request.path, change.request.body)
}
