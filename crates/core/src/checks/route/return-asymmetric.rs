//! Packets reach the source, and a route on the source's side loses the answers.

use crate::change::route;
use crate::checks::firewall_routes;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::hop::Joined;
use crate::trace::leg::{Leg, Way};
use crate::trace::route::{Routed, UserRoute};
use crate::trace::route_words::appliance_words;
use crate::trace::sides::is_handed_on;
use crate::trace::step::{Outcome, Step};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let is_lost = is_lost(leg);
    // Answers to an address of the firewall's own find it by themselves.
    let is_lost_on_a_route = matches!(leg.route_back, Some(Routed::Dropped(_) | Routed::Dead(..)));
    if sender(leg) == Some(Sender::Replaced) && !is_lost && !is_lost_on_a_route {
        return None;
    }
    let answers = format!("the answers of `{}`", path.to_id.name());
    let (route, what) = match (leg.route.as_ref()?, leg.route_back.as_ref()?) {
        (_, Routed::Dropped(route)) => (route, format!("drops {answers} to the copier")),
        (_, Routed::Dead(route, appliance)) => {
            let words = appliance_words(route, appliance);
            (route, format!("hands {answers} to the copier to {words}"))
        }
        // No packet comes so far: the route there is what lacks.
        (Routed::Directly, Routed::Elsewhere(..))
            if matches!(leg.joined, Some(Joined::Apart { .. }))
                && firewall_routes::there(path, leg).is_some() =>
        {
            return None;
        }
        (Routed::Directly | Routed::ByUser(_), Routed::Elsewhere(route, _)) => {
            return Some(half_seen(path, leg, (route, &answers, "the copier's packets")));
        }
        (Routed::Elsewhere(..), Routed::Elsewhere(route, _)) if is_lost => {
            return Some(half_seen(path, leg, (route, &answers, "the copier's packets")));
        }
        (Routed::Directly | Routed::ByUser(_), Routed::Doubtful(route, _))
            if route.next_hop == NextHop::Gateway =>
        {
            return Some(half_seen(path, leg, (route, &answers, "the copier's packets")));
        }
        (Routed::Elsewhere(route, _), Routed::Directly | Routed::ByUser(_))
            if matches!(route.next_hop, NextHop::Appliance(_))
                && (is_lost || !leg.is_perhaps_joined) =>
        {
            let one_way = if leg.is_apart { no_way_back } else { half_seen };
            return Some(one_way(path, leg, (route, "the copier's packets", &answers)));
        }
        _ => return None,
    };
    let message = format!("route `{}` of table `{}` {what}", route.name, route.table.name());
    let why = "security rules let answers of an open connection pass; routes look at every packet";
    let mut finding = Finding::blocks(message, why).at(&route.resource, route.pointer.clone());
    finding.fixes.extend(firewall_routes::back(path, leg));
    if leg.guard.is_none() {
        finding.fixes.extend(firewall_routes::through_hub(path, leg));
    }
    if let Some(Routed::Dead(_, appliance)) = &leg.route_back {
        finding.fixes.extend(super::appliance_dead::to_the_firewall(path, route, appliance));
    }
    finding.fixes.push(Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]));
    // An appliance on the way there may translate addresses: then answers go to that of its own.
    Some(if is_handed_on(leg) { finding.possible() } else { finding })
}

/// Whether an Azure Firewall surely drops the answers, or the packets that follow them: of all senders or of some, it sees half of each
/// connection.
fn is_lost(leg: &Leg) -> bool {
    let decides = match &leg.route_back {
        Some(Routed::Elsewhere(route, _) | Routed::ByUser(route)) => Some(&route.table),
        _ => None,
    };
    let is_it = |at: &ResourceId| match decides {
        Some(table) => at == table,
        None => at.is_type("microsoft.network/virtualnetworks/subnets"),
    };
    let drops =
        |step: &Step| step.outcome == Outcome::Drop && step.resource.as_ref().is_some_and(is_it);
    leg.back.iter().any(drops)
}

/// Whom packets come from that an Azure Firewall has sent on.
fn sender(leg: &Leg) -> Option<Sender> {
    leg.guard.as_ref().and_then(Guard::sends_on)
}

/// One direction goes directly and the other through an appliance, which sees half of each connection.
fn half_seen(path: &Path, leg: &Leg, (route, led, others): (&UserRoute, &str, &str)) -> Finding {
    let message = format!(
        "route `{}` of table `{}` takes {led} another way than {others}",
        route.name,
        route.table.name()
    );
    let both_or_neither = Fix::advice("let both directions pass the appliance, or neither");
    if !is_lost(leg) {
        let why = "a firewall that sees half of each connection drops it; one that forwards blindly, or translates addresses, does not";
        let finding = Finding::blocks(message, why).possible();
        return finding.at(&route.resource, route.pointer.clone()).fix(both_or_neither);
    }
    let why = "an Azure Firewall drops a connection that it sees half of";
    let mut finding = Finding::blocks(message, why)
        .at(&route.resource, route.pointer.clone())
        .fix(both_or_neither);
    finding.fixes.extend(firewall_routes::back(path, leg));
    if matches!(leg.way, Way::Beyond(_)) {
        finding.fixes.extend(firewall_routes::there(path, leg));
    }
    finding.fixes.push(Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]));
    finding
}

/// The two networks are joined by an appliance alone, to which no route of the source's subnet leads.
fn no_way_back(path: &Path, leg: &Leg, (route, led, others): (&UserRoute, &str, &str)) -> Finding {
    let message = format!(
        "route `{}` of table `{}` leads {led} to an appliance, and no route leads {others} back: nothing else joins the two networks",
        route.name,
        route.table.name()
    );
    let is_kept = sender(leg) == Some(Sender::Kept);
    let why = match is_kept {
        true => {
            "the firewall keeps the copier's address, and answers to that are dropped in the source's subnet"
        }
        false => {
            "answers to the copier's address are dropped in the source's subnet; to that of an appliance which translates addresses they \
               come"
        }
    };
    let advice = "give the server's subnet a route for the copier's subnet to the same appliance";
    let finding = Finding::blocks(message, why).at(&route.resource, route.pointer.clone());
    if !is_kept {
        return finding.fix(Fix::advice(advice)).possible();
    }
    match firewall_routes::back(path, leg) {
        Some(fix) => finding.fix(fix),
        None => finding.fix(Fix::advice(advice)),
    }
}
