//! Public access is denied, so that rules of the server cannot be added or changed.

use crate::estate::server::{ServerKind, VnetRule};
use crate::finding::Finding;
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let is_denied = path.to.kind == ServerKind::Single && path.to_access == Ok(Access::Private);
    let mut rules = path.estate.children::<VnetRule>(&path.to_id);
    if !is_denied
        || !path.endpoints.is_empty()
        || rules.any(|(_, rule)| rule.subnet == start.subnet)
    {
        return None;
    }
    let message = format!(
        "server `{}` denies public access: no VNet rule for subnet `{}` can be added meanwhile",
        path.to_id.name(),
        start.subnet.name()
    );
    let why =
        "Azure refuses changes of firewall and VNet rules while Deny public network access is Yes";
    Some(Finding::blocks(message, why).note().at(&path.to_id, path.to.public_pointer.clone()))
}
