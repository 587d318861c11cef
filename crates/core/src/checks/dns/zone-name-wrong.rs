//! The private endpoint's zone group writes into a zone whose name no resolver asks for.

use crate::change::dns;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::resolve::Answer;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let name =
        path.name.as_ref().filter(|name| name.answer == Answer::Public && name.zone.is_none())?;
    let wanted = path.zone_name_meant()?;
    let attached: Vec<_> =
        path.endpoints.iter().filter_map(|view| view.zone_group.as_ref()).flatten().collect();
    let first = *attached.first()?;
    if attached.iter().any(|zone| zone.name().eq_ignore_ascii_case(&wanted)) {
        return None;
    }
    let message = format!(
        "the private endpoint's zone group writes into zone `{}`, not `{wanted}`",
        first.name()
    );
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
    changes.push(dns::link_zone(path.estate, &zone, &start.vnet));
    Some(Finding::blocks(message, why).at(first, "").fix(Fix::of(changes)))
}
