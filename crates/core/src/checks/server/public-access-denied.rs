//! The name leads to the public front door of a server that denies public access.

use crate::checks::new_endpoint;
use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::resolve::Answer;
use crate::trace::{Access, Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_private = path.to_access == Ok(Access::Private) && path.to.delegated_subnet.is_none();
    if !is_private {
        return None;
    }
    if path.endpoints.is_empty() {
        return without_endpoint(path);
    }
    let name = path.name.as_ref()?;
    if name.answer != Answer::Public || path.leads != Leads::Nowhere {
        return None;
    }
    let message = format!(
        "the name leads to the public front door, and server `{}` denies public access",
        path.to_id.name()
    );
    let mut finding = Finding::blocks(message, WHY).at(&path.to_id, path.to.public_pointer.clone());
    finding.on_fallback = true;
    Some(
        finding.fix(Fix::advice(
            "let the name lead to the private endpoint: mend the DNS fault above",
        )),
    )
}

const WHY: &str = "with Deny public network access the front door refuses everybody, whatever rules the server has";

/// A Single Server has no other door then. From a public target that is row 2 of the guide; of a flexible server
/// server/public-off-no-endpoint speaks.
fn without_endpoint(path: &Path) -> Option<Finding> {
    if path.start.is_none() || path.to.kind != ServerKind::Single {
        return None;
    }
    let message =
        format!("server `{}` denies public access and has no private endpoint", path.to_id.name());
    let advice = || new_endpoint::advice(path);
    let finding = Finding::blocks(message, WHY).at(&path.to_id, path.to.public_pointer.clone());
    Some(finding.fixes_or(new_endpoint::nearby(path), advice))
}
