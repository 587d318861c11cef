//! Makes the changes of a plan in the bodies of an estate, as Azure would.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::apply::{Outcome, Request};
use super::certify::{Unreadable, requests};
use super::world::{World, at, list, text};
use crate::id::ResourceId;

/// Lists of children that stand in the bodies of their parents.
const LISTS: [&str; 4] = ["subnets", "virtualNetworkPeerings", "securityRules", "routes"];

/// The requests of a plan (`flexway plan --format json`), in their order.
///
/// # Errors
/// [`Unreadable`] when it is no such plan.
pub fn requests_of(plan: &Value) -> Result<Vec<Request>, Unreadable> {
    requests(plan)
}

/// The bodies after some requests, each with its `id`. Children that got bodies of their own no longer stand in their parents'.
///
/// # Errors
/// Why Azure would refuse one of the requests.
pub fn enact(
    bodies: &[(ResourceId, Value)],
    requests: &[Request],
) -> Result<Vec<(ResourceId, Value)>, String> {
    let mut world = World::of(bodies.iter().map(|(id, body)| (id, body)));
    let before = world.clone();
    for request in requests {
        if let Outcome::Refused(why) = request.apply(&mut world) {
            return Err(format!("{} {}: {why}", request.method, request.path));
        }
    }
    let mut written: BTreeMap<String, &ResourceId> =
        bodies.iter().map(|(id, _)| (id.key(), id)).collect();
    let paths = requests.iter().map(|one| one.path.split('?').next().unwrap_or(""));
    let named: Vec<ResourceId> = paths.filter_map(ResourceId::parse).collect();
    for id in &named {
        written.entry(id.key()).or_insert(id);
    }
    let known: BTreeMap<String, &Value> =
        bodies.iter().map(|(id, body)| (id.key(), body)).collect();
    let mut after = Vec::new();
    for (key, body) in world.bodies() {
        let is_same = before.body(key) == Some(body);
        let mut body = match known.get(key).filter(|_| is_same) {
            Some(original) => (*original).clone(),
            None => body.clone(),
        };
        let Some(id) = written.get(key).copied().cloned().or_else(|| ResourceId::parse(key)) else {
            continue;
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("id".to_owned(), id.as_str().into());
        }
        leave_out_children(&world, key, &mut body);
        after.push((id, body));
    }
    Ok(after)
}

/// Takes those children out of a body's lists that have bodies of their own.
fn leave_out_children(world: &World, key: &str, body: &mut Value) {
    for field in LISTS {
        if list(body, &["properties", field]).is_none() {
            continue;
        }
        let stands_alone = |one: &Value| {
            text(one, &["name"]).is_some_and(|name| {
                let child = format!("{key}/{field}/{name}").to_ascii_lowercase();
                world.body(&child).is_some()
            })
        };
        let kept = at(body, &["properties", field]).and_then(Value::as_array);
        let kept: Vec<Value> =
            kept.into_iter().flatten().filter(|one| !stands_alone(one)).cloned().collect();
        if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
            let properties: &mut Map<String, Value> = properties;
            properties.insert(field.to_owned(), Value::Array(kept));
        }
    }
}
