//! Which findings are about one setting: the change that mends the one mends the other as well.

use serde_json::Value;

use crate::change::Change;
use crate::estate::network::Subnet;
use crate::finding::{Certainty, Finding};
use crate::trace::Path;
use crate::trace::front_route;
use crate::trace::gate::Gate;
use crate::trace::leg::Leg;
use crate::trace::step::Stage;

const NO_RESOLVER: &str = "dns/custom-server-unreachable";

/// Puts what another cause's change mends as well under that cause.
pub(super) fn silence(path: &Path, findings: &mut [Finding]) {
    if let Some(cause) = of_resolver(path, findings) {
        for one in findings.iter_mut() {
            let follows = one.fault == NO_RESOLVER || one.consequence_of == Some(NO_RESOLVER);
            if follows && (one.is_cause() || one.consequence_of.is_some()) {
                one.consequence_of = Some(cause);
            }
        }
    }
    if let Some(cause) = of_identity(path, findings) {
        let is_route =
            |one: &&mut Finding| ["route/blackhole", "route/appliance-dead"].contains(&one.fault);
        for one in findings.iter_mut().filter(is_route).filter(|one| one.is_cause()) {
            one.consequence_of = Some(cause);
        }
    }
    join_places(findings);
}

/// Puts a cause at the place of an earlier one, which one change mends with it, under that: a route that is in the way of both directions.
fn join_places(findings: &mut [Finding]) {
    for later in 1..findings.len() {
        let (before, rest) = findings.split_at_mut(later);
        let Some(one) = rest.first_mut().filter(|one| one.is_cause()) else { continue };
        let is_same = |first: &&Finding| {
            let first = *first;
            first.is_cause()
                && first.fault != one.fault
                && [first, one].iter().all(|one| one.fault.starts_with("route/"))
                && first.place.is_some()
                && first.place == one.place
                && is_one_mend(first, one) == Some(true)
        };
        if let Some(first) = before.iter().find(is_same) {
            one.consequence_of = Some(first.fault);
        }
    }
}

/// Whether some changes that mend one finding are those that mend another; `None` where no request mends one of them.
pub(super) fn is_one_mend(one: &Finding, other: &Finding) -> Option<bool> {
    mend(one).and(mend(other))?;
    let mut pairs = mends(one).flat_map(|one| mends(other).map(move |other| (one, other)));
    Some(pairs.any(|(one, other)| one.len() == other.len() && is_within(one, other)))
}

/// The first changes that mend a finding.
pub(super) fn mend(finding: &Finding) -> Option<&[Change]> {
    mends(finding).next()
}

fn mends(finding: &Finding) -> impl Iterator<Item = &[Change]> {
    finding.fixes.iter().map(|fix| &fix.changes[..]).filter(|changes| !changes.is_empty())
}

/// Whether all of some changes are among others, in whatever case ids are written.
fn is_within(changes: &[Change], others: &[Change]) -> bool {
    let is_of = |one: &Change, other: &Change| {
        (one.request.method, &one.resource) == (other.request.method, &other.resource)
            && gives_all(&other.request.body, &one.request.body)
    };
    changes.iter().all(|one| others.iter().any(|other| is_of(one, other)))
}

/// Whether a body is the same as another, or switches more on: flags of peerings, each of which lets more through.
fn gives_all(body: &Value, wanted: &Value) -> bool {
    match (body, wanted) {
        (Value::Object(body), Value::Object(wanted)) => {
            body.len() == wanted.len()
                && wanted.iter().all(|(name, wanted)| {
                    body.get(name).is_some_and(|value| gives_all(value, wanted))
                })
        }
        (Value::Bool(has), Value::Bool(wants)) => *has || !wants,
        (Value::String(text), Value::String(wanted)) => text.eq_ignore_ascii_case(wanted),
        _ => body == wanted,
    }
}

/// What keeps packets from the source, and questions from the network's DNS server too, where nothing else does that.
fn of_resolver(path: &Path, findings: &[Finding]) -> Option<&'static str> {
    let (_, leg) = path.dns_server.as_ref()?;
    let dns = findings.iter().find(|one| one.is_cause() && one.fault == NO_RESOLVER)?;
    let wanted = mend(dns).filter(|_| is_closed_once(path, leg))?;
    let lies_on_way =
        |fault: &str| ["peering/", "route/"].iter().any(|area| fault.starts_with(area));
    let mends = |one: &&Finding| {
        one.is_cause()
            && one.certainty == Certainty::Certain
            && lies_on_way(one.fault)
            && one.fixes.iter().any(|fix| is_within(wanted, &fix.changes))
    };
    findings.iter().find(mends).map(|one| one.fault)
}

/// Whether one thing alone closes a leg: what else drops packets follows from it.
fn is_closed_once(path: &Path, leg: &Leg) -> bool {
    let drops =
        |stage: Stage| leg.steps().filter(|step| step.closes() && step.stage == stage).count();
    let groups = [&leg.outbound_interface, &leg.outbound, &leg.inbound, &leg.inbound_interface];
    let stands_alone = groups
        .into_iter()
        .flatten()
        .any(|(_, decision)| !decision.denied.is_empty() && !decision.lacks_join());
    let routes = drops(Stage::Return)
        + if leg.leads_out_of_reach(path.estate) { 0 } else { drops(Stage::Route) };
    let is_one = if drops(Stage::Hop) > 0 { routes == 0 } else { routes == 1 };
    is_one && !stands_alone && leg.admin_denials.is_empty()
}

/// What the copier's subnet lacks to be known at the front door, where the service endpoint that belongs to it would lead past the routes
/// of the subnet's table.
fn of_identity(path: &Path, findings: &[Finding]) -> Option<&'static str> {
    let start = path.start.as_ref()?;
    let fault = match path.taken()?.gate.as_ref()? {
        Gate::ServiceEndpointMissing(_) => "server/service-endpoint-missing",
        Gate::RuleMissing { has_endpoint: false } => "server/vnet-rule-missing",
        _ => return None,
    };
    findings.iter().find(|one| one.is_cause() && one.fault == fault)?;
    let subnet = path.estate.find::<Subnet>(&start.subnet)?;
    let leads_past = front_route::leads_past(path.estate, (&start.subnet, subnet), &path.to);
    leads_past.then_some(fault)
}
