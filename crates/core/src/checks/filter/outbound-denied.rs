//! A security rule of the copier's subnet denies the way out.

use crate::checks::fixes;
use crate::estate::filter::Direction;
use crate::estate::network::Subnet;
use crate::finding::Finding;
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::filter::Decision;
use crate::trace::route::usable_addresses;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (group, decision) = path.intended.as_ref()?.outbound.as_ref()?;
    denied(path, group, decision, Direction::Outbound, "")
}

/// The finding for a group that denies some or all senders.
pub(super) fn denied(
    path: &Path,
    group: &ResourceId,
    decision: &Decision,
    direction: Direction,
    subnet: &str,
) -> Option<Finding> {
    let (_, rule) = decision.denied.first()?;
    let start = path.start.as_ref()?;
    let sender = path.estate.get::<Subnet>(&start.subnet).ok()?;
    let denied = decision.denied_senders();
    let who = match denied == usable_addresses(sender) {
        true => format!("subnet `{}`", start.subnet.name()),
        false => denied.to_string(),
    };
    let way = match direction {
        Direction::Inbound => format!("the way into subnet `{subnet}`"),
        Direction::Outbound => "the way out".to_owned(),
    };
    let message = format!(
        "security rule `{}` (priority {}) of `{}` denies {who} {way} on port {}",
        rule.name,
        rule.priority,
        group.name(),
        path.port
    );
    let why =
        "rules are read from the lowest priority number up, and the first that matches decides";
    let mut finding = Finding::blocks(message, why).at(&rule.resource, rule.pointer.clone());
    finding.fixes.extend(fixes::let_through(path, group, decision, direction));
    Some(finding)
}
