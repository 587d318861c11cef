//! The repair: changes that make the copier reach the source, tried on a copy of the estate, with nothing superfluous.

mod alternatives;
mod json;
mod refusal;

use std::collections::BTreeSet;

use crate::change::{self, Change};
use crate::diagnose::{self, Given, Question, Report};
use crate::estate::Estate;
use crate::fusion::Fusion;
use crate::repair::safety::{self, Flow};
use crate::repair::search::apply;
use crate::repair::{self, Bar, Closed, Cost, Policy, Repair, Safety};
use crate::trace::step::Verdict;

pub use alternatives::Alternative;
use alternatives::{advice, alternative, in_any_order, into_the_dark, last_resorts};
pub use refusal::Refusal;
use refusal::{REST, by_probes, has_unmended, refusal, unobserved};

/// A repair, or the reason why there is none.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What was asked.
    pub question: Question,
    /// The same in the user's words, where those differ.
    pub given: Given,
    /// The verdict as things stand.
    pub before: Verdict,
    /// The faults that cause it.
    pub causes: Vec<&'static str>,
    /// The verdict after the changes, by simulation.
    pub after: Verdict,
    /// The changes, in order. Empty when nothing has to be done, or nothing can.
    pub changes: Vec<Change>,
    /// What the changes cost.
    pub cost: Cost,
    /// What remains when one change is left out, by change.
    pub without: Vec<Rest>,
    /// Why no changes are proposed, and what would help.
    pub refusal: Option<Refusal>,
    /// Kinds of changes that were forbidden.
    pub forbidden: Vec<String>,
    /// Changes that would have been tried, with what stands against them; each once.
    pub barred: Vec<(Change, Bar)>,
    /// What would repair it if what is forbidden were allowed.
    pub relaxation: Option<Relaxation>,
    /// Other ways, the cheapest first.
    pub alternatives: Vec<Alternative>,
    /// What the changes do to other flows.
    pub safety: Safety,
    /// Every cheaper set of changes, none of which does.
    pub closed: Vec<Closed>,
    /// Whether every cheaper set was looked at.
    pub is_complete: bool,
    /// What observations made of the verdict; `None` where none were given.
    pub fusion: Option<Fusion>,
}

/// A plan without one of its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether a gate is known to be closed, if only for a part of the senders.
    pub is_closed: bool,
    /// Flows that it breaks, where the copier reaches the source.
    pub broken_flows: usize,
    /// Faults that cause the verdict.
    pub faults: Vec<&'static str>,
}

/// A repair that is barred.
#[derive(Debug, Clone)]
pub struct Relaxation {
    /// Those of its changes that are barred, with what stands against them.
    pub barred: Vec<(Change, Bar)>,
    /// Its changes.
    pub changes: Vec<Change>,
    /// Its cost.
    pub cost: Cost,
}

impl Relaxation {
    /// What has to be lifted, each once.
    pub fn needs(&self) -> Vec<String> {
        let mut needs: Vec<String> = self.barred.iter().map(|(_, bar)| bar.to_string()).collect();
        needs.sort();
        needs.dedup();
        needs
    }
}

/// Plans the repair of a flow.
pub fn plan(estate: &Estate, question: &Question, policy: &Policy) -> Plan {
    repair_of(estate, &diagnose::check(estate, question), policy)
}

/// Plans the repair of what an answer about the estate says, observations included: what they refute
/// is not repaired, and what they prove broken is not called reachable.
pub fn repair_of(estate: &Estate, first: &Report, policy: &Policy) -> Plan {
    let question = &first.question;
    let mut plan = Plan {
        question: question.clone(),
        given: first.given.clone(),
        before: first.verdict,
        causes: first.causes().map(|cause| cause.fault).collect(),
        after: first.verdict,
        changes: Vec::new(),
        cost: Cost::default(),
        without: Vec::new(),
        refusal: None,
        forbidden: policy.forbidden.clone(),
        barred: Vec::new(),
        relaxation: None,
        alternatives: Vec::new(),
        safety: Safety::default(),
        closed: Vec::new(),
        is_complete: true,
        fusion: first.fusion.clone(),
    };
    if first.verdict == Verdict::Reachable {
        return plan;
    }
    let by_estate = first.fusion.as_ref().map_or(first.verdict, |fusion| fusion.before);
    if first.verdict == Verdict::Inconsistent || by_estate == Verdict::Reachable {
        plan.refusal = Some(by_probes(first));
        plan.alternatives = advice(first);
        return plan;
    }
    let mut found = repair::search(estate, question, policy);
    plan.closed = std::mem::take(&mut found.closed);
    plan.is_complete = found.is_complete;
    for one in &found.barred {
        if !plan.barred.contains(one) {
            plan.barred.push(one.clone());
        }
    }
    let after = |changes: &[Change]| diagnose::verdict(&apply(estate, changes), question);
    let other = |one: &Repair| alternative(one, after(&one.changes));
    let others: Vec<Alternative> = found.others.iter().map(other).collect();
    match found.best {
        Some(best) if by_estate != first.verdict && has_unmended(first) => {
            plan.refusal = Some(by_probes(first));
            plan.alternatives.push(other(&best));
        }
        // What was not observed may be fine: a repair of it is offered, not proposed.
        Some(best) if first.verdict == Verdict::Undetermined && !found.leaves_open => {
            plan.refusal = Some(unobserved(first));
            plan.alternatives.push(other(&best));
        }
        Some(best) => {
            plan.after = after(&best.changes);
            (plan.changes, plan.cost, plan.safety) = (best.changes, best.cost, best.safety);
            plan.without = without_each(estate, question, &plan.changes);
            plan.alternatives = others;
            if plan.after != Verdict::Reachable {
                // The search went on for a set that does.
                plan.closed.retain(|one| one.cost < plan.cost);
            }
        }
        None => {
            if !found.barred.is_empty() {
                plan.relaxation = relaxation(estate, question, policy);
            }
            plan.refusal = Some(refusal(first, &found, plan.relaxation.as_ref()));
        }
    }
    plan.alternatives.extend(last_resorts(estate, first, policy, &plan.changes));
    if plan.after == Verdict::Reachable {
        let ways = into_the_dark(estate, first, policy, &plan);
        plan.alternatives.splice(0..0, ways);
    }
    plan.alternatives.extend(advice(first));
    let mut told = BTreeSet::new();
    plan.alternatives.retain(|one| told.insert(in_any_order(one)));
    plan
}

/// What remains when one change is left out, by change.
fn without_each(estate: &Estate, question: &Question, changes: &[Change]) -> Vec<Rest> {
    let rest = |left_out: usize| {
        let mut others = changes.to_vec();
        others.remove(left_out);
        let after = apply(estate, &others);
        let verdict = diagnose::verdict(&after, question);
        let report = (verdict != Verdict::Reachable).then(|| diagnose::check(&after, question));
        let is_closed = report.as_ref().is_some_and(Report::is_closed);
        let causes = report.iter().flat_map(Report::causes);
        let faults = causes.map(|cause| cause.fault).collect();
        // A change may be there to keep alive what the others would break.
        let broken_flows = match verdict {
            Verdict::Reachable => safety::look(estate, &after, question).broken.len(),
            _ => 0,
        };
        Rest { verdict, is_closed, broken_flows, faults }
    };
    (0..changes.len()).map(rest).collect()
}

/// Whether a change speaks of what another one writes, or of the address of an endpoint that it makes.
fn follows(change: &Change, other: &Change) -> bool {
    let said = format!("{} {}", change.request.path, change.request.body).to_ascii_lowercase();
    let made = change::endpoint::made(other).map(|(_, address)| format!("\"{address}\""));
    said.contains(&*other.resource.key()) || made.is_some_and(|address| said.contains(&address))
}

/// The cheapest repair if nothing were barred, with what bars it.
fn relaxation(estate: &Estate, question: &Question, policy: &Policy) -> Option<Relaxation> {
    let open = Policy { forbidden: Vec::new(), ignores_locks: true };
    let best = repair::search(estate, question, &open).best?;
    let bar = |change: &Change| policy.bars(estate, std::slice::from_ref(change));
    let barred = best.changes.iter().filter_map(bar).collect();
    Some(Relaxation { barred, changes: best.changes, cost: best.cost })
}

impl Plan {
    /// Flows that work now and do not, or not surely, with the plan; a sentence for each network and server.
    pub fn breaks(&self) -> Vec<String> {
        let mut groups: Vec<(&str, &str, Vec<String>)> = Vec::new();
        for Flow { from, to, .. } in &self.safety.broken {
            let (network, server, subnet) =
                (from.name_at(0), to.name(), format!("`{}`", from.name()));
            match groups.iter_mut().find(|one| (one.0, one.1) == (network, server)) {
                Some((.., subnets)) => subnets.push(subnet),
                None => groups.push((network, server, vec![subnet])),
            }
        }
        let words = |(network, server, subnets): (&str, &str, Vec<String>)| {
            let (noun, verb) =
                if subnets.len() == 1 { ("subnet", "stops") } else { ("subnets", "stop") };
            format!(
                "{noun} {} of network `{network}` {verb} reaching `{server}`",
                subnets.join(", ")
            )
        };
        groups.into_iter().map(words).collect()
    }

    /// The causes that are there without a change; those that others do not leave, where there are any. What is left without a later
    /// step of a repair may have another name: then the causes of the steps that it follows, or those of its area, or all that no
    /// other change mends.
    pub fn mends(&self, index: usize) -> Vec<&'static str> {
        let Some(own) = self.without.get(index).filter(|_| !self.settles(index)) else {
            return Vec::new();
        };
        let others = || (0..self.without.len()).filter(|other| *other != index);
        let of = |some: Vec<usize>| {
            let mended: Vec<&str> = some.into_iter().flat_map(|one| self.leaves(one)).collect();
            move |fault: &&'static str| mended.contains(fault)
        };
        let is_followed = |other: &usize| follows(&self.changes[index], &self.changes[*other]);
        let area = |fault: &str| fault.split_once('/').map(|(area, _)| area.to_owned());
        let is_near = |fault: &&'static str| own.faults.iter().any(|one| area(one) == area(fault));
        let (is_base, is_mended) =
            (of(others().filter(is_followed).collect()), of(others().collect()));
        let causes = || self.causes.iter().copied();
        let mut lists = [
            self.leaves(index),
            causes().filter(is_base).collect(),
            causes().filter(is_near).collect(),
            causes().filter(|fault| !is_mended(fault)).collect(),
            self.causes.clone(),
        ];
        let first = lists.iter_mut().find(|list| !list.is_empty());
        first.map(std::mem::take).unwrap_or_default()
    }

    /// Whether a rule does no more than say what the documents leave open without it.
    pub fn settles(&self, index: usize) -> bool {
        let is_open = |rest: &Rest| rest.verdict == Verdict::Undetermined && !rest.is_closed;
        let is_rule = self.changes.get(index).is_some_and(|one| one.kind == "add-rule");
        is_rule
            && self.without.get(index).is_some_and(|rest| is_open(rest) && rest.faults.is_empty())
    }

    /// The causes that are there without a change; those that others do not leave, where there are any.
    fn leaves(&self, index: usize) -> Vec<&'static str> {
        let Some(own) = self.without.get(index) else { return Vec::new() };
        let is_cause = |fault: &&&str| self.causes.contains(*fault);
        let named: Vec<&str> = own.faults.iter().filter(is_cause).copied().collect();
        let others = || self.without.iter().enumerate().filter(|(other, _)| *other != index);
        let is_shared = |fault: &&&str| others().any(|(_, rest)| rest.faults.contains(*fault));
        let alone: Vec<&str> = named.iter().filter(|fault| !is_shared(fault)).copied().collect();
        if alone.is_empty() { named } else { alone }
    }

    /// What the changes leave open, where configuration cannot tell that they lead to the source.
    pub fn rest(&self) -> Option<&'static str> {
        (!self.changes.is_empty() && self.after != Verdict::Reachable).then_some(REST)
    }

    /// Whether no change can be left out: without it the copier does not reach the source, or something is known to be closed, or
    /// more is broken.
    pub fn is_irredundant(&self) -> bool {
        let broken = self.safety.broken.len();
        let is_needed = |rest: &Rest| {
            rest.is_closed
                || ![Verdict::Reachable, self.after].contains(&rest.verdict)
                || rest.broken_flows > broken
        };
        self.without.iter().all(is_needed)
    }
}
