//! The network and its peers hold more private endpoints than Azure carries without its scale mode.

use crate::estate::endpoint::Endpoint;
use crate::estate::network::{Peering, Vnet};
use crate::finding::{Finding, Fix};
use crate::trace::Path;

/// Private endpoints over peered networks that Azure carries in its standard mode.
const ENDPOINTS_MAX: usize = 4_000;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    path.endpoint()?;
    // Counting takes a look at every endpoint: not where there cannot be so many.
    if path.estate.count::<Endpoint>() <= ENDPOINTS_MAX {
        return None;
    }
    let vnet = path.estate.get::<Vnet>(&start.vnet).ok()?;
    if vnet.endpoint_policies.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("basic")) {
        return None;
    }
    let mut near = vec![start.vnet.clone()];
    near.extend(path.estate.children::<Peering>(&start.vnet).map(|(_, half)| half.remote.clone()));
    let is_near = |one: &Endpoint| {
        one.subnet
            .as_ref()
            .and_then(|subnet| subnet.parent())
            .is_some_and(|vnet| near.contains(&vnet))
    };
    let count = path.estate.all::<Endpoint>().filter(|(_, one)| is_near(one)).count();
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
