//! The subscription that resources of a Terraform plan go to, from everything that tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::{Origin, Problem};
use super::instance::Instance;
use super::world::Subscriptions;

/// Where resources go whose subscription nothing tells.
const UNKNOWN: &str = "00000000-0000-0000-0000-000000000000";

/// Subscriptions from ids, from the provider's configuration, or given.
pub(super) fn known(
    object: &Map<String, Value>,
    instances: &[&[Instance]],
    given: Option<&str>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Subscriptions {
    let (mut by_group, mut all) = (BTreeMap::new(), BTreeSet::new());
    let mut is_all_told = true;
    for instance in instances.iter().copied().flatten() {
        collect(&instance.values, &mut by_group, &mut all);
        is_all_told &= instance.values.get("id").is_some_and(Value::is_string);
    }
    let only = (all.len() == 1).then(|| all.into_iter().next()).flatten();
    let told = configured(object).or(only).or_else(|| given.map(str::to_owned));
    if told.is_none() && !is_all_told {
        let message = format!(
            "tells no subscription: what it makes is read as part of subscription {UNKNOWN}"
        );
        problems.push(origin.problem(message));
    }
    Subscriptions { by_group, other: told.unwrap_or_else(|| UNKNOWN.to_owned()) }
}

/// Subscriptions and groups of every id in some attributes.
fn collect(value: &Value, by_group: &mut BTreeMap<String, String>, all: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let mut steps = text.split('/');
            if (steps.next(), steps.next()) != (Some(""), Some("subscriptions")) {
                return;
            }
            let Some(subscription) = steps.next().filter(|one| !one.is_empty()) else { return };
            all.insert(subscription.to_owned());
            if let (Some(_), Some(group)) = (steps.next(), steps.next()) {
                by_group.entry(group.to_ascii_lowercase()).or_insert(subscription.to_owned());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, by_group, all)),
        Value::Object(fields) => fields.values().for_each(|item| collect(item, by_group, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `subscription_id` of the provider: a constant, or a variable of the root module.
fn configured(object: &Map<String, Value>) -> Option<String> {
    let providers = object.get("configuration")?.get("provider_config")?;
    let written = providers.get("azurerm")?.get("expressions")?.get("subscription_id")?;
    let constant = written.get("constant_value").and_then(Value::as_str);
    let variable = || {
        let reference = written.get("references")?.get(0)?.as_str()?.strip_prefix("var.")?;
        object.get("variables")?.get(reference)?.get("value")?.as_str()
    };
    constant.or_else(variable).map(str::to_owned)
}
