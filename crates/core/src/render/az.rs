//! Plans as a script of the Azure CLI, with how to undo it, what else would do, and how to see that it did.

use super::{head, letter, one_line, remarks, shell_comment};
use crate::change::{Request, az_rest};
use crate::diagnose::Copier;
use crate::plan::{Alternative, Plan};
use crate::shell::quoted;
use crate::trace;
use crate::trace::step::Verdict;

/// The script. Without a plan it fails and says why: whatever runs it must not take that for a repair.
pub fn text(plan: &Plan) -> String {
    let mut script = format!("#!/usr/bin/env bash\n{}", shell_comment(&head(plan)));
    if let Some(refusal) = &plan.refusal {
        let why = quoted(&one_line(&format!("no plan: {}", refusal.why)));
        script.push_str(&format!("echo {why} >&2\nexit 1\n"));
        return script;
    }
    if plan.changes.is_empty() {
        return script;
    }
    script.push_str("set -euo pipefail\n");
    for (index, change) in plan.changes.iter().enumerate() {
        script.push_str(&format!("\n{}", shell_comment(&remarks(plan, index))));
        script.push_str(&format!("{}\n", change.az.join("\n")));
    }
    script.push_str(&afterwards(plan));
    script
}

/// What stands below the commands of a script: how to take it back, what else would do, how to see that it did.
pub(super) fn afterwards(plan: &Plan) -> String {
    let parts = [undo(plan), instead(plan), verify(plan)];
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts.map(|part| format!("\n{}", shell_comment(part))).collect()
}

/// The requests that take the changes back.
fn undo(plan: &Plan) -> Vec<String> {
    let numbered = plan.changes.iter().enumerate().rev();
    let back = numbered.flat_map(|(index, change)| match &change.inverse {
        Some(request) => sent(request),
        None => vec![format!("  ({} stays: no request takes it back)", letter(index))],
    });
    let then = plan.changes.iter().filter_map(|change| change.inverse.as_ref()?.then.as_deref());
    let lines = std::iter::once("To undo, in this order:".to_owned()).chain(back);
    lines.chain(then.flat_map(sent)).collect()
}

/// A request of the undoing. `az rest` ends before Azure has deleted what the next request may need to be gone.
fn sent(request: &Request) -> Vec<String> {
    let mut lines = vec![format!("  {}", one_line(&az_rest(request)))];
    if let Some((id, api)) = request.path.split_once("?api-version=")
        && request.method == "DELETE"
    {
        let (id, api) = (quoted(id), quoted(api));
        lines.push(format!("  az resource wait --deleted --ids {id} --api-version {api}"));
    }
    lines
}

/// Other ways, with what they break.
fn instead(plan: &Plan) -> Vec<String> {
    let way = |one: &Alternative| {
        let broken = one.cost.map_or(0, |cost| cost.broken_flows);
        let price = match broken {
            0 => String::new(),
            1 => " (breaks 1 flow that works)".to_owned(),
            many => format!(" (breaks {many} flows that work)"),
        };
        one_line(&format!("  {}{price}", one.title))
    };
    let ways: Vec<String> = plan.alternatives.iter().map(way).collect();
    let title = (!ways.is_empty()).then(|| "Instead of it:".to_owned());
    title.into_iter().chain(ways).collect()
}

/// The command that says whether it did.
fn verify(plan: &Plan) -> Vec<String> {
    let question = &plan.question;
    let mut command = format!(
        "  flexway check --estate NEW-CAPTURE --source {} --target {}",
        quoted(plan.given.source_name(question)),
        quoted(question.target.name())
    );
    match &question.copier {
        Copier::Target => {}
        Copier::Relay => command.push_str(" --copier relay"),
        Copier::Runtime(_) | Copier::Host(_) => {
            let copier = plan.given.copier_name(question);
            command.push_str(&format!(" --copier {}", quoted(copier)));
        }
    }
    if question.port != trace::PORT {
        command.push_str(&format!(" --port {}", question.port));
    }
    let answer = match plan.after {
        Verdict::Reachable => "this has to say reachable",
        _ => "this has to say reachable or undetermined",
    };
    vec![format!("To verify, capture the estate anew: {answer}."), one_line(&command)]
}
