//! The source's A record holds an address that no private endpoint of the source has.

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    path.start.as_ref()?;
    let (record, addresses) = path.record_meant()?;
    if !path.is_stale(&addresses) || super::wrong_server::owner(path, &addresses).is_some() {
        return None;
    }
    let view = path.endpoint()?;
    let words = |list: &[std::net::Ipv4Addr]| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let real = view.addresses.as_ref().map(|list| words(list)).unwrap_or_default();
    let message = format!(
        "A record `{}` holds {}; private endpoint `{}` of `{}` has {real}",
        record.name(),
        words(&addresses),
        view.id.name(),
        path.to_id.name()
    );
    let why = "packets go to an address where nothing answers, or something else does";
    let pointer = path.estate.locate(&record, "", "aRecords");
    let finding = Finding::blocks(message, why).at(&record, pointer);
    let fix = fixes::right_record(path, view);
    Some(
        finding.fix(
            fix.unwrap_or_else(|| Fix::advice("write the endpoint's address into the record")),
        ),
    )
}
