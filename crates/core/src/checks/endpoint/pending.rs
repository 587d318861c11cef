//! The source's private endpoint waits for approval.

use crate::change::endpoint;
use crate::checks::new_endpoint;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::endpoint::Status;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let view = path.endpoint().filter(|view| view.status == Status::Pending)?;
    let (name, server) = (view.id.name(), path.to_id.name());
    let message = format!("private endpoint `{name}` of `{server}` waits for approval");
    let why = "a private endpoint carries traffic only after the server's owner has approved its connection";
    let (resource, pointer) = view.status_from.clone();
    let fix = match &view.connection {
        Some(connection) => Fix::of(vec![endpoint::approve(path.estate, connection, &view.id)]),
        None => Fix::advice(
            "approve the connection on the server: Private endpoint connections, Approve",
        ),
    };
    let mut finding = Finding::blocks(message, why).at(&resource, pointer).fix(fix);
    // Who may not approve it may be able to make another one.
    finding.fixes.extend(new_endpoint::anew(path, view));
    Some(finding)
}
