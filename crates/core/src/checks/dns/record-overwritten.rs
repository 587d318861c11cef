//! The source's record holds the address of another private endpoint of the source, which this network cannot reach.

use crate::checks::{fixes, separate_zone};
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::endpoint::Status;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref().filter(|_| path.asks_zones())?;
    let (record, addresses) = path.record_meant()?;
    let named = path.holder(&addresses).filter(|named| path.is_overwritten(named))?;
    if super::same_named_zone_linked::meant_zone(path).is_some() {
        return None; // dns/same-named-zone-linked
    }
    let better = path.endpoint()?;
    let trouble = match named.status {
        Status::Pending => "waits for approval".to_owned(),
        _ => format!("network `{}` cannot reach", start.vnet.name()),
    };
    let message = format!(
        "A record `{}` holds the address of private endpoint `{}`, which {trouble}; `{}` is near",
        record.name(),
        named.id.name(),
        better.id.name()
    );
    let why =
        "two private endpoints of one server write the same record of one zone: the later one wins";
    let mut finding =
        Finding::blocks(message, why).at(&record, path.estate.locate(&record, "", "aRecords"));
    finding.fixes.extend(fixes::right_record(path, better));
    finding.fixes.extend(separate_zone::instead(path));
    Some(finding)
}
