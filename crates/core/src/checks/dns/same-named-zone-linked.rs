//! Another zone of the same name is linked to the copier's network, so the one that holds the record cannot be.

use crate::change::{dns, record};
use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::leg;
use crate::trace::resolve::{self, Answer, Resolution};
use crate::trace::unproven;

const ONE_OF_A_NAME: &str = "a network can be linked to one zone of a name only, and a linked zone that lacks a name denies it";

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let name = path.name.as_ref()?;
    if let Some(finding) = before_own_zone(path, name) {
        return Some(finding);
    }
    // A public source's name is to be answered publicly: dns/public-name-shadowed.
    let is_denied = name.answer == Answer::NoSuchName && !path.is_shadowed;
    let (linked, link) = name.zone.as_ref().filter(|_| is_denied)?;
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
    let finding = Finding::blocks(message, ONE_OF_A_NAME).at(link, "");
    let is_linked_one = path.record_set().is_some_and(|(zone, _)| zone == *linked);
    let endpoint = path.endpoint().filter(|_| is_linked_one);
    let right = endpoint.map(|view| fixes::right_record(path, view)).unwrap_or_default();
    if !right.is_empty() {
        return Some(Finding { fixes: right, ..finding });
    }
    let address = record.addresses.as_ref().and_then(|list| list.first());
    let (Some(label), Some(address)) = (path.record_label(), address) else { return Some(finding) };
    Some(finding.fix(Fix::of(vec![record::set_record(path.estate, linked, &label, *address)])))
}

/// A zone that is linked in place of the one that the service keeps for an injected source.
fn before_own_zone(path: &Path, name: &Resolution) -> Option<Finding> {
    let subnet = path.to.delegated_subnet.as_ref()?;
    let own = path.to.private_zone.as_ref()?;
    let (zone, link) = name.zone.as_ref().filter(|(zone, _)| zone != own)?;
    let record = leg::own_record(path.estate, own, subnet);
    let is_wrong = match (&name.answer, &record) {
        (Answer::NoSuchName, _) => true,
        (Answer::Addresses(addresses), Some((_, right))) => !addresses.contains(right),
        _ => false,
    };
    if !is_wrong || unproven::unlisted_records(path.estate, zone).is_some() {
        return None;
    }
    let message = format!(
        "network `{}` is linked to zone `{}` of group `{}`; server `{}` has its record in that of group `{}`",
        name.place.name(),
        zone.name(),
        zone.resource_group(),
        path.to_id.name(),
        own.resource_group()
    );
    let mut finding = Finding::blocks(message, ONE_OF_A_NAME).at(link, "");
    finding.fixes.extend(record.map(|(id, address)| {
        Fix::of(vec![record::set_record(path.estate, zone, id.name(), address)])
    }));
    if unproven::is_empty(path.estate, zone) {
        let swap = vec![
            dns::unlink_zone(path.estate, link),
            dns::link_zone(path.estate, own, &name.place, &path.to_id),
        ];
        return Some(finding.fix(Fix::of(swap)));
    }
    Some(finding.fix(Fix::advice(format!(
        "delete link `{}` once nobody needs the records of its zone, and link zone `{}` of group `{}`",
        link.name(),
        own.name(),
        own.resource_group()
    ))))
}

/// A zone of the same name as another one, that has the record.
pub(super) fn other_with_record(path: &Path, zone: &ResourceId, name: &str) -> Option<ResourceId> {
    let mut others = path.estate.zones_named(zone.name()).into_iter().filter(|one| one != zone);
    others.find(|one| resolve::find_record(path.estate, one, name).is_some())
}
