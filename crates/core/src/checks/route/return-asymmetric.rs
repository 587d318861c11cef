//! Packets reach the source, and a route on the source's side loses the answers.

use crate::change::route;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::{Routed, UserRoute};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let is_direct = matches!(leg.route, Some(Routed::Directly | Routed::ByUser(_)));
    let route = match &leg.route_back {
        Some(Routed::Dropped(route) | Routed::Dead(route, _)) => route,
        Some(Routed::Elsewhere(route, _)) if is_direct => return Some(one_half(path, route)),
        _ => return None,
    };
    let message = format!(
        "route `{}` of table `{}` drops the answers of `{}` to the copier",
        route.name,
        route.table.name(),
        path.to_id.name()
    );
    let why = "security rules let answers of an open connection pass; routes look at every packet";
    let fix = Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]);
    Some(Finding::blocks(message, why).at(&route.resource, route.pointer.clone()).fix(fix))
}

/// Packets go directly and the answers through an appliance, which sees half of each connection.
fn one_half(path: &Path, route: &UserRoute) -> Finding {
    let message = format!(
        "route `{}` of table `{}` takes the answers of `{}` another way than the copier's packets",
        route.name,
        route.table.name(),
        path.to_id.name()
    );
    let why =
        "a firewall that sees half of each connection drops it; one that forwards blindly does not";
    Finding::blocks(message, why)
        .possible()
        .at(&route.resource, route.pointer.clone())
        .fix(Fix::advice("let both directions pass the appliance, or neither"))
}
