//! One half of the peering waits for the other.

use crate::checks::joins::{self, Lack};
use crate::checks::new_endpoint;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(half) = super::peering_disconnected::half_in_state(path, "initiated") else {
        return joins::at_the_appliance(path, Lack::State("initiated"));
    };
    let message = super::peering_disconnected::message(
        path,
        &half,
        "is Initiated: it does not count the half of the other network",
    )?;
    let why =
        "a peering carries traffic once both networks hold their half and both read Connected";
    let pointer = path.estate.locate(&half, "", "peeringState");
    let leg = path.intended.as_ref()?;
    let finding = joins::fault_of(leg, Finding::blocks(message, why).at(&half, pointer));
    let mut finding = finding.fix(Fix::of(joins::whole(path, leg)));
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}
