//! The private endpoint's zone group writes into a zone whose name no resolver asks for.

use crate::change::dns;
use crate::estate::Key;
use crate::estate::dns::{Link, Record};
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::resolve::Answer;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let name =
        path.name.as_ref().filter(|name| name.answer == Answer::Public && name.zone.is_none())?;
    let wanted = path.zone_name_meant()?;
    let first = &misnamed_zone(path)?;
    let message = format!("zone `{}` stands where `{wanted}` should", first.name());
    let why = format!(
        "{} is an alias into {wanted}: a zone of another name is never asked for it",
        name.names[0]
    );
    let zone = first.sibling("Microsoft.Network/privateDnsZones", &wanted);
    let mut changes = Vec::new();
    let zone = match path.zone_meant() {
        Some(zone) => zone,
        None => {
            changes.push(dns::create_zone(&zone));
            zone
        }
    };
    changes.push(dns::link_zone(path.estate, &zone, &start.vnet, &path.to_id));
    Some(Finding::blocks(message, why).at(first, "").fix(Fix::of(changes)))
}

/// A zone of another name that the endpoint's zone group writes to, that is linked in the right
/// one's place, or that holds the endpoint's address under the server's name.
pub(super) fn misnamed_zone(path: &Path) -> Option<ResourceId> {
    let wanted = path.zone_name_meant()?;
    let is_right = |zone: &ResourceId| zone.name().eq_ignore_ascii_case(&wanted);
    let attached: Vec<&ResourceId> =
        path.endpoints.iter().filter_map(|view| view.zone_group.as_ref()).flatten().collect();
    if let Some(first) = attached.first() {
        return (!attached.iter().any(|zone| is_right(zone))).then(|| (*first).clone());
    }
    // A zone that was made for this purpose and linked, under a name that is almost right.
    let vnet = &path.start.as_ref()?.vnet;
    let links = path.estate.list::<Link>(Key::LinksOf(vnet.clone()));
    let mut linked = links.filter_map(|(id, _)| id.parent());
    let is_near =
        |zone: &ResourceId| zone.name().to_ascii_lowercase().starts_with("privatelink.postgres");
    if let Some(zone) = linked.find(|zone| is_near(zone) && !is_right(zone)) {
        return Some(zone);
    }
    // Beside the right zone another one may hold the name for whatever its owner likes.
    if path.estate.has_zone_named(&wanted) {
        return None;
    }
    let label = path.record_label()?;
    let addresses = path.endpoint()?.addresses.as_ref().ok()?;
    let holders =
        addresses.iter().flat_map(|address| path.estate.list::<Record>(Key::Holders(*address)));
    let named = holders.filter(|(record, _)| record.name().eq_ignore_ascii_case(&label));
    let mut zones = named.filter_map(|(record, _)| record.parent());
    zones.find(|zone| !is_right(zone))
}
