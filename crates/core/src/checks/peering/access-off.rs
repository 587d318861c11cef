//! The peering is connected and keeps the remote network out.

use crate::change::peering;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::{Break, BreakKind, Joined};
use crate::trace::step::{Outcome, Stage};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let off: Vec<_> = broken(path, BreakKind::AccessOff).map(|one| &one.half).collect();
    let first = broken(path, BreakKind::AccessOff).next()?;
    let leg = path.intended.as_ref()?;
    let denies = |side: &Option<(crate::id::ResourceId, crate::trace::filter::Decision)>| {
        side.as_ref().is_some_and(|(_, decision)| {
            !decision.denied.is_empty() && decision.denied.iter().all(|(_, rule)| rule.is_default())
        })
    };
    let is_doubtful =
        leg.forward.iter().any(|step| step.stage == Stage::Hop && step.outcome == Outcome::Unknown);
    if !is_doubtful && !denies(&leg.outbound) && !denies(&leg.inbound) {
        return None; // a rule of its own lets the flow through
    }
    let names: Vec<String> =
        off.iter().map(|id| format!("`{}` of `{}`", id.name(), id.name_at(0))).collect();
    let message = format!("peering {} does not allow virtual network access", names.join(" and "));
    let why = "with the flag off the remote network leaves the tag VirtualNetwork, so the default rules deny it; where no \
               security group acts, older documents say that all traffic stops, newer ones that it passes";
    let changes = off.iter().map(|id| peering::allow_access(path.estate, id)).collect();
    let finding =
        Finding::blocks(message, why).at(&first.half, first.pointer.clone()).fix(Fix::of(changes));
    let is_certain = denies(&leg.outbound) || denies(&leg.inbound);
    Some(if is_certain { finding } else { finding.possible() })
}

/// What breaks the peering of the intended way, of one kind.
pub(super) fn broken<'p>(path: &'p Path, kind: BreakKind) -> impl Iterator<Item = &'p Break> {
    let breaks = path.intended.as_ref().and_then(|leg| match &leg.joined {
        Some(Joined::Broken(breaks, _)) => Some(breaks),
        _ => None,
    });
    breaks.into_iter().flatten().filter(move |one| one.kind == kind)
}
