//! The VNet rule is there, and the copier's network is in another region than the source.

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(Gate::OtherRegion(rule, location)) = &path.taken()?.gate else { return None };
    let message = format!(
        "VNet rule `{}` has no effect: the subnet is in {location}, the source in {}",
        rule.name(),
        path.to.location.as_deref().unwrap_or("another region")
    );
    let why = "a VNet rule of a Single Server speaks of subnets of the server's own region only";
    let advice =
        || Fix::advice("reach the source through a private endpoint, which may be in any region");
    let fix = fixes::endpoint_nearby(path).unwrap_or_else(advice);
    let mut finding = Finding::blocks(message, why).at(rule, "").fix(fix);
    finding.on_fallback = path.leads == Leads::Fallback;
    Some(finding)
}
