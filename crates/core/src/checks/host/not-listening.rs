//! Nothing listens on the port.

use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::{self, PORT, Path, listen};

pub(super) fn find(path: &Path) -> Option<Finding> {
    // The pooler's port has a fault of its own: server/pooler-off.
    let is_pooler = path.to.kind == ServerKind::Flexible && path.port == trace::POOLER_PORT;
    if is_pooler || path.intended.is_none() || path.listens() != Ok(false) {
        return None;
    }
    if let Some(balancer) = path.idle_balancer() {
        return Some(behind_balancer(path, balancer));
    }
    let message = format!("server `{}` does not listen on port {}", path.to_id.name(), path.port);
    let why = "servers of Azure listen on 5432, and flexible ones with a pooler on 6432 too";
    Some(
        Finding::blocks(message, why)
            .at(&path.to_id, "")
            .fix(Fix::advice(format!("use port {PORT}"))),
    )
}

/// The address is that of a load balancer, which lets nothing through for the port.
fn behind_balancer(path: &Path, balancer: &ResourceId) -> Finding {
    let (name, port) = (balancer.name(), path.port);
    let message = format!("load balancer `{name}` takes port {port} to no machine");
    let why = "what no rule of a load balancer takes is dropped at its frontend";
    let place = path.estate.locate(balancer, "", listen::RULES);
    Finding::blocks(message, why).at(balancer, place).fix(Fix::advice(format!(
        "dial a port that a rule of `{name}` takes, or the machine's own address; or add a rule for it"
    )))
}
