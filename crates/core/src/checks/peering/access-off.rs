//! The peering is connected and keeps the remote network out.

use crate::change::peering;
use crate::estate::network::Peering;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::{Break, BreakKind, Joined};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let broken = broken(path, BreakKind::AccessOff)?;
    let off: Vec<_> = [&broken.near, &broken.far]
        .into_iter()
        .filter(|id| {
            path.estate.get::<Peering>(id).is_ok_and(|half| half.allows_access == Some(false))
        })
        .collect();
    let names: Vec<String> =
        off.iter().map(|id| format!("`{}` of `{}`", id.name(), id.name_at(0))).collect();
    let message = format!("peering {} does not allow virtual network access", names.join(" and "));
    let why = "with the flag off the remote network leaves the tag VirtualNetwork, so the default rules deny it; older \
               documents say that all traffic stops";
    let changes = off.iter().map(|id| peering::allow_access(path.estate, id)).collect();
    Some(
        Finding::blocks(message, why)
            .at(&broken.half, broken.pointer.clone())
            .fix(Fix::of(changes)),
    )
}

/// What breaks the peering of the intended way, when it is of that kind.
pub(super) fn broken<'p>(path: &'p Path, kind: BreakKind) -> Option<&'p Break> {
    match &path.intended.as_ref()?.joined {
        Some(Joined::Broken(broken)) if broken.kind == kind => Some(broken),
        _ => None,
    }
}
