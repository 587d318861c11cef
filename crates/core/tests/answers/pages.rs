//! Every page of docs/checks is the test of its check: its examples are estates with expected answers.

use std::collections::BTreeSet;

use flexway_core::checks::{self, Check};
use flexway_core::diagnose::{self, Copier, Question, Report, Spot};
use flexway_core::estate::Estate;
use flexway_core::estate::server::Server;
use flexway_core::finding::{Certainty, Severity};
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::trace::step::{Outcome, Verdict};
use serde_json::json;

use crate::support;

fn faults(
    report: &Report,
    wanted: impl Fn(&flexway_core::finding::Finding) -> bool,
) -> BTreeSet<String> {
    report.findings.iter().filter(|one| wanted(one)).map(|one| one.fault.to_owned()).collect()
}

/// All sentences of a report.
fn sentences(report: &Report) -> Vec<&str> {
    let steps = report.steps().map(|step| step.detail.as_str());
    let findings = report.findings.iter().flat_map(|one| {
        let fixes = one.fixes.iter().map(|fix| fix.title.as_str());
        [one.message.as_str(), one.why.as_str()].into_iter().chain(fixes)
    });
    steps.chain(findings).collect()
}

/// What the report says, in the words of an `expect` block.
fn answer(report: &Report, estate: &Estate, asks_plan: bool, asks_step: &[&str]) -> Vec<String> {
    let verdict = json!(report.verdict);
    let mut lines = vec![verdict.as_str().unwrap_or_default().to_owned()];
    let word = |name: &str, set: BTreeSet<String>| {
        set.into_iter().map(move |fault| format!("{name} {fault}")).collect::<Vec<_>>()
    };
    lines.extend(word("cause", faults(report, |one| one.is_cause())));
    lines.extend(word("consequence", faults(report, |one| one.consequence_of.is_some())));
    lines.extend(word("possible", faults(report, |one| one.certainty == Certainty::Possible)));
    lines.extend(word(
        "risk",
        faults(report, |one| {
            one.severity == Severity::Risks && one.certainty == Certainty::Certain
        }),
    ));
    lines.extend(word("note", faults(report, |one| one.severity == Severity::Note)));
    for step in report.guide.iter().flat_map(|guide| &guide.steps) {
        let path = if step.on_path { "" } else { " off-path" };
        let state = json!(step.state);
        let line = format!("step {} {}{path}", step.step, state.as_str().unwrap_or_default());
        if asks_step.contains(&line.as_str()) || (!asks_step.is_empty() && state != "met") {
            lines.push(line);
        }
    }
    if asks_plan {
        lines.push(plan_line(estate, &report.question));
    }
    lines
}

fn plan_line(estate: &Estate, question: &Question) -> String {
    let plan = plan::plan(estate, question, &Policy::default());
    if plan.changes.is_empty() {
        assert!(
            plan.refusal.is_some() || plan.before == Verdict::Reachable,
            "no plan has a reason"
        );
        return "no plan".to_owned();
    }
    let is_open = plan.after == Verdict::Undetermined && plan.before != Verdict::Reachable;
    assert!(is_open || plan.after == Verdict::Reachable, "{:?}", plan.after);
    assert!(plan.is_irredundant(), "no change is superfluous");
    support::undoing::undo(estate, question, &plan.changes, plan.before);
    let titles: BTreeSet<&str> = plan.changes.iter().map(|change| change.title.as_str()).collect();
    assert_eq!(titles.len(), plan.changes.len(), "two changes of one title: {titles:?}");
    for other in &plan.alternatives {
        let own: BTreeSet<&str> = other.title.split(", then ").collect();
        assert_ne!(own, titles, "the plan itself is no other way");
    }
    let kinds: Vec<&str> = plan.changes.iter().map(|change| change.kind).collect();
    format!("plan {}", kinds.join(" "))
}

fn run(check: &Check, wrong: &mut Vec<String>) -> usize {
    let all = support::examples(check.page);
    let mut names_itself = false;
    for example in &all {
        let estate = support::estate(&example.resources);
        let question = example.question(&estate);
        let report = diagnose::check(&estate, &question);
        let asks_plan = example.expected.iter().any(|line| line.contains("plan"));
        let steps: Vec<&str> = example
            .expected
            .iter()
            .filter(|line| line.starts_with("step "))
            .map(String::as_str)
            .collect();
        let mut expected = example.expected.clone();
        let mut found = answer(&report, &estate, asks_plan, &steps);
        expected.sort();
        found.sort();
        if found != expected {
            let (fault, title) = (check.fault, &example.title);
            wrong.push(format!("{fault}: {title}\n  found    {found:?}\n  expected {expected:?}"));
        }
        let sentences = sentences(&report);
        for words in &example.said {
            if !sentences.iter().any(|one| one.contains(words.as_str())) {
                let (fault, title) = (check.fault, &example.title);
                wrong.push(format!(
                    "{fault}: {title}\n  does not say {words}\n  but {sentences:#?}"
                ));
            }
        }
        names_itself |= expected.iter().any(|line| line.ends_with(check.fault));
    }
    if check.looks() && !names_itself {
        wrong.push(format!("{}: no example shows the fault", check.fault));
    }
    all.len()
}

#[test]
fn examples_of_every_page_hold() {
    let mut wrong = Vec::new();
    let count: usize = checks::ALL.iter().map(|check| run(check, &mut wrong)).sum();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{count} examples of {} pages", checks::ALL.len());
}

/// Commands that need no option: they list all of a subscription.
const OF_A_SUBSCRIPTION: [&str; 2] = ["az network private-dns zone list", "az network vhub list"];

#[test]
fn commands_in_advice_say_what_az_asks_for() {
    let examples = checks::ALL.iter().flat_map(|check| support::examples(check.page));
    let mut seen = BTreeSet::new();
    for example in examples {
        let estate = support::estate(&example.resources);
        let report = diagnose::check(&estate, &example.question(&estate));
        let advised = report.findings.iter().flat_map(|one| &one.fixes).map(|fix| &fix.title);
        for text in report.missing.iter().map(|one| &one.help).chain(advised) {
            let quoted = text.split('`').skip(1).step_by(2);
            seen.extend(quoted.filter(|one| one.starts_with("az ")).map(str::to_owned));
        }
    }
    let lacks = |one: &&String| !one.contains(" --") && !OF_A_SUBSCRIPTION.contains(&one.as_str());
    let lacking: Vec<&String> = seen.iter().filter(lacks).collect();
    assert!(seen.len() > 5 && lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn advice_about_a_subnet_is_for_copiers_in_one() {
    let mut count = 0;
    for example in checks::ALL.iter().flat_map(|check| support::examples(check.page)) {
        let estate = support::estate(&example.resources);
        let question = example.question(&estate);
        let target = estate.get::<Server>(&question.target).expect("a target");
        if question.copier != Copier::Target || target.delegated_subnet.is_some() {
            continue;
        }
        let report = diagnose::check(&estate, &question);
        for fix in report.findings.iter().flat_map(|one| &one.fixes) {
            count += 1;
            assert!(!fix.title.contains("give subnet"), "{}: {}", example.title, fix.title);
        }
    }
    assert!(count > 2, "{count} fixes");
}

#[test]
fn every_change_of_a_plan_belongs_to_a_cause_that_is_named() {
    let (mut hidden, mut count) = (Vec::new(), 0);
    for example in checks::ALL.iter().flat_map(|check| support::examples(check.page)) {
        let estate = support::estate(&example.resources);
        let report = diagnose::check(&estate, &example.question(&estate));
        let plan = plan::repair_of(&estate, &report, &Policy::default());
        count += usize::from(!plan.changes.is_empty());
        let faults = support::hidden_causes(&estate, &report, &plan.changes);
        hidden.extend(faults.into_iter().map(|fault| (example.title.clone(), fault)));
    }
    assert!(hidden.is_empty(), "{hidden:#?}");
    assert!(count > 100, "{count} plans");
}

#[test]
fn every_page_has_its_parts() {
    for check in checks::ALL {
        let first = check.page.lines().next().unwrap_or("");
        assert_eq!(first, format!("# {}", check.fault));
        for part in ["What you see", "Why", "What decides it", "What to do", "Settled by"] {
            assert!(check.page.contains(&format!("\n## {part}\n")), "{}: {part}", check.fault);
        }
    }
}

#[test]
fn commands_in_a_group_tell_its_subscription() {
    let mut count = 0;
    for example in checks::ALL.iter().flat_map(|check| support::examples(check.page)) {
        let estate = support::estate(&example.resources);
        let report = diagnose::check(&estate, &example.question(&estate));
        let helps = report.missing.iter().map(|missing| &missing.help);
        let fixes = report.findings.iter().flat_map(|one| &one.fixes).map(|fix| &fix.title);
        for text in helps.chain(fixes) {
            for command in text.split('`').filter(|one| one.contains("--resource-group")) {
                count += 1;
                let is_known = command.contains("--subscription ") || command.contains(" GROUP ");
                assert!(is_known, "{}: {command}", example.title);
            }
        }
    }
    assert!(count > 10, "{count} commands");
}

#[test]
fn every_closed_gate_belongs_to_a_cause() {
    let mut wrong = Vec::new();
    for example in checks::ALL.iter().flat_map(|check| support::examples(check.page)) {
        let estate = support::estate(&example.resources);
        let report = diagnose::check(&estate, &example.question(&estate));
        let spots = report.spots();
        for (place, flow) in report.flows.iter().enumerate() {
            for (index, step) in flow.steps().enumerate() {
                let is_here = |spot: &Spot| (spot.flow, spot.step) == (place, index);
                let is_owned = step.is_consequence || spots.iter().flatten().any(is_here);
                if step.shown() == Outcome::Drop && !is_owned && !spots.is_empty() {
                    wrong.push(format!("{}: {}", example.title, step.detail));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
