//! Both networks are peered with a third one, and with each other not at all.

use crate::checks::{firewall_routes, joins, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::Joined;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let joined = leg.joined.as_ref()?;
    let Joined::Apart { near: None, far: None, between: Some(hub), overlap, .. } = joined else {
        return None;
    };
    if overlap.is_some() || joined.ended_mesh().is_some() {
        return None; // peering/overlapping-spaces, peering/mesh-excluded
    }
    let (near, far) = joins::ends(path, leg)?;
    if joins::is_beside_the_appliance(path) {
        return None; // peering/disconnected, peering/initiated, peering/missing
    }
    let message = format!(
        "networks `{}` and `{}` are peered with `{}`, not with each other",
        near.name(),
        far.name(),
        hub.name()
    );
    let why = "a peering carries packets of its two networks only; through a third one they need an appliance and routes";
    let changes = joins::peered(path.estate, &near, &far);
    let finding = joins::fault_of(leg, Finding::blocks(message, why));
    let mut finding = finding.at(&near, "");
    finding.fixes.extend(firewall_routes::through_hub(path, leg));
    finding.fixes.push(Fix::of(changes));
    finding.fixes.extend(joins::past_the_firewall(path, leg));
    finding.fixes.extend(new_endpoint::nearby(path));
    Some(finding)
}
