//! Halves of peerings: both are connected once both exist and neither lost its partner.

use serde_json::json;

use super::super::address::Prefix;
use super::super::world::{
    World, address_space, at, flag, last_name, prefixes, reference, set_field, text, texts,
};
use super::Put;

const REMOTE: &[&str] = &["properties", "remoteVirtualNetwork", "id"];
const SPACE: &[&str] = &["properties", "remoteAddressSpace", "addressPrefixes"];

impl World {
    /// A network has one half towards another at most, and is peered with none that has addresses of its own or of one beside it.
    pub(super) fn refuses_half(&self, half: &Put<'_>) -> Option<String> {
        let remote = reference(half.body, REMOTE)?;
        if let Some((other, _)) = self.half_between(half.parent, &remote) {
            return Some(format!("half {} leads there already", last_name(&other)));
        }
        let is_whole = |body| flag(body, &["properties", "peerCompleteVnets"]) != Some(false);
        if !is_whole(half.body) {
            return None;
        }
        let (theirs, _) = address_space(self, &remote);
        let meets = |space: &[Prefix]| {
            let overlap = |one: &Prefix, other: &Prefix| {
                one.first() <= other.last() && other.first() <= one.last()
            };
            space.iter().any(|own| theirs.iter().any(|other| overlap(own, other)))
        };
        if meets(&address_space(self, half.parent).0) {
            return Some(format!("{remote} has addresses of {}", half.parent));
        }
        let beside = self.children(half.parent, "virtualnetworkpeerings");
        let beside = beside.filter(|(_, body)| is_whole(body));
        let mut beside = beside.filter_map(|(name, body)| Some((name, prefixes(body, SPACE)?)));
        let (name, _) = beside.find(|(_, space)| meets(space))?;
        Some(format!("{remote} has addresses that peering {name} leads to"))
    }

    pub(super) fn half_put(&mut self, half: &Put<'_>, is_new: bool) {
        let Some(remote) = self.body(half.key).and_then(|body| reference(body, REMOTE)) else {
            return;
        };
        if is_new || half.query.contains("syncremoteaddressspace=true") {
            self.learn_space(half.key, &remote);
        }
        if !is_new {
            return;
        }
        let other = self.half_between(&remote, half.parent);
        // A half that tells no state is declared alone, and waits.
        let is_whole =
            other.as_ref().is_some_and(|(_, state)| state.as_deref().is_none_or(is_not_cut));
        let state = if is_whole { "Connected" } else { "Initiated" };
        if let Some((other, None)) = &other
            && self.body(other).is_some_and(|body| at(body, SPACE).is_none())
        {
            self.learn_space(other, half.parent);
        }
        for key in
            other.into_iter().filter(|_| is_whole).map(|(key, _)| key).chain([half.key.into()])
        {
            self.edit(&key, |body| {
                set_field(body, "peeringState", json!(state));
                set_field(body, "peeringSyncLevel", json!("FullyInSync"));
            });
        }
    }

    /// The other half loses its partner: one that was lost already had none to take along.
    pub(super) fn half_gone(&mut self, half: &str) {
        let near = half.split("/virtualnetworkpeerings/").next().unwrap_or("").to_owned();
        let Some(body) = self.body(half) else { return };
        let state = text(body, &["properties", "peeringState"]);
        let Some(remote) = reference(body, REMOTE).filter(|_| state.is_none_or(is_not_cut)) else {
            return;
        };
        if let Some((other, _)) = self.half_between(&remote, &near) {
            self.edit(&other, |body| set_field(body, "peeringState", json!("Disconnected")));
        }
    }

    /// The half of a network towards another: id and state.
    fn half_between(&self, near: &str, far: &str) -> Option<(String, Option<String>)> {
        self.children(near, "virtualnetworkpeerings")
            .find(|(_, body)| reference(body, REMOTE).as_deref() == Some(far))
            .map(|(name, body)| {
                let state = text(body, &["properties", "peeringState"]).map(str::to_owned);
                (format!("{near}/virtualnetworkpeerings/{name}"), state)
            })
    }

    /// A half takes over the other network's address space, or that of the subnets that it names there.
    fn learn_space(&mut self, half: &str, remote: &str) {
        let body = self.body(half);
        let is_whole =
            body.is_none_or(|body| flag(body, &["properties", "peerCompleteVnets"]) != Some(false));
        let named =
            body.map_or(Vec::new(), |body| texts(body, &["properties", "remoteSubnetNames"]));
        let named = named.iter().map(|name| name.to_ascii_lowercase());
        let subnets = named.filter_map(|name| self.body(&format!("{remote}/subnets/{name}")));
        let parts = subnets.flat_map(|body| {
            let one = text(body, &["properties", "addressPrefix"]).into_iter();
            one.chain(texts(body, &["properties", "addressPrefixes"]))
        });
        let space = match is_whole {
            true => self
                .body(remote)
                .and_then(|body| at(body, &["properties", "addressSpace", "addressPrefixes"]))
                .cloned(),
            false => Some(parts.collect()),
        };
        // Of a network that was not captured nobody knows what is learnt.
        let space = space.map(|space| json!({ "addressPrefixes": space }));
        self.edit(half, |body| set_field(body, "remoteAddressSpace", json!(space)));
    }
}

fn is_not_cut(state: &str) -> bool {
    !state.eq_ignore_ascii_case("Disconnected")
}
