//! A half of the peering is disconnected: its other half was deleted at some time.

use crate::change::{Change, peering};
use crate::estate::network::Peering;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::hop::{self, Joined};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let half = half_in_state(path, "disconnected")?;
    let (near, far) = super::peering_missing::ends(path)?;
    let message =
        format!("peering `{}` of network `{}` is disconnected", half.name(), half.name_at(0));
    let why = "the other half was deleted; what is left carries nothing and cannot be joined again as it is";
    let pointer = path.estate.locate(&half, "", "peeringState");
    let changes = anew(path, (&near, &far), |half| is_in_state(half, "disconnected"));
    Some(Finding::blocks(message, why).at(&half, pointer).fix(Fix::of(changes)))
}

/// Deletes the halves that cannot be joined as they are, and creates those that are not there then.
pub(super) fn anew(
    path: &Path,
    (near, far): (&ResourceId, &ResourceId),
    is_lost: impl Fn(&Peering) -> bool,
) -> Vec<Change> {
    let pairs = [(near, far), (far, near)];
    let mut changes = Vec::new();
    let mut without = path.estate.clone();
    for (owner, remote) in pairs {
        if let Some((id, facts)) = hop::half(path.estate, owner, remote)
            && is_lost(facts)
        {
            let change = peering::delete_half(id);
            without = change.apply(&without);
            changes.push(change);
        }
    }
    for (owner, remote) in pairs {
        if hop::half(&without, owner, remote).is_some() {
            continue;
        }
        let change = match hop::half(path.estate, owner, remote) {
            Some((id, _)) => {
                peering::create_half_again((path.estate, id), &without, owner, remote)
            }
            None => peering::create_half(&without, owner, remote),
        };
        without = change.apply(&without);
        changes.push(change);
    }
    changes
}

fn is_in_state(facts: &Peering, state: &str) -> bool {
    facts.state.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(state))
}

/// A half of the peering between the two networks that is in a state. Disconnected counts before initiated.
pub(super) fn half_in_state(path: &Path, state: &str) -> Option<ResourceId> {
    if !matches!(path.intended.as_ref()?.joined, Some(Joined::Apart { .. } | Joined::Broken(..))) {
        return None;
    }
    let (near, far) = super::peering_missing::ends(path)?;
    let halves = [hop::half(path.estate, &near, &far), hop::half(path.estate, &far, &near)];
    let mut halves = halves.into_iter().flatten();
    if state == "initiated" && halves.clone().any(|(_, facts)| is_in_state(facts, "disconnected")) {
        return None;
    }
    halves.find(|(_, facts)| is_in_state(facts, state)).map(|(id, _)| id.clone())
}

/// Changes that create the halves that are not there.
pub(super) fn missing_halves(path: &Path, near: &ResourceId, far: &ResourceId) -> Vec<Change> {
    let pairs = [(near, far), (far, near)];
    let is_missing = |(owner, remote): &(&ResourceId, &ResourceId)| {
        hop::half(path.estate, owner, remote).is_none()
    };
    pairs
        .into_iter()
        .filter(is_missing)
        .map(|(owner, remote)| peering::create_half(path.estate, owner, remote))
        .collect()
}
