//! Functions of template expressions that depend on their arguments alone. An unknown function is never guessed.

use serde_json::{Map, Value};

use super::scope::{Known, Why, check, field};
use super::{cidr, lists, texts};
use crate::estate::unresolved::why_in;

/// Calls a function by its lower-case name.
pub(super) fn call(name: &str, arguments: Vec<Value>) -> Known {
    let a = arguments.as_slice();
    match name {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "null" => Ok(Value::Null),
        "not" => Ok(Value::Bool(!truth(one(name, a)?)?)),
        "bool" => boolean(one(name, a)?),
        "int" => integer(one(name, a)?),
        "equals" => equals(a),
        "greater" => compare(name, a, |order| order.is_gt()),
        "greaterorequals" => compare(name, a, |order| order.is_ge()),
        "less" => compare(name, a, |order| order.is_lt()),
        "lessorequals" => compare(name, a, |order| order.is_le()),
        "add" => arithmetic(name, a, i64::checked_add),
        "sub" => arithmetic(name, a, i64::checked_sub),
        "mul" => arithmetic(name, a, i64::checked_mul),
        "div" => arithmetic(name, a, i64::checked_div),
        "mod" => arithmetic(name, a, i64::checked_rem),
        "min" => extreme(name, a, |numbers| numbers.into_iter().min()),
        "max" => extreme(name, a, |numbers| numbers.into_iter().max()),
        "json" => json_text(one(name, a)?),
        "tryget" => try_get(a),
        "createobject" => object(arguments),
        "createarray" => Ok(Value::Array(arguments)),
        "nullifempty" => {
            let value = one(name, a)?;
            let is_empty = lists::is_empty(value)?;
            Ok(if is_empty { Value::Null } else { value.clone() })
        }
        _ => texts::call(name, a)
            .or_else(|| lists::call(name, a))
            .or_else(|| cidr::call(name, a))
            .unwrap_or_else(|| Err(Why::because(format!("function `{name}` is not known here")))),
    }
}

/// `owner.key` or `owner[key]`.
pub(super) fn member(owner: &Value, key: &Value) -> Known {
    let found = match key {
        Value::String(name) => field(Some(owner), name),
        Value::Number(_) => {
            let index = key.as_u64().and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| owner.as_array()?.get(index))
        }
        _ => None,
    };
    // A key that is not a text or a number may be a value of the user: it is not named.
    let name = match key {
        Value::String(name) => format!("`{name}`"),
        Value::Number(index) => format!("element {index}"),
        _ => "that".to_owned(),
    };
    check(found.ok_or_else(|| Why::because(format!("no {name} in the value")))?.clone())
}

/// `tryGet(value, key, ...)`: null where a step is not there.
fn try_get(arguments: &[Value]) -> Known {
    let [value, keys @ ..] = arguments else { return Err(too_few("tryget")) };
    let mut value = value.clone();
    for key in keys {
        let found = match key {
            Value::String(name) => field(Some(&value), name),
            _ => {
                let index = key.as_u64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| value.as_array()?.get(index))
            }
        };
        let Some(found) = found else { return Ok(Value::Null) };
        value = check(found.clone())?;
    }
    Ok(value)
}

fn object(arguments: Vec<Value>) -> Known {
    let mut fields = Map::new();
    let mut rest = arguments.into_iter();
    while let Some(key) = rest.next() {
        let value = rest.next().ok_or_else(|| too_few("createobject"))?;
        fields.insert(text(&check(key)?)?, value);
    }
    Ok(Value::Object(fields))
}

/// The only argument.
pub(super) fn one<'a>(name: &str, arguments: &'a [Value]) -> Result<&'a Value, Why> {
    arguments.first().ok_or_else(|| too_few(name))
}

/// The first two arguments.
pub(super) fn two<'a>(name: &str, a: &'a [Value]) -> Result<(&'a Value, &'a Value), Why> {
    match a {
        [first, second, ..] => Ok((first, second)),
        _ => Err(too_few(name)),
    }
}

pub(super) fn too_few(name: &str) -> Why {
    Why::because(format!("`{name}` with too few arguments"))
}

/// A text.
///
/// # Errors
/// When the value is none.
pub(super) fn text(value: &Value) -> Result<String, Why> {
    match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(Why::because("a value that is not a text")),
    }
}

/// A number.
///
/// # Errors
/// When the value is none, or is not whole.
pub(super) fn number(value: &Value) -> Result<i64, Why> {
    value.as_i64().ok_or_else(|| Why::because("a value that is not a whole number"))
}

/// A number that counts or points to something.
///
/// # Errors
/// When it is none, or negative.
pub(super) fn place(value: &Value) -> Result<usize, Why> {
    let place = usize::try_from(number(value)?);
    place.map_err(|_| Why::because("a negative number where a position is needed"))
}

/// A condition.
///
/// # Errors
/// When the value is neither true nor false.
pub(super) fn truth(value: &Value) -> Result<bool, Why> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Why::because("a condition that is neither true nor false")),
    }
}

/// A value that has to be known in all its parts.
///
/// # Errors
/// When a part is not.
pub(super) fn whole(value: &Value) -> Result<&Value, Why> {
    match why_in(value) {
        Some("") => Err(Why::Secret),
        Some(why) => Err(Why::because(why)),
        None => Ok(value),
    }
}

fn boolean(value: &Value) -> Known {
    match value {
        Value::Number(number) => Ok(Value::Bool(number.as_i64() != Some(0))),
        _ => truth(value).map(Value::Bool),
    }
}

fn integer(value: &Value) -> Known {
    let parsed = match value {
        Value::String(text) => text.trim().parse().ok(),
        _ => value.as_i64(),
    };
    parsed.map(Value::from).ok_or_else(|| Why::because("`int` of something that is not a number"))
}

/// Texts are compared with regard to case, as Azure does.
fn equals(arguments: &[Value]) -> Known {
    let (first, second) = two("equals", arguments)?;
    Ok(Value::Bool(whole(first)? == whole(second)?))
}

fn compare(name: &str, a: &[Value], is_so: fn(std::cmp::Ordering) -> bool) -> Known {
    let order = match two(name, a)? {
        (Value::String(first), Value::String(second)) => first.cmp(second),
        (first, second) => number(first)?.cmp(&number(second)?),
    };
    Ok(Value::Bool(is_so(order)))
}

fn arithmetic(name: &str, a: &[Value], work: fn(i64, i64) -> Option<i64>) -> Known {
    let (first, second) = two(name, a)?;
    let result = work(number(first)?, number(second)?);
    result.map(Value::from).ok_or_else(|| Why::because(format!("`{name}` without a result")))
}

fn extreme(name: &str, a: &[Value], pick: fn(Vec<i64>) -> Option<i64>) -> Known {
    let list = match a {
        [Value::Array(list)] => list.as_slice(),
        _ => a,
    };
    let numbers = list.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    pick(numbers).map(Value::from).ok_or_else(|| Why::because(format!("`{name}` of nothing")))
}

fn json_text(value: &Value) -> Known {
    let parsed = serde_json::from_str(&text(value)?);
    parsed.map_err(|_| Why::because("`json` of a text that is not JSON"))
}
