//! A user-defined route hands the packets to an appliance whose rules are not in the estate.

use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(Routed::Elsewhere(route, _)) = &path.taken()?.route else { return None };
    let NextHop::Appliance(address) = &route.next_hop else { return None };
    let message = format!(
        "route `{}` ({}) sends packets to the source through the appliance at {address}",
        route.name, route.prefix
    );
    let why = "an appliance filters by rules of its own; it must let port 5432 pass and return the answers the same way";
    Some(Finding::blocks(message, why).possible().at(&route.resource, route.pointer.clone()).fix(Fix::advice(
        "look for the flow in the appliance's log, and let the target's subnet reach the source's address on port 5432 there",
    )))
}
