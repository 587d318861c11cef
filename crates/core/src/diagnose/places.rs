//! At which gates the causes stand.

use super::{Flow, Report, SECOND_FLOW};
use crate::finding::{Finding, Severity};
use crate::trace::step::{Outcome, Stage, Step};

/// A gate of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Which flow.
    pub flow: usize,
    /// Which of its steps, there and then back.
    pub step: usize,
}

impl Report {
    /// The gates that each cause closes or leads astray, in the order of the causes. A closed gate at which none of them stands goes
    /// to the one that closes gates of its sort, or that what closes it follows from.
    pub fn spots(&self) -> Vec<Vec<Spot>> {
        let mut spots: Vec<Vec<Spot>> = self.causes().map(|cause| self.spots_of(cause)).collect();
        for spot in self.left_over(&spots) {
            let followed = || {
                let fault = self.best(spot, self.consequences())?.consequence_of?;
                self.causes().find(|cause| cause.fault == fault)
            };
            let owner = self.best(spot, self.causes()).or_else(followed);
            let is_owner = |cause: &Finding| owner.is_some_and(|one| std::ptr::eq(one, cause));
            let place = self.causes().position(is_owner);
            if let Some(own) = place.and_then(|place| spots.get_mut(place)) {
                own.push(spot);
            }
        }
        // What lies behind a closed gate, and is not drawn, stands there.
        let behind = spots.iter().flatten().min_by_key(|spot| (spot.flow, spot.step)).copied();
        for own in spots.iter_mut().filter(|own| own.is_empty()) {
            own.extend(behind);
        }
        spots
    }

    /// Takes closed gates at which no cause stands for what follows from one: where a consequence speaks of them, or none of the
    /// findings. At a route packets end all the same. A name that leads to a front door is right where that one is all there is to say.
    pub(super) fn mark_consequences(&mut self) {
        let spots: Vec<Vec<Spot>> = self.causes().map(|cause| self.spots_of(cause)).collect();
        let follows = |spot: &Spot| {
            let is_its = |one: &Finding| self.is_read(*spot, one);
            match (self.best(*spot, self.consequences()), self.best(*spot, self.causes())) {
                (Some(own), Some(cause)) => is_its(own) || !is_its(cause),
                (own, cause) => own.is_some() || cause.is_none() && !spots.is_empty(),
            }
        };
        let is_at = |stage: Stage| self.causes().any(|one| one.stages().contains(&stage));
        let is_name_right = !is_at(Stage::Name) && is_at(Stage::Admit);
        let marked: Vec<Spot> = self.left_over(&spots).into_iter().filter(follows).collect();
        for Spot { flow, step } in marked {
            let flow = &mut self.flows[flow];
            let steps = flow.forward.iter_mut().chain(&mut flow.back);
            match steps.into_iter().nth(step) {
                Some(step) if step.stage == Stage::Name && is_name_right => {
                    step.outcome = Outcome::Pass;
                }
                Some(step) => step.is_consequence = step.stage != Stage::Route,
                None => {}
            }
        }
    }

    fn consequences(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|one| one.consequence_of.is_some())
    }

    /// Closed gates that none of these are.
    fn left_over(&self, known: &[Vec<Spot>]) -> Vec<Spot> {
        let of_flow = |(flow, facts): (usize, &Flow)| {
            let closed = facts.steps().enumerate().filter(|(_, step)| is_closed(step));
            closed.map(|(step, _)| Spot { flow, step }).collect::<Vec<_>>()
        };
        let all = self.flows.iter().enumerate().flat_map(of_flow);
        all.filter(|spot| !known.iter().flatten().any(|one| one == spot)).collect()
    }

    /// Of some findings the one that speaks of a gate: of what it reads, or else of its sort. Azure's own routes come from peerings.
    fn best<'f>(
        &self,
        spot: Spot,
        findings: impl Iterator<Item = &'f Finding>,
    ) -> Option<&'f Finding> {
        let stage = self.step(spot).map(|step| step.stage)?;
        let speaks = |one: &&Finding| {
            let (to_source, to_target) = self.flows_of(one);
            let is_here = if spot.flow == 0 { to_source } else { to_target };
            let closes = one.stages().contains(&stage)
                || stage == Stage::Route && one.fault.starts_with("peering/");
            is_here && one.severity == Severity::Blocks && closes
        };
        let all: Vec<&Finding> = findings.filter(speaks).collect();
        let reads = all.iter().find(|one| self.is_read(spot, one));
        reads.or(all.first()).copied()
    }

    fn is_read(&self, spot: Spot, finding: &Finding) -> bool {
        self.step(spot).is_some_and(|step| reads(step, finding))
    }

    fn step(&self, spot: Spot) -> Option<&Step> {
        self.flows.get(spot.flow)?.steps().nth(spot.step)
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

/// Whether a gate is closed, and not because of another one.
fn is_closed(step: &Step) -> bool {
    step.shown() == Outcome::Drop && !step.is_consequence
}

/// Whether a gate reads the place of a finding.
fn reads(step: &Step, finding: &Finding) -> bool {
    let place = finding.place.as_ref().map(|place| &place.resource);
    place.is_some()
        && (step.resource.as_ref() == place
            || step.facts.iter().any(|fact| Some(&fact.resource) == place))
}

fn closed_by(cause: &Finding, steps: &[&Step]) -> Vec<usize> {
    let is_second = cause.fault == SECOND_FLOW;
    let closed = |index: &usize| is_closed(steps[*index]);
    if is_second && steps.iter().any(|step| is_closed(step)) {
        return (0..steps.len()).filter(closed).collect();
    }
    let stages = cause.stages();
    let all: Vec<usize> =
        (0..steps.len()).filter(|at| is_second || stages.contains(&steps[*at].stage)).collect();
    // A gate of which something is not known does not stand for a cause where another one is closed.
    let has_closed = cause.is_cause() && all.iter().any(closed);
    let is_its = |index: &usize| match has_closed {
        true => closed(index),
        false => steps[*index].shown() != Outcome::Pass,
    };
    let best = all.iter().find(|index| is_its(index) && reads(steps[**index], cause));
    let best = best.or_else(|| all.iter().find(|index| is_its(index))).or(all.first());
    best.copied().into_iter().collect()
}
