//! The copier's network and the source's network are not joined: a half of the peering, or both, are not there.

use crate::change::peering;
use crate::checks::fixes;
use crate::estate::network::Peering;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::Joined;
use crate::trace::leg::Way;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let Some(Joined::Apart { near, far, other_way, between, overlap, .. }) = &leg.joined else {
        return None;
    };
    if overlap.is_some() || (between.is_some() && near.is_none() && far.is_none()) {
        return None; // peering/overlapping-spaces, peering/not-transitive
    }
    // A single half that is not connected tells which story it is: peering/initiated, peering/disconnected.
    let half = near.as_ref().or(far.as_ref());
    let state = half.and_then(|id| path.estate.get::<Peering>(id).ok()?.state.clone());
    if state.is_some_and(|state| !state.eq_ignore_ascii_case("connected")) {
        return None;
    }
    let (near_vnet, far_vnet) = ends(path)?;
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
    let mut changes = Vec::new();
    if near.is_none() {
        changes.push(peering::create_half(path.estate, &near_vnet, &far_vnet));
    }
    if far.is_none() {
        changes.push(peering::create_half(path.estate, &far_vnet, &near_vnet));
    }
    let mut finding =
        Finding::blocks(message, why).at(half.unwrap_or(&near_vnet), "").fix(Fix::of(changes));
    finding.fixes.extend(fixes::endpoint_nearby(path));
    Some(if other_way.is_some() { finding.possible() } else { finding })
}

/// The copier's network and the network that the intended way leads into.
pub(super) fn ends(path: &Path) -> Option<(crate::id::ResourceId, crate::id::ResourceId)> {
    let near = path.start.as_ref()?.vnet.clone();
    let far = match &path.intended.as_ref()?.way {
        Way::Injected(subnet) => subnet.parent()?,
        Way::Endpoint(view) => view.vnet().ok()?,
        Way::Machine(machine) => machine.subnet.parent()?,
        Way::Public | Way::Beyond(_) => return None,
    };
    Some((near, far))
}
