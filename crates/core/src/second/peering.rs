//! Peerings: two halves that have to agree before a packet crosses.

use serde_json::{Value, json};

use super::address::Prefix;
use super::verdict::{Fate, Gate, Tri};
use super::world::{
    World, flag, is_settled, last_name, prefixes, reference, set_field, text, texts,
};
use super::{gateway, mesh};

/// One network's half of a peering.
pub(super) struct Half<'w> {
    network: &'w str,
    name: &'w str,
    body: &'w Value,
}

impl Half<'_> {
    pub(super) fn remote(&self) -> Option<String> {
        reference(self.body, &["properties", "remoteVirtualNetwork", "id"])
    }

    /// In lower case; only `connected` carries packets.
    pub(super) fn state(&self) -> Option<String> {
        text(self.body, &["properties", "peeringState"]).map(str::to_ascii_lowercase)
    }

    /// Whether it is connected: not while the other network has no half.
    pub(super) fn is_up(&self, world: &World) -> Tri {
        let Some(state) = self.state() else {
            let remote = self.remote().filter(|remote| world.body(remote).is_some());
            let is_alone = remote.is_some_and(|remote| {
                let leads_back = |half: &Half<'_>| half.remote().as_deref() == Some(self.network);
                !halves(world, &remote).iter().any(leads_back)
            });
            return if is_alone { Tri::No } else { Tri::Maybe };
        };
        Tri::of(state == "connected")
    }

    pub(super) fn access(&self) -> Option<bool> {
        flag(self.body, &["properties", "allowVirtualNetworkAccess"])
    }

    /// Whether it takes packets that did not begin in the other network.
    pub(super) fn forwards(&self) -> Option<bool> {
        flag(self.body, &["properties", "allowForwardedTraffic"])
    }

    /// What is routed through this half.
    pub(super) fn space(&self) -> Option<Vec<Prefix>> {
        prefixes(self.body, &["properties", "remoteAddressSpace", "addressPrefixes"])
    }

    pub(super) fn uses_remote_gateways(&self) -> bool {
        flag(self.body, &["properties", "useRemoteGateways"]) == Some(true)
            && self.state().is_none_or(|state| state == "connected")
    }

    /// Whether it says that it uses no gateway of the other network.
    pub(super) fn keeps_gateways_out(&self) -> bool {
        flag(self.body, &["properties", "useRemoteGateways"]) == Some(false)
    }

    pub(super) fn lends_gateway(&self) -> bool {
        flag(self.body, &["properties", "allowGatewayTransit"]) != Some(false)
    }

    pub(super) fn key(&self) -> String {
        format!("{}/virtualnetworkpeerings/{}", self.network, self.name)
    }

    /// Whether it joins a subnet: all of them, or those in a list.
    pub(super) fn joins(&self, list: &'static str, subnet: &str) -> Gate {
        let is_whole = flag(self.body, &["properties", "peerCompleteVnets"]) != Some(false);
        let names = texts(self.body, &["properties", list]);
        match is_whole || names.iter().any(|name| name.eq_ignore_ascii_case(last_name(subnet))) {
            true => Gate::Pass,
            false => self.drop(list),
        }
    }

    fn drop(&self, why: &str) -> Gate {
        Gate::drop("peering", &self.key(), Some(why))
    }
}

pub(super) fn halves<'w>(world: &'w World, network: &'w str) -> Vec<Half<'w>> {
    world
        .children(network, "virtualnetworkpeerings")
        .map(|(name, body)| Half { network, name, body })
        .collect()
}

/// One end of a crossing.
#[derive(Clone, Copy)]
pub(super) struct Shore<'w> {
    pub(super) network: &'w str,
    pub(super) subnet: &'w str,
    /// `None` when it was not observed.
    pub(super) address: Option<u32>,
    /// Whether a security group acts on this side.
    pub(super) filtered: bool,
}

/// What the two halves do with a packet from one network to another, and with the reply.
pub(super) fn cross(world: &World, from: Shore<'_>, to: Shore<'_>) -> Vec<Gate> {
    let mut gates = Vec::new();
    let holds_half = |near: Shore<'_>, far: Shore<'_>| {
        let mut all = halves(world, near.network).into_iter();
        all.any(|half| half.remote().as_deref() == Some(far.network))
    };
    let is_whole = holds_half(from, to) && holds_half(to, from);
    let uses_them = |shore: Shore<'_>| gateway::may_use(world, shore.subnet);
    if !is_whole
        && uses_them(from)
        && uses_them(to)
        && gateway::may_join(world, from.network, to.network)
    {
        return vec![Gate::unknown("whether the gateways lead to", to.network)];
    }
    for (near, far) in [(from, to), (to, from)] {
        let found = halves(world, near.network);
        let half = found.iter().find(|half| half.remote().as_deref() == Some(far.network));
        match half {
            Some(half) => gates.extend(half_gates(half, near, far)),
            None => gates.push(no_half(world, near, far, &found)),
        }
    }
    gates
}

/// The gates on a way between two networks. Where a peering does not tell its state, what drops a packet whether it is connected or not
/// drops it.
pub(super) fn in_either_state(
    world: &World,
    near: &str,
    far: &str,
    gates: impl Fn(&World) -> Vec<Gate>,
) -> Vec<Gate> {
    let mut all = gates(world);
    let untold = untold(world, near, far);
    if untold.is_empty() || Fate::of(&all) != Fate::Open {
        return all;
    }
    let with = |state: &str| {
        let mut world = world.clone();
        for key in &untold {
            world.edit(key, |body| set_field(body, "peeringState", json!(state)));
        }
        gates(&world)
    };
    let connected = with("Connected");
    if [&connected, &with("Disconnected")].iter().all(|one| Fate::of(one) == Fate::Dropped) {
        all.extend(connected.into_iter().filter(|gate| matches!(gate, Gate::Drop(_))));
    }
    all
}

/// The halves between two networks that do not tell their state, where both are there.
fn untold(world: &World, near: &str, far: &str) -> Vec<String> {
    let between = |network: &str, other: &str| {
        let all = halves(world, network);
        let half = all.iter().find(|half| half.remote().as_deref() == Some(other))?;
        Some((half.key(), half.state().is_none()))
    };
    let Some((here, there)) = between(near, far).zip(between(far, near)) else { return Vec::new() };
    [here, there].into_iter().filter(|(_, is_untold)| *is_untold).map(|(key, _)| key).collect()
}

fn no_half(world: &World, near: Shore<'_>, far: Shore<'_>, found: &[Half<'_>]) -> Gate {
    if found.iter().any(|half| half.remote().is_none()) {
        return Gate::unknown("where a peering leads", near.network);
    }
    if world.body(near.network).is_none() {
        return Gate::unknown("the peerings", near.network);
    }
    if let Some(gate) = mesh::between(world, near.network, far.network) {
        return gate;
    }
    if has_hub(world, near.network) && has_hub(world, far.network) {
        return Gate::unknown("what a virtual hub routes", near.network);
    }
    Gate::drop("peering", near.network, Some(last_name(far.network)))
}

/// Whether a network is connected to a virtual hub, which routes what it likes; or may be, where a connection does not tell its
/// network.
pub(super) fn has_hub(world: &World, network: &str) -> bool {
    let joined = |body| reference(body, &["properties", "remoteVirtualNetwork", "id"]);
    world
        .all("microsoft.network/virtualhubs/hubvirtualnetworkconnections")
        .any(|(_, body)| joined(body).is_none_or(|joined| joined == network))
        || halves(world, network)
            .iter()
            .any(|half| half.remote().is_some_and(|key| last_name(&key).starts_with("hv_")))
}

fn half_gates(half: &Half<'_>, near: Shore<'_>, far: Shore<'_>) -> Vec<Gate> {
    let state = match half.state().as_deref() {
        Some("connected") if is_settled(half.body) => Gate::Pass,
        Some("connected") => Gate::unknown("the provisioning state", &half.key()),
        Some(_) => half.drop("peeringState"),
        None => Gate::unknown("the state", &half.key()),
    };
    let space = match (half.space(), far.address) {
        (Some(all), Some(address)) if all.iter().any(|prefix| prefix.contains(address)) => {
            Gate::Pass
        }
        (Some(_), Some(_)) => half.drop("remoteAddressSpace"),
        (None, _) | (_, None) => Gate::unknown("the remote space", &half.key()),
    };
    // With a security group the flag acts through the tag; without one, documents disagree.
    let access = match half.access() {
        Some(false) if near.filtered => Gate::Pass,
        Some(true) => Gate::Pass,
        Some(false) => Gate::unknown("the effect of allowVirtualNetworkAccess", &half.key()),
        None => Gate::unknown("allowVirtualNetworkAccess", &half.key()),
    };
    let family = match flag(half.body, &["properties", "enableOnlyIPv6Peering"]) {
        Some(true) => half.drop("enableOnlyIPv6Peering"),
        Some(false) | None => Gate::Pass,
    };
    vec![state, space, access, family, subnets(half, near, far)]
}

/// A peering of chosen subnets leaves the others out.
fn subnets(half: &Half<'_>, near: Shore<'_>, far: Shore<'_>) -> Gate {
    match half.joins("localSubnetNames", near.subnet) {
        Gate::Pass => half.joins("remoteSubnetNames", far.subnet),
        gate => gate,
    }
}
