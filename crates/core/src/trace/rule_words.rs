//! Decisions of security groups put into words, with what the rules say that decide.

use serde_json::Value;

use crate::address::AddressSet;
use crate::estate::filter::{Rule, SecurityGroup};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::decision::{Decider, Decision, pieces};
use crate::trace::step::{Stage, Step};
use crate::trace::told::RuleSays;

/// Adds the rules of a decision to what a step has read.
fn read(estate: &Estate, step: Step, list: &[(AddressSet, Decider)]) -> Step {
    list.iter().fold(step, |step, (_, rule)| match rule.is_default() && !estate.is_brief() {
        true => step.read(&rule.resource, default_pointer(estate, rule)),
        false => step.read(&rule.resource, rule.place.pointer()),
    })
}

/// Where a group lists a rule that every group ends with, where it does.
fn default_pointer(estate: &Estate, rule: &Decider) -> String {
    // To read a group's body takes time.
    let lists_them = |group: &SecurityGroup| group.lists_defaults;
    if !estate.find::<SecurityGroup>(&rule.resource).is_some_and(lists_them) {
        return String::new();
    }
    let place = estate.locate(&rule.resource, "", "defaultSecurityRules");
    let body = estate.body(&rule.resource);
    let list = body.as_ref().and_then(|body| body.pointer(&place)?.as_array());
    let is_it = |one: &Value| one["name"].as_str() == Some(&rule.name);
    let index = list.and_then(|list| list.iter().position(is_it));
    index.map_or(String::new(), |index| format!("{place}/{index}"))
}

/// The rules of a list, each with the senders that it decides about.
fn told(list: &[(AddressSet, Decider)]) -> impl Iterator<Item = RuleSays> {
    pieces(list).into_iter().map(|(senders, rule)| {
        let [from, to] = rule.sides();
        RuleSays {
            name: rule.name.to_string(),
            priority: rule.priority,
            access: if rule.allows { "Allow" } else { "Deny" },
            protocol: rule.protocol_word().to_owned(),
            from,
            to,
            ports: rule.receiver_ports(),
            senders,
        }
    })
}

/// The step of senders about whom the rules of a group leave more than one reading.
pub(super) fn uncaught(
    estate: &Estate,
    stage: Stage,
    group: &ResourceId,
    decision: &Decision,
) -> Step {
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
        return read(estate, Step::unknown(stage, missing), &decision.unknown);
    }
    if let Some(missing) = first.and_then(|rule| unread(group, rule)) {
        return read(estate, Step::unknown(stage, missing), &decision.unknown);
    }
    let name = first.map_or("", |rule| &rule.name);
    let missing = Missing::other(
        format!("whether rule `{name}` of `{}` catches these packets", group.name()),
        "what its tags and addresses hold is not told in full: name this flow in a rule of its own, or probe",
    );
    read(estate, Step::unknown(stage, missing), &decision.unknown)
}

/// What could not be read of a rule; `None` where all of it was.
pub(super) fn unread(group: &ResourceId, rule: &Rule) -> Option<Missing> {
    let field = rule.unread?.name();
    let what = format!("what rule `{}` of `{}` does: its {field}", rule.name, group.name());
    Some(Missing { what, ..Missing::field(group, "securityRules") })
}

/// Rules that are named at a gate.
const SHOWN_MAX: usize = 4;

/// What the rules of a list say.
fn says(estate: &Estate, list: &[(AddressSet, Decider)]) -> Option<String> {
    if estate.is_brief() {
        return None;
    }
    match pieces(list).as_slice() {
        [] => None,
        [(_, rule)] => Some(rule.words()),
        several => {
            let each = several.iter().take(SHOWN_MAX);
            let each = each.map(|(part, rule)| {
                let does = if rule.allows { "allows" } else { "denies" };
                format!("`{}` {does} {part}: {}", rule.name, rule.words())
            });
            Some(each.collect::<Vec<_>>().join("; "))
        }
    }
}

/// Which rules of a group decide about which senders. `does` is what one rule does, and `do_it` what several do.
fn who_decides(
    group: &ResourceId,
    list: &[(AddressSet, Decider)],
    senders: &AddressSet,
    (does, do_it): (&str, &str),
) -> String {
    let pieces = pieces(list);
    match pieces.as_slice() {
        [] => format!("`{}` {does} it", group.name()),
        [(part, rule)] => {
            let whom = if senders.is_within(part) { "it".to_owned() } else { part.to_string() };
            format!("rule {} of `{}` {does} {whom}", rule.named(), group.name())
        }
        several => {
            let each = several.iter().take(SHOWN_MAX);
            let each: Vec<String> =
                each.map(|(part, rule)| format!("{} for {part}", rule.named())).collect();
            let more = several.len().saturating_sub(SHOWN_MAX);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let (each, group) = (each.join(", "), group.name());
            format!("rules of `{group}` {do_it}: {each}{more}")
        }
    }
}

/// The step of a group that decided about some of the senders of a way.
pub(super) fn filter_step(
    estate: &Estate,
    stage: Stage,
    group: &ResourceId,
    decision: &Decision,
    senders: &AddressSet,
) -> Step {
    let deciders = || [&decision.denied[..], &decision.unknown, &decision.allowed].concat();
    let with_rules = |step: Step| match estate.is_brief() {
        true => step,
        false => Step { rules: told(&deciders()).collect(), ..step },
    };
    if !decision.denied.is_empty() {
        let is_part = !decision.allowed.is_empty() || !decision.unknown.is_empty();
        let part = is_part.then(|| decision.denied_senders());
        let does = ("denies", "deny it");
        let detail = estate.words(|| who_decides(group, &decision.denied, senders, does));
        let step = read(estate, Step::drop(stage, Some(group), detail), &decision.denied);
        // Where some pass, the rules that let them pass tell as much.
        let said = || [&decision.denied[..], &decision.allowed].concat();
        let rule = if estate.is_brief() { None } else { says(estate, &said()) };
        return with_rules(Step { dropped_part: part, rule, ..step });
    }
    if !decision.unknown.is_empty() {
        return with_rules(uncaught(estate, stage, group, decision));
    }
    let does = ("allows", "allow it");
    let detail = estate.words(|| who_decides(group, &decision.allowed, senders, does));
    let step = read(estate, Step::pass(stage, Some(group), detail), &decision.allowed);
    with_rules(Step { rule: says(estate, &decision.allowed), ..step })
}
