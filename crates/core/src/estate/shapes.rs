//! Tells the JSON shapes of Azure and its clients apart.

use serde_json::{Map, Value, json};

use super::Origin;
use super::body::Node;
use super::json::Json;
use super::problem::Problems;
use super::unresolved::escaped;

/// Fields that stand beside the properties of a resource.
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

/// A body as ARM writes it: az puts the properties beside the id.
pub(crate) fn with_properties(body: &Value) -> Value {
    let Some(fields) = body.as_object().filter(|fields| !fields.contains_key("properties")) else {
        return body.clone();
    };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or("");
    let sold_inside = ["Microsoft.Network/azureFirewalls", "Microsoft.Network/firewallPolicies"];
    let is_inner = |name: &str| {
        name == "provisioningState"
            || name == "sku" && sold_inside.iter().any(|one| kind.eq_ignore_ascii_case(one))
    };
    let is_outer = |name: &str| !is_inner(name) && OUTER.contains(&name);
    let (outer, inner): (Vec<_>, Vec<_>) =
        fields.clone().into_iter().partition(|(name, _)| is_outer(name));
    let mut body: Map<String, Value> = outer.into_iter().collect();
    body.insert("properties".to_owned(), json!(inner.into_iter().collect::<Map<_, _>>()));
    Value::Object(body)
}

/// Whether nothing but the outer fields of a resource is there: its settings were not asked for.
pub(super) fn is_listing(object: &Json) -> bool {
    let mut fields = object.fields().into_iter().flatten();
    fields.all(|(name, value)| value.is_null() || OUTER.contains(&name.as_ref()))
}

pub(super) fn is_resource_without_id(object: &Json) -> bool {
    let kind = object.get("type").and_then(Json::as_str).unwrap_or("");
    kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("microsoft."))
        && kind.contains('/')
        && object.get("properties").is_some_and(|inner| inner.fields().is_some())
        && !object.has("query")
}

/// What Azure Resource Manager answers where it refuses: a code and a sentence.
pub(super) fn error_of_arm(object: &Json) -> Option<String> {
    let error = object.get("error")?;
    let text = |name: &str| error.get(name).and_then(Json::as_str);
    Some(format!("{}: {}", text("code")?, text("message")?))
}

/// Resource Graph's table form: column names and rows of values.
pub(super) fn graph_table<'a>(object: &Json<'a>) -> Option<Json<'a>> {
    let name = |column: &Json<'a>| match column.get("name")? {
        Json::Text(name) => Some(name.clone()),
        _ => None,
    };
    let names: Vec<_> = object.get("columns")?.list()?.iter().map(name).collect::<Option<_>>()?;
    let rows = object.get("rows")?.list()?;
    let records = rows
        .iter()
        .filter_map(Json::list)
        .map(|row| Json::Object(names.iter().cloned().zip(row.iter().cloned()).collect()));
    Some(Json::List(records.collect()))
}

/// A place inside another one.
pub(super) fn below(origin: &Origin, step: &str) -> Origin {
    Origin { file: origin.file.clone(), pointer: format!("{}/{}", origin.pointer, escaped(step)) }
}

/// The list that Azure answered, where all of it was captured: `more` is the field that tells of a next page.
pub(super) fn whole_list<'a>(
    node: &Node<'a>,
    more: &'a str,
    problems: &mut Problems,
) -> Option<Vec<Node<'a>>> {
    let has_more = node.is_unresolved_at(more) || node.text(more, problems).is_some();
    node.array("value", problems).filter(|_| !has_more)
}
