//! The cheapest repair: uniform-cost search over sets of changes.
//!
//! A set grows only by changes that write something which its failing answer has read: whatever else is
//! changed, the answer stays the same, so no repair is missed. While a gate other than security rules is
//! closed, only what that gate has read counts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::allowed::Policy;
use super::cost::Cost;
use super::found::{Closed, Found, OTHERS_MAX, Repair};
use super::halves;
use super::node::{Node, Touches};
use super::open::Before;
use super::safety::{self, Ends, Flow, Safety};
use super::sets::{Met, Requests, Tried, each_left_out, holds, numbers, serves_twice, turn};
use crate::change::Change;
use crate::diagnose::{self, Question, Source};
use crate::estate::{Estate, Set};
use crate::finding::{Finding, Fix, Severity};
use crate::trace::step::Verdict;

/// Sets of changes looked at. The longest known repair takes about a hundred.
const NODES_MAX: usize = 3_000;

/// Changes of one set. The longest known repair takes five.
const CHANGES_MAX: usize = 8;

/// Flows that a set may break and be added to for their sake: each needs a change or two of its own.
const MENDED_MAX: usize = 4;

/// Sets looked at for other ways, after the cheapest one is found.
pub(super) const NODES_FOR_OTHERS_MAX: usize = 24;

/// Searches among the usual fixes, or with `last_resorts` among all, for what costs less than that where it is told; and whether last
/// resorts were left out.
pub(super) fn search_among(
    estate: &Estate,
    question: &Question,
    policy: &Policy,
    last_resorts: Option<Option<Cost>>,
) -> (Found, bool) {
    let mut search = Search {
        estate,
        question,
        policy,
        queue: BinaryHeap::new(),
        seen: Set::default(),
        stuck: Set::default(),
        requests: Requests::default(),
        found: Found { is_complete: true, ..Found::default() },
        tried: Tried::new(estate, question),
        found_before: Vec::new(),
        opened: None,
        uncovering: None,
        before: None,
        fragile: Set::default(),
        age: 0,
        nodes_max: NODES_MAX,
        unmended: None,
        breaking: None,
        takes_last_resorts: last_resorts.is_some(),
        limit: last_resorts.flatten(),
        has_last_resort: false,
    };
    search.push(Vec::new(), false);
    search.run();
    if search.found.best.is_none() {
        search.opened = search.opened.take().or(search.uncovering.take());
    }
    let before = search.before.take().flatten();
    let is_outdone = |opened: &Repair, proved: &Repair| {
        before.as_ref().is_some_and(|one| one.is_outdone(opened, proved))
    };
    if let Some(opened) = search.opened.take()
        && !search.found.best.as_ref().is_some_and(|proved| is_outdone(&opened, proved))
    {
        search.found.others.splice(0..0, search.found.best.replace(opened));
        search.found.leaves_open = true;
    }
    let best = search.found.best.as_ref().map(|best| best.cost);
    if search.unmended.is_some_and(|least| best.is_none_or(|best| least < best)) {
        search.found.is_complete = false;
    }
    search.tell_breaking();
    (search.found, search.has_last_resort)
}

pub(super) struct Search<'s> {
    pub(super) estate: &'s Estate,
    pub(super) question: &'s Question,
    policy: &'s Policy,
    queue: BinaryHeap<Reverse<Node>>,
    /// Sets that were met, by whether they grew from one that does, to keep alive what that one breaks.
    seen: Set<(Vec<u32>, bool)>,
    /// Sets that do not do.
    stuck: Set<Vec<u32>>,
    requests: Requests,
    pub(super) found: Found,
    /// Sets that were tried.
    pub(super) tried: Tried<'s>,
    /// Repairs that were found, with each edit of a half of a peering by itself, and the number of flows that they put in doubt.
    found_before: Vec<(Vec<Met>, usize)>,
    /// The cheapest set that opens all that is known to be closed, where it is cheaper than every repair.
    pub(super) opened: Option<Repair>,
    /// The cheapest set that does so too, and leads to what nobody knows and was not met before: nothing proves it, so that a repair that
    /// is proved is better.
    pub(super) uncovering: Option<Repair>,
    /// What the estate tells as things stand, where a gate is known to be closed; worked out once.
    pub(super) before: Option<Option<Before>>,
    /// Flows that a set broke.
    fragile: Set<Ends>,
    age: usize,
    pub(super) nodes_max: usize,
    /// The least cost of a set that breaks more flows than are mended.
    unmended: Option<Cost>,
    /// The cheapest set that does, but for the flows that it breaks.
    breaking: Option<(Cost, Vec<Met>)>,
    /// Whether fixes are tried that are for whoever may do nothing else, and whether one was left out.
    takes_last_resorts: bool,
    has_last_resort: bool,
    /// What dearer sets are not looked at for.
    limit: Option<Cost>,
}

impl Search<'_> {
    fn run(&mut self) {
        while let Some(Reverse(node)) = self.queue.pop() {
            if self.limit.is_some_and(|limit| limit <= node.cost) {
                return;
            }
            if self.found.node_count >= self.nodes_max {
                let opened = self.opened.as_ref().or(self.uncovering.as_ref());
                self.found.is_complete &= self.found.best.is_some() || opened.is_some();
                return;
            }
            // What holds a known way in full is no other way, unless it is there for what that one puts in doubt.
            if self.is_known(&node.changes, if node.is_mended { 0 } else { usize::MAX }) {
                continue;
            }
            if matches!(node.touches, Touches::Unknown) {
                self.found.node_count += 1;
            }
            self.look_at(node);
            let is_done = self.asks_machine() && self.opened.is_some();
            if is_done || self.found.others.len() >= OTHERS_MAX {
                return;
            }
        }
    }

    /// Whether a set holds a repair that was found, and that puts no more flows in doubt than so many.
    fn is_known(&self, changes: &[Met], disputed: usize) -> bool {
        let mut before = self.found_before.iter();
        before.any(|(known, count)| *count <= disputed && holds(changes, known))
    }

    fn look_at(&mut self, node: Node) {
        if let Touches::All(safety) = node.touches {
            return self.accept(node.changes, node.cost, safety);
        }
        let after = self.tried.apply(&node.changes);
        if matches!(node.touches, Touches::Some) {
            return self.weigh(node, &after, usize::MAX);
        }
        let question = self.question;
        let ((verdict, findings), reads) = after.watch(|estate| diagnose::judged(estate, question));
        self.tried.note(&node.changes, verdict);
        if verdict == Verdict::Reachable {
            // Notes of a reachable path hold no fixes: nothing grows from it otherwise.
            debug_assert!(self.fixes(findings).is_empty());
            return self.pass(node, &after);
        }
        if !self.stuck.insert(numbers(&node.changes)) {
            return;
        }
        let is_first = self.found.best.is_none() && self.opened.is_none();
        // Another endpoint makes another way: what is closed on the one at hand stays so.
        let is_same_way = node.changes.iter().all(|change| change.kind != "create-endpoint");
        if is_first && is_same_way && verdict == Verdict::Undetermined && !node.changes.is_empty() {
            self.open(&node.changes);
        }
        // Rules are tried once everything else lets the packets pass: every repair mends the other gates too.
        let narrow = match verdict {
            Verdict::Unreachable => diagnose::reads_beyond_rules(&after, question),
            _ => None,
        };
        let reads = narrow.unwrap_or(reads);
        for fix in self.fixes(findings) {
            self.grow(&node.changes, &after, &reads, &fix, false);
        }
        if self.found.best.is_none() {
            let changes = halves::merged(self.estate, &node.changes);
            let closed = Closed { changes, cost: node.cost, verdict };
            self.found.closed.push(closed);
        }
    }

    fn asks_machine(&self) -> bool {
        matches!(self.question.source, Source::Host(_))
    }

    /// A set that does: what it breaks belongs to its cost, so it may have to wait for its turn.
    fn pass(&mut self, node: Node, after: &Estate) {
        // A change may have led to another that does without it. What the smaller set breaks is mended from there, unless this is
        // how it was mended.
        let smaller = self.smaller_that_do(&node);
        let is_minimal = smaller.is_empty();
        smaller.into_iter().for_each(|changes| self.push(changes, false));
        if !is_minimal && !node.is_mended {
            return;
        }
        // While a set breaks what it was to mend, it does not matter what else it breaks.
        let most = if node.is_mended { 0 } else { MENDED_MAX };
        self.weigh(node, after, most);
    }

    /// Counts the flows that a set breaks which does, until they are more than `most`.
    fn weigh(&mut self, node: Node, after: &Estate, most: usize) {
        let (safety, is_whole) =
            safety::look_until(self.estate, after, self.question, &mut self.fragile, most);
        if matches!(node.touches, Touches::Unknown) {
            self.mend_broken(&node, after, &safety.broken);
            if safety.broken.is_empty() && safety.disputed.len() <= MENDED_MAX {
                self.mend_broken(&node, after, &safety.disputed);
            }
        }
        let bare = Cost { broken_flows: 0, ..node.cost };
        let is_least = |(least, _): &(Cost, _)| bare < *least;
        if !safety.broken.is_empty()
            && !node.is_mended
            && self.breaking.as_ref().is_none_or(is_least)
        {
            self.breaking = Some((bare, node.changes.clone()));
        }
        let cost = Cost { broken_flows: safety.broken.len() as u32, ..node.cost };
        let touches = if is_whole { Touches::All(safety) } else { Touches::Some };
        let node = Node { cost, touches, ..node };
        match self.queue.peek() {
            Some(Reverse(next)) if next.cost < cost => self.queue.push(Reverse(node)),
            _ => self.look_at(node),
        }
    }

    /// Sets that lack one of the changes and do; of one that was mended, those that nobody came upon.
    fn smaller_that_do(&mut self, node: &Node) -> Vec<Vec<Met>> {
        let Search { tried, seen, .. } = self;
        each_left_out(&node.changes)
            .filter(|fewer| !node.is_mended || !is_met(seen, fewer))
            .filter(|fewer| tried.verdict(fewer) == Verdict::Reachable)
            .collect()
    }

    /// Changes that keep alive what a repair would break: all flows have to, so those for the first one lead to every way.
    fn mend_broken(&mut self, node: &Node, after: &Estate, broken: &[Flow]) {
        if broken.len() > MENDED_MAX {
            let least = self.unmended.map_or(node.cost, |least| least.min(node.cost));
            self.unmended = Some(least);
            return;
        }
        let Some(flow) = broken.first() else { return };
        let (report, reads) = after.watch(|estate| {
            diagnose::check_from_client(estate, self.question, &flow.from, &flow.to)
        });
        let findings = report.map(|report| report.findings).unwrap_or_default();
        for fix in self.fixes(findings) {
            self.grow(&node.changes, after, &reads, &fix, true);
        }
    }

    /// Adds the changes of a fix to a set, together and one by one, where they touch what the answer has read.
    fn grow(
        &mut self,
        changes: &[Met],
        after: &Estate,
        reads: &crate::estate::Reads,
        fix: &[Change],
        mends: bool,
    ) {
        // A peering that is made anew takes all of its steps.
        let has_parts = fix.len() > 1 && fix.iter().all(|one| one.kind != "delete-peering");
        let met: Vec<Met> = fix.iter().map(|one| self.requests.meet(self.estate, one)).collect();
        let singles = (0..fix.len()).filter(|_| has_parts).map(|part| part..part + 1);
        for part in std::iter::once(0..fix.len()).chain(singles) {
            if let Some((change, why)) = self.policy.bars(self.estate, &fix[part.clone()]) {
                self.found.barred.push((change, why));
                continue;
            }
            let part = &met[part];
            let new = part.iter().filter(|one| !changes.contains(one));
            let (old, moved_on): (Vec<&Met>, Vec<&Met>) =
                changes.iter().partition(|one| !halves::is_moved_on(one, part));
            let mut set: Vec<Met> = old.into_iter().chain(new).cloned().collect();
            if !moved_on.is_empty() {
                // Rules that have their number already need it to be free again.
                set.sort_by_key(|one| turn(one));
            }
            let grown = self.tried.apply(&set);
            if !reads.meets(&grown.writes_since(after)) {
                continue;
            }
            set.sort_by_key(|one| turn(one));
            if set.len() <= CHANGES_MAX && !serves_twice(&set) {
                self.push(set, mends);
            }
        }
    }

    /// The ways to mend what findings name, whatever they are sure of. Where a usual one is barred, the last resorts of its finding are
    /// tried beside it.
    fn fixes(&mut self, findings: Vec<Finding>) -> Vec<Vec<Change>> {
        let (mut usual, mut last) = (Vec::new(), Vec::new());
        for finding in findings.into_iter().filter(|one| one.severity != Severity::Note) {
            let is_mine =
                |fix: &Fix| fix.changes.iter().any(|one| halves::edits_its_own(self.estate, one));
            let made = finding.fixes.into_iter();
            let made = made.filter(|fix| !fix.changes.is_empty() && !is_mine(fix));
            let (late, early): (Vec<Fix>, Vec<Fix>) = made.partition(|fix| fix.is_last_resort);
            self.has_last_resort |= !late.is_empty();
            let is_barred = |fix: &Fix| self.policy.bars(self.estate, &fix.changes).is_some();
            if self.takes_last_resorts || !late.is_empty() && early.iter().any(is_barred) {
                last.extend(late);
            }
            usual.extend(early);
        }
        usual.into_iter().chain(last).map(|fix| fix.changes).collect()
    }

    fn push(&mut self, changes: Vec<Met>, is_mended: bool) {
        // A set that holds more than it takes is let go; it is met anew where the smaller one breaks what it keeps alive.
        let is_met = !is_mended && is_met(&self.seen, &changes);
        if is_met || !self.seen.insert((numbers(&changes), is_mended)) {
            return;
        }
        self.age += 1;
        let cost = halves::cost(self.estate, &changes);
        self.queue.push(Reverse(Node {
            cost,
            age: self.age,
            changes,
            touches: Touches::Unknown,
            is_mended,
        }));
    }

    /// Adds the cheapest set that does to the other ways, where the best one costs more but for what that breaks: its turn comes late.
    fn tell_breaking(&mut self) {
        let (Some(best), Some((cost, changes))) = (&self.found.best, self.breaking.take()) else {
            return;
        };
        let own = numbers(&changes);
        let is_told = self.found_before.iter().any(|(known, _)| numbers(known) == own);
        if is_told || cost >= (Cost { broken_flows: 0, ..best.cost }) {
            return;
        }
        let safety = safety::look(self.estate, &self.tried.apply(&changes), self.question);
        let cost = Cost { broken_flows: safety.broken.len() as u32, ..cost };
        let changes = halves::merged(self.estate, &changes);
        self.found.others.push(Repair { changes, cost, safety });
    }

    fn accept(&mut self, changes: Vec<Met>, cost: Cost, safety: Safety) {
        if self.is_known(&changes, safety.disputed.len() + safety.broken.len()) {
            return;
        }
        self.found_before.push((changes.clone(), safety.disputed.len()));
        let repair = Repair { changes: halves::merged(self.estate, &changes), cost, safety };
        if self.found.best.is_some() {
            return self.found.others.push(repair);
        }
        self.nodes_max = self.found.node_count + NODES_FOR_OTHERS_MAX;
        self.found.best = Some(repair);
    }
}

/// Whether a set was met, for whatever sake.
fn is_met(seen: &Set<(Vec<u32>, bool)>, changes: &[Met]) -> bool {
    let own = numbers(changes);
    seen.contains(&(own.clone(), false)) || seen.contains(&(own, true))
}

/// The estate with changes made to it.
pub fn apply(estate: &Estate, changes: &[Change]) -> Estate {
    changes.iter().fold(estate.clone(), |estate, change| change.apply(&estate))
}
