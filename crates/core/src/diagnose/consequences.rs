//! Which findings follow from others, lie on a way that is not meant, or do not block after all.

use crate::checks;
use crate::finding::{Finding, Severity};
use crate::trace::appliance::Appliance;
use crate::trace::egress::Egress;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::gate::{self, Caller, Gate};
use crate::trace::leg::Leg;
use crate::trace::outward::Outward;
use crate::trace::route::Routed;
use crate::trace::step::{Outcome, Stage, Step, Verdict};
use crate::trace::{Leads, Path};

/// Faults of the way beyond a gateway, without which the tag VirtualNetwork does not hold the other end.
const WAYS_OUT: [&str; 4] = [
    "route/none",
    "route/gateway-transit-off",
    "route/gateway-propagation-off",
    "route/on-premises-overlap",
];

const WRONG_SERVER: &str = "endpoint/wrong-server";

/// Puts what follows from another fault under that fault.
pub(super) fn silence(path: &Path, findings: &mut [Finding]) {
    let first_dns = findings
        .iter()
        .find(|one| one.is_cause() && one.fault.starts_with("dns/"))
        .map(|one| one.fault);
    if matches!(path.leads, Leads::Fallback | Leads::Nowhere) {
        for finding in findings.iter_mut().filter(|one| one.on_fallback) {
            finding.consequence_of = first_dns;
        }
    }
    // To reach a resolver that knows no private zone helps nobody.
    const UNKNOWING: &str = "dns/custom-server-not-forwarding";
    if findings.iter().any(|one| one.is_cause() && one.fault == UNKNOWING) {
        for one in findings.iter_mut().filter(|one| one.fault == "dns/custom-server-unreachable") {
            one.consequence_of = Some(UNKNOWING);
        }
    }
    // The endpoint that was made for the source serves another server: so the source has none.
    if findings.iter().any(|one| one.is_cause() && one.fault == WRONG_SERVER) {
        let no_door = ["server/public-access-denied", "server/public-off-no-endpoint"];
        for finding in findings.iter_mut().filter(|one| no_door.contains(&one.fault)) {
            finding.consequence_of = Some(WRONG_SERVER);
        }
    }
    // A tier that has no VNet rules has none that lacks something.
    const NO_RULES: &str = "endpoint/tier-unsupported";
    if findings.iter().any(|one| one.is_cause() && one.fault == NO_RULES) {
        let of_rules = |fault: &str| {
            fault.starts_with("server/vnet-rule-") || fault == "server/service-endpoint-missing"
        };
        for finding in findings.iter_mut().filter(|one| of_rules(one.fault)) {
            finding.consequence_of = Some(NO_RULES);
        }
    }
    // An appliance beyond a peering that carries nothing.
    let is_of_peering = |one: &&Finding| one.is_cause() && one.fault.starts_with("peering/");
    let broken = findings.iter().find(is_of_peering).map(|one| one.fault);
    if path.intended.as_ref().is_some_and(|leg| leg.leads_out_of_reach(path.estate)) {
        for finding in findings.iter_mut().filter(|one| one.fault == "route/appliance-dead") {
            finding.consequence_of = broken;
        }
    }
    // Both directions lead to one appliance that is dead, or to which nothing leads: not to an address that nobody has, of which
    // each table has to be told.
    let is_one_hop =
        path.intended.as_ref().is_some_and(|leg| match (&leg.route, &leg.route_back) {
            (Some(Routed::Dead(there, appliance)), Some(Routed::Dead(back, _))) => {
                there.next_hop == back.next_hop && !appliance.is_nobody()
            }
            _ => false,
        });
    if is_one_hop {
        for finding in findings.iter_mut().filter(|one| one.fault == "route/return-asymmetric") {
            finding.consequence_of = Some("route/appliance-dead");
        }
    }
    // Neither the firewall's packets nor the answers to it cross a peering that carries nothing.
    let is_one_join = path.intended.as_ref().is_some_and(|leg| {
        leg.onward.as_ref().is_some_and(|onward| onward.dropped.is_none())
            && matches!(leg.route_back, Some(Routed::Dead(_, Appliance::OutOfReach(_))))
    });
    if is_one_join {
        for finding in findings.iter_mut().filter(|one| one.fault == "route/return-asymmetric") {
            finding.consequence_of = broken;
        }
    }
    // The tag of the source's subnet holds the copier's network once a route leads there.
    let lacks_a_way_back = |leg: &&Leg| {
        let is_kept = leg.guard.as_ref().and_then(Guard::sends_on) == Some(Sender::Kept);
        is_kept && leg.is_apart && matches!(leg.route_back, Some(Routed::Directly))
    };
    const NO_WAY_BACK: &str = "route/return-asymmetric";
    if let Some(leg) = path.intended.as_ref().filter(lacks_a_way_back)
        && findings.iter().any(|one| one.fault == NO_WAY_BACK)
    {
        let is_inbound = |one: &Finding| {
            let at = one.place.as_ref().map(|place| &place.resource);
            let groups = [&leg.inbound, &leg.inbound_interface].into_iter().flatten();
            groups.into_iter().any(|(group, _)| {
                at.is_some_and(|at| at == group || at.parent().as_ref() == Some(group))
            })
        };
        let missed = |one: &&mut Finding| {
            one.fault == "filter/outside-virtual-network-tag" && is_inbound(one)
        };
        findings.iter_mut().filter(missed).for_each(|one| one.consequence_of = Some(NO_WAY_BACK));
    }
    // Nor does it hold the hub, whose firewall puts an address of its own on the packets, without their join.
    let is_hub_apart = path.intended.as_ref().is_some_and(|leg| {
        leg.guard.as_ref().and_then(Guard::sends_on) == Some(Sender::Replaced)
            && leg.onward.as_ref().is_some_and(|onward| onward.dropped.is_none())
    });
    let is_tag = |one: &&mut Finding| one.fault == "filter/outside-virtual-network-tag";
    if let (true, Some(broken)) = (is_hub_apart, broken) {
        findings.iter_mut().filter(is_tag).for_each(|one| one.consequence_of = Some(broken));
    }
    let kept_from_hub = kept_from_hub(path, findings);
    for finding in findings.iter_mut().filter(|one| kept_from_hub.is_some() && of_spokes(one)) {
        finding.consequence_of = kept_from_hub;
    }
    // Without the join of the networks the tag VirtualNetwork does not hold the other one, and rules that let it pass miss.
    let joins = |fault: &str| fault.starts_with("peering/") || WAYS_OUT.contains(&fault);
    let outward = path.intended.as_ref().and_then(|leg| leg.outward.as_ref());
    let is_severed = matches!(outward, Some(Outward::Severed { .. }));
    let counts = |one: &&Finding| joins(one.fault) && (one.is_cause() || is_severed);
    let peering = findings.iter().find(counts).map(|one| one.fault).or(kept_from_hub);
    if let (Some(peering), Some(leg)) = (peering, &path.intended)
        && leg.onward.is_none()
    {
        let sides = [
            ("filter/outbound-denied", &leg.outbound_interface),
            ("filter/outbound-denied", &leg.outbound),
            ("filter/inbound-denied", &leg.inbound),
            ("filter/inbound-denied", &leg.inbound_interface),
            ("filter/endpoint-subnet-denied", &leg.inbound),
        ];
        for (fault, side) in sides {
            let Some((group, decision)) = side else { continue };
            if !decision.lacks_join() {
                continue;
            }
            let deciders = || decision.denied.iter().map(|(_, rule)| &rule.resource);
            let is_of = |one: &Finding| {
                let at = one.place.as_ref().map(|at| &at.resource);
                at.is_some_and(|at| at == group || deciders().any(|one| one == at))
            };
            // What nearly lets the packets pass follows from what denies them.
            let nearly = |one: &Finding| NEAR_MISSES.contains(&one.fault);
            let is_it = |one: &Finding| (one.fault == fault || nearly(one)) && is_of(one);
            for finding in findings.iter_mut().filter(|one| is_it(one)) {
                finding.consequence_of = Some(peering);
            }
        }
    }
}

/// The route that keeps packets from the firewall of a hub to which the answers are led: the two networks meet there, and a peering of
/// their own would be another way.
fn kept_from_hub(path: &Path, findings: &[Finding]) -> Option<&'static str> {
    let leg = path.intended.as_ref()?;
    let is_kept = matches!(leg.route, Some(Routed::Dropped(_) | Routed::Dead(..)));
    let leads_there = |one: &Finding| {
        let mut changes = one.fixes.iter().flat_map(|fix| &fix.changes);
        changes.any(|change| change.kind == "add-route")
    };
    let of_route = ["route/blackhole", "route/appliance-dead"];
    let mut causes = findings.iter().filter(|one| one.is_cause() && of_route.contains(&one.fault));
    let cause = causes.find(|one| leads_there(one)).filter(|_| is_kept && leg.is_led_back())?;
    Some(cause.fault)
}

/// Whether it is that two networks have no peering with each other at all.
fn of_spokes(finding: &Finding) -> bool {
    let is_of_network = || {
        let place = finding.place.as_ref();
        place.is_some_and(|at| at.resource.is_type("Microsoft.Network/virtualNetworks"))
    };
    ["peering/not-transitive", "peering/missing"].contains(&finding.fault) && is_of_network()
}

/// Faults of a rule that would let the packets pass, and misses them.
const NEAR_MISSES: [&str; 2] = ["filter/port-mismatch", "filter/outside-virtual-network-tag"];

/// What lies on the way to a front door that is shut, where there is no other: a new endpoint may pass it by, so that it is no cause
/// before somebody opens the door. It is where the door was made for the copier: that way is the one that is meant.
pub(super) fn behind_shut_door(path: &Path, findings: &mut [Finding]) {
    let leg = path.intended.as_ref();
    let gate = leg.and_then(|leg| leg.gate.as_ref());
    let seen = leg.and_then(|leg| leg.seen_as.clone()).map(Egress::Known);
    let egress = seen.as_ref().or(leg.and_then(|leg| leg.egress.as_ref()));
    let is_made =
        |start| gate::was_made_for(path.estate, &path.to_id, &path.to, &Caller { start, egress });
    if !matches!(gate, Some(Gate::PublicDenied)) || path.start.as_ref().is_some_and(is_made) {
        return;
    }
    let lies_on_it = |fault: &str| ["route/", "filter/"].iter().any(|area| fault.starts_with(area));
    for finding in findings.iter_mut().filter(|one| one.is_cause() && lies_on_it(one.fault)) {
        finding.severity = Severity::Risks;
    }
}

/// Faults of the way to the endpoint that a record names in place of the one that is meant: to mend them is another way out.
pub(super) fn on_detour(path: &Path, known: &[Finding]) -> Vec<Finding> {
    let Some(path) = path.by_detour() else { return Vec::new() };
    let lies_on_it = |fault: &str| {
        ["peering/", "route/", "filter/", "endpoint/"].iter().any(|area| fault.starts_with(area))
    };
    let checks = checks::ALL.iter().filter(|check| lies_on_it(check.fault));
    let found = checks.flat_map(|check| check.run(&path)).filter(|one| {
        !known.iter().any(|other| (other.fault, &other.place) == (one.fault, &one.place))
    });
    let leads_there = ["dns/record-overwritten", "dns/same-named-zone-linked"];
    let cause = known.iter().map(|one| one.fault).find(|fault| leads_there.contains(fault));
    let follows = |one| Finding { consequence_of: cause, ..one };
    found.map(follows).collect()
}

/// The steps that surely drop a part of the senders, whatever becomes of the others.
pub(super) fn partly_closed(path: &Path) -> Vec<Step> {
    let is_known = !matches!(path.leads, Leads::Unknown(_));
    let leg = path.taken().filter(|_| is_known);
    closing(leg.into_iter().flat_map(|leg| leg.steps()))
}

/// Steps that drop senders: some of them, or all by rules.
pub(super) fn closing<'s>(steps: impl Iterator<Item = &'s Step>) -> Vec<Step> {
    let drops = |step: &&Step| {
        step.outcome == Outcome::Drop && (step.dropped_part.is_some() || is_filter(step))
    };
    steps.filter(drops).cloned().collect()
}

fn is_filter(step: &Step) -> bool {
    matches!(step.stage, Stage::FilterOut | Stage::FilterIn)
}

/// What a server's name leads to is not known: then nothing that only its answer would show is certain, whatever else is wrong.
pub(super) fn doubt_names(path: &Path, verdict: Verdict, findings: Vec<Finding>) -> Vec<Finding> {
    // Of an open verdict they become risks, as all do.
    if verdict == Verdict::Undetermined || !matches!(path.leads, Leads::Unknown(_)) {
        return findings;
    }
    let hangs_on_it =
        |one: &Finding| one.severity == Severity::Blocks && NAMES.contains(&one.fault);
    findings.into_iter().map(|one| if hangs_on_it(&one) { one.possible() } else { one }).collect()
}

/// Faults of zones, their links and their records.
const NAMES: [&str; 5] = [
    "dns/record-missing",
    "dns/zone-not-linked",
    "dns/forwarder-network-not-linked",
    "dns/injected-source-zone-not-linked",
    "dns/same-named-zone-linked",
];

/// A fault on a way that is not taken, or not surely taken, does not block.
pub(super) fn weaken(verdict: Verdict, partly_closed: &[Step], findings: &mut [Finding]) {
    let severity = match verdict {
        Verdict::Reachable => Severity::Note,
        Verdict::Undetermined => Severity::Risks,
        Verdict::Unreachable | Verdict::Partial | Verdict::Inconsistent => return,
    };
    let is_at = |one: &Finding, step: &Step| {
        // Of several routes only one drops; rules and firewalls are told by their step alone.
        let is_route = matches!(step.stage, Stage::Route | Stage::Return);
        let reads = || one.place.as_ref().is_some_and(|place| step.facts.contains(place));
        one.stages().contains(&step.stage) && (!is_route || reads())
    };
    let stands = |one: &Finding| {
        verdict == Verdict::Undetermined && partly_closed.iter().any(|step| is_at(one, step))
    };
    for finding in findings.iter_mut().filter(|one| one.severity != Severity::Note) {
        let blocks = finding.severity == Severity::Blocks && !stands(finding);
        if verdict == Verdict::Reachable {
            // Mending what works can break it: a zone that gets linked without a record hides the name.
            finding.fixes.retain(|fix| !blocks && fix.changes.is_empty());
        }
        if blocks {
            finding.severity = severity;
        }
    }
}
