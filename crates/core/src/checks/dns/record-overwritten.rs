//! The source's record holds the address of another private endpoint of the source, which this network cannot reach.

use crate::checks::fixes;
use crate::finding::Finding;
use crate::trace::endpoint::Status;
use crate::trace::hop::{self, Joined};
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let named = path.endpoint()?;
    if path.leads != Leads::Intended || path.endpoints.len() < 2 {
        return None;
    }
    let joined = |view: &crate::trace::endpoint::View| {
        let near = (&start.vnet, &start.subnet);
        Some(hop::join(path.estate, near, (&view.vnet().ok()?, view.subnet.as_ref().ok()?)))
    };
    if !matches!(joined(named)?, Joined::Apart { .. } | Joined::Broken(_)) {
        return None;
    }
    let better = path.endpoints.iter().find(|view| {
        view.status == Status::Approved
            && view.id != named.id
            && matches!(joined(view), Some(Joined::Same | Joined::Peered { .. }))
    })?;
    let (record, _) = path.record_meant()?;
    let message = format!(
        "A record `{}` holds the address of private endpoint `{}`, which network `{}` cannot reach; `{}` is near",
        record.name(),
        named.id.name(),
        start.vnet.name(),
        better.id.name()
    );
    let why =
        "two private endpoints of one server write the same record of one zone: the later one wins";
    let mut finding =
        Finding::blocks(message, why).at(&record, path.estate.locate(&record, "", "aRecords"));
    finding.fixes.extend(fixes::right_record(path, better));
    Some(finding)
}
