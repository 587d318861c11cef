//! The server's owner rejected the private endpoint.

use crate::checks::new_endpoint;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::endpoint::Status;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let view = path.endpoint().filter(|view| view.status == Status::Rejected)?;
    let (name, server) = (view.id.name(), path.to_id.name());
    let message = format!("private endpoint `{name}` of `{server}` was rejected");
    let why = "a rejected connection carries nothing, and only a pending one can be approved: it has to be made anew";
    let (resource, pointer) = view.status_from.clone();
    let advice = || Fix::advice("delete the private endpoint and create it again");
    let finding = Finding::blocks(message, why).at(&resource, pointer);
    Some(finding.fixes_or(new_endpoint::anew(path, view), advice))
}
