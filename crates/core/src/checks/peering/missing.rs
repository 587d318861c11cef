//! The copier's network and the source's network are not joined: a half of the peering, or both, are not there.

use crate::change::peering;
use crate::checks::fixes;
use crate::estate::network::Peering;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::hop::Joined;
use crate::trace::leg::{Leg, Way};

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
    let mut finding = Finding::blocks(message, why).at(half.unwrap_or(&near_vnet), "");
    finding.fixes.extend(join(path, leg));
    finding.fixes.extend(fixes::endpoint_nearby(path));
    Some(if other_way.is_some() { finding.possible() } else { finding })
}

/// Makes the halves of the peering that a way lacks. `None` where it lacks none, or where Azure refuses to peer the networks.
pub(super) fn join(path: &Path, leg: &Leg) -> Option<Fix> {
    let Some(Joined::Apart { near, far, overlap: None, .. }) = &leg.joined else { return None };
    let (near_vnet, far_vnet) = ends_of(path, leg)?;
    let halves = [(near, &near_vnet, &far_vnet), (far, &far_vnet, &near_vnet)];
    let lacking = halves.into_iter().filter(|(half, ..)| half.is_none());
    let made = lacking.map(|(_, vnet, remote)| peering::create_half(path.estate, vnet, remote));
    Some(Fix::of(made.collect()))
}

/// The copier's network and the network that the intended way leads into.
pub(super) fn ends(path: &Path) -> Option<(ResourceId, ResourceId)> {
    ends_of(path, path.intended.as_ref()?)
}

fn ends_of(path: &Path, leg: &Leg) -> Option<(ResourceId, ResourceId)> {
    let near = path.start.as_ref()?.vnet.clone();
    let far = match &leg.way {
        Way::Injected(subnet) => subnet.parent()?,
        Way::Endpoint(view) => view.vnet().ok()?,
        Way::Machine(machine) => machine.subnet.parent()?,
        Way::Public | Way::Beyond(_) => return None,
    };
    Some((near, far))
}
