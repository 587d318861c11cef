//! The value that stands where an input could not be resolved: the field is there, and nothing is known of it.

use serde_json::{Value, json};

/// No field of Azure begins with a dollar sign.
pub(super) const MARK: &str = "$unresolved";

/// A value that nothing is known of. An empty `why` means that there is nothing to report: it is a secret.
pub(crate) fn unresolved(why: &str) -> Value {
    json!({ MARK: why })
}

/// Why nothing is known of the value; `None` for a value that is known.
pub(crate) fn why_unresolved(value: &Value) -> Option<&str> {
    value.get(MARK).map(|why| why.as_str().unwrap_or(""))
}

/// Whether nothing is known of the value itself.
pub(crate) fn is_unresolved(value: &Value) -> bool {
    why_unresolved(value).is_some()
}

/// The first reason found in a value or below it.
pub(crate) fn why_in(value: &Value) -> Option<&str> {
    match value {
        Value::Array(items) => items.iter().find_map(why_in),
        Value::Object(fields) => why_unresolved(value).or_else(|| fields.values().find_map(why_in)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Calls `say` with the pointer and the reason of every unresolved value below `value`.
pub(crate) fn each_unresolved(value: &Value, pointer: &str, say: &mut impl FnMut(&str, &str)) {
    if let Some(why) = why_unresolved(value) {
        return say(pointer, why);
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_unresolved(item, &format!("{pointer}/{index}"), say);
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                each_unresolved(item, &format!("{pointer}/{}", escaped(name)), say);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A step of a JSON pointer.
pub(crate) fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
