//! The source is injected into a network, and its private zone is not linked to the copier's network.

use crate::change::dns;
use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::resolve::Answer;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    path.to.delegated_subnet.as_ref()?;
    let name = path
        .name
        .as_ref()
        .filter(|name| name.answer == Answer::NoSuchName && name.zone.is_none())
        .filter(|name| name.outside.is_none())?;
    let zone = path.to.private_zone.as_ref()?;
    // dns/forwarder-network-not-linked
    if name.place != start.vnet {
        return None;
    }
    let message = format!(
        "private DNS zone `{}` of server `{}` is not linked to network `{}`",
        zone.name(),
        path.to_id.name(),
        start.vnet.name()
    );
    let why =
        format!("{} is an alias into that zone and has no public address", name.names.join(" -> "));
    let fix = Fix::of(vec![dns::link_zone(path.estate, zone, &start.vnet, &path.to_id)]);
    let mut finding = Finding::blocks(message, why).at(zone, "").fix(fix);
    finding.fixes.extend(fixes::linked_ruleset(path));
    Some(finding)
}
