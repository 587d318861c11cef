//! The file of pairs: JSON lines, a JSON array, or lines `SOURCE,TARGET`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::ends::{Ends, own_port};
use crate::exit::Failure;
use crate::output::printable;
use crate::secrets;
use crate::text;

/// Pairs of one run: 1,000 sources with 1,000 targets.
const PAIRS_MAX: usize = 1_000_000;

/// Bytes of a file of pairs: two long ids each.
const BYTES_MAX: u64 = 1 << 30;

/// A pair as it stands in a JSON file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    source: String,
    target: String,
    copier: Option<String>,
    port: Option<Value>,
}

/// One pair: the ends of a flow, or why they could not be read, with the place of it in the file.
pub(super) type Pair = Result<Ends, String>;

/// Reads a file of pairs. What a pair leaves out is taken from `given`.
pub(super) fn read(path: &Path, given: &Ends) -> Result<Vec<Pair>, Failure> {
    let what = || format!("read the pairs of {}", path.display());
    let text = text::read(path, BYTES_MAX)
        .map_err(|why| Failure::failed(what(), why, "check the path and that you may read it"))?;
    let text = text.trim();
    let pairs: Vec<Pair> = match text.as_bytes().first() {
        Some(b'[') => {
            let help = "it has to be an array of objects with `source` and `target`";
            let items: Vec<Value> =
                serde_json::from_str(text).map_err(|why| Failure::failed(what(), why, help))?;
            let numbered = items.into_iter().enumerate();
            numbered
                .map(|(index, item)| object(item, &format!("pair {}", index + 1), given))
                .collect()
        }
        Some(_) => lines(text, given),
        None => Vec::new(),
    };
    if pairs.is_empty() || pairs.len() > PAIRS_MAX {
        let why = match pairs.len() {
            0 => "it holds no pair".to_owned(),
            many => format!("it holds {many} pairs"),
        };
        let help = format!("give 1 to {PAIRS_MAX}: lines `SOURCE,TARGET` or JSON objects");
        return Err(Failure::failed(what(), why, help));
    }
    Ok(pairs)
}

fn lines(text: &str, given: &Ends) -> Vec<Pair> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let told = numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    told.filter(|(number, line)| *number > 1 || !is_heading(line))
        .map(|(number, line)| {
            let place = format!("line {number}");
            match line.starts_with('{') {
                true => match serde_json::from_str(line) {
                    Ok(value) => object(value, &place, given),
                    Err(why) => Err(format!("{place}: {why}")),
                },
                false => columns(line, &place, given),
            }
        })
        .collect()
}

/// Whether a line names the columns.
fn is_heading(line: &str) -> bool {
    let mut words = line.split(',').map(|word| word.trim().trim_matches('"'));
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("source"))
        && words.next().is_some_and(|word| word.eq_ignore_ascii_case("target"))
}

/// A line `SOURCE,TARGET`. Neither ids nor host names hold commas or quotation marks.
fn columns(line: &str, place: &str, given: &Ends) -> Pair {
    let words: Vec<&str> =
        line.split(',').map(|word| word.trim().trim_matches('"').trim()).collect();
    match words.as_slice() {
        [source, target] if !source.is_empty() && !target.is_empty() => {
            let (source, target) = ((*source).to_owned(), (*target).to_owned());
            told(Ends { source, target, ..given.clone() }, place, given)
        }
        [_, _, _, ..] => Err(format!(
            "{place} has more than two columns: a copier or port of its own takes a JSON object"
        )),
        [_] if line.contains(';') => {
            Err(format!("{place} has `;` between its columns: put a comma there"))
        }
        _ => Err(format!("{place} is not `SOURCE,TARGET`: {}", printable(secrets::shown(line)))),
    }
}

/// A pair that names its ends: a connection string is shown nowhere, and a port that stands with a source counts before one for all.
fn told(ends: Ends, place: &str, given: &Ends) -> Pair {
    let named = [("source", &ends.source), ("target", &ends.target), ("copier", &ends.copier)];
    if let Some((end, _)) = named.iter().find(|(_, text)| secrets::is_like(text)) {
        return Err(format!("{place}: the {end}: {}", secrets::WHY));
    }
    let is_own = own_port(&ends.source).is_some() && ends.port == given.port;
    Ok(Ends { port: ends.port.filter(|_| !is_own), ..ends })
}

fn object(value: Value, place: &str, given: &Ends) -> Pair {
    if !value.is_object() {
        return Err(format!("{place} is no object with `source` and `target`"));
    }
    let written: Written = serde_json::from_value(value)
        .map_err(|why| format!("{place}: {}", secrets::shown(&why.to_string())))?;
    let port = match &written.port {
        None => given.port,
        Some(value) => {
            let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
            let port = port.filter(|port| *port > 0);
            Some(port.ok_or_else(|| {
                let value = value.to_string();
                format!("{place}: `port` is {}: give 1 to 65535", secrets::shown(&value))
            })?)
        }
    };
    let copier = written.copier.unwrap_or_else(|| given.copier.clone());
    told(Ends { source: written.source, target: written.target, copier, port }, place, given)
}
