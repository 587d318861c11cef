//! Attributes of Terraform into properties of ARM: names differ, null and empty texts are absent, unresolved values stay unresolved.

use serde_json::{Map, Value, json};

use super::super::unresolved::{is_unresolved, unresolved, why_unresolved};

/// Why a property of something that exists is not known, when no attribute tells it.
pub(super) const NOT_TOLD: &str = "Terraform does not tell it";

/// Attributes of an instance or of a block in it.
#[derive(Clone, Copy)]
pub(super) struct Fields<'v> {
    pub(super) values: &'v Value,
    /// Whether the plan makes the instance.
    pub(super) is_new: bool,
}

impl<'v> Fields<'v> {
    /// An attribute that says something: null and the empty text do not.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let value = self.values.get(name)?;
        let is_absent = value.is_null() || value.as_str() == Some("");
        (!is_absent).then(|| value.clone())
    }

    /// The first of several names under which versions of the provider know an attribute.
    pub(super) fn first(&self, names: &[&str]) -> Option<Value> {
        names.iter().find_map(|name| self.get(name))
    }

    /// An attribute; unresolved where it is not there at all although the instance exists.
    pub(super) fn told(&self, name: &str) -> Option<Value> {
        let is_told = self.is_new || self.values.get(name).is_some();
        if is_told { self.get(name) } else { Some(not_told()) }
    }

    /// The attribute as a text.
    pub(super) fn text(&self, name: &str) -> Option<&'v str> {
        self.values.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// `{"id": ...}` of an attribute that holds an id.
    pub(super) fn reference(&self, name: &str) -> Option<Value> {
        self.get(name).map(referring)
    }

    /// The same, unresolved as [`told`](Self::told) is.
    pub(super) fn told_reference(&self, name: &str) -> Option<Value> {
        self.told(name).map(referring)
    }

    /// `Enabled` or `Disabled` of a flag.
    pub(super) fn switch(&self, name: &str) -> Option<Value> {
        self.get(name).map(switched)
    }

    /// A list, each element turned into something else. Blocks that may occur once are lists too.
    pub(super) fn list(&self, name: &str, turn: impl Fn(Fields<'v>) -> Value) -> Option<Value> {
        let value = self.values.get(name)?;
        if is_unresolved(value) {
            return Some(value.clone());
        }
        let element = |one: &'v Value| match is_unresolved(one) {
            true => one.clone(),
            false => turn(Fields { values: one, is_new: self.is_new }),
        };
        Some(value.as_array()?.iter().map(element).collect())
    }

    /// Blocks that are known.
    pub(super) fn blocks(&self, name: &str) -> impl Iterator<Item = Fields<'v>> {
        let is_new = self.is_new;
        let list = self.values.get(name).and_then(Value::as_array).into_iter().flatten();
        list.map(move |values| Fields { values, is_new })
    }
}

/// `Enabled` or `Disabled` for a flag.
pub(super) fn switched(flag: Value) -> Value {
    match flag {
        Value::Bool(true) => json!("Enabled"),
        Value::Bool(false) => json!("Disabled"),
        other => other,
    }
}

/// What refers to a resource by its id.
pub(super) fn referring(id: Value) -> Value {
    if is_unresolved(&id) { id } else { json!({ "id": id }) }
}

/// A value that Terraform does not tell of something that exists.
pub(super) fn not_told() -> Value {
    unresolved(NOT_TOLD)
}

/// An object of the properties that are there.
pub(super) fn object<const N: usize>(properties: [(&str, Option<Value>); N]) -> Value {
    let there = properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<String, Value>>())
}

/// `{"properties": ...}`, with the location where there is one.
pub(super) fn body<const N: usize>(
    fields: &Fields,
    properties: [(&str, Option<Value>); N],
) -> Value {
    object([("location", fields.get("location")), ("properties", Some(object(properties)))])
}

/// A body without what Terraform does not tell: over an estate it is not that which is known there.
pub(super) fn without_untold(body: &Value) -> Value {
    match body {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| why_unresolved(value) != Some(NOT_TOLD));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_untold(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_untold).collect(),
        other => other.clone(),
    }
}
