//! Resource instances of Terraform, wherever a state or a plan writes them.

use serde_json::{Map, Value};

use super::super::unresolved::escaped;
use super::configuration::Configuration;
use super::identity::is_read;

/// Modules inside modules. Terraform sets no limit; nobody reads ten.
const MODULES_DEEP_MAX: usize = 32;

/// One resource instance, at one time.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// Address, such as `module.net.azurerm_subnet.app[0]`.
    pub(super) address: String,
    /// Type, such as `azurerm_subnet`.
    pub(super) kind: String,
    /// Attributes. What is known only after apply is unresolved, with the address that it refers to.
    pub(super) values: Value,
    /// Whether the plan makes it: what it does not tell is then not there.
    pub(super) is_new: bool,
    /// Whether the plan deletes another one before or after it makes it.
    pub(super) is_replaced: bool,
    /// Pointer of the attributes.
    pub(super) pointer: String,
}

/// Instances of a state file (`terraform.tfstate`, format 4).
pub(super) fn of_state_file(object: &Map<String, Value>) -> Vec<Instance> {
    let mut found = Vec::new();
    for (number, resource) in list(object.get("resources")).enumerate() {
        if text(resource, "mode") == "data" {
            continue;
        }
        let (kind, name) = (text(resource, "type"), text(resource, "name"));
        let module = text(resource, "module");
        let module = if module.is_empty() { String::new() } else { format!("{module}.") };
        for (index, instance) in list(resource.get("instances")).enumerate() {
            let Some(values) = instance.get("attributes").filter(|one| one.is_object()) else {
                continue;
            };
            let key = instance.get("index_key").map_or(String::new(), |key| format!("[{key}]"));
            found.push(Instance {
                address: format!("{module}{kind}.{name}{key}"),
                kind: kind.to_owned(),
                values: values.clone(),
                is_new: false,
                is_replaced: false,
                pointer: format!("/resources/{number}/instances/{index}/attributes"),
            });
        }
    }
    found
}

/// Addresses of what a state read and Terraform does not manage, of types that decide something here.
pub(super) fn data_sources(object: &Map<String, Value>) -> Vec<String> {
    let root = object.get("values").and_then(|values| values.get("root_module"));
    let mut modules: Vec<&Value> = root.into_iter().collect();
    let mut all: Vec<&Value> = list(object.get("resources")).collect();
    while let Some(module) = modules.pop() {
        all.extend(list(module.get("resources")));
        modules.extend(list(module.get("child_modules")));
    }
    all.retain(|one| text(one, "mode") == "data" && is_read(text(one, "type")));
    let address = |one: &&Value| match text(one, "address") {
        "" => format!("data.{}.{}", text(one, "type"), text(one, "name")),
        known => known.to_owned(),
    };
    all.iter().map(address).collect()
}

/// Instances of `values` or `planned_values`, as `terraform show -json` writes them.
pub(super) fn of_values(values: Option<&Value>, pointer: &str) -> Vec<Instance> {
    let mut found = Vec::new();
    if let Some(root) = values.and_then(|values| values.get("root_module")) {
        of_module(root, &format!("{pointer}/root_module"), 0, &mut found);
    }
    found
}

fn of_module(module: &Value, pointer: &str, depth: usize, found: &mut Vec<Instance>) {
    for (index, resource) in list(module.get("resources")).enumerate() {
        let values = resource.get("values").filter(|values| values.is_object());
        if let (Some(values), false) = (values, text(resource, "mode") == "data") {
            found.push(Instance {
                address: text(resource, "address").to_owned(),
                kind: text(resource, "type").to_owned(),
                values: values.clone(),
                is_new: false,
                is_replaced: false,
                pointer: format!("{pointer}/resources/{index}/values"),
            });
        }
    }
    if depth < MODULES_DEEP_MAX {
        for (index, child) in list(module.get("child_modules")).enumerate() {
            of_module(child, &format!("{pointer}/child_modules/{index}"), depth + 1, found);
        }
    }
}

/// Which side of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// As it is.
    Before,
    /// As it will be.
    After,
}

/// Instances of one side of `resource_changes`.
pub(super) fn of_changes(object: &Map<String, Value>, side: Side) -> Vec<Instance> {
    let changes: Vec<&Value> = list(object.get("resource_changes"))
        .filter(|change| text(change, "mode") != "data" && change.get("deposed").is_none())
        .collect();
    let addresses: Vec<&str> = changes.iter().map(|change| text(change, "address")).collect();
    let configuration = Configuration::new(object, addresses);
    let word = match side {
        Side::Before => "before",
        Side::After => "after",
    };
    let mut found = Vec::new();
    for (index, entry) in list(object.get("resource_changes")).enumerate() {
        let Some(change) = entry.get("change") else { continue };
        let does = |action: &str| list(change.get("actions")).any(|one| one == action);
        // What Terraform only forgets stays in Azure as it is.
        let word = if does("forget") && !does("create") { "before" } else { word };
        let Some(values) = change.get(word).filter(|values| values.is_object()) else { continue };
        if text(entry, "mode") == "data" || entry.get("deposed").is_some() {
            continue;
        }
        let address = text(entry, "address").to_owned();
        let unknown = change.get("after_unknown").filter(|_| word == "after");
        found.push(Instance {
            values: configuration.filled(&address, values, unknown),
            kind: text(entry, "type").to_owned(),
            is_new: side == Side::After && does("create"),
            is_replaced: side == Side::After && does("create") && does("delete"),
            pointer: format!("/resource_changes/{index}/change/{}", escaped(word)),
            address,
        });
    }
    found
}

pub(super) fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or("")
}
