//! A user-defined route drops the packets on their way to the source.

use crate::change::route;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Leg;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (leg, route) = path.legs().find_map(|leg| match &leg.route {
        Some(Routed::Dropped(route)) => Some((leg, route)),
        _ => None,
    })?;
    let message = format!(
        "route `{}` ({}) of table `{}` drops packets to the source",
        route.name,
        route.prefix,
        route.table.name()
    );
    let why = "a user-defined route beats Azure's own route of the same or a shorter prefix";
    let fix = Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]);
    let mut finding =
        Finding::blocks(message, why).at(&route.resource, route.pointer.clone()).fix(fix);
    finding.on_fallback = is_other_way(path, leg);
    Some(finding)
}

/// Whether a leg is the public way of a server whose private endpoint is meant.
pub(super) fn is_other_way(path: &Path, leg: &Leg) -> bool {
    path.fallback.as_ref().is_some_and(|fallback| std::ptr::eq(fallback, leg))
}
