//! A user-defined route takes packets for a public source to a gateway, and on to another network.

use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(Routed::Elsewhere(route, _)) = &path.taken()?.route else { return None };
    if route.next_hop != NextHop::Gateway {
        return None;
    }
    let message = format!(
        "route `{}` ({}) sends packets to the source through the virtual network gateway",
        route.name, route.prefix
    );
    let why = "the packets leave from another network with another address, which the source may not let in";
    Some(Finding::blocks(message, why).possible().at(&route.resource, route.pointer.clone()).fix(Fix::advice(
        "turn the service endpoint Microsoft.Sql on for the subnet and add a VNet rule: its routes are longer than the default route",
    )))
}
