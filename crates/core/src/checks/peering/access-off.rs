//! The peering is connected and keeps the remote network out.

use crate::change::peering;
use crate::checks::{joins, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::breaks::BreakKind;
use crate::trace::decision::Decision;
use crate::trace::step::{Outcome, Stage, Step};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let off: Vec<_> = joins::broken(leg, BreakKind::AccessOff).map(|one| &one.half).collect();
    let first = joins::broken(leg, BreakKind::AccessOff).next()?;
    let names: Vec<String> =
        off.iter().map(|id| format!("`{}` of `{}`", id.name(), id.name_at(0))).collect();
    let message = format!("peering {} does not allow virtual network access", names.join(" and "));
    let why = "with the flag off the remote network leaves the tag VirtualNetwork, so rules for that tag miss it and the \
               default rules deny it; where no security group acts, or a rule names the addresses, older documents say that \
               all traffic stops, newer ones that it passes";
    let finding = Finding::blocks(message, why).at(&first.half, first.pointer.clone());
    let sides = [&leg.outbound_interface, &leg.outbound, &leg.inbound, &leg.inbound_interface];
    let any = |wanted: fn(&Decision) -> bool| {
        sides.into_iter().flatten().any(|(_, decision)| wanted(decision))
    };
    let is_certain = any(|decision| decision.lacks_join() || !decision.lost.is_empty());
    let is_unknown = |step: &Step| step.stage == Stage::Hop && step.outcome == Outcome::Unknown;
    let is_doubtful =
        leg.forward.iter().any(is_unknown) || any(|decision| !decision.unknown.is_empty());
    // Without the rule that denies, the tag would be asked.
    let is_doubtful = is_doubtful || any(|decision| !decision.denied.is_empty());
    if !is_certain && !is_doubtful {
        return Some(finding.possible().note());
    }
    let changes = off.iter().map(|id| peering::allow_access(path.estate, id)).collect();
    let mut finding = finding.fix(Fix::of(changes));
    if !is_certain {
        return Some(finding.possible());
    }
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}
