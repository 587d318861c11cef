//! Decisions of security groups put into words, with what the rules say that decide.

use crate::address::AddressSet;
use crate::estate::filter::Rule;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::decision::{Decider, Decision};
use crate::trace::step::{Stage, Step};

/// Adds the rules of a decision to what a step has read.
fn read(step: Step, list: &[(AddressSet, Decider)]) -> Step {
    list.iter().fold(step, |step, (_, rule)| step.read(&rule.resource, rule.place.pointer()))
}

/// The step of senders about whom the rules of a group leave more than one reading.
pub(super) fn uncaught(stage: Stage, group: &ResourceId, decision: &Decision) -> Step {
    let first = decision.unknown.first().map(|(_, rule)| rule);
    if let Some(rule) = first.filter(|rule| rule.is_tied) {
        let missing = Missing {
            what: format!(
                "which rules with priority {} `{}` has: one allows what another one denies",
                rule.priority,
                group.name()
            ),
            ..Missing::field(group, "securityRules")
        };
        return read(Step::unknown(stage, missing), &decision.unknown);
    }
    if let Some(missing) = first.and_then(|rule| unread(group, rule)) {
        return read(Step::unknown(stage, missing), &decision.unknown);
    }
    let name = first.map_or("", |rule| &rule.name);
    let missing = Missing::other(
        format!("whether rule `{name}` of `{}` catches these packets", group.name()),
        "what its tags and addresses hold is not told in full: name this flow in a rule of its own, or probe",
    );
    read(Step::unknown(stage, missing), &decision.unknown)
}

/// What could not be read of a rule; `None` where all of it was.
pub(super) fn unread(group: &ResourceId, rule: &Rule) -> Option<Missing> {
    let field = rule.unread?;
    let what = format!("what rule `{}` of `{}` does: its {field}", rule.name, group.name());
    Some(Missing { what, ..Missing::field(group, "securityRules") })
}

/// What the first rule of a list says.
fn says(estate: &Estate, list: &[(AddressSet, Decider)]) -> Option<String> {
    let (_, first) = list.first().filter(|_| !estate.is_brief())?;
    Some(first.words())
}

pub(super) fn filter_step(
    estate: &Estate,
    stage: Stage,
    group: &ResourceId,
    decision: &Decision,
) -> Step {
    let words = |list: &[(AddressSet, Decider)], what: &str| {
        let Some((_, first)) = list.first() else { return what.to_owned() };
        let (name, priority) = (&first.name, first.priority);
        format!("rule `{name}` (priority {priority}) of `{}` {what}", group.name())
    };
    if !decision.denied.is_empty() {
        let is_part = !decision.allowed.is_empty() || !decision.unknown.is_empty();
        let part = is_part.then(|| decision.denied_senders());
        let detail = estate.words(|| match &part {
            Some(part) => words(&decision.denied, &format!("denies {part}")),
            None => words(&decision.denied, "denies it"),
        });
        let step = read(Step::drop(stage, Some(group), detail), &decision.denied);
        return Step { dropped_part: part, rule: says(estate, &decision.denied), ..step };
    }
    if !decision.unknown.is_empty() {
        return uncaught(stage, group, decision);
    }
    let detail = estate.words(|| words(&decision.allowed, "allows it"));
    let step = read(Step::pass(stage, Some(group), detail), &decision.allowed);
    Step { rule: says(estate, &decision.allowed), ..step }
}
