//! Another zone of the same name is linked to the copier's network, so the one that holds the record cannot be.

use crate::change::{dns, record};
use crate::checks::fixes;
use crate::estate::dns::Record;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::own_zone;
use crate::trace::resolve::{self, Answer, Resolution};
use crate::trace::unproven;
use crate::trace::{Leads, Path};

const ONE_OF_A_NAME: &str = "a network can be linked to one zone of a name only, and a linked zone that lacks a name denies it";

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let name = path.name.as_ref()?;
    if let Some(finding) = before_own_zone(path, name).or_else(|| of_another_region(path, name)) {
        return Some(finding);
    }
    let lacks = match &name.answer {
        // A public source's name is to be answered publicly: dns/public-name-shadowed.
        Answer::NoSuchName => !path.is_shadowed,
        // The link sends names that its zone lacks on to public DNS.
        Answer::Public => path.asks_zones() && path.leads != Leads::Intended,
        Answer::Addresses(_)
        | Answer::Injected
        | Answer::Kept
        | Answer::NoAnswer
        | Answer::Unknown(_) => false,
    };
    let (linked, link) = name.zone.as_ref().filter(|_| lacks)?;
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
    let record = own_zone::own_record(path.estate, own, subnet);
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

/// A zone that is linked in place of the one that names the endpoint which is meant: it names another one, which this network cannot reach.
fn of_another_region(path: &Path, name: &Resolution) -> Option<Finding> {
    let meant = meant_zone(path)?;
    let (linked, link) = name.zone.as_ref()?;
    let message = format!(
        "network `{}` is linked to zone `{}` of group `{}`, whose record leads to an endpoint out of reach; that of group `{}` leads \
         to `{}`",
        name.place.name(),
        linked.name(),
        linked.resource_group(),
        meant.resource_group(),
        path.endpoint()?.id.name()
    );
    let why = "endpoints in several regions have a zone each, and a network can be linked to one zone of a name only";
    let mut finding = Finding::blocks(message, why).at(link, "");
    let address = path.endpoint()?.addresses.as_ref().ok().and_then(|all| all.first());
    // Whoever else is linked to that zone is led away from the other endpoint.
    let near = path.record_label().zip(address).map(|(label, address)| {
        Fix::of(vec![record::set_record(path.estate, linked, &label, *address)])
    });
    let has = |record: &ResourceId| {
        ["A", "CNAME"]
            .iter()
            .any(|kind| path.estate.find::<Record>(&meant.child(kind, record.name())).is_some())
    };
    let mut records = path.estate.children::<Record>(linked);
    if unproven::unlisted_records(path.estate, linked).is_none() && records.all(|(id, _)| has(id)) {
        let swap = vec![
            dns::unlink_zone(path.estate, link),
            dns::link_zone(path.estate, &meant, &name.place, &path.to_id),
        ];
        return Some(Finding {
            fixes: [Fix::of(swap)].into_iter().chain(near).collect(),
            ..finding
        });
    }
    finding.fixes.extend(near);
    Some(finding.fix(Fix::advice(format!(
        "write the records that zone `{}` of group `{}` lacks into it, then delete link `{}` and link that zone",
        meant.name(),
        meant.resource_group(),
        link.name()
    ))))
}

/// The zone of the name of the linked one whose record leads to the endpoint that is meant, where that of the linked one leads to another,
/// out of reach.
pub(super) fn meant_zone(path: &Path) -> Option<ResourceId> {
    let name = path.name.as_ref()?;
    let (Answer::Addresses(addresses), Some((linked, _))) = (&name.answer, &name.zone) else {
        return None;
    };
    path.holder(addresses).filter(|named| path.is_overwritten(named))?;
    let address = path.endpoint()?.addresses.as_ref().ok()?.first()?;
    let full = resolve::private_link_name(&path.server_name())?;
    let leads_there = |zone: &ResourceId| {
        let record = resolve::find_record(path.estate, zone, &full).map(|(_, record)| record);
        record.and_then(|one| one.addresses.as_ref()).is_some_and(|all| all.contains(address))
    };
    let zones = path.estate.zones_named(linked.name()).into_iter();
    zones.filter(|zone| zone != linked).find(leads_there)
}

/// A zone of the same name as another one, that has the record: as far as is known, one that leads to the endpoint which is meant.
pub(super) fn other_with_record(path: &Path, zone: &ResourceId, name: &str) -> Option<ResourceId> {
    let meant = path.endpoint().and_then(|view| view.addresses.as_ref().ok());
    let leads_there = |record: &Record| match (meant, &record.addresses) {
        (Some(meant), Some(told)) => told.iter().any(|one| meant.contains(one)),
        _ => true,
    };
    let mut others = path.estate.zones_named(zone.name()).into_iter().filter(|one| one != zone);
    others.find(|one| {
        resolve::find_record(path.estate, one, name).is_some_and(|(_, record)| leads_there(record))
    })
}
