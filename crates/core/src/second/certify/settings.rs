//! What bodies say that requests set, without what Azure tells of its own: the places where two worlds differ in it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::apply::is_told;
use super::super::world::{World, at, is_settled, last_name, list, text};

/// Lists of children in the bodies of their parents.
const LISTS: [&str; 4] = ["routes", "securityRules", "subnets", "virtualNetworkPeerings"];

/// Those of them that may have no bodies of their own.
const INSIDE: [&str; 2] = ["routes", "securityRules"];

/// Fields outside `properties` that requests set.
const OUTER: [&str; 4] = ["location", "sku", "tags", "zones"];

/// Fields of lists and objects that Azure adds, or az.
const ADDED: [&str; 7] = [
    "actions",
    "etag",
    "hasBgpOverride",
    "locations",
    "provisioningState",
    "resourceGroup",
    "resourceGuid",
];

/// Flags that are set where a body does not name them.
const SET_UNLESS_DENIED: [&str; 2] = ["allowVirtualNetworkAccess", "peerCompleteVnets"];

/// What is meant where a body does not name a field.
const DEFAULTS: [(&str, &str); 3] = [
    ("forwardingRuleState", "enabled"),
    ("privateIPAddressVersion", "ipv4"),
    ("resolutionPolicy", "default"),
];

/// Whether a value holds what an input does not tell, which no request can repeat.
pub(super) fn is_untold(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_untold),
        Value::Object(fields) => {
            fields.iter().any(|(name, inner)| name == "$unresolved" || is_untold(inner))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The body of a resource, by itself or in its parent's list.
pub(super) fn body_of<'w>(world: &'w World, key: &str) -> Option<&'w Value> {
    let inside = || {
        let (parent, name) = key.rsplit_once('/')?;
        let (parent, field) = parent.rsplit_once('/')?;
        let field = INSIDE.iter().find(|one| one.eq_ignore_ascii_case(field))?;
        let all = list(world.body(parent)?, &["properties", field])?;
        let is_it =
            |one: &&Value| text(one, &["name"]).is_some_and(|word| word.eq_ignore_ascii_case(name));
        all.iter().find(is_it)
    };
    world.body(key).or_else(inside)
}

/// Ids of resources that are in one world only, or of which the two say different things.
pub(super) fn differing(one: &World, other: &World) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for key in one.unlike(other) {
        for body in [one.body(key), other.body(key)].into_iter().flatten() {
            for field in LISTS {
                let children = list(body, &["properties", field]).unwrap_or(&[]).iter();
                let names = children.filter_map(|child| text(child, &["name"]));
                let ids = names.map(|name| format!("{key}/{field}/{name}").to_ascii_lowercase());
                keys.extend(ids);
            }
        }
        keys.insert(key.to_owned());
    }
    // Which rulesets a network is linked to the links say.
    keys.retain(|key| !key.contains("/listdnsforwardingrulesets/"));
    keys.retain(|key| says(one, key) != says(other, key));
    keys
}

/// What a world says of a resource; the link of a ruleset may be known by its network's list alone.
fn says(world: &World, key: &str) -> Option<Value> {
    let listed = || {
        let list = world.listing_ruleset(key)?;
        let (network, _) = list.split_once("/listdnsforwardingrulesets/")?;
        Some(json!({ "virtualNetwork": network }))
    };
    body_of(world, key).map(|body| settings(key, body)).or_else(listed)
}

/// What a body says that requests set.
fn settings(key: &str, body: &Value) -> Value {
    let kind = key.rsplit('/').nth(1).unwrap_or("");
    let outer =
        OUTER.iter().filter_map(|name| Some(((*name).to_owned(), said(at(body, &[name])?)?)));
    let mut all: Map<String, Value> = outer.collect();
    let fields = at(body, &["properties"]).and_then(Value::as_object);
    for (name, value) in fields.into_iter().flatten() {
        // Addresses are what an interface sets, and what a subnet tells.
        let is_own = name == "ipConfigurations" && kind != "subnets";
        let is_left_out = is_told(name) && !is_own || LISTS.contains(&name.as_str());
        if !is_left_out && let Some(value) = field(name, value) {
            all.insert(name.clone(), value);
        }
    }
    Value::Object(all)
}

/// A field, unless it says what is meant without it.
fn field(name: &str, value: &Value) -> Option<Value> {
    let is_default = match value {
        Value::Bool(flag) => *flag == SET_UNLESS_DENIED.contains(&name),
        Value::String(word) => {
            DEFAULTS.iter().any(|(field, one)| *field == name && one.eq_ignore_ascii_case(word))
        }
        _ => false,
    };
    // What is referred to may come with all that it says.
    let reference = text(value, &["id"]).map(|id| Value::String(id.to_ascii_lowercase()));
    if is_default { None } else { reference.or_else(|| said(value)) }
}

/// A value, spelt the one way; `None` where it says nothing.
fn said(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(word) => Some(Value::String(word.to_ascii_lowercase())),
        Value::Array(items) => {
            // A service endpoint that Azure could not make does nothing.
            let is_made = |one: &&Value| at(one, &["service"]).is_none() || is_settled(one);
            let mut said: Vec<Value> = items.iter().filter(is_made).filter_map(element).collect();
            said.sort_by_key(Value::to_string);
            (!said.is_empty()).then_some(Value::Array(said))
        }
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !ADDED.contains(&name.as_str()));
            let said: Map<String, Value> = kept
                .filter_map(|(name, value)| Some((name.clone(), field(name, value)?)))
                .collect();
            (!said.is_empty()).then_some(Value::Object(said))
        }
    }
}

/// An element of a list: its name tells it from others, or else the id of what it refers to.
fn element(value: &Value) -> Option<Value> {
    let mut said = said(value)?;
    if let Some(fields) = said.as_object_mut() {
        let is_named = fields.contains_key("name");
        fields.retain(|name, _| !(is_named && name == "id" || name == "type"));
    }
    Some(said)
}

/// The state of a peering's half, which no request sets.
pub(super) fn state_of<'w>(world: &'w World, key: &str) -> Option<&'w str> {
    text(body_of(world, key)?, &["properties", "peeringState"])
}

/// A resource in words.
pub(super) fn named(key: &str) -> String {
    let mut words = key.rsplit('/');
    let (name, kind) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let noun = match kind {
        "a" => "record",
        "privatednszonegroups" => "zone group",
        "privateendpointconnections" => "connection",
        "privateendpoints" => "private endpoint",
        "securityrules" => "rule",
        "virtualnetworklinks" => "link",
        "virtualnetworkpeerings" => "peering",
        "virtualnetworkrules" => "VNet rule",
        kind => kind.strip_suffix('s').unwrap_or(kind),
    };
    let of = words.next().filter(|_| key.split('/').count() > PARENTLESS).map(last_name);
    let of = of.map(|of| format!(" of `{of}`")).unwrap_or_default();
    format!("{noun} `{name}`{of}")
}

/// Parts of an id of a resource that stands in no other one.
const PARENTLESS: usize = 9;
