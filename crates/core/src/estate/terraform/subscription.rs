//! The subscription that resources of a Terraform plan go to, from everything that tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::{Origin, Problem};
use super::configuration::{Configuration, USUAL};
use super::instance::{Instance, text};

/// Where resources go whose subscription nothing tells.
pub(crate) const UNKNOWN: &str = "00000000-0000-0000-0000-000000000000";

/// The subscriptions that have a resource group of a name, both in lower case.
pub(crate) type Groups = BTreeMap<String, BTreeSet<String>>;

/// Subscriptions that are known of a state or plan.
pub(super) struct Subscriptions {
    /// By resource group, in lower case.
    pub(super) by_group: BTreeMap<String, String>,
    /// Of resources that another provider than the usual one makes, by address.
    pub(super) by_address: BTreeMap<String, String>,
    /// The one for all others.
    pub(super) other: String,
}

/// Subscriptions from ids, from the provider's configuration, or from what was captured: a group that one subscription has is meant.
pub(super) fn known(
    object: &Map<String, Value>,
    instances: &[&[Instance]],
    captured: &Groups,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Subscriptions {
    let (mut told, mut all) = (Groups::new(), BTreeSet::new());
    for instance in instances.iter().copied().flatten() {
        collect(&instance.values, &mut told, &mut all);
    }
    // A plan shows what it leaves as it is here alone.
    let mut around = BTreeSet::new();
    let state = object.get("prior_state").unwrap_or(&Value::Null);
    collect(state, &mut told, &mut around);
    let all = if all.is_empty() { around } else { all };
    let configured = subscription_of(object, USUAL);
    if configured.is_none() {
        for (group, subscriptions) in captured {
            told.entry(group.clone()).or_insert_with(|| subscriptions.clone());
        }
    }
    let by_group: BTreeMap<String, String> = told
        .iter()
        .filter_map(|(group, subscriptions)| Some((group.clone(), only(subscriptions)?)))
        .collect();
    let whole: BTreeSet<String> = captured.values().flatten().cloned().collect();
    // Where several subscriptions have the groups that it names, no other one stands for them.
    let is_torn =
        |one: &Instance| told.get(&group_of(one)).is_some_and(|all| all.len() > 1) && !has_id(one);
    let is_any_torn = || instances.iter().copied().flatten().any(is_torn);
    let other =
        configured.or_else(|| only(&all).or_else(|| only(&whole)).filter(|_| !is_any_torn()));
    let configuration = Configuration::new(object, Vec::new());
    let of_other = |one: &Instance| {
        let key = configuration.other_provider(&one.address).filter(|_| !has_id(one))?;
        // One of another kind, such as azapi, takes the subscription of whoever is logged in.
        let is_alias = key.contains('.') && key.rsplit(':').next()?.starts_with(USUAL);
        let by_captured = || captured.get(&group_of(one)).and_then(only);
        let told = subscription_of(object, key);
        let told = told.or_else(|| is_alias.then(|| by_captured().unwrap_or(UNKNOWN.to_owned())));
        Some((one.address.clone(), told?))
    };
    let by_address: BTreeMap<String, String> =
        instances.iter().copied().flatten().filter_map(of_other).collect();
    let is_placed = |one: &Instance| {
        let group = group_of(one);
        by_address.contains_key(&one.address)
            || has_id(one)
            || group.is_empty()
            || by_group.contains_key(&group)
    };
    if other.is_none() && !instances.iter().copied().flatten().all(is_placed) {
        let message = format!(
            "tells no subscription: what it makes is read as part of subscription {UNKNOWN}"
        );
        problems.push(origin.problem(message));
    }
    Subscriptions { by_group, by_address, other: other.unwrap_or_else(|| UNKNOWN.to_owned()) }
}

/// The one of a set that has one.
fn only(all: &BTreeSet<String>) -> Option<String> {
    all.first().filter(|_| all.len() == 1).cloned()
}

fn has_id(instance: &Instance) -> bool {
    instance.values.get("id").is_some_and(Value::is_string)
}

fn group_of(instance: &Instance) -> String {
    text(&instance.values, "resource_group_name").to_ascii_lowercase()
}

/// Subscriptions and groups of every id in some attributes.
fn collect(value: &Value, by_group: &mut Groups, all: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let mut steps = text.split('/');
            if (steps.next(), steps.next()) != (Some(""), Some("subscriptions")) {
                return;
            }
            let Some(subscription) = steps.next().filter(|one| !one.is_empty()) else { return };
            let subscription = subscription.to_ascii_lowercase();
            if let (Some(_), Some(group)) = (steps.next(), steps.next()) {
                by_group
                    .entry(group.to_ascii_lowercase())
                    .or_default()
                    .insert(subscription.clone());
            }
            all.insert(subscription);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, by_group, all)),
        Value::Object(fields) => fields.values().for_each(|item| collect(item, by_group, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `subscription_id` of a provider: a constant, or a variable of the root module.
fn subscription_of(object: &Map<String, Value>, provider: &str) -> Option<String> {
    let providers = object.get("configuration")?.get("provider_config")?;
    let written = providers.get(provider)?.get("expressions")?.get("subscription_id")?;
    let constant = written.get("constant_value").and_then(Value::as_str);
    let variable = || {
        // Of a provider inside of a module the variables are that one's.
        if provider.contains(':') {
            return None;
        }
        let reference = written.get("references")?.get(0)?.as_str()?.strip_prefix("var.")?;
        object.get("variables")?.get(reference)?.get("value")?.as_str()
    };
    constant.or_else(variable).map(str::to_owned)
}
