//! One half of the peering waits for the other.

use crate::checks::joins;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(half) = super::peering_disconnected::half_in_state(path, "initiated") else {
        return joins::behind_the_appliance(path, Some("initiated"));
    };
    let message =
        format!("peering `{}` of network `{}` is only initiated", half.name(), half.name_at(0));
    let why =
        "a peering carries traffic once both networks hold their half and both read Connected";
    let pointer = path.estate.locate(&half, "", "peeringState");
    let leg = path.intended.as_ref()?;
    let finding = joins::fault_of(leg, Finding::blocks(message, why).at(&half, pointer));
    Some(finding.fix(Fix::of(joins::whole(path, leg))))
}
