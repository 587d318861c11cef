//! Functions of template expressions on lists and objects; several of them take texts too.

use serde_json::{Map, Value};

use super::functions::{number, one, place, text, too_few, two, whole};
use super::scope::{Known, Why, check, field};
use super::texts;

/// Elements of `range`: the limit of Azure Resource Manager.
const RANGE_MAX: usize = 10_000;

/// Calls a function on lists or objects; `None` when it is none of them.
pub(super) fn call(name: &str, a: &[Value]) -> Option<Known> {
    Some(match name {
        "concat" => concat(a),
        "array" => one(name, a).map(|value| match value {
            Value::Array(_) => value.clone(),
            other => Value::Array(vec![other.clone()]),
        }),
        "empty" => one(name, a).and_then(is_empty).map(Value::Bool),
        "length" => one(name, a).and_then(length),
        "first" => one(name, a).and_then(|value| end(value, false)),
        "last" => one(name, a).and_then(|value| end(value, true)),
        "contains" => contains(a),
        "indexof" => index_of(name, a, false),
        "lastindexof" => index_of(name, a, true),
        "take" => part(name, a, false),
        "skip" => part(name, a, true),
        "union" => union(a),
        "shallowmerge" => one(name, a).and_then(shallow_merge),
        "intersection" => intersection(a),
        "range" => range(a),
        "flatten" => one(name, a).and_then(flatten),
        "items" => one(name, a).and_then(items),
        "objectkeys" => one(name, a).and_then(object_keys),
        _ => return None,
    })
}

fn wrong(name: &str) -> Why {
    Why::because(format!("`{name}` of a value that it is not made for"))
}

fn concat(a: &[Value]) -> Known {
    if let [Value::Array(_), ..] = a {
        let lists = a.iter().map(|one| one.as_array().ok_or_else(|| wrong("concat")));
        let lists = lists.collect::<Result<Vec<_>, _>>()?;
        return Ok(Value::Array(lists.into_iter().flatten().cloned().collect()));
    }
    let parts = a.iter().map(texts::written).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::String(parts.concat()))
}

pub(super) fn is_empty(value: &Value) -> Result<bool, Why> {
    match value {
        Value::Null => Ok(true),
        Value::String(text) => Ok(text.is_empty()),
        Value::Array(list) => Ok(list.is_empty()),
        Value::Object(fields) => Ok(fields.is_empty()),
        Value::Bool(_) | Value::Number(_) => Err(wrong("empty")),
    }
}

fn length(value: &Value) -> Known {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(list) => list.len(),
        Value::Object(fields) => fields.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return Err(wrong("length")),
    };
    Ok(Value::from(length))
}

fn end(value: &Value, is_last: bool) -> Known {
    match value {
        Value::Array(list) => {
            let found = if is_last { list.last() } else { list.first() };
            check(found.cloned().unwrap_or(Value::Null))
        }
        Value::String(text) => {
            let found = if is_last { text.chars().last() } else { text.chars().next() };
            Ok(Value::String(found.map(String::from).unwrap_or_default()))
        }
        _ => Err(wrong(if is_last { "last" } else { "first" })),
    }
}

fn contains(a: &[Value]) -> Known {
    let (container, item) = two("contains", a)?;
    let found = match container {
        Value::String(whole) => whole.contains(&text(item)?),
        Value::Object(_) => field(Some(container), &text(item)?).is_some(),
        // An element that is not known may be the one: only a hit is certain.
        Value::Array(list) => {
            list.contains(whole(item)?) || {
                whole(container)?;
                false
            }
        }
        _ => return Err(wrong("contains")),
    };
    Ok(Value::Bool(found))
}

fn index_of(name: &str, a: &[Value], is_last: bool) -> Known {
    match two(name, a)? {
        (Value::String(whole), part) => {
            Ok(Value::from(texts::index_of(whole, &text(part)?, is_last)))
        }
        (Value::Array(list), item) => {
            whole(&a[0])?;
            let at = match is_last {
                true => list.iter().rposition(|one| one == item),
                false => list.iter().position(|one| one == item),
            };
            Ok(Value::from(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
        }
        _ => Err(wrong(name)),
    }
}

fn part(name: &str, a: &[Value], is_rest: bool) -> Known {
    match two(name, a)? {
        (Value::String(whole), count) => texts::part(whole, count, is_rest),
        (Value::Array(list), count) => {
            let count = usize::try_from(number(count)?).unwrap_or(0).min(list.len());
            let part = if is_rest { &list[count..] } else { &list[..count] };
            Ok(Value::Array(part.to_vec()))
        }
        _ => Err(wrong(name)),
    }
}

/// Lists: every element once. Objects: later ones win, inner objects are united too.
fn union(a: &[Value]) -> Known {
    let [first, rest @ ..] = a else { return Err(too_few("union")) };
    let mut result = first.clone();
    for next in rest {
        match (&mut result, next) {
            (Value::Object(_), Value::Object(_)) => unite(&mut result, next),
            (Value::Array(list), Value::Array(more)) => {
                for item in more {
                    if !list.contains(item) {
                        list.push(item.clone());
                    }
                }
            }
            _ => return Err(wrong("union")),
        }
    }
    Ok(result)
}

fn unite(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                unite(fields.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn shallow_merge(value: &Value) -> Known {
    let mut result = Map::new();
    for one in value.as_array().ok_or_else(|| wrong("shallowMerge"))? {
        let fields = whole(one)?.as_object().ok_or_else(|| wrong("shallowMerge"))?;
        result.extend(fields.clone());
    }
    Ok(Value::Object(result))
}

fn intersection(a: &[Value]) -> Known {
    let (first, second) = two("intersection", a)?;
    match (whole(first)?, whole(second)?) {
        (Value::Array(list), Value::Array(other)) => {
            Ok(list.iter().filter(|item| other.contains(item)).cloned().collect())
        }
        _ => Err(wrong("intersection")),
    }
}

fn range(a: &[Value]) -> Known {
    let (start, count) = two("range", a)?;
    let (start, count) = (number(start)?, place(count)?);
    if count > RANGE_MAX {
        return Err(Why::because(format!("`range` of more than {RANGE_MAX} numbers")));
    }
    Ok((0..count).map(|step| Value::from(start.saturating_add(step as i64))).collect())
}

fn flatten(value: &Value) -> Known {
    let mut flat = Vec::new();
    for one in value.as_array().ok_or_else(|| wrong("flatten"))? {
        match check(one.clone())? {
            Value::Array(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    Ok(Value::Array(flat))
}

fn items(value: &Value) -> Known {
    let fields = value.as_object().ok_or_else(|| wrong("items"))?;
    let pair = |(key, value): (&String, &Value)| serde_json::json!({ "key": key, "value": value });
    // Azure tells them in the order of their keys.
    let sorted: std::collections::BTreeMap<_, _> = fields.iter().collect();
    Ok(sorted.into_iter().map(pair).collect())
}

fn object_keys(value: &Value) -> Known {
    let fields = value.as_object().ok_or_else(|| wrong("objectKeys"))?;
    Ok(fields.keys().cloned().map(Value::String).collect())
}
