//! Finds resources in the JSON shapes that Azure and its clients print.

use serde_json::{Map, Value};

use super::kinds::is_known_type;
use super::{Estate, Facts, Origin, Problem};
use crate::id::ResourceId;

/// One input, parsed.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name, for messages.
    pub file: String,
    /// What it holds.
    pub json: Value,
}

/// What the inputs gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The resources.
    pub estate: Estate,
    /// Everything that could not be read.
    pub problems: Vec<Problem>,
    /// Ids that were captured more than once; the last one in the order of inputs counts.
    pub replaced: Vec<ResourceId>,
    /// Resources of types that decide nothing here.
    pub ignored_count: usize,
}

/// Reads resources out of arrays, `{"value": [...]}` pages, az output, Resource Graph answers and wrappers around them. Whatever
/// has an ARM id and a body is a resource; everything else is looked into.
pub fn load(inputs: Vec<Input>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut inline = Vec::new();
    for input in inputs {
        let before = loaded.estate.len() + loaded.ignored_count + loaded.replaced.len();
        let problems_before = loaded.problems.len();
        find(
            input.json,
            &Origin { file: input.file.clone(), pointer: String::new() },
            &mut loaded,
            &mut inline,
        );
        let after = loaded.estate.len() + loaded.ignored_count + loaded.replaced.len();
        if before == after && loaded.problems.len() == problems_before {
            loaded.problems.push(Problem {
                file: input.file,
                pointer: String::new(),
                message: "holds no Azure resource".to_owned(),
            });
        }
    }
    // Children written inside their parents count where they were not captured by themselves.
    for (id, body, origin) in inline {
        if loaded.estate.resource(&id).is_none() {
            loaded.estate.put(&id, body, origin, &mut loaded.problems);
        }
    }
    loaded
}

type Inline = Vec<(ResourceId, Value, Origin)>;

fn find(value: Value, origin: &Origin, loaded: &mut Loaded, inline: &mut Inline) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.into_iter().enumerate() {
                find(item, &below(origin, &index.to_string()), loaded, inline);
            }
        }
        Value::Object(object) => find_in_object(object, origin, loaded, inline),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn find_in_object(
    object: Map<String, Value>,
    origin: &Origin,
    loaded: &mut Loaded,
    inline: &mut Inline,
) {
    if let Some(shape) = unread_shape(&object) {
        loaded.problems.push(Problem {
            file: origin.file.clone(),
            pointer: origin.pointer.clone(),
            message: format!("{shape} is not read yet; none of its resources count as observed"),
        });
        return;
    }
    let id = object.get("id").and_then(Value::as_str).and_then(ResourceId::parse);
    // az prints some children without type and properties: their ids tell the type.
    let is_known = |id: &ResourceId| is_known_type(&id.resource_type()) && !is_listing(&object);
    let has_body = object.get("properties").is_some_and(Value::is_object)
        || object.contains_key("type")
        || id.as_ref().is_some_and(is_known);
    match id {
        Some(_) if has_body && is_listing(&object) => loaded.problems.push(Problem {
            file: origin.file.clone(),
            pointer: origin.pointer.clone(),
            message: "resource without its properties, as `az resource list` prints it; it counts as not observed".to_owned(),
        }),
        Some(id) if has_body => add(id, Value::Object(object), origin, loaded, inline),
        _ => {
            if is_resource_without_id(&object) {
                loaded.problems.push(Problem {
                    file: origin.file.clone(),
                    pointer: origin.pointer.clone(),
                    message: "resource without a readable id; it is left out".to_owned(),
                });
                return;
            }
            if let Some(rows) = graph_table(&object) {
                return find(rows, &below(origin, "rows"), loaded, inline);
            }
            for (name, inner) in object {
                // What a client sent is a wish, not an observation.
                if name != "request" && name != "parameters" {
                    find(inner, &below(origin, &name), loaded, inline);
                }
            }
        }
    }
}

fn add(id: ResourceId, body: Value, origin: &Origin, loaded: &mut Loaded, inline: &mut Inline) {
    for list in ["subnets", "virtualNetworkPeerings"] {
        let nested =
            body.pointer(&format!("/properties/{list}")).map(|value| ("/properties", value));
        let Some((prefix, children)) = nested.or_else(|| body.get(list).map(|value| ("", value)))
        else {
            continue;
        };
        for (index, child) in children.as_array().into_iter().flatten().enumerate() {
            let child_id = child.get("id").and_then(Value::as_str).and_then(ResourceId::parse);
            let place = format!("{}{prefix}/{list}/{index}", origin.pointer);
            if let Some(child_id) = child_id
                && id.resource_type() == "microsoft.network/virtualnetworks"
                && child.as_object().is_some_and(|fields| fields.len() > 2 && !is_listing(fields))
            {
                inline.push((
                    child_id,
                    child.clone(),
                    Origin { file: origin.file.clone(), pointer: place },
                ));
            }
        }
    }
    if loaded.estate.resource(&id).is_some() {
        loaded.replaced.push(id.clone());
    }
    loaded.estate.put(&id, body, origin.clone(), &mut loaded.problems);
    if loaded.estate.resource(&id).is_some_and(|one| matches!(one.facts, Facts::Other)) {
        loaded.ignored_count += 1;
    }
}

/// Names a shape that holds resources in a form this reader does not understand.
fn unread_shape(object: &Map<String, Value>) -> Option<&'static str> {
    let schema = object.get("$schema").and_then(Value::as_str).unwrap_or("");
    if schema.contains("deploymentTemplate") || schema.contains("DeploymentTemplate") {
        return Some("an ARM template");
    }
    if object.contains_key("planned_values") || object.contains_key("resource_changes") {
        return Some("a Terraform plan");
    }
    (object.contains_key("terraform_version") && object.contains_key("lineage")
        || object.contains_key("format_version") && object.contains_key("values"))
    .then_some("a Terraform state")
}

/// Whether nothing but the outer fields of a resource is there: its settings were not asked for.
fn is_listing(object: &Map<String, Value>) -> bool {
    const OUTER: [&str; 20] = [
        "id",
        "name",
        "type",
        "kind",
        "location",
        "tags",
        "sku",
        "plan",
        "identity",
        "zones",
        "etag",
        "managedBy",
        "resourceGroup",
        "subscriptionId",
        "tenantId",
        "createdTime",
        "changedTime",
        "provisioningState",
        "extendedLocation",
        "systemData",
    ];
    object.iter().all(|(name, value)| value.is_null() || OUTER.contains(&name.as_str()))
}

fn is_resource_without_id(object: &Map<String, Value>) -> bool {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or("");
    kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("microsoft."))
        && kind.contains('/')
        && object.get("properties").is_some_and(Value::is_object)
        && !object.contains_key("query")
}

/// Resource Graph's table form: column names and rows of values.
fn graph_table(object: &Map<String, Value>) -> Option<Value> {
    let columns = object.get("columns")?.as_array()?;
    let names: Vec<&str> =
        columns.iter().map(|one| one.get("name")?.as_str()).collect::<Option<_>>()?;
    let rows = object.get("rows")?.as_array()?;
    let records = rows.iter().filter_map(Value::as_array).map(|row| {
        let fields = names.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(fields.collect())
    });
    Some(Value::Array(records.collect()))
}

fn below(origin: &Origin, step: &str) -> Origin {
    let escaped = step.replace('~', "~0").replace('/', "~1");
    Origin { file: origin.file.clone(), pointer: format!("{}/{escaped}", origin.pointer) }
}
