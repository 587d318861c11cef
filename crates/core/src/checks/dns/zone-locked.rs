//! A lock keeps the records of the source's zone as they are.

use crate::estate::Key;
use crate::estate::governance::Lock;
use crate::finding::{Finding, Fix, Severity};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let zone = match &path.to.private_zone {
        Some(zone) => zone.clone(),
        None => path.zone_meant()?,
    };
    let record = path.record_meant().filter(|(record, _)| record.parent().as_ref() == Some(&zone));
    let scopes = record.map_or_else(|| zone.scopes(), |(record, _)| record.scopes());
    let mut locks =
        scopes.into_iter().flat_map(|scope| path.estate.list::<Lock>(Key::LocksOn(scope)));
    let (id, lock) = locks.next()?;
    let level = lock.level.as_deref().unwrap_or("of a level that was not observed");
    let message = format!("lock `{}` ({level}) holds zone `{}`", id.name(), zone.name());
    let why = "the service cannot write the record of a server or endpoint that gets another address: the old one stays";
    let mut finding = Finding::blocks(message, why).at(id, path.estate.locate(id, "", "level"));
    // Nothing but a lock against writing keeps an old address, and beside a right one it only may.
    let is_against_writes =
        lock.level.as_ref().is_some_and(|level| level.eq_ignore_ascii_case("ReadOnly"));
    let is_stale = || super::record_stale::find(path).is_some_and(|one| one.is_cause());
    if !(is_against_writes && is_stale()) {
        finding.severity = Severity::Risks;
    }
    Some(finding.fix(Fix::advice(format!(
        "take lock `{}` away while records or links change: `az lock delete --ids {id}`",
        id.name()
    ))))
}
