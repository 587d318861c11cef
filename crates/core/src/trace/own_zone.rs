//! The own private zone of an injected server, whose records the service keeps under labels that it makes up; and zones of the same name
//! that are linked in its place.

use std::net::Ipv4Addr;

use super::resolve::{Answer, Resolution, find_record, is_pending, links_of, unread_state};
use super::unproven::{all_records, counts_more_records, is_empty, unread_records};
use crate::estate::dns::{Link, Record, Zone};
use crate::estate::network::Subnet;
use crate::estate::server::Server;
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;

/// An injected server's name leads into its own zone, whose records the service keeps.
pub(super) fn ask(
    estate: &Estate,
    vnet_id: &ResourceId,
    to: Option<&Server>,
    result: &mut Resolution,
    without: &[ResourceId],
) -> Answer {
    let Some(zone) = to.and_then(|server| server.private_zone.as_ref()) else {
        return Answer::Unknown(Missing::other(
            "the private DNS zone of the injected server",
            "capture the server again: `network.privateDnsZoneArmResourceId` tells its zone",
        ));
    };
    if !estate.has_zone(zone) {
        return Answer::Unknown(Missing::resource("private DNS zone", zone));
    }
    let link = links_of(estate, zone).find(|(_, link)| link.vnet == *vnet_id);
    match link {
        Some((id, link)) => {
            result.is_link_pending |= is_pending(link);
            result.unproven = result.unproven.take().or_else(|| unread_state(id, link));
            result.zone = Some((zone.clone(), id.clone()));
            in_own_zone(estate, zone, to, result)
        }
        None => match rival(estate, zone, vnet_id).filter(|(_, link)| !without.contains(link)) {
            Some(rival) => in_rival(estate, zone, to, rival, result),
            None => Answer::NoSuchName,
        },
    }
}

/// What the own zone of an injected server answers: where all of its records were captured, one of them leads into the server's subnet.
pub(super) fn in_own_zone(
    estate: &Estate,
    zone: &ResourceId,
    to: Option<&Server>,
    result: &mut Resolution,
) -> Answer {
    match estate.get::<Zone>(zone) {
        Err(missing) => return Answer::Unknown(missing),
        Ok(facts) if facts.is_record_count_unreadable => {
            return Answer::Unknown(Missing::field(zone, "numberOfRecordSets"));
        }
        Ok(_) if is_empty(estate, zone) => return Answer::NoSuchName,
        Ok(_) => {}
    }
    if counts_more_records(estate, zone) {
        return Answer::Unknown(all_records(zone));
    }
    if unread_records(estate, zone).is_some() {
        return Answer::Injected;
    }
    let home = to.and_then(|server| estate.find::<Subnet>(server.delegated_subnet.as_ref()?));
    let Some(home) = home.filter(|home| !home.prefixes.is_empty()) else {
        return Answer::Injected;
    };
    let is_home = |one: &Ipv4Addr| home.prefixes.iter().any(|prefix| prefix.contains(one));
    let (mut all, mut unread) = (Vec::new(), None);
    for (id, record) in estate.children::<Record>(zone) {
        match (&record.addresses, &record.alias) {
            (Some(addresses), None) => all.extend(addresses.iter().copied()),
            _ => unread = Some(Missing::field(id, "aRecords")),
        }
    }
    if all.iter().any(is_home) {
        return match to.and_then(|server| astray_namesake(estate, zone, server, home)) {
            Some(record) => Answer::Unknown(which_record(&record)),
            None => Answer::Injected,
        };
    }
    if let Some(missing) = unread {
        return Answer::Unknown(missing);
    }
    if all.is_empty() {
        return Answer::Injected;
    }
    result.record = estate.children::<Record>(zone).next().map(|(id, _)| id.clone());
    Answer::Addresses(all)
}

/// The record set in its own zone that is called like an injected server, and leads out of its subnet. The service makes labels up, so
/// that another set may be the server's; nothing tells.
fn astray_namesake(
    estate: &Estate,
    zone: &ResourceId,
    server: &Server,
    home: &Subnet,
) -> Option<ResourceId> {
    // Where its name is not told it may be called like any of them.
    let label = server.fqdn.as_deref().and_then(|name| name.split('.').next());
    let is_namesake =
        |id: &ResourceId| label.is_none_or(|label| id.name().eq_ignore_ascii_case(label));
    let is_home = |one: &Ipv4Addr| home.prefixes.iter().any(|prefix| prefix.contains(one));
    let leads_out = |record: &Record| {
        let all = record.addresses.as_ref();
        all.is_none_or(|all| !all.is_empty() && !all.iter().any(is_home))
    };
    let mut records = estate.children::<Record>(zone);
    let found = records.find(|(id, record)| is_namesake(id) && leads_out(record));
    found.map(|(id, _)| id.clone())
}

fn which_record(record: &ResourceId) -> Missing {
    Missing::other(
        format!(
            "which record is the server's: `{}` is called like it and leads out of its subnet",
            record.name()
        ),
        "resolve the server's name in a network that is linked to the zone",
    )
}

/// What a zone of the same name answers that is linked in place of the own one of an injected server.
fn in_rival(
    estate: &Estate,
    own: &ResourceId,
    to: Option<&Server>,
    (rival, link_id): (ResourceId, ResourceId),
    result: &mut Resolution,
) -> Answer {
    if let Some(link) = estate.find::<Link>(&link_id) {
        result.is_link_pending |= is_pending(link);
        result.unproven = result.unproven.take().or_else(|| unread_state(&link_id, link));
    }
    result.zone = Some((rival.clone(), link_id));
    let subnet = to.and_then(|server| server.delegated_subnet.as_ref());
    let Some((record, _)) = subnet.and_then(|subnet| own_record(estate, own, subnet)) else {
        // Its own zone does not tell the server's label: any record here may be the one.
        let has_some = estate.children::<Record>(&rival).next().is_some();
        return if has_some { Answer::Unknown(all_records(own)) } else { Answer::NoSuchName };
    };
    match find_record(estate, &rival, &format!("{}.{}", record.name(), own.name())) {
        Some((id, Record { addresses: Some(list), alias: None, .. })) => {
            result.record = Some(id);
            if list.is_empty() { Answer::NoSuchName } else { Answer::Addresses(list.clone()) }
        }
        Some((id, _)) => Answer::Unknown(Missing::field(&id, "aRecords")),
        None => Answer::NoSuchName,
    }
}

/// Another zone of the same name that is linked to a network, with the link: Azure refuses a second one.
pub fn rival(
    estate: &Estate,
    zone: &ResourceId,
    vnet: &ResourceId,
) -> Option<(ResourceId, ResourceId)> {
    let links = estate.list::<Link>(Key::LinksOf(vnet.clone()));
    let mut zones = links.filter_map(|(link, _)| Some((link.parent()?, link.clone())));
    zones.find(|(one, _)| one != zone && one.name().eq_ignore_ascii_case(zone.name()))
}

/// The address of an injected server, where its zone provably holds one record inside its subnet and no other.
pub fn own_address(estate: &Estate, server: &Server, subnet: &ResourceId) -> Option<Ipv4Addr> {
    let (zone, home) = (server.private_zone.as_ref()?, estate.find::<Subnet>(subnet)?);
    let found = own_record(estate, zone, subnet);
    found.filter(|_| astray_namesake(estate, zone, server, home).is_none()).map(|(_, one)| one)
}

/// The record set of an injected server in its own zone, with the address: the only one that leads into its subnet, where all were
/// captured. No input tells its name, which the service makes up.
pub fn own_record<'e>(
    estate: &'e Estate,
    zone: &ResourceId,
    subnet: &ResourceId,
) -> Option<(&'e ResourceId, Ipv4Addr)> {
    let home = estate.find::<Subnet>(subnet)?;
    let is_home = |one: &Ipv4Addr| home.prefixes.iter().any(|prefix| prefix.contains(one));
    let mut found = None;
    for (id, record) in estate.children::<Record>(zone) {
        let addresses = record.addresses.as_deref()?;
        match addresses {
            [one] if is_home(one) && found.is_none() => found = Some((id, *one)),
            _ if addresses.iter().any(is_home) => return None,
            _ => {}
        }
    }
    found.filter(|_| unread_records(estate, zone).is_none())
}
