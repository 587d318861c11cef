//! A default route through an appliance, without the routes that an injected server needs beside it.

use crate::estate::network::{NextHop, RoutePrefix, Subnet};
use crate::finding::{Finding, Fix, Severity};
use crate::trace::{Path, route};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let subnet = path.estate.get::<Subnet>(&start.subnet).ok()?;
    let (table, routes) = route::user_routes(path.estate, (&start.subnet, subnet)).ok()??;
    let default = routes.iter().find(|route| {
        matches!(&route.prefix, RoutePrefix::Network(net) if net.prefix_len() == 0)
            && matches!(route.next_hop, NextHop::Appliance(_))
    })?;
    let own = routes.iter().any(|route| {
        matches!(&route.prefix, RoutePrefix::Network(net) if subnet.prefixes.contains(net))
            && route.next_hop == NextHop::Local
    });
    let entra = routes.iter().any(|route| {
        matches!(&route.prefix, RoutePrefix::Tag(tag) if tag.eq_ignore_ascii_case("AzureActiveDirectory"))
            && route.next_hop == NextHop::Internet
    });
    let lacks = match (own, entra) {
        (true, true) => return None,
        (false, true) => "the subnet's own range",
        (true, false) => "the tag AzureActiveDirectory",
        (false, false) => "the subnet's own range and the tag AzureActiveDirectory",
    };
    let message = format!(
        "route `{}` of table `{}` takes everything to an appliance, and {lacks} too",
        default.name,
        table.name()
    );
    let why = "an injected server reaches its own peers and Entra directly; without routes for them it may fail by itself";
    let mut finding = Finding::blocks(message, why).at(&default.resource, default.pointer.clone());
    finding.severity = Severity::Risks;
    Some(finding.fix(Fix::advice(
        "add a route of the subnet's prefix to the virtual network, and one of AzureActiveDirectory to the internet",
    )))
}
