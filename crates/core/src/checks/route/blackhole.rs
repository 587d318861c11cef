//! A user-defined route drops the packets on their way to the source.

use crate::change::route;
use crate::checks::fixes;
use crate::estate::network::Subnet;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::{Leg, Way};
use crate::trace::route::{Routed, UserRoute, droppers};

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
    let mut finding = Finding::blocks(message, why).at(&route.resource, route.pointer.clone());
    if matches!(leg.way, Way::Public) {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    finding.fixes.push(without_routes(path, leg, route));
    finding.on_fallback = is_other_way(path, leg);
    Some(finding)
}

/// The table without the route: or without all that drop packets to public addresses, as the front door has any of them.
fn without_routes(path: &Path, leg: &Leg, first: &UserRoute) -> Fix {
    let subnet =
        path.start.as_ref().filter(|_| matches!(leg.way, Way::Public)).and_then(|start| {
            Some((&start.subnet, path.estate.get::<Subnet>(&start.subnet).ok()?))
        });
    let mut routes = subnet.map_or(Vec::new(), |subnet| droppers(path.estate, subnet));
    if !routes.iter().any(|one| one.name == first.name) {
        routes = vec![first.clone()];
    }
    let delete = |one: &UserRoute| route::delete(path.estate, &one.table, &one.name);
    Fix::of(routes.iter().map(delete).collect())
}

/// Whether a leg is the public way of a server whose private endpoint is meant.
pub(super) fn is_other_way(path: &Path, leg: &Leg) -> bool {
    path.fallback.as_ref().is_some_and(|fallback| std::ptr::eq(fallback, leg))
}
