//! Another zone of the same name is linked to the copier's network, so the one that holds the record cannot be.

use crate::change::dns;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::resolve::{self, Answer};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let name = path.name.as_ref()?;
    let (linked, link) = name.zone.as_ref().filter(|_| name.answer == Answer::NoSuchName)?;
    let full = resolve::private_link_name(&path.server_name())?;
    let full_zone = other_with_record(path, linked, &full)?;
    let (_, record) = resolve::find_record(path.estate, &full_zone, &full)?;
    let message = format!(
        "network `{}` is linked to zone `{}` of group `{}`; the record is in the zone of group `{}`",
        start.vnet.name(),
        linked.name(),
        linked.resource_group(),
        full_zone.resource_group()
    );
    let why = "a network can be linked to one zone of a name only, and a linked zone that lacks a name denies it";
    let mut finding = Finding::blocks(message, why).at(link, "");
    // The other zone's record may be of another endpoint than the one that is meant.
    let meant = path.endpoint().and_then(|view| view.addresses.as_ref().ok());
    let address = meant.or(record.addresses.as_ref()).and_then(|list| list.first());
    if let (Some(label), Some(address)) = (path.record_label(), address) {
        finding =
            finding.fix(Fix::of(vec![dns::set_record(path.estate, linked, &label, *address)]));
    }
    Some(finding)
}

/// A zone of the same name as another one, that has the record.
pub(super) fn other_with_record(path: &Path, zone: &ResourceId, name: &str) -> Option<ResourceId> {
    let mut others = path.estate.zones_named(zone.name()).into_iter().filter(|one| one != zone);
    others.find(|one| resolve::find_record(path.estate, one, name).is_some())
}
