//! A user-defined route drops the packets on their way to the source.

use crate::change::route as change;
use crate::checks::{firewall_routes, fixes, new_endpoint};
use crate::estate::network::{NextHop, Subnet};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::front_route::droppers;
use crate::trace::leg::{Leg, Way};
use crate::trace::outward::{self, Outward};
use crate::trace::route::{Routed, UserRoute, hands_on_beneath};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let dropped = path.legs().find_map(|leg| match &leg.route {
        Some(Routed::Dropped(route)) => Some((leg, route)),
        _ => None,
    });
    let Some((leg, route)) = dropped else { return onward(path).or_else(|| perhaps(path)) };
    let routes = dropping(path, leg, route);
    let others: Vec<String> = routes
        .iter()
        .filter(|one| one.name != route.name)
        .map(|one| format!(", and so does `{}` ({})", one.name, one.prefix))
        .collect();
    let message = format!(
        "route `{}` ({}) of table `{}` drops packets to `{}`{}",
        route.name,
        route.prefix,
        route.table.name(),
        path.to_id.name(),
        others.concat()
    );
    let why = match route.next_hop {
        NextHop::Gateway => {
            "the copier's network has no virtual network gateway and uses none of a peered network: nothing is there \
                             that takes such packets on"
        }
        NextHop::Local => {
            "VnetLocal carries packets between the network's own addresses, and nobody there has this one"
        }
        _ => "a user-defined route beats Azure's own route of the same or a shorter prefix",
    };
    let mut finding = Finding::blocks(message, why).at(&route.resource, route.pointer.clone());
    if matches!(leg.way, Way::Public) {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    let delete = |one: &UserRoute| change::delete(path.estate, &one.table, &one.name);
    let mut ways = longer(path, leg);
    // What the table meant without it comes first.
    let place = if hides_an_appliance(path, leg) { 0 } else { ways.len() };
    ways.insert(place, Fix::of(routes.iter().map(delete).collect()));
    finding.fixes.extend(ways);
    finding.fixes.extend(new_endpoint::instead(path));
    finding.on_fallback = is_other_way(path, leg);
    Some(finding)
}

/// Routes for the source alone beside the one that drops the packets: to the gateway that leads there, or to a hub's firewall.
fn longer(path: &Path, leg: &Leg) -> Vec<Fix> {
    let Way::Beyond(address) = leg.way else { return firewall_routes::through_hub(path, leg) };
    let (Some(start), Some(Routed::Dropped(route))) = (path.start.as_ref(), &leg.route) else {
        return Vec::new();
    };
    let Outward::Through(line) = outward::outward(path.estate, &start.vnet, address) else {
        return Vec::new();
    };
    let added = change::add_to_gateway(path.estate, &route.table, address, &line.vnet);
    added.map(|route| Fix::of(vec![route])).into_iter().collect()
}

/// Whether packets to what stands beyond a gateway would go to an appliance without the route that drops them.
fn hides_an_appliance(path: &Path, leg: &Leg) -> bool {
    let (Way::Beyond(address), Some(start)) = (&leg.way, &path.start) else { return false };
    let subnet = path.estate.find::<Subnet>(&start.subnet);
    subnet.is_some_and(|subnet| hands_on_beneath(path.estate, (&start.subnet, subnet), *address))
}

/// A route of the firewall's own subnet drops what the firewall sends on.
fn onward(path: &Path) -> Option<Finding> {
    let onward = path.taken()?.onward.as_ref()?;
    let route = onward.dropped.as_ref()?;
    let message = format!(
        "route `{}` ({}) of table `{}` drops what the firewall in subnet `{}` sends on to `{}`",
        route.name,
        route.prefix,
        route.table.name(),
        onward.subnet.name(),
        path.to_id.name()
    );
    let why = "a firewall of Azure has no tunnels of its own: what it sends on leaves by the routes of its subnet";
    let fix = Fix::of(vec![change::delete(path.estate, &route.table, &route.name)]);
    Some(Finding::blocks(message, why).at(&route.resource, route.pointer.clone()).fix(fix))
}

/// A route leads where it is not known that packets go on: into a network of unknown addresses, or to a gateway that nobody captured.
fn perhaps(path: &Path) -> Option<Finding> {
    let leg = path.taken()?;
    let vnet = &path.start.as_ref()?.vnet;
    let route = match leg.route.as_ref()? {
        Routed::Doubtful(route, _) => route,
        Routed::Elsewhere(route, _)
            if route.next_hop == NextHop::Gateway
                && !outward::may_use_gateway(path.estate, vnet) =>
        {
            route
        }
        _ => return None,
    };
    let (where_to, why) = match route.next_hop {
        NextHop::Gateway => (
            format!(
                "to a virtual network gateway, and none of network `{}` or of a peered one that it uses was captured",
                vnet.name()
            ),
            "where no gateway is, nothing takes such packets on",
        ),
        _ => (
            "into the copier's own network, whose address space was not captured".to_owned(),
            "VnetLocal carries packets between the network's own addresses alone",
        ),
    };
    let message = format!(
        "route `{}` ({}) of table `{}` leads packets to `{}` {where_to}",
        route.name,
        route.prefix,
        route.table.name(),
        path.to_id.name()
    );
    let mut finding = Finding::blocks(message, why).possible();
    if matches!(leg.way, Way::Public) {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    let fix = Fix::of(vec![change::delete(path.estate, &route.table, &route.name)]);
    Some(finding.at(&route.resource, route.pointer.clone()).fix(fix))
}

/// The route, and all others that drop packets to public addresses beside it, as a front door has any of them.
fn dropping(path: &Path, leg: &Leg, first: &UserRoute) -> Vec<UserRoute> {
    let start = path.start.as_ref().filter(|_| matches!(leg.way, Way::Public));
    let subnet =
        start.and_then(|start| Some((&start.subnet, path.estate.find::<Subnet>(&start.subnet)?)));
    let routes = subnet.map_or(Vec::new(), |subnet| droppers(path.estate, subnet));
    match routes.iter().any(|one| one.name == first.name) {
        true => routes,
        false => vec![first.clone()],
    }
}

/// Whether a leg is the public way of a server whose private endpoint is meant.
pub(super) fn is_other_way(path: &Path, leg: &Leg) -> bool {
    path.fallback.as_ref().is_some_and(|fallback| std::ptr::eq(fallback, leg))
}
