//! Only some subnets of the two networks are peered, and not the ones of this flow.

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::BreakKind;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let broken = super::access_off::broken(path, BreakKind::SubnetExcluded)?;
    let message = format!(
        "peering `{}` of network `{}` joins some subnets only, and not both of this flow",
        broken.half.name(),
        broken.half.name_at(0)
    );
    let why = "with `peerCompleteVnets` off only the listed subnets talk; the others see a route and are dropped";
    let advice = Fix::advice(
        "add the subnets' names to `localSubnetNames` and `remoteSubnetNames` of both halves",
    );
    let mut finding =
        Finding::blocks(message, why).at(&broken.half, broken.pointer.clone()).fix(advice);
    finding.fixes.extend(fixes::endpoint_nearby(path));
    finding.fixes.rotate_left(1);
    Some(finding)
}
