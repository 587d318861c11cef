//! Other ways than the plan's: dearer repairs, last resorts, what leads into the dark, and advice.

use serde::Serialize;

use super::Plan;
use super::refusal::relay;
use crate::change::Safety::{Review, Safe};
use crate::change::{self, Change, Exposure};
use crate::diagnose::{self, Report};
use crate::estate::Estate;
use crate::finding::Fix;
use crate::repair::safety;
use crate::repair::search::apply;
use crate::repair::{Cost, Policy, Repair};
use crate::trace::step::Verdict;

/// Another way.
#[derive(Debug, Clone, Serialize)]
pub struct Alternative {
    /// The way, in a sentence.
    pub title: String,
    /// Whether it needs a look first.
    pub safety: change::Safety,
    /// The verdict with it; null for advice.
    pub after: Option<Verdict>,
    /// What it costs; null for advice.
    pub cost: Option<Cost>,
    /// Flows newly let through.
    pub exposure: Vec<Exposure>,
    /// Its commands; empty for advice.
    pub az: Vec<String>,
    /// Its changes, in order; empty for advice.
    pub changes: Vec<Change>,
}

/// Another repair, in words.
pub(super) fn alternative(repair: &Repair, after: Verdict) -> Alternative {
    let titles: Vec<&str> = repair.changes.iter().map(|change| change.title.as_str()).collect();
    let is_safe = repair.changes.iter().all(|change| change.safety == Safe)
        && repair.safety.broken.is_empty();
    Alternative {
        title: titles.join(", then "),
        safety: if is_safe { Safe } else { Review },
        after: Some(after),
        cost: Some(repair.cost),
        exposure: repair.changes.iter().flat_map(|one| one.exposure.clone()).collect(),
        az: repair.changes.iter().flat_map(|change| change.az.clone()).collect(),
        changes: repair.changes.clone(),
    }
}

/// What its changes are called, in whichever order, or itself.
pub(super) fn in_any_order(way: &Alternative) -> Vec<String> {
    let mut titles: Vec<String> = way.changes.iter().map(|change| change.title.clone()).collect();
    titles.sort_unstable();
    if titles.is_empty() { vec![way.title.clone()] } else { titles }
}

/// Ways to mend single causes that no request carries out, and the relay host.
pub(super) fn advice(report: &Report) -> Vec<Alternative> {
    let advised = report.causes().flat_map(|cause| &cause.fixes);
    let titles = advised.filter(|fix| fix.changes.is_empty()).map(|fix| fix.title.clone());
    let titles: Vec<String> = titles.collect();
    let around = relay(report, &titles);
    let titles = titles.into_iter().chain(around);
    titles
        .map(|title| Alternative {
            title,
            safety: Review,
            after: None,
            cost: None,
            exposure: Vec::new(),
            az: Vec::new(),
            changes: Vec::new(),
        })
        .collect()
}

/// What would do by itself and is done only where nothing else may be, with what it breaks.
pub(super) fn last_resorts(
    estate: &Estate,
    report: &Report,
    policy: &Policy,
    changes: &[Change],
) -> Vec<Alternative> {
    let fixes = report.causes().flat_map(|cause| &cause.fixes).filter(|fix| fix.is_last_resort);
    let is_plan = |fix: &Fix| {
        fix.changes.len() == changes.len() && fix.changes.iter().all(|one| changes.contains(one))
    };
    let may_be = |fix: &&Fix| !is_plan(fix) && policy.bars(estate, &fix.changes).is_none();
    let way = |fix: &Fix| {
        let after = apply(estate, &fix.changes);
        let verdict = diagnose::verdict(&after, &report.question);
        (verdict == Verdict::Reachable).then(|| single(estate, report, fix, (&after, verdict)))
    };
    fixes.filter(may_be).filter_map(way).collect()
}

/// Ways to mend a cause that leave nothing known to be closed, and lead to what the estate does not tell: who knows the appliance there
/// may like them better than a way past it.
pub(super) fn into_the_dark(
    estate: &Estate,
    report: &Report,
    policy: &Policy,
    plan: &Plan,
) -> Vec<Alternative> {
    let is_told = |fix: &Fix| {
        let holds = |other: &Alternative| fix.changes.iter().all(|one| other.changes.contains(one));
        plan.changes.iter().any(|one| fix.changes.contains(one))
            || plan.alternatives.iter().any(holds)
    };
    let fixes = report.causes().flat_map(|cause| &cause.fixes);
    let usual = fixes.filter(|fix| !fix.is_last_resort && !fix.changes.is_empty() && !is_told(fix));
    let way = |fix: &Fix| {
        let after = apply(estate, &fix.changes);
        let verdict = diagnose::verdict(&after, &report.question);
        let leaves_open = verdict == Verdict::Undetermined;
        let then = leaves_open.then(|| diagnose::check(&after, &report.question))?;
        let missing = then.missing.first().filter(|_| !then.is_closed())?;
        let way = single(estate, report, fix, (&after, verdict));
        Some(Alternative {
            title: format!("{}: then not known is {}", way.title, missing.what),
            ..way
        })
    };
    let may_be = |fix: &&Fix| policy.bars(estate, &fix.changes).is_none();
    usual.filter(may_be).filter_map(way).collect()
}

/// One fix by itself, with what it breaks.
fn single(
    estate: &Estate,
    report: &Report,
    fix: &Fix,
    (after, verdict): (&Estate, Verdict),
) -> Alternative {
    let safety = safety::look(estate, after, &report.question);
    let broken_flows = safety.broken.len() as u32;
    let cost = Cost { broken_flows, ..Cost::of(&fix.changes) };
    let way = alternative(&Repair { changes: fix.changes.clone(), cost, safety }, verdict);
    Alternative { title: fix.title.clone(), safety: Review, ..way }
}
