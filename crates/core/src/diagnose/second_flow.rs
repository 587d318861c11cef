//! The flow to the target, of a copier that does not run there.

use super::one_setting::{is_one_mend, mend};
use super::{Copier, Flow, NOT_READY, Report, SECOND_FLOW, consequences};
use crate::change::Change;
use crate::finding::Finding;
use crate::trace::step::Verdict;

/// Whether changes mend a fault of the flow to the source, or of that to the target.
pub(super) type Mends<'m> = &'m dyn Fn(&[Change], Way, &'static str) -> bool;

/// One of the two flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Source,
    Target,
}

/// Adds the flow to the target, of a copier that does not run there: its causes stand under one fault of their own.
pub(super) fn add(report: &mut Report, second: &Report, mends: Mends<'_>) {
    let who = match report.question.copier {
        Copier::Host(_) => "relay host",
        _ => "runtime server",
    };
    let known: Vec<Finding> = report.causes().cloned().collect();
    let is_known =
        |one: &Finding| one.is_cause() && known.iter().any(|other| is_one_cause(one, other, mends));
    let counts = |one: &&Finding| one.fault != NOT_READY;
    let (shared, own): (Vec<_>, Vec<_>) =
        second.causes().filter(counts).partition(|one| is_known(one));
    let (causes, follows) = match shared.first() {
        Some(first) if own.is_empty() => (shared.as_slice(), Some(first.fault)),
        _ => (own.as_slice(), None),
    };
    if let Some(first) = causes.first() {
        let messages: Vec<&str> = causes.iter().map(|one| one.message.as_str()).collect();
        let whys: Vec<&str> = causes.iter().map(|one| one.why.as_str()).collect();
        let why = format!(
            "a {who} copies from the source and to the target: both flows have to pass; {}",
            whys.join("; ")
        );
        let message = format!("the {who} cannot reach the target: {}", messages.join("; "));
        let mut finding = Finding::blocks(message, why);
        finding.fault = SECOND_FLOW;
        finding.place = first.place.clone();
        finding.fixes = first.fixes.clone();
        finding.consequence_of = follows;
        report.findings.insert(known.len(), finding);
    }
    for finding in second.findings.iter().filter(|one| !is_known(one)) {
        let mut finding = finding.clone();
        if finding.is_cause() && finding.fault != NOT_READY {
            finding.consequence_of = Some(SECOND_FLOW);
        }
        report.findings.push(finding);
    }
    report.senders = match (report.senders.take(), second.senders.clone()) {
        (Some(first), Some(second)) => Some(first.and(&second)),
        (first, second) => first.or(second),
    };
    // The copier has one address, which has to pass on both ways.
    let is_cut_off = report.senders.as_ref().is_some_and(|one| one.pass.is_empty());
    let both = [report.verdict, second.verdict];
    let worst = [Verdict::Unreachable, Verdict::Undetermined, Verdict::Partial];
    report.verdict = match worst.into_iter().find(|one| both.contains(one)) {
        Some(Verdict::Partial) if is_cut_off => Verdict::Unreachable,
        Some(worst) => worst,
        None => Verdict::Reachable,
    };
    report.senders = report.senders.take().filter(|_| report.verdict == Verdict::Partial);
    report.missing.extend(second.missing.iter().cloned());
    report.missing.sort();
    report.missing.dedup();
    report.flows.extend(second.flows.iter().map(|flow| Flow { to: "target", ..flow.clone() }));
    let closed = consequences::closing(report.steps());
    consequences::weaken(report.verdict, &closed, &mut report.findings);
}

/// Whether one thing stops both flows, such as a copier that does not run. Of what lacks in one place, such as two records of a zone,
/// each is a cause, unless one change mends both. `one` stops the flow to the target, `other` that to the source.
fn is_one_cause(one: &Finding, other: &Finding, mends: Mends<'_>) -> bool {
    if one.fault != other.fault {
        return false;
    }
    let is_there = one.place.is_some() && other.place == one.place;
    let are_alike = || is_there || one.message == other.message;
    let is_joint = || {
        let does = |own: &Finding, way| mend(own).is_some_and(|own| mends(own, way, one.fault));
        does(one, Way::Source) || does(other, Way::Target)
    };
    is_there && (one.by_rule && other.by_rule || is_peering(one))
        || is_one_mend(one, other).unwrap_or_else(are_alike)
        || is_there && is_joint()
}

/// What a peering lacks for two flows is written into it at once.
fn is_peering(one: &Finding) -> bool {
    one.fault.starts_with("peering/")
}
