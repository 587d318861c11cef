//! Children that ARM also writes inside their parents: the list in the parent follows what becomes of the child.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::unresolved::unresolved;
use crate::id::ResourceId;

/// What a child is now.
#[derive(Clone, Copy)]
pub(crate) enum Nested<'b> {
    /// This.
    Is(&'b Value),
    /// Nothing.
    Gone,
}

/// Lists inside parents, by the type of their elements.
const LISTS: [(&str, &str); 6] = [
    ("microsoft.network/networksecuritygroups/securityrules", "securityRules"),
    ("microsoft.network/routetables/routes", "routes"),
    ("microsoft.network/virtualnetworks/subnets", "subnets"),
    ("microsoft.network/virtualnetworks/virtualnetworkpeerings", "virtualNetworkPeerings"),
    ("microsoft.dbforpostgresql/servers/privateendpointconnections", "privateEndpointConnections"),
    (
        "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections",
        "privateEndpointConnections",
    ),
];

/// Ids of the children that a body lists.
pub(crate) fn listed(id: &ResourceId, body: &Value) -> Vec<ResourceId> {
    let kind = id.resource_type();
    let mut ids = Vec::new();
    for (_, name) in LISTS.iter().filter(|(child, _)| is_child_type(child, &kind)) {
        for one in list_of(body, name).into_iter().flatten() {
            ids.extend(name_of(one).map(|text| id.child(name, text)));
        }
    }
    ids
}

/// The name of an element of a list, which some tell by their id alone.
fn name_of(element: &Value) -> Option<&str> {
    let text = |field: &str| element.get(field).and_then(Value::as_str);
    text("name").or_else(|| text("id")?.rsplit('/').next())
}

fn list_of<'b>(body: &'b Value, name: &str) -> Option<&'b Vec<Value>> {
    let list = body.pointer(&format!("/properties/{name}")).or_else(|| body.get(name));
    list?.as_array()
}

/// Whether the parents of a resource may list it.
pub(crate) fn may_be_listed(id: &ResourceId) -> bool {
    let kind = id.resource_type();
    LISTS.iter().any(|(child, _)| *child == kind)
}

/// What the list of a parent says of one child: `Some(None)` where it does not hold it, `None` where there is no list that can be read.
pub(crate) fn told<'b>(id: &ResourceId, parent: &'b Value) -> Option<Option<&'b Value>> {
    let kind = id.resource_type();
    let (_, name) = LISTS.iter().find(|(child, _)| *child == kind)?;
    let list = list_of(parent, name)?;
    let are_named = list.iter().all(|one| name_of(one).is_some());
    are_named.then(|| list.iter().find(|one| is_it(one, id)))
}

fn is_it(element: &Value, id: &ResourceId) -> bool {
    name_of(element).is_some_and(|name| name.eq_ignore_ascii_case(id.name()))
}

/// Children written inside a body get ids, as Azure answers them.
pub(crate) fn name_children(id: &ResourceId, body: &mut Value) {
    if !id.is_type("microsoft.network/virtualnetworks") {
        return;
    }
    for list in ["subnets", "virtualNetworkPeerings"] {
        let place = format!("/properties/{list}");
        for child in body.pointer_mut(&place).and_then(Value::as_array_mut).into_iter().flatten() {
            let name = child.get("name").and_then(Value::as_str).map(str::to_owned);
            if let (Some(name), Some(fields)) = (name, child.as_object_mut()) {
                fields.insert("id".to_owned(), json!(id.child(list, &name).as_str()));
            }
        }
    }
}

/// Fields of subnets and peerings that users write: those that a new body leaves out are as if they had never been written.
const WRITTEN: [&str; 9] = [
    "serviceEndpoints",
    "routeTable",
    "networkSecurityGroup",
    "natGateway",
    "delegations",
    "privateEndpointNetworkPolicies",
    "allowForwardedTraffic",
    "allowGatewayTransit",
    "useRemoteGateways",
];

/// What users wrote of a child.
pub(crate) fn written(child: &Value) -> Value {
    let fields = child.get("properties").and_then(Value::as_object);
    let is_written = |(name, _): &(&String, &Value)| WRITTEN.contains(&name.as_str());
    let kept = fields.into_iter().flatten().filter(is_written);
    let kept: Map<String, Value> =
        kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    json!({ "properties": kept })
}

fn is_child_type(child: &str, parent: &str) -> bool {
    child.rsplit_once('/').is_some_and(|(before, _)| before == parent)
}

/// Types of which a list counts as whole: what was not read may hold one of them.
pub(crate) fn listed_whole() -> impl Iterator<Item = &'static str> {
    LISTS.iter().take(2).map(|(child, _)| *child)
}

/// Marks the list of a body as not known when children of its type were left out: one of them may belong to it.
pub(crate) fn doubt(id: &ResourceId, body: &mut Value, left_out: &BTreeSet<String>) {
    let kind = id.resource_type();
    for (child, name) in LISTS.iter().take(2).filter(|(child, _)| is_child_type(child, &kind)) {
        if left_out.contains(*child) {
            body["properties"][*name] = unresolved("one of them was left out");
        }
    }
}

/// Puts a child into its parent's list, or takes it out. A parent that has no such list does not get one.
pub(crate) fn reflect(parent: &mut Value, id: &ResourceId, child: Nested) {
    let kind = id.resource_type();
    let Some((_, name)) = LISTS.iter().find(|(known, _)| *known == kind) else { return };
    let place = format!("/properties/{name}");
    let is_nested = parent.pointer(&place).is_some();
    let list = if is_nested { parent.pointer_mut(&place) } else { parent.get_mut(*name) };
    let Some(list) = list.and_then(Value::as_array_mut) else { return };
    let at = list.iter().position(|one| is_it(one, id));
    match (child, at) {
        (Nested::Gone, _) => list.retain(|one| !is_it(one, id)),
        (Nested::Is(body), at) => {
            let mut body = body.clone();
            body["name"] = json!(id.name());
            match at.and_then(|at| list.get_mut(at)) {
                Some(place) => *place = body,
                None => list.push(body),
            }
        }
    }
}
