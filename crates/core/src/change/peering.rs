//! Changes of peerings: create, mend or delete one half.

use serde_json::{Value, json};

use super::exposure::{EVERY_PORT, End, Exposure, Flows};
use super::terms::{Terms, all_of};
use super::{
    Change, Edit, NETWORK_API, Request, Safety, free_name, in_subscription, opening, place, quoted,
    whole_body,
};
use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::network::{Peering, Subnet};
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
pub fn create_half(
    estate: &Estate,
    vnet: &ResourceId,
    remote: &ResourceId,
    terms: &Terms,
) -> Change {
    let name = free_name(estate, vnet, "virtualNetworkPeerings", &format!("to-{}", remote.name()));
    let half = vnet.child("virtualNetworkPeerings", &name);
    let body = terms.body(remote);
    let mut simulated = body.clone();
    simulated["properties"]["peeringState"] = json!("Initiated");
    let space = terms.space(estate, remote);
    if let Some(space) = space {
        let space: Vec<String> = space.iter().map(ToString::to_string).collect();
        simulated["properties"]["remoteAddressSpace"] = json!({ "addressPrefixes": space });
    }
    let other = hop::half(estate, remote, vnet).map(|(id, _)| id.clone());
    // The other half may be part of the same plan, under the name this module gives it.
    let other = other.unwrap_or_else(|| {
        let kind = "virtualNetworkPeerings";
        remote.child(kind, &free_name(estate, remote, kind, &format!("to-{}", vnet.name())))
    });
    // Azure leaves a half without its partner disconnected, which no new partner mends.
    let waits = estate.find::<Peering>(&other).is_some_and(|half| is_in_state(half, "initiated"));
    let lost = waits.then(|| {
        format!(
            "taken back, it leaves peering `{}` of network `{}`, which waits now, disconnected: both halves then have to be made anew",
            other.name(),
            remote.name()
        )
    });
    Change {
        kind: "create-peering",
        title: format!("peer network `{}` with `{}`", vnet.name(), remote.name()),
        request: Request::put(&half, NETWORK_API, body),
        az: in_subscription(
            &half,
            format!(
                "az network vnet peering create {} --remote-vnet {} --allow-vnet-access true{}",
                base(&half),
                quoted(remote.as_str()),
                terms.options()
            ),
        ),
        inverse: Some(Request::delete(&half, NETWORK_API)),
        downtime: "none",
        safety: Safety::Review,
        exposure: opening::half(estate, vnet, remote, terms),
        affected: std::iter::once(format!(
            "rules with the tag VirtualNetwork in `{}` now speak of `{}` too",
            vnet.name(),
            remote.name()
        ))
        .chain(lost)
        .collect(),
        edits: vec![Edit::Create(half.clone(), simulated, other)],
        resource: half,
    }
}

/// Whether the network of a half that is to be created holds one towards the same network.
pub(super) fn is_held(estate: &Estate, half: &ResourceId, body: &Value) -> bool {
    let remote = body.pointer("/properties/remoteVirtualNetwork/id").and_then(Value::as_str);
    let ends = half.parent().zip(remote.and_then(ResourceId::parse));
    ends.is_some_and(|(vnet, remote)| hop::half(estate, &vnet, &remote).is_some())
}

/// What a half learns to route when it is made.
pub(super) fn space_of(estate: &Estate, half: &ResourceId, facts: &Peering) -> Option<Vec<String>> {
    let space = Terms::of(estate, &half.parent()?, &facts.remote).space(estate, &facts.remote)?;
    Some(space.iter().map(ToString::to_string).collect())
}

/// The half that is disconnected when a half goes: the other network's, unless this one had lost it before.
pub(super) fn partner<'e>(estate: &'e Estate, half: &ResourceId) -> Option<&'e ResourceId> {
    let facts = estate.find::<Peering>(half)?;
    let is_lost = is_in_state(facts, "disconnected");
    let (other, _) = hop::half(estate, &facts.remote, &half.parent()?)?;
    (!is_lost).then_some(other)
}

fn is_in_state(half: &Peering, state: &str) -> bool {
    half.state.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(state))
}

/// Deletes one half of a peering that carries nothing.
pub fn delete_half(half: &ResourceId) -> Change {
    Change {
        kind: "delete-peering",
        resource: half.clone(),
        title: format!(
            "delete peering `{}` of network `{}`, which carries nothing",
            half.name(),
            half.name_at(0)
        ),
        request: Request::delete(half, NETWORK_API),
        az: in_subscription(half, format!("az network vnet peering delete {}", base(half))),
        inverse: None,
        downtime: "none: a peering without two connected halves carries nothing",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Part(half.clone())],
    }
}

/// Lets the remote network in on one half of a peering.
pub fn allow_access(estate: &Estate, half: &ResourceId) -> Change {
    let (own, remote) = opening::ends(estate, half);
    let access =
        |flag: bool| whole_body(estate, half, json!({ "allowVirtualNetworkAccess": flag }));
    Change {
        kind: "allow-peering-access",
        resource: half.clone(),
        title: format!(
            "let traffic through peering `{}` of network `{}`",
            half.name(),
            half.name_at(0)
        ),
        request: Request::put(half, NETWORK_API, access(true)),
        az: in_subscription(
            half,
            format!(
                "az network vnet peering update {} --set allowVirtualNetworkAccess=true",
                base(half)
            ),
        ),
        inverse: Some(Request::put(half, NETWORK_API, access(false))),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!(
                "every subnet behind peering `{}` <-> network `{}`",
                half.name(),
                half.name_at(0)
            ),
            // The other half says what comes the other way.
            vec![Flows::new(remote, own, EVERY_PORT)],
        )],
        affected: vec![format!(
            "rules with the tag VirtualNetwork in `{}` now speak of the remote network too",
            half.name_at(0)
        )],
        edits: vec![Edit::Patch(half.clone(), json!({ "allowVirtualNetworkAccess": true }))],
    }
}

/// Sets one flag of a half of a peering to true.
pub fn set_flag(estate: &Estate, half: &ResourceId, flag: &str) -> Change {
    let put = |value: bool| {
        Request::put(half, NETWORK_API, whole_body(estate, half, json!({ flag: value })))
    };
    Change {
        kind: "set-peering-flag",
        resource: half.clone(),
        title: format!(
            "set `{flag}` of peering `{}` of network `{}` to true",
            half.name(),
            half.name_at(0)
        ),
        request: put(true),
        az: in_subscription(
            half,
            format!("az network vnet peering update {} --set {flag}=true", base(half)),
        ),
        inverse: Some(put(false)),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![opening::flag(estate, half, flag)],
        affected: vec![format!("every subnet of network `{}`", half.name_at(0))],
        edits: vec![Edit::Patch(half.clone(), json!({ flag: true }))],
    }
}

/// Adds subnets to both sides of one half of a peering between subnets.
pub fn add_subnets(
    estate: &Estate,
    half: &ResourceId,
    own: &ResourceId,
    other: &ResourceId,
) -> Change {
    let held = |field: &str| -> Vec<String> {
        let place = estate.locate(half, "", field);
        let body = estate.body(half);
        let names = body.as_ref().and_then(|body| body.pointer(&place)?.as_array());
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let (own_names, other_names) = (held("localSubnetNames"), held("remoteSubnetNames"));
    let with = |names: &[String], added: &ResourceId| {
        let is_new = !names.iter().any(|one| one.eq_ignore_ascii_case(added.name()));
        let added = is_new.then(|| added.name().to_owned());
        names.iter().cloned().chain(added).collect::<Vec<_>>()
    };
    let (own_after, other_after) = (with(&own_names, own), with(&other_names, other));
    // Every subnet that one list holds talks to every one of the other list.
    let all = |names: &[String], sibling: &ResourceId| {
        sibling.parent().map_or_else(End::default, |vnet| all_of(estate, &vnet, names))
    };
    let pairs = |own_names: &[String], other_names: &[String]| {
        Flows::between(all(own_names, own), all(other_names, other), EVERY_PORT)
    };
    let (before, after) = (pairs(&own_names, &other_names), pairs(&own_after, &other_after));
    let opened = after.iter().zip(&before).flat_map(|(after, before)| after.without(before));
    let lists = json!({ "localSubnetNames": own_after, "remoteSubnetNames": other_after });
    let mut request = Request::put(half, NETWORK_API, whole_body(estate, half, lists.clone()));
    let mut simulated = lists.clone();
    let learnt = space_with(estate, half, other);
    if let Some(space) = &learnt {
        // What is routed follows the lists once the half is synchronised.
        request.path.push_str("&syncRemoteAddressSpace=true");
        simulated["remoteAddressSpace"] = json!({ "addressPrefixes": space });
    }
    let words = |list: &Value| {
        let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(quoted).collect::<Vec<_>>().join(" ")
    };
    Change {
        kind: "add-peered-subnets",
        resource: half.clone(),
        title: format!(
            "let peering `{}` of network `{}` carry subnets `{}` and `{}` too",
            half.name(),
            half.name_at(0),
            own.name(),
            other.name()
        ),
        request,
        az: in_subscription(
            half,
            format!(
                "az network vnet peering update {} --local-subnet-names {} --remote-subnet-names {}",
                base(half),
                words(&lists["localSubnetNames"]),
                words(&lists["remoteSubnetNames"])
            ),
        )
        .into_iter()
        .chain(learnt.map(|_| format!("az network vnet peering sync {}", base(half))))
        .collect(),
        inverse: Some(Request::put(half, NETWORK_API, whole_body(estate, half, json!({})))),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("every port between subnets `{}` and `{}`", own.name(), other.name()),
            opened.collect(),
        )],
        affected: Vec::new(),
        edits: vec![Edit::Patch(half.clone(), simulated)],
    }
}

/// What a half routes once it routes a subnet too; `None` where it does already.
fn space_with(estate: &Estate, half: &ResourceId, subnet: &ResourceId) -> Option<Vec<String>> {
    let routed = &estate.find::<Peering>(half)?.remote_space;
    let added = &estate.find::<Subnet>(subnet)?.prefixes;
    let is_routed = AddressSet::of(added).is_within(&AddressSet::of(routed));
    (!is_routed).then(|| routed.iter().chain(added).map(ToString::to_string).collect())
}

/// Lets one half of a peering learn the remote network's present address space.
pub fn sync(estate: &Estate, half: &ResourceId) -> Change {
    let body = whole_body(estate, half, json!({}));
    // Where only some subnets are peered, it learns their prefixes.
    let facts = estate.find::<Peering>(half);
    let space = facts.and_then(|facts| space_of(estate, half, facts)).unwrap_or_default();
    let mut request = Request::put(half, NETWORK_API, body);
    request.path.push_str("&syncRemoteAddressSpace=true");
    Change {
        kind: "sync-peering",
        resource: half.clone(),
        title: format!(
            "synchronise peering `{}` of network `{}` with the remote address space",
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
