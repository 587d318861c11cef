//! The DNS servers of the copier's network cannot be reached from the copier's subnet.

use crate::change::route;
use crate::checks::{fixes, joins};
use crate::estate::filter::Direction;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::dns_servers::{custom_servers, dns_owner_words};
use crate::trace::route::Routed;
use crate::trace::step::Stage;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (server, leg) = path.dns_server.as_ref()?;
    let closed = || leg.steps().filter(|step| step.closes());
    // Rules that keep another network out follow from networks that are not joined.
    let joins = closed().find(|step| step.stage == Stage::Hop);
    let closed = joins.or_else(|| closed().next())?;
    let all = custom_servers(path.estate, start).unwrap_or_default();
    let others = all.iter().filter(|one| *one != server).map(|one| format!(", nor can {one}"));
    let message = format!(
        "DNS server {server} of {} cannot be reached on port 53: {}{}",
        dns_owner_words(path.estate, start),
        closed.detail,
        others.collect::<String>()
    );
    let says = closed.rule.as_ref().map(|rule| format!("the rule says: {rule}; "));
    let why = format!(
        "{}a network with DNS servers of its own asks nobody else: without them no name is found",
        says.unwrap_or_default()
    );
    let finding = Finding::blocks(message, why);
    let finding = match closed.facts.first() {
        Some(fact) => finding.at(&fact.resource, fact.pointer.clone()),
        None => finding.at(&start.vnet, path.estate.locate(&start.vnet, "", "dhcpOptions")),
    };
    let side = match closed.stage {
        Stage::FilterOut => [&leg.outbound_interface, &leg.outbound]
            .into_iter()
            .flatten()
            .find(|(_, decision)| !decision.denied.is_empty())
            .map(|side| (side, Direction::Outbound)),
        Stage::FilterIn => leg.inbound.as_ref().map(|side| (side, Direction::Inbound)),
        _ => None,
    };
    let routed = match closed.stage {
        Stage::Route => leg.route.as_ref(),
        Stage::Return => leg.route_back.as_ref(),
        _ => None,
    };
    let fix = match (side, routed) {
        _ if closed.stage == Stage::Hop => joins::mend(path, leg),
        (Some(((group, decision), direction)), _) => {
            fixes::let_questions_through(path, group, decision, direction, (leg, *server))
        }
        (None, Some(Routed::Dropped(route) | Routed::Dead(route, _))) => {
            Some(Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]))
        }
        (None, _) => None,
    };
    let fix = fix.unwrap_or_else(|| Fix::advice("mend the way to the DNS server"));
    Some(finding.fix(fix).fix(Fix::advice(
        "list a DNS server that can be reached, or take the list away where Azure's resolver knows all names that are asked for",
    )))
}
