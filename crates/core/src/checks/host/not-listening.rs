//! Nothing listens on the port.

use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::PORT;
use crate::trace::{self, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    // The pooler's port has a fault of its own: server/pooler-off.
    let is_pooler = path.to.kind == ServerKind::Flexible && path.port == trace::POOLER_PORT;
    if is_pooler || path.intended.is_none() || path.listens() != Ok(false) {
        return None;
    }
    let message = format!("server `{}` does not listen on port {}", path.to_id.name(), path.port);
    let why = "servers of Azure listen on 5432, and flexible ones with a pooler on 6432 too";
    Some(
        Finding::blocks(message, why)
            .at(&path.to_id, "")
            .fix(Fix::advice(format!("use port {PORT}"))),
    )
}
