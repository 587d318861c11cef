//! Functions of template expressions on texts.

use serde_json::Value;

use super::functions::{number, one, place, text, too_few, two, whole};
use super::scope::{Known, Why};

/// Calls a function on texts; `None` when it is none of them.
pub(super) fn call(name: &str, a: &[Value]) -> Option<Known> {
    Some(match name {
        "format" => format_text(a),
        "string" => one(name, a).and_then(string),
        "tolower" => map(name, a, |text| text.to_lowercase()),
        "toupper" => map(name, a, |text| text.to_uppercase()),
        "trim" => map(name, a, |text| text.trim().to_owned()),
        "replace" => replace(a),
        "substring" => substring(a),
        "startswith" => test(name, a, |text, part| text.starts_with(part)),
        "endswith" => test(name, a, |text, part| text.ends_with(part)),
        "padleft" => pad_left(a),
        "split" => split(a),
        "join" => join(a),
        "uniquestring" => placeholder(name, a).map(Value::String),
        "guid" => placeholder(name, a).map(|text| Value::String(as_guid(&text))),
        "uri" => Err(Why::because("`uri()` is not resolved here")),
        _ => return None,
    })
}

fn map(name: &str, a: &[Value], work: fn(&str) -> String) -> Known {
    Ok(Value::String(work(&text(one(name, a)?)?)))
}

/// Azure compares the starts and ends of texts without regard to case.
fn test(name: &str, a: &[Value], is_so: fn(&str, &str) -> bool) -> Known {
    let (whole, part) = two(name, a)?;
    let (whole, part) = (text(whole)?.to_lowercase(), text(part)?.to_lowercase());
    Ok(Value::Bool(is_so(&whole, &part)))
}

/// A value as `string`, `concat` and `format` write it.
pub(super) fn written(value: &Value) -> Result<String, Why> {
    Ok(match whole(value)? {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

fn string(value: &Value) -> Known {
    written(value).map(Value::String)
}

/// `format('{0}/{1}', ...)`; doubled braces stand for one. Formats such as `{0:D3}` are not known.
fn format_text(a: &[Value]) -> Known {
    let [pattern, values @ ..] = a else { return Err(too_few("format")) };
    let pattern = text(pattern)?;
    let mut out = String::new();
    let mut rest = pattern.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            out.push_str(brace);
            rest = &rest[1..];
            continue;
        }
        let end = rest.find('}').filter(|_| brace == "{");
        let index = end.and_then(|end| rest[..end].trim().parse::<usize>().ok());
        let (Some(end), Some(value)) = (end, index.and_then(|index| values.get(index))) else {
            return Err(Why::because("`format` with a pattern that is not known here"));
        };
        out.push_str(&written(value)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

fn replace(a: &[Value]) -> Known {
    let [whole, old, new, ..] = a else { return Err(too_few("replace")) };
    let (whole, old, new) = (text(whole)?, text(old)?, text(new)?);
    Ok(Value::String(if old.is_empty() { whole } else { whole.replace(&old, &new) }))
}

fn substring(a: &[Value]) -> Known {
    let (whole, start) = two("substring", a)?;
    let (whole, start) = (text(whole)?, place(start)?);
    let count = whole.chars().count();
    let length = match a.get(2) {
        Some(length) => place(length)?,
        None => count.saturating_sub(start),
    };
    if start.checked_add(length).is_none_or(|end| end > count) {
        return Err(Why::because("`substring` beyond the end of the text"));
    }
    Ok(Value::String(whole.chars().skip(start).take(length).collect()))
}

fn pad_left(a: &[Value]) -> Known {
    /// Widest padding; names of Azure are shorter.
    const WIDTH_MAX: usize = 256;
    let (value, width) = two("padleft", a)?;
    let (value, width) = (written(value)?, place(width)?);
    if width > WIDTH_MAX {
        return Err(Why::because("`padLeft` to more than 256 characters"));
    }
    let fill = a.get(2).map_or(Ok(" ".to_owned()), text)?;
    let missing = width.saturating_sub(value.chars().count());
    Ok(Value::String(fill.repeat(missing) + &value))
}

fn split(a: &[Value]) -> Known {
    let (whole, delimiters) = two("split", a)?;
    let whole = text(whole)?;
    let delimiters: Vec<String> = match delimiters {
        Value::Array(list) => list.iter().map(text).collect::<Result<_, _>>()?,
        one => vec![text(one)?],
    };
    let mut parts = vec![whole.as_str()];
    for delimiter in delimiters.iter().filter(|delimiter| !delimiter.is_empty()) {
        parts = parts.iter().flat_map(|part| part.split(delimiter.as_str())).collect();
    }
    Ok(parts.into_iter().map(|part| Value::String(part.to_owned())).collect())
}

fn join(a: &[Value]) -> Known {
    let (list, delimiter) = two("join", a)?;
    let list =
        list.as_array().ok_or_else(|| Why::because("`join` of something that is no list"))?;
    let parts = list.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::String(parts.join(&text(delimiter)?)))
}

/// Thirteen letters and digits that depend on the arguments alone. Azure's own are others: nothing compares with them.
fn placeholder(name: &str, a: &[Value]) -> Result<String, Why> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    if a.is_empty() {
        return Err(too_few(name));
    }
    // FNV-1a.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for value in a {
        for byte in written(value)?.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    let letter = |place: u32| char::from(LETTERS[(hash >> (5 * place) & 31) as usize]);
    Ok((0..13).map(|place| letter(place.min(12))).collect())
}

fn as_guid(letters: &str) -> String {
    let digits: Vec<String> = letters.bytes().map(|byte| format!("{byte:02x}")).collect();
    let digits: String = digits.concat().chars().cycle().take(32).collect();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits[range].to_owned());
    parts.join("-")
}

/// `indexOf` and `lastIndexOf` of a text, without regard to case; -1 where it is not there.
pub(super) fn index_of(whole: &str, part: &str, is_last: bool) -> i64 {
    let (whole, part) = (whole.to_lowercase(), part.to_lowercase());
    let at = if is_last { whole.rfind(&part) } else { whole.find(&part) };
    at.and_then(|at| i64::try_from(whole[..at].chars().count()).ok()).unwrap_or(-1)
}

/// The first or last characters of a text.
pub(super) fn part(whole: &str, count: &Value, is_rest: bool) -> Known {
    // A negative count is none.
    let count = usize::try_from(number(count)?).unwrap_or(0);
    let letters = whole.chars();
    let part: String =
        if is_rest { letters.skip(count).collect() } else { letters.take(count).collect() };
    Ok(Value::String(part))
}
