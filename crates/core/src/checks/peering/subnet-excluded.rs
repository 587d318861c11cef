//! Only some subnets of the two networks are peered, and not the ones of this flow.

use crate::change::peering;
use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::hop::BreakKind;
use crate::trace::leg::Way;

pub(super) fn find(path: &Path) -> Option<Finding> {
    by_family(path).or_else(|| by_name(path))
}

/// The peering carries IPv6 only.
fn by_family(path: &Path) -> Option<Finding> {
    let broken = super::access_off::broken(path, BreakKind::Ipv6Only).next()?;
    let message = format!(
        "peering `{}` of network `{}` joins the IPv6 ranges of its subnets only",
        broken.half.name(),
        broken.half.name_at(0)
    );
    let why = "with `enableOnlyIPv6Peering` on no IPv4 packet crosses, and PostgreSQL on Azure speaks IPv4";
    let mut finding = Finding::blocks(message, why).at(&broken.half, broken.pointer.clone());
    finding.fixes.extend(fixes::endpoint_nearby(path));
    Some(finding.fix(Fix::advice(
        "delete both halves of the peering and create them again for IPv4: the family is no setting that can be changed",
    )))
}

/// Only named subnets are peered.
fn by_name(path: &Path) -> Option<Finding> {
    let broken = super::access_off::broken(path, BreakKind::SubnetExcluded).next()?;
    let message = format!(
        "peering `{}` of network `{}` joins some subnets only, and not both of this flow",
        broken.half.name(),
        broken.half.name_at(0)
    );
    let why = "with `peerCompleteVnets` off only the listed subnets talk; the others see a route and are dropped";
    let (near, far) = (path.start.as_ref()?.subnet.clone(), far_subnet(path)?);
    let changes = super::access_off::broken(path, BreakKind::SubnetExcluded).map(|one| {
        let (own, other) = if one.half == one.near { (&near, &far) } else { (&far, &near) };
        peering::add_subnets(path.estate, &one.half, own, other)
    });
    let changes = changes.collect();
    let mut finding = Finding::blocks(message, why)
        .at(&broken.half, broken.pointer.clone())
        .fix(Fix::of(changes));
    finding.fixes.extend(fixes::endpoint_nearby(path));
    Some(finding)
}

/// The subnet at the other end.
fn far_subnet(path: &Path) -> Option<ResourceId> {
    match &path.intended.as_ref()?.way {
        Way::Injected(subnet) => Some(subnet.clone()),
        Way::Endpoint(view) => view.subnet.clone().ok(),
        Way::Machine(machine) => Some(machine.subnet.clone()),
        Way::Public | Way::Beyond(_) => None,
    }
}
