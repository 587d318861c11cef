//! A user-defined route hands the packets to an appliance that surely does not forward them.

use crate::change::interface;
use crate::change::route as routes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::appliance::Appliance;
use crate::trace::route::Routed;
use crate::trace::words::appliance_words;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (route, appliance) = path.legs().find_map(|leg| match &leg.route {
        Some(Routed::Dead(route, appliance)) => Some((route, appliance)),
        _ => None,
    })?;
    let message = format!(
        "route `{}` ({}) of table `{}` hands packets to {}",
        route.name,
        route.prefix,
        route.table.name(),
        appliance_words(appliance)
    );
    let why = "Azure delivers such packets to the interface with that address, and drops what that one may not forward";
    let mut finding = Finding::blocks(message, why);
    finding = match appliance {
        Appliance::Stands(nic) => {
            let pointer = path.estate.locate(nic, "", "enableIPForwarding");
            let fix = Fix::of(vec![interface::turn_on_forwarding(path.estate, nic)]);
            finding.at(nic, pointer).fix(fix)
        }
        _ => finding.at(&route.resource, route.pointer.clone()),
    };
    Some(finding.fix(Fix::of(vec![routes::delete(path.estate, &route.table, &route.name)])))
}
