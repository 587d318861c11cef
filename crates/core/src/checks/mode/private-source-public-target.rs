//! A source without public access and a target with public access: Azure's tool has no way between them.

use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_cut_off = path.to.kind == ServerKind::Flexible
        && path.to.delegated_subnet.is_none()
        && path.endpoints.is_empty(); // server/public-off-no-endpoint
    if path.start.is_some()
        || is_cut_off
        || path.to_access != Ok(Access::Private)
        || path.from_access != Ok(Access::Public)
    {
        return None;
    }
    let message = format!(
        "server `{}` has private access, the copier's server `{}` has public access: Azure's tool does not support this pair",
        path.to_id.name(),
        path.from_id.name()
    );
    let why = "the copier runs outside every network, and the other server can be reached from inside networks only";
    Some(Finding::blocks(message, why).at(&path.to_id, path.to.public_pointer.clone()).fix(Fix::advice(
        "copy through a relay host in a network that reaches both: `flexway migrate --copier relay`",
    )))
}
