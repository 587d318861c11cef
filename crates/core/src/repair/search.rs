//! The cheapest repair: uniform-cost search over sets of changes.
//!
//! A set grows only by changes that write something which its failing answer has read: whatever else is
//! changed, the answer stays the same, so no repair is missed. While a gate other than security rules is
//! closed, only what that gate has read counts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::allowed::Policy;
use super::cost::Cost;
use super::found::{Closed, Found, Repair};
use super::halves;
use super::node::{Node, Touches};
use super::safety::{self, Ends, Flow, Safety};
use super::sets::{Tried, each_left_out, holds, identities, identity, serves_twice, turn};
use crate::change::{Change, Exposure};
use crate::diagnose::{self, Question, Report, Source};
use crate::estate::{Estate, Missing, Set};
use crate::finding::{Finding, Severity};
use crate::trace::step::Verdict;

/// Sets of changes looked at. The longest known repair takes about a hundred.
const NODES_MAX: usize = 3_000;

/// Changes of one set. The longest known repair takes five.
const CHANGES_MAX: usize = 8;

/// Flows that a set may break and be added to for their sake: each needs a change or two of its own.
const MENDED_MAX: usize = 4;

/// Sets looked at for other ways, after the cheapest one is found.
const NODES_FOR_OTHERS_MAX: usize = 24;

/// Other ways that are shown.
const OTHERS_MAX: usize = 4;

/// What an estate tells before it is repaired.
struct Before {
    /// Faults that cause the verdict.
    causes: BTreeSet<&'static str>,
    /// What is not known.
    unseen: BTreeSet<String>,
}

/// Searches for the cheapest repair of a flow.
pub fn search(estate: &Estate, question: &Question, policy: &Policy) -> Found {
    let mut search = Search {
        estate,
        question,
        policy,
        queue: BinaryHeap::new(),
        seen: BTreeSet::new(),
        found: Found { is_complete: true, ..Found::default() },
        tried: Tried::new(estate, question),
        found_before: Vec::new(),
        opened: None,
        uncovering: None,
        before: None,
        fragile: Set::default(),
        exposures: BTreeMap::new(),
        age: 0,
        nodes_max: NODES_MAX,
        unmended: None,
    };
    search.push(Vec::new(), false);
    search.run();
    if search.found.best.is_none() {
        search.opened = search.opened.take().or(search.uncovering.take());
    }
    if let Some(opened) = search.opened.take() {
        search.found.others.splice(0..0, search.found.best.replace(opened));
        search.found.leaves_open = true;
    }
    let best = search.found.best.as_ref().map(|best| best.cost);
    if search.unmended.is_some_and(|least| best.is_none_or(|best| least < best)) {
        search.found.is_complete = false;
    }
    search.found
}

struct Search<'s> {
    estate: &'s Estate,
    question: &'s Question,
    policy: &'s Policy,
    queue: BinaryHeap<Reverse<Node>>,
    seen: BTreeSet<Vec<String>>,
    found: Found,
    /// Sets that were tried.
    tried: Tried<'s>,
    /// Repairs that were found, with each edit of a half of a peering by itself.
    found_before: Vec<Vec<Change>>,
    /// The cheapest set that opens all that is known to be closed, where it is cheaper than every repair.
    opened: Option<Repair>,
    /// The cheapest set that does so too, and leads to what nobody knows and was not met before: nothing proves it, so that a repair that
    /// is proved is better.
    uncovering: Option<Repair>,
    /// What the estate tells as things stand, where a gate is known to be closed; worked out once.
    before: Option<Option<Before>>,
    /// Flows that a set broke.
    fragile: Set<Ends>,
    /// What changes let through, as they were first thought of, by what tells them apart.
    exposures: BTreeMap<String, Vec<Exposure>>,
    age: usize,
    nodes_max: usize,
    /// The least cost of a set that breaks more flows than are mended.
    unmended: Option<Cost>,
}

impl Search<'_> {
    fn run(&mut self) {
        while let Some(Reverse(node)) = self.queue.pop() {
            if self.found.node_count >= self.nodes_max {
                let opened = self.opened.as_ref().or(self.uncovering.as_ref());
                self.found.is_complete &= self.found.best.is_some() || opened.is_some();
                return;
            }
            // What holds a known way in full is no other way.
            if self.found_before.iter().any(|known| holds(&node.changes, known)) {
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
            debug_assert!(fixes(&findings).is_empty());
            return self.pass(node, &after);
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
        for fix in fixes(&findings) {
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

    /// Takes a set after which nothing is known to be closed any more and no cause is left, if it breaks nothing. Of those that lead
    /// no further into the dark (what is not known afterwards was not known before) the first ends the search. That a ruleset has no
    /// other link nothing ever proves.
    fn open(&mut self, changes: &[Change]) {
        const RULESET: &str = "microsoft.network/dnsforwardingrulesets";
        let is_provable =
            |one: &&Missing| !one.resource.as_ref().is_some_and(|id| id.is_type(RULESET));
        let dark = |report: &Report| -> BTreeSet<String> {
            report.missing.iter().filter(is_provable).map(|one| one.what.clone()).collect()
        };
        let before = self.before.get_or_insert_with(|| {
            let report = diagnose::check(self.estate, self.question);
            let causes = report.causes().map(|one| one.fault).collect();
            let is_closed = match self.question.source {
                Source::Host(_) => report.is_closed(),
                // A gate that is closed on one of several ways keeps nobody away for sure.
                Source::Server(_) => {
                    matches!(report.verdict, Verdict::Unreachable | Verdict::Partial)
                        || report.causes().next().is_some()
                }
            };
            is_closed.then(|| Before { causes, unseen: dark(&report) })
        });
        let Some(before) = before else { return };
        // Whether a set opens, and if so, whether it leads no further into the dark.
        let mut opens = |set: &Vec<Change>| {
            let report = diagnose::check(&self.tried.apply(set), self.question);
            let mut left = report.findings.iter().filter(|one| one.severity != Severity::Note);
            let is_open = !report.is_closed() && left.all(|one| !before.causes.contains(one.fault));
            let is_known = dark(&report).is_subset(&before.unseen);
            let blocks = |one: &Finding| one.severity == Severity::Blocks;
            (is_open && (is_known || !report.findings.iter().any(blocks))).then_some(is_known)
        };
        let mut changes = changes.to_vec();
        let Some(is_known) = opens(&changes) else { return };
        // Where no cause is known, what is closed may be so for a reason that no set mends.
        if !is_known && (self.uncovering.is_some() || before.causes.is_empty()) {
            return;
        }
        loop {
            let fewer = each_left_out(&changes)
                .find(|fewer| opens(fewer).is_some_and(|known| known || !is_known));
            let Some(fewer) = fewer else { break };
            changes = fewer;
        }
        // What leads into the dark is worth it only where each change mends what keeps the senders out by itself.
        let shuts = |verdict| matches!(verdict, Verdict::Unreachable | Verdict::Partial);
        if !is_known && !each_left_out(&changes).all(|fewer| shuts(self.tried.verdict(&fewer))) {
            return;
        }
        let after = self.tried.apply(&changes);
        let safety = safety::look(self.estate, &after, self.question);
        if !safety.broken.is_empty() {
            return;
        }
        let changes = halves::merged(self.estate, &changes);
        let repair = Repair { cost: Cost::of(&changes), changes, safety };
        if is_known {
            self.opened = Some(repair);
            self.nodes_max = self.found.node_count + NODES_FOR_OTHERS_MAX;
        } else {
            self.uncovering = Some(repair);
        }
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
    fn smaller_that_do(&mut self, node: &Node) -> Vec<Vec<Change>> {
        each_left_out(&node.changes)
            .filter(|fewer| !node.is_mended || !self.seen.contains(&identities(fewer)))
            .filter(|fewer| self.tried.verdict(fewer) == Verdict::Reachable)
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
            diagnose::check_from_subnet(estate, self.question, &flow.from, &flow.to)
        });
        for fix in report.iter().flat_map(|report| fixes(&report.findings)) {
            self.grow(&node.changes, after, &reads, &fix, true);
        }
    }

    /// Adds the changes of a fix to a set, together and one by one, where they touch what the answer has read.
    fn grow(
        &mut self,
        changes: &[Change],
        after: &Estate,
        reads: &crate::estate::Reads,
        fix: &[Change],
        mends: bool,
    ) {
        // A peering that is made anew takes all of its steps.
        let has_parts = fix.len() > 1 && fix.iter().all(|one| one.kind != "delete-peering");
        let singles = fix.iter().map(std::slice::from_ref).filter(|_| has_parts);
        for added in std::iter::once(fix).chain(singles) {
            if let Some((change, why)) = self.policy.bars(self.estate, added) {
                self.found.barred.push((change, why));
                continue;
            }
            let grown = self.tried.apply(&[changes, added].concat());
            if !reads.meets(&grown.writes_since(after)) {
                continue;
            }
            let added: Vec<Change> = added.iter().map(|one| self.alone(one)).collect();
            let new = added.into_iter().filter(|one| !changes.contains(one));
            let mut set: Vec<Change> = changes.iter().cloned().chain(new).collect();
            set.sort_by_key(turn);
            if set.len() <= CHANGES_MAX && !serves_twice(&set) {
                self.push(set, mends);
            }
        }
    }

    /// A change as if no other one were made: one request lets the same through in every set.
    fn alone(&mut self, change: &Change) -> Change {
        let alone = halves::alone(self.estate, change);
        let first = self.exposures.entry(identity(&alone));
        let exposure = first.or_insert_with(|| alone.exposure.clone()).clone();
        Change { exposure, ..alone }
    }

    fn push(&mut self, changes: Vec<Change>, is_mended: bool) {
        if !self.seen.insert(identities(&changes)) {
            return;
        }
        self.age += 1;
        let cost = Cost::of(&halves::merged(self.estate, &changes));
        self.queue.push(Reverse(Node {
            cost,
            age: self.age,
            changes,
            touches: Touches::Unknown,
            is_mended,
        }));
    }

    fn accept(&mut self, changes: Vec<Change>, cost: Cost, safety: Safety) {
        let repair = Repair { changes: halves::merged(self.estate, &changes), cost, safety };
        self.found_before.push(changes);
        if self.found.best.is_some() {
            return self.found.others.push(repair);
        }
        self.nodes_max = self.found.node_count + NODES_FOR_OTHERS_MAX;
        self.found.best = Some(repair);
    }
}

/// The estate with changes made to it.
pub fn apply(estate: &Estate, changes: &[Change]) -> Estate {
    changes.iter().fold(estate.clone(), |estate, change| change.apply(&estate))
}

/// The ways to mend what findings name, whatever they are sure of.
fn fixes(findings: &[Finding]) -> Vec<Vec<Change>> {
    let counts = |one: &&Finding| one.severity != Severity::Note;
    let fixes = findings.iter().filter(counts).flat_map(|one| &one.fixes);
    fixes.filter(|fix| !fix.changes.is_empty()).map(|fix| fix.changes.clone()).collect()
}
