//! A zone that holds the whole public suffix is linked to the copier's network and swallows every server's name.

use crate::change::{dns, record};
use crate::checks::new_endpoint;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::own_zone;
use crate::trace::resolve::{self, Resolution};
use crate::trace::unproven;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (_, zone, link) = takers(path).find(|(one, ..)| one.record.is_none())?;
    let message = format!(
        "private DNS zone `{}` is linked to the copier's network and has no record of the server",
        zone.name()
    );
    let why =
        "a linked zone owns every name below its own: public DNS is not asked for any server there";
    let mut finding = Finding::blocks(message, why).at(link, "");
    // A public address would be wrong as soon as the service moves: the record is to name an endpoint.
    match own_record(path, zone) {
        Some(fix) => finding.fixes.push(fix),
        None => finding.fixes.extend(new_endpoint::nearby(path)),
    }
    finding.fixes.push(unlinked(path, zone, link).unwrap_or_else(|| Fix {
        title: format!(
            "take the link of zone `{}` away after moving its records to a zone of their own: other names depend on it",
            zone.name()
        ),
        ..Fix::last_resort(vec![dns::unlink_zone(path.estate, link)])
    }));
    Some(finding)
}

/// Answers of zones that take the names of all servers below them, with the zone and its link.
pub(super) fn takers<'p>(
    path: &'p Path,
) -> impl Iterator<Item = (&'p Resolution, &'p ResourceId, &'p ResourceId)> {
    let asked = path.server_name();
    path.astray.iter().filter_map(move |one| {
        let (zone, link) = one.taker()?;
        (!zone.name().eq_ignore_ascii_case(&asked)).then_some((one, zone, link))
    })
}

/// The link of a zone that surely holds no name: nobody misses it.
pub(super) fn unlinked(path: &Path, zone: &ResourceId, link: &ResourceId) -> Option<Fix> {
    let is_empty = unproven::is_empty(path.estate, zone);
    is_empty.then(|| Fix::of(vec![dns::unlink_zone(path.estate, link)]))
}

/// The right record of the source in the zone that took the name: it touches no other one.
pub(super) fn own_record(path: &Path, zone: &ResourceId) -> Option<Fix> {
    let label = resolve::record_label(zone.name(), &path.server_name())?;
    let of_endpoint = || Some(*path.endpoint()?.addresses.as_ref().ok()?.first()?);
    let own = path
        .to
        .delegated_subnet
        .as_ref()
        .map(|subnet| own_zone::own_address(path.estate, &path.to, subnet));
    let address = own.unwrap_or_else(of_endpoint)?;
    Some(Fix::of(vec![record::set_record(path.estate, zone, &label, address)]))
}
