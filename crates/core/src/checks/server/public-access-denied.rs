//! The name leads to the public front door of a server that denies public access.

use crate::finding::{Finding, Fix};
use crate::trace::resolve::Answer;
use crate::trace::{Access, Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let name = path.name.as_ref()?;
    let is_private = path.to_access == Ok(Access::Private) && path.to.delegated_subnet.is_none();
    if !is_private
        || name.answer != Answer::Public
        || path.leads != Leads::Nowhere
        || path.endpoints.is_empty()
    {
        return None;
    }
    let message = format!(
        "the name leads to the public front door, and source `{}` denies public access",
        path.to_id.name()
    );
    let why = "with Deny public network access the front door refuses everybody, whatever rules the server has";
    let mut finding = Finding::blocks(message, why).at(&path.to_id, path.to.public_pointer.clone());
    finding.on_fallback = true;
    Some(
        finding.fix(Fix::advice(
            "let the name lead to the private endpoint: mend the DNS fault above",
        )),
    )
}
