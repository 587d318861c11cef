//! The link of the zone that answers is still being made.

use crate::finding::{Finding, Fix};
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let name = path.name.as_ref().filter(|name| name.is_link_pending)?;
    let (zone, link) = name.zone.as_ref()?;
    let message = format!(
        "virtual network link `{}` of zone `{}` is not completed",
        link.name(),
        zone.name()
    );
    let why = "until it is, the network resolves names of the zone now privately, now publicly";
    let pointer = path.estate.locate(link, "", "virtualNetworkLinkState");
    let finding = Finding::blocks(message, why).at(link, pointer).fix(Fix::advice(
        "wait until `virtualNetworkLinkState` is Completed, then capture and check again",
    ));
    // Both ways may be open.
    Some(if path.leads == Leads::Intended { finding.note() } else { finding })
}
