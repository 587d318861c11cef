//! The repair: changes that make the copier reach the source, tried on a copy of the estate, with nothing superfluous.

use serde_json::{Value, json};

use crate::change::{Change, Safety};
use crate::diagnose::{self, Question, Report};
use crate::estate::Estate;
use crate::finding::Severity;
use crate::trace::step::Verdict;

/// Rounds of mending one fault and looking again; the longest known repair takes six.
const ROUNDS_MAX: usize = 16;

/// A repair, or the reason why there is none.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What was asked.
    pub question: Question,
    /// The verdict as things stand.
    pub before: Verdict,
    /// The verdict after the changes, by simulation.
    pub after: Verdict,
    /// The changes, in order. Empty when nothing has to be done, or nothing can.
    pub changes: Vec<Change>,
    /// The verdict when one change is left out, by change.
    pub without: Vec<Verdict>,
    /// Why no changes are proposed, and what would help.
    pub refusal: Option<String>,
    /// Other ways to mend single faults.
    pub alternatives: Vec<Alternative>,
}

/// Another way to mend a fault.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The fault.
    pub fault: &'static str,
    /// The way, in a sentence.
    pub title: String,
    /// Whether it needs a look first.
    pub safety: Safety,
    /// Its commands; empty for advice.
    pub az: Vec<String>,
}

/// Plans the repair of a flow.
pub fn plan(estate: &Estate, question: &Question) -> Plan {
    let first = diagnose::check(estate, question);
    let mut plan = Plan {
        question: question.clone(),
        before: first.verdict,
        after: first.verdict,
        changes: Vec::new(),
        without: Vec::new(),
        refusal: None,
        alternatives: alternatives(&first),
    };
    match search(estate, question, first) {
        Ok(changes) => {
            plan.changes = prune(estate, question, changes);
            plan.after = verdict_with(estate, question, plan.changes.iter());
            plan.without = (0..plan.changes.len())
                .map(|left_out| {
                    let others =
                        plan.changes.iter().enumerate().filter(|(index, _)| *index != left_out);
                    verdict_with(estate, question, others.map(|(_, change)| change))
                })
                .collect();
        }
        Err(refusal) => plan.refusal = Some(refusal),
    }
    plan
}

/// Mends one cause after the other until the copier reaches the source.
fn search(estate: &Estate, question: &Question, first: Report) -> Result<Vec<Change>, String> {
    let mut current = estate.clone();
    let mut report = first;
    let mut changes: Vec<Change> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        if report.verdict == Verdict::Reachable {
            return Ok(changes);
        }
        let fix = report
            .causes()
            .find_map(|cause| cause.fixes.iter().find(|fix| !fix.changes.is_empty()));
        let Some(fix) = fix else { break };
        for change in &fix.changes {
            current = change.apply(&current);
            changes.push(change.clone());
        }
        report = diagnose::check(&current, question);
    }
    Err(refusal(&report))
}

/// Why the search ended without a repair.
fn refusal(report: &Report) -> String {
    let causes: Vec<String> = report
        .causes()
        .map(|cause| {
            let advice =
                cause.fixes.first().map_or(String::new(), |fix| format!("; {}", fix.title));
            format!("{}: {}{advice}", cause.fault, cause.message)
        })
        .collect();
    if !causes.is_empty() {
        let advice = report.findings.iter().filter(|one| one.severity == Severity::Risks);
        let advice =
            advice.filter_map(|one| Some(format!("{}: {}", one.fault, one.fixes.first()?.title)));
        let more: Vec<String> = advice.collect();
        let relay = "what always remains: a relay host that reaches both servers, `flexway migrate --copier relay`";
        let parts = [causes, more, vec![relay.to_owned()]].concat();
        return format!("no request mends this: {}", parts.join(". "));
    }
    let missing: Vec<String> =
        report.missing.iter().map(|one| format!("{} ({})", one.what, one.help)).collect();
    format!(
        "the estate does not tell what would have to change; not observed: {}",
        missing.join("; ")
    )
}

/// Takes out every change without which the copier still reaches the source.
fn prune(estate: &Estate, question: &Question, mut changes: Vec<Change>) -> Vec<Change> {
    let mut index = 0;
    while index < changes.len() {
        let mut shorter = changes.clone();
        shorter.remove(index);
        if verdict_with(estate, question, shorter.iter()) == Verdict::Reachable {
            changes = shorter;
        } else {
            index += 1;
        }
    }
    changes
}

fn verdict_with<'c>(
    estate: &Estate,
    question: &Question,
    changes: impl Iterator<Item = &'c Change>,
) -> Verdict {
    let changed = changes.fold(estate.clone(), |estate, change| change.apply(&estate));
    diagnose::check(&changed, question).verdict
}

fn alternatives(report: &Report) -> Vec<Alternative> {
    let mut found = Vec::new();
    for cause in report.causes() {
        for fix in cause.fixes.iter().skip(1) {
            found.push(Alternative {
                fault: cause.fault,
                title: fix.title.clone(),
                safety: fix.safety(),
                az: fix.changes.iter().flat_map(|change| change.az.clone()).collect(),
            });
        }
    }
    found
}

impl Plan {
    /// The JSON that scripts rely on (`flexway.plan/1`).
    pub fn to_json(&self) -> Value {
        let exposure: Vec<&String> =
            self.changes.iter().flat_map(|change| &change.exposure).collect();
        let affected: Vec<&String> =
            self.changes.iter().flat_map(|change| &change.affected).collect();
        let needed: Vec<Value> = self
            .changes
            .iter()
            .zip(&self.without)
            .map(|(change, verdict)| json!({ "without": change.title, "verdict": verdict }))
            .collect();
        let alternatives: Vec<Value> = self
            .alternatives
            .iter()
            .map(|one| json!({ "fault": one.fault, "title": one.title, "safety": one.safety, "az": one.az }))
            .collect();
        json!({
            "schema": "flexway.plan/1",
            "source": self.question.source.text(),
            "target": self.question.target,
            "before": self.before,
            "after": self.after,
            "changes": self.changes,
            "exposure": exposure,
            "affected": affected,
            "certificate": { "sufficient": self.after == Verdict::Reachable, "irredundant": needed },
            "alternatives": alternatives,
            "refusal": self.refusal,
        })
    }

    /// The changes as a script of the Azure CLI.
    pub fn to_az(&self) -> String {
        let mut script = String::from("#!/usr/bin/env bash\n");
        script.push_str(&format!(
            "# Lets the copier of {} reach {}.\n",
            self.question.target,
            self.question.source.text()
        ));
        if let Some(refusal) = &self.refusal {
            script.push_str(&format!("# No changes: {}\n", refusal.replace('\n', " ")));
            return script;
        }
        if self.changes.is_empty() {
            script.push_str("# Nothing to do: the copier reaches the source.\n");
            return script;
        }
        script.push_str("set -euo pipefail\n");
        let mut selected = "";
        for (index, change) in self.changes.iter().enumerate() {
            script.push_str(&format!("\n# {}. {}\n", index + 1, change.title));
            if change.downtime != "none" {
                script.push_str(&format!("#    downtime: {}\n", change.downtime));
            }
            for line in &change.affected {
                script.push_str(&format!("#    touches: {line}\n"));
            }
            for command in &change.az {
                if command.starts_with("az account set") {
                    if selected == command {
                        continue;
                    }
                    selected = command;
                }
                script.push_str(command);
                script.push('\n');
            }
        }
        script
    }

    /// The changes as requests to Azure Resource Manager.
    pub fn to_arm(&self) -> Value {
        self.changes.iter().map(|change| json!(change.request)).collect()
    }
}
