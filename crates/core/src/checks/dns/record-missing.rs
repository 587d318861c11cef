//! The zone that should hold the source's private address has no record of it.

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::resolve;

pub(super) fn find(path: &Path) -> Option<Finding> {
    if path.is_shadowed || path.endpoints.is_empty() || !path.asks_zones() {
        return None;
    }
    let zone = path.zone_meant()?;
    let label = path.record_label()?;
    let is_known = path.estate.has_zone(&zone);
    if !is_known || path.record_meant().is_some() || other_zone_answers(path, &zone) {
        return None;
    }
    let message =
        format!("private DNS zone `{}` has no A record `{label}` for the source", zone.name());
    let why = "a linked zone owns its names: a name that it lacks does not exist, public DNS is not asked";
    let finding = Finding::blocks(message, why).at(&zone, "");
    let fix = path.endpoint().and_then(|view| fixes::right_record(path, view));
    let advice = || {
        Fix::advice(format!(
            "attach zone `{}` to the private endpoint by a zone group, which writes the record",
            zone.name()
        ))
    };
    Some(finding.fix(fix.unwrap_or_else(advice)))
}

/// A same-named zone with a record stands beside the linked one: dns/same-named-zone-linked.
fn other_zone_answers(path: &Path, zone: &crate::id::ResourceId) -> bool {
    let Some(full) = resolve::private_link_name(&path.server_name()) else { return false };
    super::same_named_zone_linked::other_with_record(path, zone, &full).is_some()
}
