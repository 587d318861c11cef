//! The source's tier has neither VNet rules nor private endpoints, and the way needs one.

use crate::finding::{Finding, Fix, Severity};
use crate::trace::Path;
use crate::trace::gate::Gate;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let needs_one = match path.taken() {
        Some(leg) => {
            let gate = leg.gate.as_ref();
            !matches!(
                gate,
                None | Some(
                    Gate::Open(_) | Gate::OpensItself | Gate::PublicDenied | Gate::Unknown(_)
                )
            )
        }
        None => path.start.is_some() && path.endpoints.is_empty(),
    };
    if !needs_one || !is_basic(path) {
        return None;
    }
    let message = format!(
        "server `{}` is of the Basic tier, which has neither VNet rules nor private endpoints",
        path.to_id.name()
    );
    let why = "Single Server offers both in General Purpose and Memory Optimized only";
    let place = path.estate.locate(&path.to_id, "", "sku");
    let mut finding = Finding::blocks(message, why).at(&path.to_id, place);
    finding.severity = Severity::Risks;
    Some(finding.fix(Fix::advice(
        "copy through a relay host whose address a firewall rule of the source holds: `flexway migrate --copier relay`; or \
         dump and restore into a server of a higher tier",
    )))
}

/// Whether the source's tier forbids both.
pub(super) fn is_basic(path: &Path) -> bool {
    path.to.tier.as_deref().is_some_and(|tier| tier.eq_ignore_ascii_case("Basic"))
}
