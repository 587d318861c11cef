//! The name leads to a private endpoint that belongs to another service, or the endpoint asks for the wrong sub-resource.

use crate::checks::{fixes, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::endpoint::WrongEnd;

const ONE_SERVER: &str =
    "a private endpoint maps to one server only: the copier would talk to another one";

pub(super) fn find(path: &Path) -> Option<Finding> {
    path.start.as_ref()?;
    if let Some(view) = path.endpoint()
        && let Some(end) = &view.wrong_end
    {
        let message = format!("private endpoint `{}` leads to {}", view.id.name(), end.words());
        let why = match end {
            WrongEnd::Group(_) => {
                "PostgreSQL servers answer to the sub-resource postgresqlServer only"
            }
            WrongEnd::Service(_) => ONE_SERVER,
        };
        let advice =
            || Fix::advice("create a private endpoint for the sub-resource postgresqlServer");
        let pointer = path.estate.locate(&view.id, "", "privateLinkServiceConnections");
        let finding = Finding::blocks(message, why).at(&view.id, pointer);
        return Some(finding.fixes_or(new_endpoint::anew(path, view), advice));
    }
    let (record, addresses) = path.record_meant()?;
    if path.leads_past_own(&addresses) {
        return None; // dns/record-stale
    }
    let (endpoint, service) = path.other_owner(&addresses)?;
    let message = format!(
        "A record `{}` leads to private endpoint `{}`, which belongs to `{}`",
        record.name(),
        endpoint.name(),
        service.name()
    );
    let pointer = path.estate.locate(&record, "", "aRecords");
    let right = path.endpoint().map(|view| fixes::right_record(path, view));
    let advice = || {
        Fix::advice("create a private endpoint of the server and let the record hold its address")
    };
    let finding = Finding::blocks(message, ONE_SERVER).at(&record, pointer);
    Some(finding.fixes_or(right.unwrap_or_default(), advice))
}
