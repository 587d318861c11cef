//! A user-defined route takes packets for a public source to a gateway, and on to another network.

use crate::checks::fixes;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Way;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(Routed::Elsewhere(route, _)) = &path.taken()?.route else { return None };
    if route.next_hop != NextHop::Gateway {
        return None;
    }
    let message = format!(
        "route `{}` ({}) sends packets to `{}` through the virtual network gateway",
        route.name,
        route.prefix,
        path.to_id.name()
    );
    let why = "the packets leave from another network with another address, which the server may not let in";
    let mut finding =
        Finding::blocks(message, why).possible().at(&route.resource, route.pointer.clone());
    if path.taken().is_some_and(|leg| matches!(leg.way, Way::Public)) {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    Some(finding.fix(Fix::advice(
        "let the network beyond the gateway lead to the server, and its public address in there",
    )))
}
