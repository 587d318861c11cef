//! A private zone has the very name of the source and is linked to the copier's network.

use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let asked = path.server_name();
    let mut takers = path.astray.iter().filter_map(|answer| answer.taker());
    let (zone, link) = takers.find(|(zone, _)| zone.name().eq_ignore_ascii_case(&asked))?;
    let message = format!(
        "private DNS zone `{}` has the server's own name and does not lead to it",
        zone.name()
    );
    let why =
        "the zone answers for the server's name itself, before any alias of the service is read";
    let mut finding = Finding::blocks(message, why).at(link, "");
    finding.fixes.extend(super::public_suffix_zone_linked::own_record(path, zone));
    if path.to.private_zone.as_ref() != Some(zone) {
        finding.fixes.extend(super::public_suffix_zone_linked::unlinked(path, zone, link));
    }
    Some(
        finding.fix(Fix::advice(
            "let the server use a zone of another name, then take this link away",
        )),
    )
}
