//! Changes of peerings: create, mend or delete one half.

use serde_json::json;

use super::{
    Change, Edit, NETWORK_API, Request, Safety, free_name, in_subscription, place, quoted,
};
use crate::estate::Estate;
use crate::estate::network::{Peering, Vnet};
use crate::id::ResourceId;
use crate::trace::hop;

fn base(half: &ResourceId) -> String {
    format!(
        "{} --vnet-name {} --name {}",
        place(half),
        quoted(half.name_at(0)),
        quoted(half.name())
    )
}

/// Creates the half of a peering that `vnet` holds towards `remote`.
pub fn create_half(estate: &Estate, vnet: &ResourceId, remote: &ResourceId) -> Change {
    let name = free_name(estate, vnet, "virtualNetworkPeerings", &format!("to-{}", remote.name()));
    let half = vnet.child("virtualNetworkPeerings", &name);
    let body = json!({ "properties": {
        "remoteVirtualNetwork": { "id": remote.as_str() },
        "allowVirtualNetworkAccess": true, "allowForwardedTraffic": false,
        "allowGatewayTransit": false, "useRemoteGateways": false } });
    let mut simulated = body.clone();
    simulated["properties"]["peeringState"] = json!("Initiated");
    if let Ok(network) = estate.get::<Vnet>(remote) {
        let space: Vec<String> = network.space.iter().map(ToString::to_string).collect();
        simulated["properties"]["remoteAddressSpace"] = json!({ "addressPrefixes": space });
    }
    let other = hop::half(estate, remote, vnet).map(|(id, _)| id.clone());
    // The other half may be part of the same plan, under the name this module gives it.
    let other = other
        .unwrap_or_else(|| remote.child("virtualNetworkPeerings", &format!("to-{}", vnet.name())));
    Change {
        kind: "create-peering",
        title: format!("peer network `{}` with `{}`", vnet.name(), remote.name()),
        request: Request::put(&half, NETWORK_API, body),
        az: in_subscription(
            &half,
            format!(
                "az network vnet peering create {} --remote-vnet {} --allow-vnet-access true",
                base(&half),
                quoted(remote.as_str())
            ),
        ),
        inverse: Some(Request::delete(&half, NETWORK_API)),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![format!(
            "every subnet of `{}` <-> every subnet of `{}`",
            vnet.name(),
            remote.name()
        )],
        affected: vec![format!(
            "rules with the tag VirtualNetwork in `{}` now speak of `{}` too",
            vnet.name(),
            remote.name()
        )],
        edits: vec![Edit::Create(half.clone(), simulated), Edit::Join(half.clone(), other)],
        resource: half,
    }
}

/// Deletes one half of a peering.
pub fn delete_half(half: &ResourceId) -> Change {
    Change {
        kind: "delete-peering",
        resource: half.clone(),
        title: format!(
            "delete the disconnected peering `{}` of network `{}`",
            half.name(),
            half.name_at(0)
        ),
        request: Request::delete(half, NETWORK_API),
        az: in_subscription(half, format!("az network vnet peering delete {}", base(half))),
        inverse: None,
        downtime: "none: a disconnected peering carries nothing",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Remove(half.clone())],
    }
}

/// Lets the remote network in on one half of a peering.
pub fn allow_access(estate: &Estate, half: &ResourceId) -> Change {
    let body = full_body(estate, half, true);
    Change {
        kind: "allow-peering-access",
        resource: half.clone(),
        title: format!(
            "let traffic through peering `{}` of network `{}`",
            half.name(),
            half.name_at(0)
        ),
        request: Request::put(half, NETWORK_API, body),
        az: in_subscription(
            half,
            format!(
                "az network vnet peering update {} --set allowVirtualNetworkAccess=true",
                base(half)
            ),
        ),
        inverse: Some(Request::put(half, NETWORK_API, full_body(estate, half, false))),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![format!(
            "every subnet behind peering `{}` <-> network `{}`",
            half.name(),
            half.name_at(0)
        )],
        affected: vec![format!(
            "rules with the tag VirtualNetwork in `{}` now speak of the remote network too",
            half.name_at(0)
        )],
        edits: vec![Edit::Patch(half.clone(), json!({ "allowVirtualNetworkAccess": true }))],
    }
}

fn full_body(estate: &Estate, half: &ResourceId, allows: bool) -> serde_json::Value {
    let body = estate.resource(half).map(|resource| &resource.body);
    let flag = |name: &str| {
        let place = estate.locate(half, "", name);
        body.and_then(|body| body.pointer(&place))
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false)
    };
    let remote = estate.get::<Peering>(half).map(|one| one.remote.to_string()).unwrap_or_default();
    json!({ "properties": {
        "remoteVirtualNetwork": { "id": remote },
        "allowVirtualNetworkAccess": allows,
        "allowForwardedTraffic": flag("allowForwardedTraffic"),
        "allowGatewayTransit": flag("allowGatewayTransit"),
        "useRemoteGateways": flag("useRemoteGateways") } })
}

/// Lets one half of a peering learn the remote network's present address space.
pub fn sync(estate: &Estate, half: &ResourceId) -> Change {
    let body = full_body(estate, half, true);
    let remote =
        estate.get::<Peering>(half).ok().and_then(|one| estate.get::<Vnet>(&one.remote).ok());
    let space: Vec<String> =
        remote.map(|vnet| &vnet.space).into_iter().flatten().map(ToString::to_string).collect();
    let mut request = Request::put(half, NETWORK_API, body);
    request.path.push_str("&syncRemoteAddressSpace=true");
    Change {
        kind: "sync-peering",
        resource: half.clone(),
        title: format!(
            "let peering `{}` of network `{}` learn the remote address space",
            half.name(),
            half.name_at(0)
        ),
        request,
        az: in_subscription(half, format!("az network vnet peering sync {}", base(half))),
        inverse: None,
        downtime: "none",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Patch(
            half.clone(),
            json!({ "remoteAddressSpace": { "addressPrefixes": space }, "peeringSyncLevel": "FullyInSync" }),
        )],
    }
}
