//! A captured resource as a request repeats it: in ARM's shape, however it was captured, without what Azure tells and does not take.

use serde_json::{Map, Value, json};

use crate::estate::Estate;
use crate::estate::shapes::with_properties;
use crate::id::ResourceId;

/// Properties that Azure tells and does not take: a half of a peering learns the other side's space by synchronising alone.
const READ_ONLY: [&str; 23] = [
    "provisioningState",
    "virtualNetworkLinkState",
    "resourceGuid",
    "peeringState",
    "peeringSyncLevel",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
    "remoteBgpCommunities",
    "remoteVirtualNetworkEncryption",
    "subnets",
    "macAddress",
    "primary",
    "virtualMachine",
    "hostedWorkloads",
    "privateEndpoint",
    "dscpConfiguration",
    "privateLinkService",
    "vnetEncryptionSupported",
    "tapConfigurations",
    "ipConfigurationProfiles",
    "resourceNavigationLinks",
    "serviceAssociationLinks",
    "purpose",
];

/// The same of what stands in the lists of a resource.
const READ_ONLY_IN_LISTS: [&str; 3] = ["provisioningState", "resourceGuid", "hasBgpOverride"];

/// Everything of a captured resource that a PUT has to repeat, with some properties changed.
pub(crate) fn whole_body(estate: &Estate, id: &ResourceId, changed: Value) -> Value {
    let body = estate.body(id);
    let body = body.as_deref().unwrap_or(&Value::Null);
    let mut properties = settings(body, &READ_ONLY);
    properties.extend(changed.as_object().cloned().unwrap_or_default());
    let mut whole = Map::new();
    for name in ["location", "tags", "sku", "zones"] {
        let told = body.get(name).filter(|one| !one.is_null() && !properties.contains_key(name));
        whole.extend(told.map(|value| (name.to_owned(), value.clone())));
    }
    whole.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(whole)
}

/// The properties of what stands in a list of its parent, such as a rule or a route.
pub(super) fn listed_properties(body: &Value) -> Map<String, Value> {
    settings(body, &READ_ONLY_IN_LISTS)
}

/// What a body says beside its outer fields; az prints the properties beside them.
fn settings(body: &Value, told: &[&str]) -> Map<String, Value> {
    let body = with_properties(body);
    let held = body.get("properties").and_then(Value::as_object).into_iter().flatten();
    let held = held.filter(|(name, _)| !told.contains(&name.as_str()));
    held.filter_map(|(name, value)| Some((name.clone(), repeated(value)?))).collect()
}

/// A value as a request says it; `None` for null.
fn repeated(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => Some(items.iter().filter_map(element).collect()),
        Value::Object(fields) => Some(match fields.get("id") {
            // References come with what they refer to; Azure takes the id alone.
            Some(id) if id.is_string() => json!({ "id": id }),
            _ => object(fields),
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}

/// An element of a list: with settings, one that stands inside the resource, or else what the list refers to.
fn element(value: &Value) -> Option<Value> {
    let Value::Object(fields) = value else { return repeated(value) };
    let has_id = fields.get("id").is_some_and(Value::is_string);
    let has_properties = fields.get("properties").is_some_and(Value::is_object);
    if !has_id && !has_properties {
        return Some(object(fields));
    }
    let own = ["id", "name"].into_iter().filter_map(|name| Some((name, fields.get(name)?)));
    let own = own.filter(|(_, value)| !value.is_null());
    let mut one: Map<String, Value> =
        own.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let properties = listed_properties(value);
    if has_properties || one.contains_key("name") {
        one.insert("properties".to_owned(), Value::Object(properties));
    }
    Some(Value::Object(one))
}

fn object(fields: &Map<String, Value>) -> Value {
    let told = |name: &&String| name.as_str() != "provisioningState";
    let set = fields.iter().filter(|(name, _)| told(name));
    let set = set.filter_map(|(name, value)| Some((name.clone(), repeated(value)?)));
    Value::Object(set.collect())
}
