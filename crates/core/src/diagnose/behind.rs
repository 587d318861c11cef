//! What is wrong behind a hub's firewall that no packet comes to: told by the estate in which the way there is mended.

use serde_json::Value;

use super::{Question, Report, check_to_depth};
use crate::change::Change;
use crate::checks::firewall_routes;
use crate::estate::Estate;
use crate::finding::{Certainty, Finding};
use crate::repair::search;
use crate::trace::Path;
use crate::trace::leg::Way;
use crate::trace::route::Routed;
use crate::trace::step::Fact;

/// Faults of the way behind the first one that are told.
const TOLD: [&str; 6] = [
    "route/opaque-appliance",
    "route/appliance-dead",
    "route/blackhole",
    "route/none",
    "route/gateway-propagation-off",
    NO_WAY_BACK,
];

const NO_WAY_BACK: &str = "route/return-asymmetric";

/// Faults mended one after the other.
pub(super) const DEPTH_MAX: usize = 3;

/// Adds the causes that are certain once the packets come to the firewall of a hub, and marks those that follow from them.
pub(super) fn add(
    report: &mut Report,
    path: &Path,
    (estate, question): (&Estate, &Question),
    depth: usize,
) {
    let Some(leg) = path.intended.as_ref().filter(|_| depth > 0) else { return };
    let is_led_back = leg.is_led_back() || firewall_routes::lead_back(path, leg);
    let is_out_of_reach = leg.leads_out_of_reach(estate) && leg.leads_to_firewall(estate);
    let first = match (&leg.route, &leg.onward) {
        _ if is_out_of_reach => "peering/",
        (_, Some(onward)) if onward.dropped.is_some() => "route/blackhole",
        (Some(Routed::Dropped(_)), _)
            if is_led_back || leg.is_apart || matches!(leg.way, Way::Beyond(_)) =>
        {
            "route/blackhole"
        }
        (Some(Routed::Dead(..)), _) if is_led_back || leg.is_apart => "route/appliance-dead",
        (Some(Routed::Directly), None) if is_led_back => "peering/not-transitive",
        _ => return,
    };
    let mends = |one: &&Finding| one.fault.starts_with(first) && is_certain_cause(one);
    let Some(first) = report.findings.iter().find(mends) else { return };
    let Some(fix) = first.fixes.iter().find(|fix| !fix.changes.is_empty()) else { return };
    // That the two ends get a peering of their own, or lose a route, tells nothing of the firewall.
    let leads_there = match first.fault {
        "peering/not-transitive" => fix.changes[0].kind != "create-peering",
        "route/appliance-dead" => fix
            .changes
            .iter()
            .all(|one| one.kind == "set-next-hop" || is_led_back && one.kind == "add-route"),
        _ => true,
    };
    if !leads_there {
        return;
    }
    let (fault, changes): (_, &[Change]) = (first.fault, &fix.changes);
    let after = search::apply(estate, changes);
    let (mut mended, reads) = after.watch(|after| check_to_depth(after, question, depth - 1));
    estate.note_reads(&reads);
    let is_same =
        |one: &Finding, other: &Finding| (one.fault, &one.place) == (other.fault, &other.place);
    for place in mended.findings.iter_mut().filter_map(|one| one.place.as_mut()) {
        restore(place, &after, estate);
    }
    // The fix has to mend that one, and to make nothing new.
    if mended.findings.iter().any(|one| one.fault == fault && is_same(one, first)) {
        return;
    }
    let is_known = |one: &Finding| report.findings.iter().any(|other| is_same(one, other));
    let is_told = |one: &Finding| one.fault.starts_with("peering/") || TOLD.contains(&one.fault);
    let new: Vec<Finding> = mended
        .findings
        .iter()
        .filter(|one| is_certain_cause(one) && is_told(one) && !is_known(one))
        .cloned()
        .collect();
    let first = fault;
    for finding in &mut report.findings {
        let later = mended.findings.iter().find(|one| is_same(one, finding));
        let follows = later.and_then(|later| later.consequence_of);
        if let Some(cause) = follows.filter(|cause| new.iter().any(|one| one.fault == *cause))
            && finding.is_cause()
        {
            finding.consequence_of = Some(cause);
        }
        // Answers to the firewall's own address go another way than those to the copier.
        if is_out_of_reach && later.is_none() && finding.fault == NO_WAY_BACK && finding.is_cause()
        {
            finding.consequence_of = Some(first);
        }
    }
    report.findings.extend(new);
}

/// Points at the same element of a list as it stood before changes that moved it.
fn restore(place: &mut Fact, after: &Estate, before: &Estate) {
    let Some((list, _)) = place.pointer.rsplit_once('/') else { return };
    let (Some(now), Some(then)) = (after.body(&place.resource), before.body(&place.resource))
    else {
        return;
    };
    let Some(element) = now.pointer(&place.pointer).filter(|one| one.is_object()) else { return };
    let listed = then.pointer(list).and_then(Value::as_array);
    if let Some(index) = listed.and_then(|all| all.iter().position(|one| one == element)) {
        place.pointer = format!("{list}/{index}");
    }
}

fn is_certain_cause(one: &Finding) -> bool {
    one.is_cause() && one.certainty == Certainty::Certain
}
