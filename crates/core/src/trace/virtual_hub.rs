//! Virtual hubs of a Virtual WAN: which networks are connected to one. What they route, no resource tells in full.

use crate::change::whole_place;
use crate::estate::gateway::HubConnection;
use crate::estate::network::Peering;
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;

/// Whether a network is the one that Azure keeps for a virtual hub, as its name says.
pub(super) fn is_of_hub(vnet: &ResourceId) -> bool {
    vnet.name().starts_with(KEPT_FOR_HUB)
}

/// Begins the name of such a network; the hub's own name follows.
const KEPT_FOR_HUB: &str = "HV_";

/// The virtual hub that a network is connected to; or may be, where a connection does not tell its network. A connection that was not
/// captured shows as a peering with the network that Azure keeps for the hub.
pub(super) fn hub_of(estate: &Estate, vnet: &ResourceId) -> Option<ResourceId> {
    let keys = [Key::HubsOf(vnet.clone()), Key::HubsOfUnknown];
    let mut connections = keys.into_iter().flat_map(|key| estate.list::<HubConnection>(key));
    let kept = || {
        let mut remotes = estate.children::<Peering>(vnet).map(|(_, half)| &half.remote);
        remotes.find(|remote| is_of_hub(remote)).cloned()
    };
    connections.next().and_then(|(id, _)| id.parent()).or_else(kept)
}

/// What a virtual hub routes, which no resource tells in full.
pub(super) fn routes_of_hub(hub: &ResourceId) -> Missing {
    let what =
        |name: &str| format!("what virtual hub `{name}` routes between its networks, and beyond");
    // The hub's own network stands in a group of Azure's, which nobody else can read.
    if let Some(name) = hub.name().strip_prefix(KEPT_FOR_HUB) {
        let name = name.rsplit_once('_').map_or(name, |(name, _)| name);
        let help = format!(
            "find hub `{name}` with `az network vhub list`, add the output of `az network vhub connection list --resource-group \
             GROUP --vhub-name {}` with its group to the estate, or probe the path: `flexway probe`",
            quoted(name)
        );
        return Missing::other(what(name), help);
    }
    Missing::other(
        what(hub.name()),
        format!(
            "look at `az network vhub get-effective-routes {} --name {} --resource-type RouteTable --resource-id \
             {}`, or probe the path: `flexway probe`",
            whole_place(hub),
            quoted(hub.name()),
            quoted(&format!("{hub}/hubRouteTables/defaultRouteTable"))
        ),
    )
}
