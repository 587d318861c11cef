//! The steps that only a probe sees, put into the path.

use crate::diagnose::Report;
use crate::probes::{Observation, Rung, RungOutcome};
use crate::trace::step::{Outcome, Stage, Step, Verdict};

/// Puts TLS and login behind the path, and answers what the configuration left open of the listener.
pub(super) fn lay_over(report: &mut Report, source: Option<&Observation>) {
    let (Some(seen), Some(flow)) = (source, report.flows.first_mut()) else { return };
    if let Some(heard) = step(seen, Rung::SslRequest, Stage::Listen)
        && let Some(open) = flow
            .forward
            .iter_mut()
            .find(|step| step.stage == Stage::Listen && step.outcome == Outcome::Unknown)
    {
        *open = heard;
    }
    let upper = [(Rung::Tls, Stage::Tls), (Rung::Auth, Stage::Auth)];
    let steps = upper.into_iter().filter_map(|(rung, stage)| step(seen, rung, stage));
    // A wrong password closes no gate of the path: the witness says it.
    let is_open = report.verdict == Verdict::Reachable;
    let is_shown = |step: &Step| !is_open || step.outcome == Outcome::Pass;
    flow.forward.extend(steps.filter(is_shown));
}

fn step(seen: &Observation, rung: Rung, stage: Stage) -> Option<Step> {
    let report = seen.rung(rung)?;
    let detail = format!("{} (seen by a probe at {})", report.detail, seen.time);
    match report.outcome {
        RungOutcome::Pass => Some(Step::pass(stage, None, detail)),
        RungOutcome::Fail => Some(Step::drop(stage, None, detail)),
        RungOutcome::NotSeen => None,
    }
}
