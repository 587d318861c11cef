//! The source's tier has neither VNet rules nor private endpoints, and the way needs one.

use crate::estate::Missing;
use crate::finding::{Finding, Fix, Severity};
use crate::trace::door_rules::is_vnet_rule;
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (is_at_fault, unseen) = match path.taken() {
        Some(leg) => what_it_lacks(leg.gate.as_ref()?)?,
        None if path.start.is_some() && path.endpoints.is_empty() => (false, None),
        None => return None,
    };
    if !is_basic(path) {
        return None;
    }
    let message = format!(
        "server `{}` is of the Basic tier, which has neither VNet rules nor private endpoints",
        path.to_id.name()
    );
    let why = "Single Server offers both in General Purpose and Memory Optimized only";
    let place = path.estate.locate(&path.to_id, "", "sku");
    let mut finding = Finding::blocks(message, why).at(&path.to_id, place).unless(unseen);
    if !is_at_fault {
        finding.severity = Severity::Risks;
    }
    finding.on_fallback = is_at_fault && path.leads == Leads::Fallback;
    Some(finding.fix(Fix::advice(
        "copy through a relay host whose address a firewall rule of the source holds: `flexway migrate --copier relay`; or \
         dump and restore into a server of a higher tier",
    )))
}

/// Whether the front door asks for a VNet rule, of which such a server has none, with what may let the copier in all the same; or may
/// be opened by rules of addresses. `None` where it is open without one, or shut to all.
fn what_it_lacks(gate: &Gate) -> Option<(bool, Option<&Missing>)> {
    match gate.as_known() {
        (
            Gate::RuleMissing { .. }
            | Gate::Disputed(_)
            | Gate::ServiceEndpointMissing(_)
            | Gate::RuleNotReady(..)
            | Gate::OtherRegion(..),
            unseen,
        ) => Some((true, unseen)),
        (Gate::Open(rules), _) if !rules.iter().any(is_vnet_rule) => None,
        (Gate::OpensItself | Gate::PublicDenied | Gate::Unknown(_), _) => None,
        _ => Some((false, None)),
    }
}

/// Whether the source's tier forbids both.
pub(super) fn is_basic(path: &Path) -> bool {
    path.to.tier.as_deref().is_some_and(|tier| tier.eq_ignore_ascii_case("Basic"))
}
