//! The bodies of an estate by id, and short ways to read them; null and absent are the same.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::address::{Prefix, address_of, span_of};
use crate::id::ResourceId;

/// The bodies of an estate by lower-case id (ARM's REST shape, with `properties`). Subnets and
/// peerings may stand in their network's body or alone; what stands alone counts.
#[derive(Clone, PartialEq)]
pub struct World {
    /// Shared, since worlds are copied for every set of changes that is tried.
    bodies: BTreeMap<Arc<str>, Arc<Value>>,
    kinds: BTreeMap<Arc<str>, Arc<Vec<Arc<str>>>>,
    /// Zones that requests made.
    made: BTreeSet<String>,
}

const NETWORK: &str = "microsoft.network/virtualnetworks";
const SUBNET: &str = "microsoft.network/virtualnetworks/subnets";
const PEERING: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";

impl World {
    /// Takes copies of the bodies.
    pub fn of<'a, B: Borrow<Value>>(
        bodies: impl IntoIterator<Item = (&'a ResourceId, B)>,
    ) -> World {
        let mut world =
            World { bodies: BTreeMap::new(), kinds: BTreeMap::new(), made: BTreeSet::new() };
        let mut nested = Vec::new();
        for (id, body) in bodies {
            let (kind, body) = (id.resource_type(), rest_shape(body.borrow()));
            if kind == NETWORK {
                for (field, kind) in [("subnets", SUBNET), ("virtualNetworkPeerings", PEERING)] {
                    for one in list(&body, &["properties", field]).unwrap_or(&[]) {
                        let Some(name) = text(one, &["name"]) else { continue };
                        let key = format!("{}/{field}/{name}", id.key()).to_ascii_lowercase();
                        nested.push((key, kind, one.clone()));
                    }
                }
            }
            world.put(&id.key(), &kind, body);
        }
        for (key, kind, body) in nested {
            if !world.bodies.contains_key(key.as_str()) {
                world.put(&key, kind, body);
            }
        }
        world
    }

    pub(super) fn put(&mut self, key: &str, kind: &str, body: Value) {
        match self.bodies.get_mut(key) {
            Some(old) => *old = Arc::new(body),
            None => {
                let key: Arc<str> = key.into();
                let all = self.kinds.entry(kind.into()).or_default();
                Arc::make_mut(all).push(Arc::clone(&key));
                self.bodies.insert(key, Arc::new(body));
            }
        }
    }

    /// Changes a body that is there.
    pub(super) fn edit(&mut self, key: &str, change: impl FnOnce(&mut Value)) {
        if let Some(body) = self.bodies.get_mut(key) {
            change(Arc::make_mut(body));
        }
    }

    /// Notes that a request made a zone: Azure may hold others of its name, which nobody captured.
    pub(super) fn note_made(&mut self, zone: &str) {
        self.made.insert(zone.to_owned());
    }

    pub(super) fn is_made(&self, zone: &str) -> bool {
        self.made.contains(zone)
    }

    /// Takes a body out; children stay.
    pub(super) fn remove(&mut self, key: &str) {
        self.bodies.remove(key);
        self.made.remove(key);
        for keys in self.kinds.values_mut().filter(|keys| keys.iter().any(|one| **one == *key)) {
            Arc::make_mut(keys).retain(|one| **one != *key);
        }
    }

    /// Ids of everything below a resource.
    pub(super) fn below(&self, key: &str) -> Vec<String> {
        let start = [key, "/"].concat();
        let after = self.from(&start).map(|(key, _)| key);
        after.take_while(|key| key.starts_with(&start)).map(|key| key.to_string()).collect()
    }

    /// Whether some body names this id, or the resource or something below it was captured.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.bodies.contains_key(key)
            || !self.below(key).is_empty()
            || self.bodies.values().any(|body| names(body, key))
    }

    /// All bodies from an id on.
    fn from(&self, start: &str) -> btree_map::Range<'_, Arc<str>, Arc<Value>> {
        self.bodies.range::<str, _>((Bound::Included(start), Bound::Unbounded))
    }

    /// Number of bodies.
    pub(super) fn len(&self) -> usize {
        self.bodies.len()
    }

    pub(super) fn body(&self, key: &str) -> Option<&Value> {
        self.bodies.get(key).map(Arc::as_ref)
    }

    /// All ids in lower case, with their bodies.
    pub(super) fn bodies(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.bodies.iter().map(|(key, body)| (key.as_ref(), body.as_ref()))
    }

    /// Ids of bodies that are in one of two worlds only, or differ.
    pub(super) fn unlike<'w>(&'w self, other: &'w World) -> Vec<&'w str> {
        let is_alike = |key: &str, body: &Arc<Value>| {
            other.bodies.get(key).is_some_and(|own| Arc::ptr_eq(own, body) || own == body)
        };
        let own = self.bodies.iter().filter(|(key, body)| !is_alike(key, body));
        let more = other.bodies.iter().filter(|(key, _)| !self.bodies.contains_key(*key));
        own.chain(more).map(|(key, _)| key.as_ref()).collect()
    }

    /// All resources of a type, in lower case.
    pub(super) fn all<'w>(
        &'w self,
        kind: &str,
    ) -> impl Iterator<Item = (&'w str, &'w Value)> + use<'w> {
        let keys = self.kinds.get(kind).map_or(&[][..], |keys| keys.as_slice());
        keys.iter().filter_map(|key| Some((key.as_ref(), self.body(key)?)))
    }

    /// The children of a resource of one kind, such as `subnets`: name and body.
    pub(super) fn children<'w>(
        &'w self,
        parent: &str,
        kind: &str,
    ) -> impl Iterator<Item = (&'w str, &'w Value)> + use<'w> {
        let start = [parent, "/", kind, "/"].concat();
        let len = start.len();
        self.from(&start)
            .take_while(move |(key, _)| key.starts_with(&start))
            .filter(move |(key, _)| !key[len..].contains('/'))
            .map(move |(key, body)| (&key[len..], body.as_ref()))
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

/// Fields that stand beside `properties` in ARM's REST shape.
const OUTER: [&str; 15] = [
    "id",
    "name",
    "type",
    "etag",
    "location",
    "tags",
    "resourceGroup",
    "sku",
    "zones",
    "kind",
    "systemData",
    "identity",
    "managedBy",
    "tenantId",
    "subscriptionId",
];

/// A body as ARM's REST interface gives it: the Azure CLI prints the properties beside the id.
fn rest_shape(body: &Value) -> Value {
    shaped(body, false)
}

/// The same for a part of a body; `in_list` for elements of a list in what the Azure CLI prints, which may have a name alone.
fn shaped(body: &Value, in_list: bool) -> Value {
    match body {
        Value::Array(items) => items.iter().map(|item| shaped(item, in_list)).collect(),
        Value::Object(fields) => {
            // A reference says nothing but whom it means; a child may come without its name.
            let says_more = |(name, value): (&String, &Value)| {
                name == "name" || !OUTER.contains(&name.as_str()) && !value.is_null()
            };
            let tells_more = |name: &String| !OUTER.contains(&name.as_str());
            let is_child = in_list && fields.contains_key("name") && fields.keys().any(tells_more);
            let is_flat = !fields.contains_key("properties")
                && (fields.contains_key("id") && fields.iter().any(says_more) || is_child);
            let inside = |(name, value): (&String, &Value)| {
                (name.clone(), shaped(value, is_flat && value.is_array()))
            };
            let shaped = fields.iter().map(inside);
            if !is_flat {
                return Value::Object(shaped.collect());
            }
            let (outer, inner): (Vec<_>, Vec<_>) =
                shaped.partition(|(name, _)| OUTER.contains(&name.as_str()));
            let mut body: Map<String, Value> = outer.into_iter().collect();
            body.insert("properties".to_owned(), Value::Object(inner.into_iter().collect()));
            Value::Object(body)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => body.clone(),
    }
}

/// Whether a value anywhere in a body is this id.
fn names(value: &Value, key: &str) -> bool {
    match value {
        Value::String(text) => text.trim_end_matches('/').eq_ignore_ascii_case(key),
        Value::Array(items) => items.iter().any(|item| names(item, key)),
        Value::Object(fields) => fields.values().any(|item| names(item, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn collect_boundaries(value: &Value, cuts: &mut Vec<u32>) {
    match value {
        Value::String(text) => {
            let one = Prefix::parse(text).map(|prefix| (prefix.first(), prefix.last()));
            if let Some((first, last)) = one.or_else(|| span_of(text)) {
                cuts.push(first);
                cuts.extend(last.checked_add(1));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_boundaries(item, cuts)),
        Value::Object(fields) => fields.values().for_each(|item| collect_boundaries(item, cuts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value at a path of field names; `None` when it is absent or null.
pub(super) fn at<'v>(body: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(body, |value, name| field(value, name)).filter(|value| !value.is_null())
}

/// A field, by looking at one after the other: few as they are, that takes less than to hash the name.
fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The elements of a list of `properties`, to change them.
pub(super) fn items_mut<'v>(body: &'v mut Value, field: &str) -> Option<&'v mut Vec<Value>> {
    body.get_mut("properties")?.get_mut(field)?.as_array_mut()
}

/// The fields of `properties`, to set them. What is no object says nothing that can be read, and gives way to one.
pub(super) fn fields_mut(body: &mut Value) -> &mut Map<String, Value> {
    object_mut(object_mut(body).entry("properties").or_insert(Value::Null))
}

/// Sets a field of `properties`.
pub(super) fn set_field(body: &mut Value, name: &str, value: Value) {
    fields_mut(body).insert(name.to_owned(), value);
}

/// A value as an object, an empty one where it is none.
pub(super) fn object_mut(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("it is an object now"),
    }
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

/// Whether Azure's last work on a thing is over and well, as far as its body tells.
pub(super) fn is_settled(body: &Value) -> bool {
    let state = at(body, &["properties", "provisioningState"]);
    let is_good =
        |word: &str| word.eq_ignore_ascii_case("Succeeded") || word.eq_ignore_ascii_case("Ready");
    let state = state.or_else(|| at(body, &["provisioningState"]));
    state.is_none_or(|state| state.as_str().is_some_and(is_good))
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
    text(body, &["location"]).map(spelt)
}

pub(super) fn spelt(region: &str) -> String {
    region.chars().filter(|letter| *letter != ' ').collect::<String>().to_ascii_lowercase()
}

/// The private addresses of a network interface.
pub(super) fn interface_addresses(body: &Value) -> Vec<u32> {
    list(body, &["properties", "ipConfigurations"])
        .unwrap_or(&[])
        .iter()
        .filter_map(private_address)
        .collect()
}

/// The private address of one configuration of an interface; older clients write `Ip`.
pub(super) fn private_address(configuration: &Value) -> Option<u32> {
    let word = text(configuration, &["properties", "privateIPAddress"])
        .or_else(|| text(configuration, &["properties", "privateIpAddress"]));
    address_of(word?)
}

/// Whether the DNS servers of a network can be read, be there none.
pub(super) fn tells_servers(network: &Value) -> bool {
    let Some(options) = at(network, &["properties", "dhcpOptions"]).filter(|one| !one.is_null())
    else {
        return true;
    };
    options.is_object()
        && match options.get("dnsServers") {
            None | Some(Value::Null) => true,
            Some(all) => all.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        }
}
