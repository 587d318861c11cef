//! The flexible source denies public access and has no private endpoint: nobody can connect.

use crate::checks::new_endpoint;
use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    if path.to.kind != ServerKind::Flexible {
        return None; // server/public-access-denied
    }
    let is_private = path.to_access == Ok(Access::Private) && path.to.delegated_subnet.is_none();
    if !is_private || !path.endpoints.is_empty() {
        return None;
    }
    let message =
        format!("server `{}` denies public access and has no private endpoint", path.to_id.name());
    let why =
        "with public access denied a server is reached through approved private endpoints only";
    let advice = || match path.start {
        Some(_) => new_endpoint::advice(path),
        // Without a network of its own the copier has no use for an endpoint.
        None => Fix::advice(
            "turn public access on for the time of the move, with one firewall rule for the copier's address; or copy through a \
             relay host beside a private endpoint: `flexway migrate --copier relay`",
        ),
    };
    let finding = Finding::blocks(message, why).at(&path.to_id, path.to.public_pointer.clone());
    Some(finding.fixes_or(new_endpoint::nearby(path), advice))
}
