//! Packets reach the source, and a route on the source's side loses the answers.

use crate::change::route;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::{Routed, UserRoute};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    // Of networks that are apart nothing tells how the answers go.
    let is_joined = !leg.is_apart && !leg.is_perhaps_joined;
    let route = match (leg.route.as_ref()?, leg.route_back.as_ref()?) {
        (_, Routed::Dropped(route) | Routed::Dead(route, _)) => route,
        (Routed::Directly | Routed::ByUser(_), Routed::Elsewhere(route, _)) => {
            let who = format!("the answers of `{}`", path.to_id.name());
            return Some(one_half(route, &who, "the copier's packets"));
        }
        (Routed::Elsewhere(route, _), Routed::Directly | Routed::ByUser(_))
            if matches!(route.next_hop, NextHop::Appliance(_)) && is_joined =>
        {
            let others = format!("the answers of `{}`", path.to_id.name());
            return Some(one_half(route, "the copier's packets", &others));
        }
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

/// One direction goes directly and the other through an appliance, which sees half of each connection.
fn one_half(route: &UserRoute, led: &str, others: &str) -> Finding {
    let message = format!(
        "route `{}` of table `{}` takes {led} another way than {others}",
        route.name,
        route.table.name()
    );
    let why = "a firewall that sees half of each connection drops it; one that forwards blindly, or translates addresses, does not";
    Finding::blocks(message, why)
        .possible()
        .at(&route.resource, route.pointer.clone())
        .fix(Fix::advice("let both directions pass the appliance, or neither"))
}
