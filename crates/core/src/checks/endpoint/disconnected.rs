//! The private endpoint's connection was removed on the server's side.

use crate::checks::new_endpoint;
use crate::finding::{Finding, Fix};
use crate::trace::endpoint::Status;
use crate::trace::step::Verdict;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let view = path.endpoint().filter(|view| view.status == Status::Disconnected)?;
    let (name, server) = (view.id.name(), path.to_id.name());
    let message = format!("private endpoint `{name}` is no longer connected to `{server}`");
    let why =
        "its connection was removed on the server's side; the endpoint stays and leads nowhere";
    let (resource, pointer) = view.status_from.clone();
    let advice = || Fix::advice("delete the private endpoint and create it again");
    let finding = Finding::blocks(message, why).at(&resource, pointer);
    let finding = finding.fixes_or(new_endpoint::anew(path, view), advice);
    // The name may lead past it.
    let is_doubtful = path.lists_no_endpoint()
        && matches!(path.leads, Leads::Unknown(_))
        && path.verdict() == Verdict::Undetermined;
    Some(if is_doubtful { finding.possible() } else { finding })
}
