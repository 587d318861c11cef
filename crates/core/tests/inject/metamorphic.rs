//! What must not matter does not: every example of the pages and many broken worlds, said in other ways.

#![allow(clippy::disallowed_methods, reason = "tests read the environment")]

mod relations;

use std::collections::BTreeSet;

use flexway_core::checks;
use flexway_core::diagnose::{self, Copier, Question, Source};
use flexway_core::estate::{Estate, Input, load};
use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;
use relations::{RELATIONS, open_groups, renamed};
use serde_json::{Value, json};

use crate::broken;
use crate::chance::Chance;
use crate::support;

/// Broken worlds beside the examples of the pages.
const WORLDS: u64 = 200;

/// Larger examples show nothing that smaller ones do not, and take as long as all of them.
const RESOURCES_MAX: usize = 200;

/// Worlds whose plans are taken back.
const UNDONE: u64 = 25;

struct Case {
    name: String,
    resources: Vec<Value>,
    question: Question,
}

fn loaded(resources: &[Value]) -> Estate {
    load(vec![Input { file: "case".to_owned(), json: json!(resources) }]).estate
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for check in checks::ALL {
        for example in support::examples(check.page) {
            let question = example.question(&support::estate(&example.resources));
            let name = format!("{}: {}", check.fault, example.title);
            cases.push(Case { name, resources: example.resources, question });
        }
    }
    cases.retain(|case| case.resources.len() < RESOURCES_MAX);
    for seed in 0..WORLDS {
        let broken = broken::broken(seed * 7);
        let name = format!("world {} {:?}", seed * 7, broken.faults());
        let question = broken.world.question();
        cases.push(Case { name, resources: broken.world.resources, question });
    }
    cases
}

/// Verdict and causes.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    verdict: Verdict,
    causes: BTreeSet<&'static str>,
}

fn answer(resources: &[Value], question: &Question) -> Answer {
    let report = diagnose::check(&loaded(resources), question);
    Answer { verdict: report.verdict, causes: report.causes().map(|one| one.fault).collect() }
}

fn id(id: &ResourceId) -> ResourceId {
    ResourceId::parse(&renamed(id.as_str())).expect("an id")
}

/// The question under other names, where names were changed.
fn asked(question: &Question, relation: &str) -> Question {
    if relation != "other names" {
        return question.clone();
    }
    let source = match &question.source {
        Source::Server(server) => Source::Server(id(server)),
        Source::Host(host) => Source::Host(host.clone()),
    };
    let copier = match &question.copier {
        Copier::Host(interface) => Copier::Host(id(interface)),
        other => other.clone(),
    };
    Question { source, target: id(&question.target), copier, port: question.port }
}

/// A relation that the analyser breaks. Deleted when it no longer does.
struct Known {
    relation: &'static str,
    why: &'static str,
    holds: fn(&Case, &Answer, &Answer) -> bool,
}

const KNOWN: [Known; 1] = [Known {
    relation: "prefixes split into halves",
    why: "prefixes that hold the receiver only together do not count as holding it: a denial is doubted",
    holds: |case, before, after| {
        let is_range = case.names_everything() || case.has_injected_source();
        is_range && after.causes.is_subset(&before.causes) && rank(after.verdict) < 2
    },
}];

impl Case {
    fn names_everything(&self) -> bool {
        json!(self.resources).to_string().contains("\"0.0.0.0/0\"")
    }

    /// Whether the source has any address of a subnet.
    fn has_injected_source(&self) -> bool {
        let source = self.question.source.text();
        let body = self.resources.iter().find(|one| one["id"] == source);
        body.is_some_and(|one| {
            one["properties"]["network"]["delegatedSubnetResourceId"].is_string()
        })
    }
}

#[test]
fn what_must_not_matter_does_not() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    let cases = cases();
    for case in &cases {
        let before = answer(&case.resources, &case.question);
        for (index, (relation, change)) in RELATIONS.iter().enumerate() {
            let mut chance = Chance::new(index as u64);
            let other = change(&case.resources, &mut chance);
            let after = answer(&other, &asked(&case.question, relation));
            if after == before {
                continue;
            }
            let known = KNOWN
                .iter()
                .find(|known| known.relation == *relation && (known.holds)(case, &before, &after));
            match known {
                Some(known) => used.extend([known.why]),
                None => wrong.push(format!("{}\n  {relation}: {before:?} -> {after:?}", case.name)),
            }
        }
    }
    println!("{} estates in {} other ways", cases.len(), RELATIONS.len());
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
    for known in &KNOWN {
        assert!(used.contains(known.why), "no estate shows it any more: {}", known.why);
    }
}

/// How good a verdict is.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Unreachable => 0,
        Verdict::Partial | Verdict::Undetermined | Verdict::Inconsistent => 1,
        Verdict::Reachable => 2,
    }
}

#[test]
fn a_rule_that_lets_all_pass_first_never_makes_it_worse() {
    for case in cases() {
        let before = answer(&case.resources, &case.question);
        let after = answer(&open_groups(&case.resources), &case.question);
        let is_no_worse = rank(after.verdict) >= rank(before.verdict);
        assert!(is_no_worse, "{}: {before:?} -> {after:?}", case.name);
    }
}

#[test]
fn a_plan_taken_back_leaves_the_verdict_that_was() {
    let mut count = 0;
    for seed in 0..UNDONE {
        let broken = broken::broken(seed * 19);
        let (estate, question) = (broken.world.estate(), broken.world.question());
        let plan = plan::plan(&estate, &question, &Policy::default());
        if plan.changes.is_empty() {
            continue;
        }
        count +=
            usize::from(support::undoing::undo(&estate, &question, &plan.changes, plan.before));
    }
    println!("{count} plans were taken back");
    assert!(count > 3, "{count} plans could be taken back");
}
