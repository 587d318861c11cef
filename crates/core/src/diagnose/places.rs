//! At which gates the causes stand.

use super::{Report, SECOND_FLOW};
use crate::finding::Finding;
use crate::trace::step::{Outcome, Step};

/// A gate of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Which flow.
    pub flow: usize,
    /// Which of its steps, there and then back.
    pub step: usize,
}

impl Report {
    /// The gates that each cause closes or leads astray, in the order of the causes.
    pub fn spots(&self) -> Vec<Vec<Spot>> {
        self.causes().map(|cause| self.spots_of(cause)).collect()
    }

    /// Puts the causes in the order of the gates at which they stand.
    pub(super) fn sort_causes(&mut self) {
        let mut causes: Vec<(usize, Finding)> = self
            .causes()
            .map(|one| {
                (self.spots_of(one).first().map_or(usize::MAX, |spot| spot.step), one.clone())
            })
            .collect();
        causes.sort_by_key(|(place, _)| *place);
        let places = self.findings.iter_mut().filter(|one| one.is_cause());
        places.zip(causes).for_each(|(place, (_, cause))| *place = cause);
    }

    /// The cause that the way to the target is closed stands at all gates that are closed there.
    pub(crate) fn spots_of(&self, cause: &Finding) -> Vec<Spot> {
        let (to_source, to_target) = self.flows_of(cause);
        let is_its = |place: usize| if place == 0 { to_source } else { to_target };
        let flows = self.flows.iter().enumerate().filter(|(place, _)| is_its(*place));
        let spots = flows.flat_map(|(flow, facts)| {
            let steps: Vec<&Step> = facts.steps().collect();
            let found = closed_by(cause, &steps);
            found.into_iter().map(move |step| Spot { flow, step })
        });
        spots.collect()
    }
}

fn closed_by(cause: &Finding, steps: &[&Step]) -> Vec<usize> {
    let drops = |step: &Step| step.shown() == Outcome::Drop && !step.is_consequence;
    let is_second = cause.fault == SECOND_FLOW;
    let closed = |index: &usize| drops(steps[*index]);
    if is_second && steps.iter().any(|step| drops(step)) {
        return (0..steps.len()).filter(closed).collect();
    }
    let stages = cause.stages();
    let all: Vec<usize> =
        (0..steps.len()).filter(|at| is_second || stages.contains(&steps[*at].stage)).collect();
    // A gate of which something is not known does not stand for a cause where another one is closed.
    let is_closed = cause.is_cause() && all.iter().any(closed);
    let is_its = |index: &usize| match is_closed {
        true => closed(index),
        false => steps[*index].shown() != Outcome::Pass,
    };
    let place = cause.place.as_ref().map(|place| &place.resource);
    let reads = |index: &usize| {
        let step = steps[*index];
        place.is_some()
            && (step.resource.as_ref() == place
                || step.facts.iter().any(|fact| Some(&fact.resource) == place))
    };
    let best = all.iter().find(|index| is_its(index) && reads(index));
    let best = best.or_else(|| all.iter().find(|index| is_its(index))).or(all.first());
    best.copied().into_iter().collect()
}
