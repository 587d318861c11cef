//! What a search found: the cheapest repair, other ways, and what does not do.

use super::allowed::Bar;
use super::cost::Cost;
use super::safety::Safety;
use crate::change::Change;
use crate::trace::step::Verdict;

/// Other ways that are shown.
pub(super) const OTHERS_MAX: usize = 4;

/// A set of changes that was looked at and does not do.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The changes.
    pub changes: Vec<Change>,
    /// Their cost.
    pub cost: Cost,
    /// The verdict with them.
    pub verdict: Verdict,
}

/// A set of changes that does.
#[derive(Debug, Clone)]
pub struct Repair {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// Their cost, with what they break.
    pub cost: Cost,
    /// What they do to other flows.
    pub safety: Safety,
}

impl Repair {
    /// Whether no other one can weigh less in what counts most: it breaks nothing, makes no endpoint and lets nothing through.
    pub(super) fn is_light(&self) -> bool {
        let Cost { broken_flows, new_endpoints, exposed_flows, .. } = self.cost;
        (broken_flows, new_endpoints, exposed_flows) == (0, 0, 0)
    }

    /// Whether names go with a link that no other one takes the place of: nobody counts them.
    pub(super) fn loses_names(&self) -> bool {
        let has = |kind: &str| self.changes.iter().any(|one| one.kind == kind);
        has("unlink-zone") && !has("create-zone")
    }
}

/// What the search found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The cheapest repair: after it the source is reached, or nothing is known to be closed any more.
    pub best: Option<Repair>,
    /// Whether nobody knows what the cheapest repair leads to, though nothing is known to be closed after it.
    pub leaves_open: bool,
    /// Other ways, dearer.
    pub others: Vec<Repair>,
    /// Every cheaper set that was looked at, in the order of cost.
    pub closed: Vec<Closed>,
    /// Whether every set was looked at that could have been a repair at no higher cost.
    pub is_complete: bool,
    /// Changes that would have been tried, and are not allowed; with what stands against them.
    pub barred: Vec<(Change, Bar)>,
    /// Number of sets looked at.
    pub node_count: usize,
}

impl Found {
    /// With the other ways of a search that found something dearer, and that itself, where it had found any.
    pub(super) fn with_others_of(mut self, dearer: Found) -> Found {
        let best = self.best.iter().flat_map(|best| best.changes.clone()).collect::<Vec<_>>();
        let holds = |way: &Repair| best.iter().all(|one| way.changes.contains(one));
        let known = |way: &Repair, own: &[Repair]| own.iter().any(|one| one.changes == way.changes);
        for way in dearer.best.into_iter().chain(dearer.others) {
            if self.others.len() < OTHERS_MAX && !holds(&way) && !known(&way, &self.others) {
                self.others.push(way);
            }
        }
        self
    }
}
