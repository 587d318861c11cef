//! Sets of changes after which nothing is known to be closed any more, though nothing proves that the source is reached.

use std::collections::BTreeSet;

use super::cost::Cost;
use super::found::Repair;
use super::halves;
use super::safety;
use super::search::{NODES_FOR_OTHERS_MAX, Search};
use super::sets::{Met, each_left_out, identity};
use crate::change::Change;
use crate::diagnose::{self, Report, Source};
use crate::estate::Missing;
use crate::finding::{Finding, Severity};
use crate::trace::step::Verdict;

/// What an estate tells before it is repaired.
pub(super) struct Before {
    /// Faults that cause the verdict.
    causes: BTreeSet<&'static str>,
    /// What is not known.
    unseen: BTreeSet<String>,
    /// The ways to mend a cause, each by what tells its changes apart.
    mends: Vec<Vec<String>>,
}

impl Before {
    /// Whether a repair that is proved is better than a set after which nobody knows.
    pub(super) fn is_outdone(&self, opened: &Repair, proved: &Repair) -> bool {
        self.is_mended_by(proved) || settles(opened, proved)
    }

    /// Whether a repair that is proved is one of the ways to mend a cause, breaks nothing, and leaves names where they lead.
    fn is_mended_by(&self, proved: &Repair) -> bool {
        let is_own =
            |fix: &Vec<String>| proved.changes.iter().all(|change| fix.contains(&identity(change)));
        let Cost { broken_flows, new_endpoints, .. } = proved.cost;
        (broken_flows, new_endpoints) == (0, 0) && self.mends.iter().any(is_own)
    }
}

/// Whether a repair that is proved adds nothing to a set but rules for this flow, which say what that leaves to the documents.
fn settles(opened: &Repair, proved: &Repair) -> bool {
    let holds = |way: &Repair, one: &Change| {
        way.changes.iter().any(|other| identity(other) == identity(one))
    };
    let mut added = proved.changes.iter().filter(|one| !holds(opened, one));
    proved.cost.broken_flows == 0
        && opened.changes.iter().all(|one| holds(proved, one))
        && added.all(|one| one.kind == "add-rule")
}

impl Search<'_> {
    /// Takes a set after which nothing is known to be closed any more and no cause is left, if it breaks nothing. Of those that lead
    /// no further into the dark (what is not known afterwards was not known before) the first ends the search. That a ruleset has no
    /// other link nothing ever proves.
    pub(super) fn open(&mut self, changes: &[Met]) {
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
            let mends = report.causes().flat_map(|one| &one.fixes);
            let mends = mends.map(|fix| fix.changes.iter().map(identity).collect()).collect();
            is_closed.then(|| Before { causes, unseen: dark(&report), mends })
        });
        let Some(before) = before else { return };
        // Whether a set opens, and if so, whether it leads no further into the dark.
        let mut opens = |set: &Vec<Met>| {
            let report = diagnose::check(&self.tried.apply(set), self.question);
            // Of a flag at either half the receiver's decides: that of the other one is only suspected.
            let is_beside = |one: &Finding| {
                one.severity == Severity::Risks && one.fault == "peering/forwarded-traffic-off"
            };
            let counts = |one: &&Finding| one.severity != Severity::Note && !is_beside(one);
            let mut left = report.findings.iter().filter(counts);
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
}
