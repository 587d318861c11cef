//! The picture in sentences, for those who do not see it.

use super::gate::word;
use crate::diagnose::{Copier, Report};
use crate::plan::Plan;
use crate::render::letter;
use crate::trace::step::{Outcome, Step, Verdict};

/// The answer in a sentence.
pub(super) fn answer(report: &Report) -> String {
    let (copier, goal) = (report.given.copier_name(&report.question), goal(report));
    match report.verdict {
        Verdict::Reachable => format!("`{copier}` reaches {goal}"),
        Verdict::Unreachable => format!("`{copier}` cannot reach {goal}"),
        Verdict::Partial => match &report.senders {
            Some(senders) => format!("`{copier}` reaches {goal} from {} only", senders.pass),
            None => format!("`{copier}` reaches {goal} only in part"),
        },
        Verdict::Undetermined => format!("Not known whether `{copier}` reaches {goal}"),
        Verdict::Inconsistent => {
            format!("Configuration and probes disagree on `{copier}` reaching {goal}")
        }
    }
}

/// What the answer is about: a copier that does not run on the target has to reach it, too.
fn goal(report: &Report) -> String {
    let source = format!(
        "`{}` on port {}",
        report.given.source_name(&report.question),
        report.question.port
    );
    if matches!(report.question.copier, Copier::Target | Copier::Relay) {
        return source;
    }
    let target = format!("`{}`", report.question.target.name());
    let flows: Vec<(bool, bool)> = report.causes().map(|one| report.flows_of(one)).collect();
    match (flows.iter().any(|one| one.0), flows.iter().any(|one| one.1)) {
        (true, false) => source,
        (false, true) => target,
        (true, true) | (false, false) => format!("{source} and {target}"),
    }
}

/// Everything that the picture shows.
pub(super) fn description(report: &Report, repair: Option<(&Plan, &Report)>) -> String {
    let mut text = format!("{}. {}", answer(report), ways(report));
    for (index, cause) in report.causes().enumerate() {
        let (number, fault) = (index + 1, cause.fault);
        text.push_str(&format!(" Cause {number}, {fault}: {}. Why: {}.", cause.message, cause.why));
    }
    for missing in &report.missing {
        text.push_str(&format!(" Not observed: {}; {}.", missing.what, missing.help));
    }
    let Some((plan, after)) = repair else { return text };
    if let Some(refusal) = &plan.refusal {
        text.push_str(&format!(" No plan: {refusal}."));
    }
    if plan.changes.is_empty() {
        return text;
    }
    for line in plan.breaks() {
        text.push_str(&format!(" Breaks what works: {line}."));
    }
    for (index, change) in plan.changes.iter().enumerate() {
        text.push_str(&format!(" Change {}: {}.", letter(index), change.title));
    }
    text.push_str(&format!(" After that, in simulation: {}. {}", answer(after), ways(after)));
    text
}

fn ways(report: &Report) -> String {
    let list = |steps: &[Step]| steps.iter().map(gate).collect::<Vec<_>>().join("; ");
    let mut text = format!("The way there, gate by gate: {}.", list(&report.forward));
    if !report.back.is_empty() {
        text.push_str(&format!(" The way back: {}.", list(&report.back)));
    }
    text
}

fn gate(step: &Step) -> String {
    let outcome = match (step.shown(), &step.dropped_part) {
        (Outcome::Pass, _) => "passes",
        (Outcome::Drop, Some(_)) => "drops some",
        (Outcome::Drop, None) if step.is_consequence => "drops, which follows from another gate",
        (Outcome::Drop, None) => "drops",
        (Outcome::Unknown, _) => "unknown",
    };
    format!("{} {outcome} ({})", word(step.stage), step.detail)
}
