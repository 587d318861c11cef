//! The picture in sentences, for those who do not see it.

use crate::diagnose::{Copier, Reach, Report, Spot};
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

/// Everything that the picture shows, a line each.
pub(super) fn description(report: &Report, repair: Option<(&Plan, &Report)>) -> String {
    let mut lines = vec![format!("{}.", answer(report))];
    lines.extend(ways(report));
    for (index, cause) in report.causes().enumerate() {
        let (number, fault) = (index + 1, cause.fault);
        lines.push(format!("Cause {number}, {fault}: {}. Why: {}.", cause.message, cause.why));
    }
    for missing in &report.missing {
        lines.push(format!("Not observed: {}; {}.", missing.what, missing.help));
    }
    let Some((plan, after)) = repair else { return lines.join("\n") };
    if let Some(refusal) = &plan.refusal {
        lines.push(format!("No plan: {refusal}."));
    }
    if !plan.changes.is_empty() {
        lines.extend(plan.breaks().iter().map(|line| format!("Breaks what works: {line}.")));
        let changes = plan.changes.iter().enumerate();
        lines.extend(
            changes.map(|(index, one)| format!("Change {}: {}.", letter(index), one.title)),
        );
        lines.push(format!("After that, in simulation: {}.", answer(after)));
        lines.extend(ways(after));
    }
    lines.join("\n")
}

fn ways(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let spots = report.spots();
    for (place, flow) in report.flows.iter().enumerate() {
        lines.push(format!("The way to the {}, gate by gate:", flow.to));
        for (index, (step, comes)) in flow.steps().zip(flow.reaches()).enumerate() {
            if index == flow.forward.len() {
                lines.push("The way back:".to_owned());
            }
            let is_here =
                |own: &[Spot]| own.iter().any(|one| (one.flow, one.step) == (place, index));
            let numbered = spots.iter().enumerate().filter(|(_, own)| is_here(own));
            let causes = numbered.map(|(number, _)| format!(" Cause {} stands here.", number + 1));
            let unmet = match comes {
                Reach::Nothing => " Nothing comes here.",
                Reach::All | Reach::Some | Reach::Perhaps => "",
            };
            lines.push(format!("{}{unmet}{}", gate(step), causes.collect::<String>()));
        }
    }
    lines
}

fn gate(step: &Step) -> String {
    let outcome = match (step.shown(), &step.dropped_part) {
        (Outcome::Pass, _) => "passes",
        (Outcome::Drop, Some(_)) => "drops some",
        (Outcome::Drop, None) if step.is_consequence => "drops, which follows from another gate",
        (Outcome::Drop, None) => "drops",
        (Outcome::Unknown, _) => "unknown",
    };
    format!("{} {outcome}: {}.", step.stage.word(), step.detail)
}
