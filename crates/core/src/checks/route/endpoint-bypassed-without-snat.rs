//! A route takes packets for a private endpoint to an appliance, and the answers do not come back that way.

use crate::checks::joins;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::appliance;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref().filter(|leg| leg.is_bypassed(path.estate))?;
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let subnet = &path.start.as_ref()?.subnet;
    let (who, _) = appliance::name(path.estate, subnet, &route.next_hop);
    let message = format!(
        "route `{}` ({}) takes packets for the private endpoint to {who}",
        route.name, route.prefix
    );
    let why = "a private endpoint answers the sender directly: unless the appliance translates addresses, or has the tag \
               disableSnatOnPL, it sees half of each connection";
    // An Azure Firewall has no interface of the user's that could bear the tag.
    let fix = match appliance::firewall_at(path.estate, subnet, &route.next_hop).is_some() {
        true => "let the firewall translate private addresses too (SNAT), or take the route away",
        false => {
            "let the appliance translate addresses, tag its interface with disableSnatOnPL=true, or take the route away"
        }
    };
    let finding = Finding::blocks(message, why).possible();
    let mut finding = finding.at(&route.resource, route.pointer.clone()).fix(Fix::advice(fix));
    let taken = route.prefix.parse().ok();
    finding.fixes.extend(taken.and_then(|taken| joins::direct(path, leg, taken)));
    Some(finding)
}
