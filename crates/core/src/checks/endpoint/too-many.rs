//! The network and its peers hold more private endpoints than Azure carries without its scale mode.

use crate::estate::Key;
use crate::estate::network::{Peering, Vnet};
use crate::finding::{Finding, Fix};
use crate::trace::Path;

/// Private endpoints over peered networks that Azure carries in its standard mode.
const ENDPOINTS_MAX: usize = 4_000;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    path.endpoint()?;
    let vnet = path.estate.find::<Vnet>(&start.vnet)?;
    if vnet.endpoint_policies.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("basic")) {
        return None;
    }
    let count = path.estate.remember("endpoints near", &[&start.vnet], |estate| {
        let peers = estate.children::<Peering>(&start.vnet).map(|(_, half)| &half.remote);
        let near = peers.chain([&start.vnet]).map(|vnet| Key::EndpointsIn(vnet.clone()));
        near.map(|key| estate.count(key)).sum::<usize>()
    });
    if count <= ENDPOINTS_MAX {
        return None;
    }
    let message =
        format!("network `{}` and its peers hold {count} private endpoints", start.vnet.name());
    let why = "beyond 4,000 Azure may lose packets silently, unless the networks are in the scale mode for endpoints";
    Some(Finding::blocks(message, why).possible().at(&start.vnet, "").fix(Fix::advice(
        "switch the networks to the scale mode (`az network vnet update --pe-vnet-policies Basic`), or use fewer endpoints",
    )))
}
