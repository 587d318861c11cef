//! A half of the peering is disconnected: its other half was deleted at some time.

use crate::checks::joins::{self, Lack};
use crate::checks::new_endpoint;
use crate::estate::network::Peering;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::hop::{self, Joined};
use crate::trace::words::lone_half;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(half) = half_in_state(path, "disconnected") else {
        return joins::at_the_appliance(path, Lack::State("disconnected"));
    };
    let message = message(path, &half, "is Disconnected: its other half was deleted at some time")?;
    let why = "the other half was deleted; what is left carries nothing and cannot be joined again as it is";
    let pointer = path.estate.locate(&half, "", "peeringState");
    let leg = path.intended.as_ref()?;
    let finding = joins::fault_of(leg, Finding::blocks(message, why).at(&half, pointer));
    let mut finding = finding.fix(Fix::of(joins::whole(path, leg)));
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}

/// What is wrong with a half; `words` where the other half is there.
pub(super) fn message(path: &Path, half: &ResourceId, words: &str) -> Option<String> {
    let (near, far) = joins::ends(path, path.intended.as_ref()?)?;
    let other = if half.parent()? == near { far } else { near };
    Some(match hop::half(path.estate, &other, &half.parent()?) {
        Some(_) => format!("peering `{}` of network `{}` {words}", half.name(), half.name_at(0)),
        None => lone_half(path.estate, half, &other),
    })
}

/// A half of the peering on the way that is in a state. Disconnected counts before initiated.
pub(super) fn half_in_state(path: &Path, state: &str) -> Option<ResourceId> {
    let leg = path.intended.as_ref()?;
    if !matches!(leg.joined, Some(Joined::Apart { .. } | Joined::Broken(..))) {
        return None;
    }
    let (near, far) = joins::ends(path, leg)?;
    let halves = [hop::half(path.estate, &near, &far), hop::half(path.estate, &far, &near)];
    let mut halves = halves.into_iter().flatten();
    let is_lost = |facts| joins::is_in_state(facts, "disconnected");
    let is_alone = halves.clone().count() == 1;
    let is_meant = |facts: &Peering| match state {
        "initiated" if is_alone => joins::waits_alone(facts),
        _ => joins::is_in_state(facts, state),
    };
    if state == "initiated" && halves.clone().any(|(_, facts)| is_lost(facts)) {
        return None;
    }
    halves.find(|(_, facts)| is_meant(facts)).map(|(id, _)| id.clone())
}
