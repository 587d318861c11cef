//! Only some subnets of the two networks are peered, and not the ones of this flow.

use crate::checks::{joins, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::breaks::BreakKind;

pub(super) fn find(path: &Path) -> Option<Finding> {
    by_family(path).or_else(|| by_name(path))
}

/// The peering carries IPv6 only.
fn by_family(path: &Path) -> Option<Finding> {
    let broken = joins::broken(path.intended.as_ref()?, BreakKind::Ipv6Only).next()?;
    let message = format!(
        "peering `{}` of network `{}` joins the IPv6 ranges of its subnets only",
        broken.half.name(),
        broken.half.name_at(0)
    );
    let why = "with `enableOnlyIPv6Peering` on no IPv4 packet crosses, and PostgreSQL on Azure speaks IPv4";
    let mut finding = Finding::blocks(message, why).at(&broken.half, broken.pointer.clone());
    finding.fixes.extend(new_endpoint::nearby(path));
    Some(finding.fix(Fix::advice(
        "delete both halves of the peering and create them again for IPv4: the family is no setting that can be changed",
    )))
}

/// Only named subnets are peered.
fn by_name(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let broken = joins::broken(leg, BreakKind::SubnetExcluded).next()?;
    let message = format!(
        "peering `{}` of network `{}` joins some subnets only, and not both of this flow",
        broken.half.name(),
        broken.half.name_at(0)
    );
    let why = "with `peerCompleteVnets` off only the listed subnets talk; the others see a route and are dropped";
    let mut finding = Finding::blocks(message, why)
        .at(&broken.half, broken.pointer.clone())
        .fix(Fix::of(joins::with_subnets(path, leg)));
    finding.fixes.extend(new_endpoint::nearby(path));
    Some(finding)
}
