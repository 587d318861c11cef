//! The copier's network and the source's network are not joined: a half of the peering, or both, are not there.

use crate::checks::joins::{self, Lack};
use crate::checks::new_endpoint;
use crate::estate::network::Peering;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::hop::Joined;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    if joins::is_beside_the_appliance(path) {
        return joins::beside_the_appliance(path, Lack::Half);
    }
    let Some(Joined::Apart { near, far, between, overlap, .. }) = &leg.joined else {
        return joins::at_the_appliance(path, Lack::Half);
    };
    let is_meshed = leg.joined.as_ref().is_some_and(|joined| joined.ended_mesh().is_some());
    if overlap.is_some() || is_meshed || (between.is_some() && near.is_none() && far.is_none()) {
        return None; // peering/overlapping-spaces, peering/mesh-excluded, peering/not-transitive
    }
    // A single half that is not connected tells which story it is: peering/initiated, peering/disconnected.
    let half = near.as_ref().or(far.as_ref());
    let facts = half.and_then(|id| path.estate.find::<Peering>(id));
    if facts.is_some_and(|facts| !joins::is_in_state(facts, "connected")) {
        return None;
    }
    let (near_vnet, far_vnet) = joins::ends(path, leg)?;
    let message = match (near, far) {
        (None, None) => {
            format!("networks `{}` and `{}` are not peered", near_vnet.name(), far_vnet.name())
        }
        (None, Some(_)) => format!(
            "network `{}` has no peering to `{}`; only the other half exists",
            near_vnet.name(),
            far_vnet.name()
        ),
        (Some(_), _) => format!(
            "network `{}` has no peering to `{}`; only the other half exists",
            far_vnet.name(),
            near_vnet.name()
        ),
    };
    let why = "private addresses of another network are dropped unless a peering, with both halves connected, carries them";
    let mut finding =
        joins::fault_of(leg, Finding::blocks(message, why)).at(half.unwrap_or(&near_vnet), "");
    finding.fixes.extend(joins::mend(path, leg));
    finding.fixes.extend(joins::past_the_firewall(path, leg));
    finding.fixes.extend(new_endpoint::nearby(path));
    Some(finding)
}
