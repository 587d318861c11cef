//! A route takes packets for a private endpoint to an appliance, and the answers do not come back that way.

use crate::estate::endpoint::Interface;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::appliance::Appliance;
use crate::trace::leg::Way;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref().filter(|leg| matches!(leg.way, Way::Endpoint(_)))?;
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let NextHop::Appliance(address) = &route.next_hop else { return None };
    if returns_to(path, leg.appliance.as_ref()) {
        return None;
    }
    let message = format!(
        "route `{}` ({}) takes packets for the private endpoint to the appliance at {address}",
        route.name, route.prefix
    );
    let why = "a private endpoint answers the sender directly: unless the appliance translates addresses, or has the tag \
               disableSnatOnPL, it sees half of each connection";
    Some(Finding::blocks(message, why).possible().at(&route.resource, route.pointer.clone()).fix(Fix::advice(
        "let the appliance translate addresses, tag its interface with disableSnatOnPL=true, or take the route away",
    )))
}

/// Whether answers of endpoints are known to come back to the appliance.
pub(super) fn returns_to(path: &Path, appliance: Option<&Appliance>) -> bool {
    let Some(Appliance::Forwards(nic)) = appliance else { return false };
    path.estate.get::<Interface>(nic).is_ok_and(|nic| nic.has_endpoint_answers)
}
