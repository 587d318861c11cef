//! Whether packets of a subnet come to a Single Server with the subnet's identity: by its service endpoint, in the server's region.

use crate::estate::network::{Subnet, Vnet, region_key};
use crate::estate::server::{Server, ServerKind};
use crate::estate::{Estate, Missing, Unsettled};
use crate::id::ResourceId;
use crate::trace::start::Start;

/// Whether a network is known to be in another region than a service: the service endpoints of its subnets do not act there.
pub(super) fn is_afar(estate: &Estate, location: Option<&str>, vnet: &ResourceId) -> bool {
    let near = estate.find::<Vnet>(vnet).and_then(|vnet| vnet.location.as_deref());
    near.zip(location).is_some_and(|(near, far)| region_key(near) != region_key(far))
}

/// Whether packets of a subnet come to a server with the subnet's identity, by its service endpoint, and not from the internet.
pub(super) fn is_identified(estate: &Estate, server: &Server, start: &Start) -> bool {
    let has_endpoint = estate.find::<Subnet>(&start.subnet).is_some_and(Subnet::has_sql_endpoint);
    let is_near = !is_afar(estate, server.location.as_deref(), &start.vnet);
    server.kind == ServerKind::Single && has_endpoint && is_near
}

/// What is not known of a subnet's service endpoint, or of where it acts.
pub(super) fn doubt(
    estate: &Estate,
    server: (&ResourceId, &Server),
    (vnet, id, subnet): (&ResourceId, &ResourceId, &Subnet),
) -> Option<Missing> {
    if subnet.are_endpoints_unreadable {
        return Some(Missing::field(id, "serviceEndpoints"));
    }
    if let Some(state) = subnet.sql_endpoint_trouble.filter(|state| *state != Unsettled::Failed) {
        let what = format!(
            "whether service endpoint Microsoft.Sql of `{}` is up: its state is {}",
            id.name(),
            state.words()
        );
        return Some(Missing { what, ..Missing::field(id, "serviceEndpoints") });
    }
    if !subnet.has_sql_endpoint() {
        return None;
    }
    unread_region(estate, server, vnet).or_else(|| {
        let regions = &subnet.sql_endpoint_regions;
        let region = region_key(server.1.location.as_deref()?);
        let is_told = regions.is_empty() || regions.contains(&region);
        if is_told || is_afar(estate, server.1.location.as_deref(), vnet) {
            return None;
        }
        let what = format!(
            "whether service endpoint Microsoft.Sql of `{}`, which names {}, acts for a server in {region}",
            id.name(),
            regions.join(", ")
        );
        let help = "turn it off and on again, which names the network's own region, or probe from there: `flexway probe`";
        Some(Missing::other(what, help))
    })
}

/// The region that was not observed, of a server and a network: only in its own region a service endpoint acts.
pub(super) fn unread_region(
    estate: &Estate,
    (server_id, server): (&ResourceId, &Server),
    vnet_id: &ResourceId,
) -> Option<Missing> {
    match estate.get::<Vnet>(vnet_id) {
        Err(missing) => Some(missing),
        Ok(vnet) if vnet.location.is_none() => Some(Missing::field(vnet_id, "location")),
        Ok(_) if server.location.is_none() => Some(Missing::field(server_id, "location")),
        Ok(_) => None,
    }
}
