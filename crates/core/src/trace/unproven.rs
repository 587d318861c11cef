//! What of zones was not observed and would change an answer: their links, and their records.

use std::cmp::Ordering;

use super::resolve::{find_record, is_pending, is_private_link, links_of};
use crate::change::whole_place;
use crate::estate::dns::{Link, Record, Zone};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;

/// A zone, other than one, that would own the name and that has links which were not captured: one of them may be to this network.
pub(super) fn perhaps_linked(
    estate: &Estate,
    name: &str,
    other_than: Option<&ResourceId>,
) -> Option<Missing> {
    let asked_zone = name.split_once('.').map_or("", |(_, zone)| zone);
    if is_private_link(asked_zone) && !estate.has_zone_named(asked_zone) {
        return Some(Missing::other(
            format!(
                "a private DNS zone `{asked_zone}`, which may stand in a subscription that was not read"
            ),
            "add the output of `az network private-dns zone list` of every subscription to the estate",
        ));
    }
    let mut zones = estate.zones_holding(name);
    let is_doubtful =
        |zone: &ResourceId| Some(zone) != other_than && !are_links_complete(estate, zone);
    zones.find(is_doubtful).as_ref().map(unread_links)
}

/// A zone of a longer name that may be linked too, and would answer instead.
pub(super) fn longer_zone(estate: &Estate, zone: &ResourceId, name: &str) -> Option<Missing> {
    let zones = estate.zones_holding(name);
    let mut longer = zones.take_while(|one| one.name().len() > zone.name().len());
    longer.find(|one| !are_links_complete(estate, one)).as_ref().map(unread_links)
}

/// What is not known where a network is linked to another zone of the same name, which says otherwise: Azure takes one at most, so the
/// links were captured at different times.
pub(super) fn twin_zone(
    estate: &Estate,
    vnet: &ResourceId,
    zone: &ResourceId,
    name: &str,
    without: &[ResourceId],
) -> Option<Missing> {
    let said = |zone: &ResourceId| {
        let record = find_record(estate, zone, name).map(|(_, record)| record);
        record.map(|one| (one.alias.clone(), one.addresses.clone()))
    };
    let links = estate.list::<Link>(Key::LinksOf(vnet.clone()));
    let settled = links.filter(|(id, link)| !is_pending(link) && !without.contains(id));
    let is_twin = |one: &ResourceId| one != zone && one.name().eq_ignore_ascii_case(zone.name());
    let mut twins = settled.filter_map(|(id, _)| id.parent()).filter(is_twin);
    twins.find(|twin| said(twin) != said(zone)).map(|_| {
        let (name, network) = (zone.name(), vnet.name());
        Missing::other(
            format!("which zone `{name}` answers network `{network}`: it is linked to two, and Azure takes one"),
            "capture the links of both zones again",
        )
    })
}

/// The record sets of a zone, when its own count does not say that all of them were captured.
pub(super) fn unread_records(estate: &Estate, zone: &ResourceId) -> Option<Missing> {
    let is_whole = record_count(estate, zone).is_some_and(|count| count <= captured(estate, zone));
    (!is_whole).then(|| all_records(zone))
}

/// The record sets of a zone, when it counts some and none was captured: nobody listed them.
pub fn unlisted_records(estate: &Estate, zone: &ResourceId) -> Option<Missing> {
    let counts_some = record_count(estate, zone).is_some_and(|count| count > 0);
    (counts_some && captured(estate, zone) == 0).then(|| all_records(zone))
}

/// Whether a zone counts more record sets than were captured.
pub(super) fn counts_more_records(estate: &Estate, zone: &ResourceId) -> bool {
    record_count(estate, zone).is_some_and(|count| count > captured(estate, zone))
}

/// Record sets of a zone that were captured, those included that hold no address of IPv4.
fn captured(estate: &Estate, zone: &ResourceId) -> u64 {
    const OTHERS: [&str; 5] = ["aaaa", "mx", "ptr", "srv", "txt"];
    let is_other = |id: &&ResourceId| {
        OTHERS.iter().any(|kind| id.resource_type().ends_with(&format!("privatednszones/{kind}")))
    };
    let others = estate.unread_below(zone).filter(is_other).count();
    (estate.children::<Record>(zone).count() + others) as u64
}

/// Whether a zone's own count says that it holds no name.
pub fn is_empty(estate: &Estate, zone: &ResourceId) -> bool {
    record_count(estate, zone) == Some(0) && estate.children::<Record>(zone).next().is_none()
}

/// How many record sets a zone says it has, without its own SOA record, which is rarely captured.
fn record_count(estate: &Estate, zone: &ResourceId) -> Option<u64> {
    Some(estate.find::<Zone>(zone)?.record_count?.saturating_sub(1))
}

/// The record sets of a zone, as something that was not observed in full.
pub(super) fn all_records(zone: &ResourceId) -> Missing {
    Missing {
        what: format!("all record sets of zone `{}`", zone.name()),
        resource: Some(zone.clone()),
        help: format!(
            "add the output of `az network private-dns record-set list {} --zone-name {}` to the estate",
            whole_place(zone),
            quoted(zone.name())
        ),
    }
}

/// The links of a zone, as something that was not observed in full.
pub fn unread_links(zone: &ResourceId) -> Missing {
    Missing {
        what: format!("all virtual network links of zone `{}`", zone.name()),
        resource: Some(zone.clone()),
        help: format!(
            "add the output of `az network private-dns link vnet list {place} --zone-name {name}` and of \
             `az network private-dns zone show {place} --name {name}` to the estate",
            place = whole_place(zone),
            name = quoted(zone.name())
        ),
    }
}

/// Whether the zone's own count says that every link was captured, and each of them tells its network.
pub fn are_links_complete(estate: &Estate, zone: &ResourceId) -> bool {
    compared(estate, zone).is_some_and(|order| order.is_le()) && unread_link(estate, zone).is_none()
}

/// Whether the zone's own count says that some link was not captured, or one of them does not tell its network.
pub fn are_links_incomplete(estate: &Estate, zone: &ResourceId) -> bool {
    compared(estate, zone).is_some_and(|order| order.is_gt()) || unread_link(estate, zone).is_some()
}

/// The zone's count of links against those that were captured.
fn compared(estate: &Estate, zone: &ResourceId) -> Option<Ordering> {
    let captured = links_of(estate, zone).count() as u64;
    let count = estate.find::<Zone>(zone)?.link_count?;
    Some(count.cmp(&captured))
}

fn unread_link<'e>(estate: &'e Estate, zone: &ResourceId) -> Option<&'e ResourceId> {
    let is_link = |id: &&ResourceId| id.resource_type().ends_with("/virtualnetworklinks");
    estate.unread_below(zone).find(is_link)
}
