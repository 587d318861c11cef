//! The bodies of an estate by id, and short ways to read them; null and absent are the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::address::{Prefix, address_of};
use crate::id::ResourceId;

/// The bodies of an estate by lower-case id (ARM's REST shape, with `properties`). Subnets and
/// peerings may stand in their network's body or alone; what stands alone counts.
pub struct World {
    bodies: BTreeMap<String, Value>,
    kinds: BTreeMap<String, Vec<String>>,
}

const NETWORK: &str = "microsoft.network/virtualnetworks";
const SUBNET: &str = "microsoft.network/virtualnetworks/subnets";
const PEERING: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";

impl World {
    /// Takes copies of the bodies.
    pub fn of<'a>(bodies: impl IntoIterator<Item = (&'a ResourceId, &'a Value)>) -> World {
        let mut world = World { bodies: BTreeMap::new(), kinds: BTreeMap::new() };
        let mut nested = Vec::new();
        for (id, body) in bodies {
            let kind = id.resource_type();
            if kind == NETWORK {
                for (field, kind) in [("subnets", SUBNET), ("virtualNetworkPeerings", PEERING)] {
                    for one in list(body, &["properties", field]).unwrap_or(&[]) {
                        let Some(name) = text(one, &["name"]) else { continue };
                        let key = format!("{}/{field}/{name}", id.key()).to_ascii_lowercase();
                        nested.push((key, kind, one.clone()));
                    }
                }
            }
            world.put(id.key(), &kind, body.clone());
        }
        for (key, kind, body) in nested {
            if !world.bodies.contains_key(&key) {
                world.put(&key, kind, body);
            }
        }
        world
    }

    fn put(&mut self, key: &str, kind: &str, body: Value) {
        if self.bodies.insert(key.to_owned(), body).is_none() {
            self.kinds.entry(kind.to_owned()).or_default().push(key.to_owned());
        }
    }

    pub(super) fn body(&self, key: &str) -> Option<&Value> {
        self.bodies.get(key)
    }

    /// All resources of a type, in lower case.
    pub(super) fn all<'w>(
        &'w self,
        kind: &str,
    ) -> impl Iterator<Item = (&'w str, &'w Value)> + use<'w> {
        let keys = self.kinds.get(kind).map_or(&[][..], Vec::as_slice);
        keys.iter().filter_map(|key| Some((key.as_str(), self.bodies.get(key)?)))
    }

    /// The children of a resource of one kind, such as `subnets`: name and body.
    pub(super) fn children<'w>(
        &'w self,
        parent: &str,
        kind: &str,
    ) -> impl Iterator<Item = (&'w str, &'w Value)> + use<'w> {
        let start = format!("{parent}/{kind}/");
        let len = start.len();
        self.bodies
            .range(start.clone()..)
            .take_while(move |(key, _)| key.starts_with(&start))
            .filter(move |(key, _)| !key[len..].contains('/'))
            .map(move |(key, body)| (&key[len..], body))
    }

    /// Every place where an address may begin to be treated otherwise: the ends of all prefixes
    /// in the estate.
    pub(super) fn boundaries(&self) -> Vec<u32> {
        let mut cuts = Vec::new();
        for body in self.bodies.values() {
            collect_boundaries(body, &mut cuts);
        }
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }
}

fn collect_boundaries(value: &Value, cuts: &mut Vec<u32>) {
    match value {
        Value::String(text) => {
            if let Some(prefix) = Prefix::parse(text) {
                cuts.push(prefix.first());
                cuts.extend(prefix.last().checked_add(1));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_boundaries(item, cuts)),
        Value::Object(fields) => fields.values().for_each(|item| collect_boundaries(item, cuts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value at a path of field names; `None` when it is absent or null.
pub(super) fn at<'v>(body: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(body, |value, name| value.get(name)).filter(|value| !value.is_null())
}

pub(super) fn text<'v>(body: &'v Value, path: &[&str]) -> Option<&'v str> {
    at(body, path)?.as_str()
}

pub(super) fn flag(body: &Value, path: &[&str]) -> Option<bool> {
    at(body, path)?.as_bool()
}

pub(super) fn list<'v>(body: &'v Value, path: &[&str]) -> Option<&'v [Value]> {
    at(body, path)?.as_array().map(Vec::as_slice)
}

/// The texts of a list; nothing when the list is absent.
pub(super) fn texts<'v>(body: &'v Value, path: &[&str]) -> Vec<&'v str> {
    list(body, path).unwrap_or(&[]).iter().filter_map(Value::as_str).collect()
}

/// A reference to another resource, in the form under which bodies are kept.
pub(super) fn reference(body: &Value, path: &[&str]) -> Option<String> {
    let key = text(body, path)?.trim().trim_end_matches('/').to_ascii_lowercase();
    (!key.is_empty()).then_some(key)
}

/// The prefixes of a list; `None` when there is no list.
pub(super) fn prefixes(body: &Value, path: &[&str]) -> Option<Vec<Prefix>> {
    Some(list(body, path)?.iter().filter_map(|one| Prefix::parse(one.as_str()?)).collect())
}

/// The prefixes of a subnet, which Azure writes in either of two fields.
pub(super) fn subnet_prefixes(body: &Value) -> Vec<Prefix> {
    let one = text(body, &["properties", "addressPrefix"]);
    let more = texts(body, &["properties", "addressPrefixes"]);
    let mut found: Vec<Prefix> = one.into_iter().chain(more).filter_map(Prefix::parse).collect();
    found.dedup();
    found
}

/// The ranges that a network is known to use: its own list, or else the subnets that were captured.
/// The flag says whether that is all.
pub(super) fn address_space(world: &World, network: &str) -> (Vec<Prefix>, bool) {
    let listed = world
        .body(network)
        .and_then(|body| prefixes(body, &["properties", "addressSpace", "addressPrefixes"]));
    match listed {
        Some(all) => (all, true),
        None => {
            let subnets = world.children(network, "subnets");
            (subnets.flat_map(|(_, body)| subnet_prefixes(body)).collect(), false)
        }
    }
}

/// The network of a subnet.
pub(super) fn network_of(subnet: &str) -> &str {
    subnet.rsplit_once("/subnets/").map_or(subnet, |(network, _)| network)
}

pub(super) fn last_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or("")
}

/// A region, spelt the one way: `West Europe` is `westeurope`.
pub(super) fn region(body: &Value) -> Option<String> {
    let text = text(body, &["location"])?;
    Some(text.chars().filter(|letter| *letter != ' ').collect::<String>().to_ascii_lowercase())
}

/// The private addresses of a network interface.
pub(super) fn interface_addresses(body: &Value) -> Vec<u32> {
    list(body, &["properties", "ipConfigurations"])
        .unwrap_or(&[])
        .iter()
        .filter_map(|one| address_of(text(one, &["properties", "privateIPAddress"])?))
        .collect()
}
