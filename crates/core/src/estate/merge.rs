//! Lays one body over another: what the upper one knows counts, what it does not tell stays.

use serde_json::Value;

use super::unresolved::is_unresolved;

/// `upper` over `lower`: objects are merged field by field, everything else is replaced. An absent or null field of `upper` tells nothing;
/// an unresolved one says that what `lower` knows no longer holds.
pub(crate) fn laid_over(lower: &Value, upper: &Value) -> Value {
    merged(lower, upper, false)
}

/// The same, for two that speak of one time: what one of them knows counts, even where it is unresolved in the other.
pub(crate) fn united(lower: &Value, upper: &Value) -> Value {
    merged(lower, upper, true)
}

fn merged(lower: &Value, upper: &Value, is_one_time: bool) -> Value {
    match (lower, upper) {
        (_, Value::Null) => lower.clone(),
        (_, upper) if is_unresolved(upper) && is_one_time => lower.clone(),
        (lower, upper) if is_unresolved(lower) || is_unresolved(upper) => upper.clone(),
        (Value::Object(below), Value::Object(above)) => {
            let mut fields = below.clone();
            for (name, value) in above {
                let inner = match fields.get(name) {
                    Some(lower) => merged(lower, value, is_one_time),
                    None => value.clone(),
                };
                fields.insert(name.clone(), inner);
            }
            Value::Object(fields)
        }
        _ => upper.clone(),
    }
}

/// `body` without the fields that `before` has and `after` has no longer.
pub(crate) fn without_ended(body: &Value, before: &Value, after: &Value) -> Value {
    let (Value::Object(fields), Value::Object(before), Value::Object(after)) =
        (body, before, after)
    else {
        return body.clone();
    };
    let mut kept = fields.clone();
    for (name, old) in before.iter().filter(|(_, old)| !old.is_null()) {
        match (after.get(name), kept.get(name)) {
            (None | Some(Value::Null), _) => {
                kept.remove(name);
            }
            (Some(new), Some(own)) => {
                let inner = without_ended(own, old, new);
                kept.insert(name.clone(), inner);
            }
            (Some(_), None) => {}
        }
    }
    Value::Object(kept)
}
