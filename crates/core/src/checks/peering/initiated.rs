//! One half of the peering waits for the other.

use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let half = super::peering_disconnected::half_in_state(path, "initiated")?;
    let (near, far) = super::peering_missing::ends(path)?;
    let message =
        format!("peering `{}` of network `{}` is only initiated", half.name(), half.name_at(0));
    let why =
        "a peering carries traffic once both networks hold their half and both read Connected";
    let pointer = path.estate.locate(&half, "", "peeringState");
    let finding = Finding::blocks(message, why).at(&half, pointer);
    let mut changes = super::peering_disconnected::missing_halves(path, &near, &far);
    if changes.is_empty() {
        // Both halves are there and do not count each other. With one the other is lost too: both are made anew.
        changes = super::peering_disconnected::anew(path, (&near, &far), |_| true);
    }
    Some(finding.fix(Fix::of(changes)))
}
