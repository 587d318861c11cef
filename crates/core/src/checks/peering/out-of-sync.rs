//! A half of the peering does not route an address prefix that the remote network has.

use crate::checks::joins::{self, Lack};
use crate::checks::new_endpoint;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::breaks::BreakKind;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let Some(broken) = joins::broken(leg, BreakKind::OutOfSync).next() else {
        return joins::beside_the_appliance(path, Lack::Space);
    };
    let outside = match &broken.lost_part {
        Some(part) => format!("{part} of the other subnet is outside"),
        None => "the other subnet is outside".to_owned(),
    };
    let message = format!(
        "peering `{}` of network `{}` routes only {}: {outside}",
        broken.half.name(),
        broken.half.name_at(0),
        broken.value
    );
    let why = "a prefix that a network gets after the peering was made is routed only once the peering is synchronised";
    let fix = Fix::of(joins::synced(path, leg));
    let finding = Finding::blocks(message, why).at(&broken.half, broken.pointer.clone());
    let mut finding = finding.fix(fix);
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}
