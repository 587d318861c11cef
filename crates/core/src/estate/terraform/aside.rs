//! What a plan says beside the resources that it changes: groups that go with all that is in them, and changes that wait.

use serde_json::{Map, Value, json};

use super::instance::{data_sources, list, text};
use crate::estate::unresolved::unresolved;
use crate::estate::what_if::Planned;
use crate::estate::{Estate, Origin, Problem};
use crate::id::ResourceId;

/// Captured resources of groups that the plan deletes, where it does not tell what becomes of them.
pub(crate) fn emptied(
    object: &Map<String, Value>,
    (estate, planned): (&Estate, &[Planned]),
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Vec<Planned> {
    let mut emptied = Vec::new();
    for (index, change) in list(object.get("resource_changes")).enumerate() {
        let ends = list(change.pointer("/change/actions")).any(|one| one == "delete");
        let is_group = text(change, "type") == "azurerm_resource_group" && ends;
        let Some(group) = change.pointer("/change/before/id").filter(|_| is_group) else {
            continue;
        };
        let prefix = format!("{}/providers/", group.as_str().unwrap_or("")).to_ascii_lowercase();
        let is_told = |id: &ResourceId| planned.iter().any(|one| one.id == *id);
        let is_in = |id: &&ResourceId| id.as_str().to_ascii_lowercase().starts_with(&prefix);
        let pointer = format!("{}/resource_changes/{index}", origin.pointer);
        let origin = Origin { file: origin.file.clone(), pointer };
        let before = emptied.len();
        emptied.extend(estate.ids().filter(is_in).filter(|id| !is_told(id)).map(|id| Planned {
            id: id.clone(),
            before: None,
            after: Some(json!({ "properties": unresolved("its resource group is deleted") })),
            origin: origin.clone(),
            is_made: false,
            is_replaced: true,
            memberships: None,
        }));
        if emptied.len() > before {
            let (count, address) = (emptied.len() - before, text(change, "address"));
            problems.push(origin.problem(format!(
                "`{address}` is deleted: what becomes of {count} captured resources in it is not told, and counts as not observed"
            )));
        }
    }
    emptied
}

/// Says that what a state read of others is not taken from it.
pub(super) fn say_data(object: &Map<String, Value>, origin: &Origin, problems: &mut Vec<Problem>) {
    let all = data_sources(object);
    let Some(first) = all.first() else { return };
    let (count, noun) = (all.len(), if all.len() == 1 { "source is" } else { "sources are" });
    problems.push(origin.problem(format!(
        "{count} data {noun} passed over, such as `{first}`: what they read has to be captured"
    )));
}

/// Says what the plan leaves to a later one.
pub(crate) fn say_deferred(
    object: &Map<String, Value>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) {
    for (index, deferred) in list(object.get("deferred_changes")).enumerate() {
        let address = deferred.get("resource_change").map_or("", |change| text(change, "address"));
        let pointer = format!("{}/deferred_changes/{index}", origin.pointer);
        let origin = Origin { file: origin.file.clone(), pointer };
        problems.push(
            origin.problem(format!(
                "`{address}` is left to a later plan; the answer is that before it"
            )),
        );
    }
}

/// Says what the plan does that is not read: templates that it deploys, and requests that it sends; and that it is no whole plan.
pub(crate) fn say_unread(
    object: &Map<String, Value>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) {
    if object.get("errored") == Some(&json!(true)) {
        problems.push(origin.problem("the plan ended with an error: it may lack changes"));
    } else if object.get("complete") == Some(&json!(false)) {
        problems.push(origin.problem("the plan is not complete: what it leaves out comes later"));
    }
    for (index, entry) in list(object.get("resource_changes")).enumerate() {
        let mut actions = list(entry.pointer("/change/actions"));
        let (kind, address) = (text(entry, "type"), text(entry, "address"));
        let what = match kind {
            "azapi_resource_action" => "sends a request",
            _ if kind.ends_with("_template_deployment") => "deploys a template",
            _ => continue,
        };
        if actions.any(|one| one != "no-op" && one != "read") {
            let pointer = format!("{}/resource_changes/{index}", origin.pointer);
            let origin = Origin { file: origin.file.clone(), pointer };
            problems.push(origin.problem(format!(
                "`{address}` {what}: what that changes is not read; give its preview or its outcome as well"
            )));
        }
    }
}
