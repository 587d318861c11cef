//! The way of questions to a DNS server: what closes it, and what opens it.

use std::net::Ipv4Addr;

use crate::change::route;
use crate::checks::{fixes, joins};
use crate::estate::filter::Direction;
use crate::finding::Fix;
use crate::trace::Path;
use crate::trace::decision::Decision;
use crate::trace::leg::Leg;
use crate::trace::outward::Outward;
use crate::trace::route::Routed;
use crate::trace::step::{Stage, Step};

/// What closes the way. Rules that keep another network out follow from networks that are not joined.
pub(super) fn closed(leg: &Leg) -> Option<&Step> {
    let closed = || leg.steps().filter(|step| step.closes());
    // To an address that no route leads to no rule would help.
    let at = |stage: Stage| closed().find(move |step| step.stage == stage);
    let by_default =
        |(_, decision): &(_, Decision)| decision.denied.iter().all(|(_, rule)| rule.is_default());
    let leads_nowhere = matches!(leg.outward, Some(Outward::Nowhere));
    let is_bare = leads_nowhere && leg.outbound.as_ref().is_none_or(by_default);
    let routed = if is_bare { at(Stage::Route) } else { None };
    at(Stage::Hop).or(routed).or_else(|| closed().next())
}

/// Lets questions of the path's start through there; `None` where nobody knows how.
pub(super) fn mend(path: &Path, leg: &Leg, server: Ipv4Addr) -> Option<Fix> {
    let closed = closed(leg)?;
    let side = |groups: [_; 2], direction| {
        let mut groups = groups.into_iter().flatten();
        groups
            .find(|(_, decision): &&(_, Decision)| !decision.denied.is_empty())
            .map(|side| (side, direction))
    };
    let side = match closed.stage {
        Stage::FilterOut => side([&leg.outbound_interface, &leg.outbound], Direction::Outbound),
        Stage::FilterIn => side([&leg.inbound, &leg.inbound_interface], Direction::Inbound),
        _ => None,
    };
    if let Some(((group, decision), direction)) = side {
        return fixes::let_questions_through(path, group, decision, direction, (leg, server));
    }
    let routed = match closed.stage {
        Stage::Hop => return joins::mend(path, leg),
        Stage::Route => leg.route.as_ref(),
        Stage::Return => leg.route_back.as_ref(),
        _ => None,
    };
    match (routed, leg.outward.as_ref().map(Outward::past_the_cut)) {
        (Some(Routed::Dropped(route) | Routed::Dead(route, _)), _) => {
            Some(Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]))
        }
        (_, Some(Outward::NotLent { half, pointer, .. })) => {
            Some(fixes::lend_gateway(path, half, pointer))
        }
        _ => None,
    }
}
