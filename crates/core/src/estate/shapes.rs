//! Tells the JSON shapes of Azure and its clients apart.

use serde_json::{Map, Value};

use super::Origin;
use super::unresolved::escaped;

/// Fields that stand beside the properties of a resource.
pub(super) const OUTER: [&str; 20] = [
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

/// Whether nothing but the outer fields of a resource is there: its settings were not asked for.
pub(super) fn is_listing(object: &Map<String, Value>) -> bool {
    object.iter().all(|(name, value)| value.is_null() || OUTER.contains(&name.as_str()))
}

pub(super) fn is_resource_without_id(object: &Map<String, Value>) -> bool {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or("");
    kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("microsoft."))
        && kind.contains('/')
        && object.get("properties").is_some_and(Value::is_object)
        && !object.contains_key("query")
}

/// Resource Graph's table form: column names and rows of values.
pub(super) fn graph_table(object: &Map<String, Value>) -> Option<Value> {
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

/// A place inside another one.
pub(super) fn below(origin: &Origin, step: &str) -> Origin {
    Origin { file: origin.file.clone(), pointer: format!("{}/{}", origin.pointer, escaped(step)) }
}
