//! A source without public access and a target with public access: Azure's tool has no way between them.

use crate::finding::{Finding, Fix};
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    if path.start.is_some()
        || path.to_access != Ok(Access::Private)
        || path.from_access != Access::Public
    {
        return None;
    }
    let message = format!(
        "source `{}` has private access, target `{}` has public access: Azure's tool does not support this pair",
        path.to_id.name(),
        path.from_id.name()
    );
    let why = "the copier runs on the target, outside every network, and the source answers inside networks only";
    Some(Finding::blocks(message, why).at(&path.to_id, path.to.public_pointer.clone()).fix(Fix::advice(
        "copy through a relay host in a network that reaches the source: `flexway migrate --copier relay`",
    )))
}
