//! A linked zone hides the public address of a source whose private endpoint serves others.

use crate::change::dns;
use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (zone, link) = path.name.as_ref()?.zone.as_ref().filter(|_| path.is_shadowed)?;
    let message = format!(
        "private DNS zone `{}` is linked to the copier's network and has no record of the public server `{}`",
        zone.name(),
        path.to_id.name()
    );
    let why = format!(
        "`{}` has a private endpoint elsewhere, so its name is an alias into that zone, and a linked zone denies names that it lacks",
        path.to_id.name()
    );
    let fix = Fix::of(vec![dns::redirect_missing_names(link)]);
    let mut finding = Finding::blocks(message, why).at(link, "").fix(fix);
    // What lies behind the front door may be closed, or not known: then the endpoint is the other way.
    let records = path.live_endpoints().flat_map(|view| fixes::right_record(path, view));
    finding.fixes.extend(records.map(|fix| Fix::last_resort(fix.changes)));
    Some(finding)
}
