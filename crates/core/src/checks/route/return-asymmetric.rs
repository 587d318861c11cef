//! Packets reach the source, and a route on the source's side loses the answers.

use crate::change::route;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::{Routed, UserRoute};
use crate::trace::route_words::appliance_words;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let answers = format!("the answers of `{}`", path.to_id.name());
    let (route, what) = match (leg.route.as_ref()?, leg.route_back.as_ref()?) {
        (_, Routed::Dropped(route)) => (route, format!("drops {answers} to the copier")),
        (_, Routed::Dead(route, appliance)) => {
            let words = appliance_words(appliance);
            (route, format!("hands {answers} to the copier to {words}"))
        }
        (Routed::Directly | Routed::ByUser(_), Routed::Elsewhere(route, _)) => {
            return Some(one_half(route, &answers, "the copier's packets"));
        }
        (Routed::Directly | Routed::ByUser(_), Routed::Doubtful(route, _))
            if route.next_hop == NextHop::Gateway =>
        {
            return Some(one_half(route, &answers, "the copier's packets"));
        }
        (Routed::Elsewhere(route, _), Routed::Directly | Routed::ByUser(_))
            if matches!(route.next_hop, NextHop::Appliance(_)) && !leg.is_perhaps_joined =>
        {
            let one_way = if leg.is_apart { no_way_back } else { one_half };
            return Some(one_way(route, "the copier's packets", &answers));
        }
        _ => return None,
    };
    let message = format!("route `{}` of table `{}` {what}", route.name, route.table.name());
    let why = "security rules let answers of an open connection pass; routes look at every packet";
    let fix = Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]);
    let finding = Finding::blocks(message, why).at(&route.resource, route.pointer.clone()).fix(fix);
    // An appliance on the way there may translate addresses: then answers go to that of its own.
    let is_handed_on = matches!(leg.route, Some(Routed::Elsewhere(..)));
    Some(if is_handed_on { finding.possible() } else { finding })
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

/// The two networks are not joined but by an appliance, to which no route of the source's subnet leads.
fn no_way_back(route: &UserRoute, led: &str, others: &str) -> Finding {
    let message = format!(
        "route `{}` of table `{}` takes {led} past a join that carries nothing, and no route leads {others} back",
        route.name,
        route.table.name()
    );
    let why = "answers to the copier's address die in the source's subnet; to that of an appliance which translates addresses they \
               come";
    Finding::blocks(message, why).possible().at(&route.resource, route.pointer.clone()).fix(
        Fix::advice(
            "give the server's subnet a route for the copier's subnet to the same appliance",
        ),
    )
}
