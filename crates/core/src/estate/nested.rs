//! Children that ARM also writes inside their parents: the list in the parent follows what becomes of the child.

use std::collections::BTreeSet;

use serde_json::{Value, json};

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
const LISTS: [(&str, &str); 4] = [
    ("microsoft.network/networksecuritygroups/securityrules", "securityRules"),
    ("microsoft.network/routetables/routes", "routes"),
    ("microsoft.network/virtualnetworks/subnets", "subnets"),
    ("microsoft.network/virtualnetworks/virtualnetworkpeerings", "virtualNetworkPeerings"),
];

/// Ids of the children that a body lists.
pub(crate) fn listed(id: &ResourceId, body: &Value) -> Vec<ResourceId> {
    let kind = id.resource_type();
    let mut ids = Vec::new();
    for (_, name) in LISTS.iter().filter(|(child, _)| is_child_type(child, &kind)) {
        let list = body.pointer(&format!("/properties/{name}")).or_else(|| body.get(*name));
        for one in list.and_then(Value::as_array).into_iter().flatten() {
            if let Some(text) = one.get("name").and_then(Value::as_str) {
                ids.push(id.child(name, text));
            }
        }
    }
    ids
}

/// Children written inside a body get ids, as Azure answers them.
pub(crate) fn name_children(id: &ResourceId, body: &mut Value) {
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

/// Whether a body lists children, be it none.
pub(crate) fn has_list(id: &ResourceId, body: &Value) -> bool {
    let kind = id.resource_type();
    LISTS.iter().filter(|(child, _)| is_child_type(child, &kind)).any(|(_, name)| {
        let list = body.pointer(&format!("/properties/{name}")).or_else(|| body.get(*name));
        list.is_some_and(Value::is_array)
    })
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
    let is_it = |one: &Value| {
        one.get("name")
            .and_then(Value::as_str)
            .is_some_and(|one| one.eq_ignore_ascii_case(id.name()))
    };
    let at = list.iter().position(is_it);
    match (child, at) {
        (Nested::Gone, _) => list.retain(|one| !is_it(one)),
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
