//! Which gate of the path a cause stands at: the one that drops packets is not always the one at fault.

use crate::address::AddressSet;
use crate::finding::Finding;
use crate::trace::breaks::BreakKind;
use crate::trace::hop::Joined;
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::{Leads, Path};

/// Marks gates that causes stand at, and those that drop packets because of another one. `dropped` are the senders that are lost, where
/// others pass.
pub(super) fn mark(
    path: &Path,
    findings: &[Finding],
    dropped: Option<&AddressSet>,
    forward: &mut Vec<Step>,
) {
    let access_off = findings.iter().find(|one| one.fault == "peering/access-off");
    let sure = access_off.filter(|one| one.is_cause()).map(|one| one.certainty);
    for step in forward.iter_mut() {
        let fault = match step.stage {
            Stage::Hop if is_access_off(path, step) => {
                step.blame = sure;
                step.dropped_part = dropped.cloned();
                continue;
            }
            Stage::FilterOut => "filter/outbound-denied",
            Stage::FilterIn => "filter/inbound-denied",
            _ => continue,
        };
        // What misses by one thing has a name of its own.
        let is_miss = |one: &Finding| {
            one.fault.starts_with("filter/") && one.stages().contains(&step.stage) && step.closes()
        };
        let is_cause = findings.iter().any(|one| is_miss(one) && one.is_cause());
        step.is_consequence = findings.iter().any(|one| {
            one.consequence_of.is_some() && (one.fault == fault || is_miss(one) && !is_cause)
        });
    }
    mark_wrong_way(path, findings, dropped, forward);
}

/// Whether a step is that of a half which keeps the other network out.
fn is_access_off(path: &Path, step: &Step) -> bool {
    let joined = path.taken().and_then(|leg| leg.joined.as_ref());
    let mut breaks = joined.into_iter().flat_map(Joined::breaks);
    breaks.any(|one| one.kind == BreakKind::AccessOff && Some(&one.half) == step.resource.as_ref())
}

/// Where the name leads to the public front door instead of a private endpoint, it is at fault: what is closed on that way follows from
/// it, and what is closed on the way that is meant belongs to the path as well.
fn mark_wrong_way(
    path: &Path,
    findings: &[Finding],
    dropped: Option<&AddressSet>,
    forward: &mut Vec<Step>,
) {
    let cause_at =
        |stage: Stage| findings.iter().find(|one| one.is_cause() && one.stages().contains(&stage));
    let name = cause_at(Stage::Name).filter(|_| path.leads == Leads::Fallback);
    let (Some(name), Some(meant)) = (name, &path.intended) else { return };
    for step in forward.iter_mut() {
        match (step.stage, step.outcome) {
            (Stage::Name, Outcome::Pass) => {
                step.blame = Some(name.certainty);
                step.dropped_part = dropped.cloned();
                if let Some(view) = path.endpoint() {
                    let endpoint = view.id.name();
                    step.detail = format!("{}, not to private endpoint `{endpoint}`", step.detail);
                }
            }
            (Stage::FilterOut | Stage::Route | Stage::Admit, Outcome::Drop) => {
                step.is_consequence = cause_at(step.stage).is_none();
            }
            _ => {}
        }
    }
    for step in meant.forward.iter().filter(|step| step.closes()) {
        let Some(cause) = cause_at(step.stage) else { continue };
        let detail = format!("on the way that is meant, {}", step.detail);
        // The packets do not come there.
        let step =
            Step { detail, outcome: Outcome::Pass, blame: Some(cause.certainty), ..step.clone() };
        match forward.iter_mut().find(|one| one.stage == step.stage) {
            Some(same) if same.shown() == Outcome::Pass || same.stage == Stage::Admit => {
                *same = Step { outcome: same.outcome, ..step };
            }
            Some(_) => {}
            None => {
                let later = forward.iter().position(|one| one.stage > step.stage);
                forward.insert(later.unwrap_or(forward.len()), step);
            }
        }
    }
}
