//! A lock keeps the records of the source's zone as they are.

use crate::estate::governance::locks_on;
use crate::finding::{Finding, Fix, Severity};
use crate::shell::quoted;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let zone = match &path.to.private_zone {
        Some(zone) => zone.clone(),
        None => path.zone_meant()?,
    };
    let record = path.record_meant().filter(|(record, _)| record.parent().as_ref() == Some(&zone));
    let held = record.map_or_else(|| zone.clone(), |(record, _)| record);
    let locks = locks_on(path.estate, &held);
    // The nearest one that forbids to write, or else the nearest.
    let (id, lock) = locks.min_by_key(|(_, lock)| lock.forbids_changes() != Some(true))?;
    let level = lock.level.as_deref().unwrap_or("of a level that was not observed");
    let message =
        format!("lock `{}` ({level}) holds the records of zone `{}`", id.name(), zone.name());
    let why = "the service cannot write the record of a server or endpoint that gets another address: the old one stays";
    let mut finding = Finding::blocks(message, why).at(id, path.estate.locate(id, "", "level"));
    // Nothing but a lock against writing keeps an old address, and beside a right one it only may.
    let is_stale = || super::record_stale::find(path).is_some_and(|one| one.is_cause());
    if !(lock.forbids_changes() == Some(true) && is_stale()) {
        finding.severity = Severity::Risks;
    }
    Some(finding.fix(Fix::advice(format!(
        "take lock `{}` away while records or links change: `az lock delete --ids {}`",
        id.name(),
        quoted(id.as_str())
    ))))
}
