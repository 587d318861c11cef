//! Results of `az deployment ... what-if`: each resource before and after a deployment.

use serde_json::{Map, Value, json};

use super::endpoint::hide_records;
use super::json::Json;
use super::read::{Found, Standing};
use super::shapes::below;
use super::template::inside_expression;
use super::terraform::Memberships;
use super::unresolved::{each_unresolved, unresolved};
use super::{Origin, Problem, nested};
use crate::id::ResourceId;

/// What happens to one resource.
pub(crate) struct Planned {
    pub(crate) id: ResourceId,
    /// Its body before; `None` when it does not exist, or is not told.
    pub(crate) before: Option<Value>,
    /// Its body afterwards; `None` when it is gone.
    pub(crate) after: Option<Value>,
    pub(crate) origin: Origin,
    /// Whether the plan makes it.
    pub(crate) is_made: bool,
    /// Whether it is made in place of another one: nothing that was observed of it holds any longer.
    pub(crate) is_replaced: bool,
    /// What becomes of entries in lists, where the body leaves them out; `None` for a body that is whole.
    pub(crate) memberships: Option<Memberships>,
}

/// Whether an object is a result of what-if.
pub(crate) fn is_result(json: &Json) -> bool {
    let Some(changes) = json.get("changes").and_then(Json::list) else { return false };
    match changes.first() {
        Some(first) => first.has("changeType"),
        // A deployment that changes nothing.
        None => json.has("status") || json.has("correlationId"),
    }
}

/// The resources as they are after the deployment.
pub(crate) fn read(
    object: &Map<String, Value>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Vec<Found> {
    let found = |one: Planned| {
        let Planned { id, after, origin, .. } = one;
        Some(Found { id, body: after?, origin, standing: Standing::Remembered })
    };
    planned(object, origin, problems).into_iter().filter_map(found).collect()
}

/// What the deployment does to each resource.
pub(crate) fn planned(
    object: &Map<String, Value>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    // Of what a part may do that could not be evaluated, Azure names the resources.
    for list in ["changes", "potentialChanges"] {
        let changes = object.get(list).and_then(Value::as_array);
        for (index, change) in changes.into_iter().flatten().enumerate() {
            let origin = below(&below(origin, list), &index.to_string());
            if is_group_kept(change) {
                continue;
            }
            match one(change, list == "changes", &origin, problems) {
                Ok(one) => planned.push(one),
                Err(message) => problems.push(origin.problem(message)),
            }
        }
    }
    let said = object.get("diagnostics").and_then(Value::as_array);
    for (index, one) in said.into_iter().flatten().enumerate() {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or("");
        let origin = below(&below(origin, "diagnostics"), &index.to_string());
        let (code, message) = (text("code"), text("message"));
        problems.push(origin.problem(format!("the preview says {code}: {message}")));
    }
    planned
}

/// Whether a change is that of a resource group, which decides nothing as long as it is there.
fn is_group_kept(change: &Value) -> bool {
    let text = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or("");
    let mut parts = text("resourceId").split('/').skip(3);
    let is_group = parts.next().is_some_and(|part| part.eq_ignore_ascii_case("resourceGroups"));
    is_group && parts.count() == 1 && !text("changeType").eq_ignore_ascii_case("delete")
}

fn one(
    change: &Value,
    is_told: bool,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Result<Planned, String> {
    let text = |name: &str| change.get(name).and_then(Value::as_str);
    let id = text("resourceId").and_then(ResourceId::parse);
    let id = id.ok_or("change of a resource without a readable id; it is left out")?;
    let body = |name: &str| change.get(name).filter(|body| body.is_object()).cloned();
    let kind = text("changeType").unwrap_or("");
    let is_kept = |kind: &str| ["ignore", "nochange", "noeffect"].contains(&kind);
    if !is_told && !is_kept(&kind.to_ascii_lowercase()) {
        return Ok(untold(id, body("before"), kind, origin, problems));
    }
    let (mut before, mut after) = (body("before"), body("after"));
    // A preview shows what is written inside a network as the template has it: by name.
    let bodies = before.iter_mut().chain(&mut after);
    bodies.for_each(|body| nested::name_children(&id, body));
    match kind.to_ascii_lowercase().as_str() {
        "delete" => after = None,
        "ignore" | "nochange" | "noeffect" => after = after.or_else(|| before.clone()),
        "create" | "deploy" | "modify" => {}
        _ => after = None,
    }
    let kind = kind.to_ascii_lowercase();
    match (&after, kind.as_str()) {
        (Some(_), _) | (None, "delete") => {}
        (None, "ignore" | "nochange" | "noeffect") => {
            return Err("a resource that stays as it is, and is not told".to_owned());
        }
        (None, _) => return Ok(untold(id, before, &kind, origin, problems)),
    }
    if let Some(after) = &mut after {
        mark(after);
        let place = format!("{}/after", origin.pointer);
        each_unresolved(after, &place, &mut |pointer, why| {
            let (file, pointer) = (origin.file.to_string(), pointer.to_owned());
            let message = format!("not resolved: {why}; it is read as not observed");
            problems.push(Problem { file, pointer, message });
        });
    }
    let is_made = kind == "create";
    if let (Some(after), true) = (&mut after, is_made) {
        hide_records(&id, after);
    }
    let origin = below(origin, "after");
    Ok(Planned { id, before, after, origin, is_made, is_replaced: false, memberships: None })
}

/// What a resource is afterwards is not told: nothing that was observed of it counts any longer.
fn untold(
    id: ResourceId,
    before: Option<Value>,
    kind: &str,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Planned {
    problems.push(origin.problem(format!(
        "change `{kind}`: what becomes of `{}` is not told, and counts as not observed; ask for FullResourcePayloads",
        id.name()
    )));
    let after = Some(json!({ "properties": unresolved("what-if does not tell it") }));
    let (origin, memberships) = (origin.clone(), None);
    Planned { id, before, after, origin, is_made: false, is_replaced: true, memberships }
}

/// What-if writes the expression where it cannot tell a value.
fn mark(value: &mut Value) {
    match value {
        Value::String(text) if inside_expression(text) => {
            *value = unresolved("an expression that is evaluated when it is deployed");
        }
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Object(fields) => fields.values_mut().for_each(mark),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
