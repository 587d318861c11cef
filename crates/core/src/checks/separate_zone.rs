//! A zone of the copier's network alone, beside one of the same name that others go on using.

use crate::change::{dns, record};
use crate::estate::Key;
use crate::estate::dns::Link;
use crate::finding::Fix;
use crate::id::ResourceId;
use crate::trace::Path;

/// A zone of the right name for the copier's network alone, with the record of the server's endpoint; a link to another zone of that
/// name goes first. `None` for other clients, where the name does not lead through zones of that network, where its group holds such a
/// zone, and where nobody knows the endpoint's address.
pub(super) fn instead(path: &Path) -> Option<Fix> {
    let start = path.start.as_ref().filter(|_| path.starts_at_copier())?;
    path.name.as_ref().filter(|name| name.place == start.vnet)?;
    let zone_name = path.zone_name_meant()?;
    let zone = start.vnet.sibling("Microsoft.Network/privateDnsZones", &zone_name);
    if path.estate.has_zone(&zone) {
        return None;
    }
    let (view, label) = (path.endpoint()?, path.record_label()?);
    let address = *view.addresses.as_ref().ok()?.first()?;
    let is_of_that_name = |link: &ResourceId| {
        link.parent().is_some_and(|zone| zone.name().eq_ignore_ascii_case(&zone_name))
    };
    let links = path.estate.list::<Link>(Key::LinksOf(start.vnet.clone()));
    let taken: Vec<_> = links.filter(|(link, _)| is_of_that_name(link)).collect();
    // What Azure is making now is waited for.
    let is_made = |facts: &Link| {
        facts.state.as_deref().is_none_or(|state| state.eq_ignore_ascii_case("completed"))
    };
    if !taken.iter().all(|(_, facts)| is_made(facts)) {
        return None;
    }
    let unlink = |(link, _): &(&ResourceId, &Link)| dns::unlink_zone(path.estate, link);
    let mut changes: Vec<_> = taken.iter().map(unlink).collect();
    changes.push(dns::create_zone(&zone));
    changes.push(dns::link_zone(path.estate, &zone, &start.vnet, &path.to_id));
    changes.push(match view.zone_group {
        None => record::attach_zone(path.estate, &view.id, &zone, &label, address),
        Some(_) => record::set_record(path.estate, &zone, &label, address),
    });
    Some(Fix::last_resort(changes))
}
