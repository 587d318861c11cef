//! The fields of a security rule: what they say by themselves, and which of them cannot be read.

use serde_json::Value;

use super::address::span_of;
use super::filter::{End, Way, by_prefix};
use super::verdict::Tri;
use super::world::{at, list, text};

pub(super) fn priority(rule: &Value) -> Option<u64> {
    let value = at(rule, &["properties", "priority"])?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether it is known at which turn a rule is read.
pub(super) fn turn(rule: &Value) -> Tri {
    if priority(rule).is_some() { Tri::Yes } else { Tri::Maybe }
}

/// Whether a rule denies; `None` where it does not tell what it does.
pub(super) fn denies(rule: &Value) -> Option<bool> {
    let word = text(rule, &["properties", "access"])?;
    let is = |known: &str| word.eq_ignore_ascii_case(known);
    (is("Allow") || is("Deny")).then(|| is("Deny"))
}

pub(super) fn direction(rule: &Value, way: Way) -> Tri {
    text(rule, &["properties", "direction"])
        .map_or(Tri::Maybe, |word| Tri::of(word.eq_ignore_ascii_case(way.word())))
}

pub(super) fn protocol(rule: &Value, wanted: &[&str]) -> Tri {
    let Some(word) = text(rule, &["properties", "protocol"]) else { return Tri::Maybe };
    match word.to_ascii_lowercase().as_str() {
        "*" | "any" => Tri::Yes,
        word @ ("tcp" | "udp" | "icmp" | "icmpv6" | "esp" | "ah") => {
            Tri::of(wanted.contains(&word))
        }
        _ => Tri::Maybe,
    }
}

/// Whether a text stands for addresses: by itself, as a range, or as a tag.
pub(super) fn is_readable(text: &str) -> bool {
    let word = text.trim();
    let is_tag = word.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.');
    let is_old_tag = ["VIRTUAL_NETWORK", "AZURE_LOADBALANCER"].contains(&word);
    let is_number = !word.is_empty() && word.parse::<u32>().is_ok();
    let is_span = span_of(word).is_some_and(|(low, high)| low <= high);
    by_prefix(word, End::Somewhere).is_some()
        || word.contains(':')
        || is_tag
        || is_old_tag
        || is_number
        || is_span
}

pub(super) fn port_matches(text: &str, port: u16) -> bool {
    let text = text.trim();
    let number = |text: &str| text.trim().parse::<u16>().ok();
    match text.split_once('-') {
        _ if text == "*" => true,
        Some((low, high)) => {
            number(low).is_some_and(|low| low <= port)
                && number(high).is_some_and(|high| port <= high)
        }
        None => number(text) == Some(port),
    }
}

pub(super) fn are_ports(text: &str) -> bool {
    let number = |text: &str| text.trim().parse::<u16>().ok();
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    text.trim() == "*" || number(low).zip(number(high)).is_some_and(|(low, high)| low <= high)
}

/// Texts of the singular field and of the plural one; `None` where one of them is no text.
pub(super) fn words<'v>(rule: &'v Value, one: &str, many: &str) -> Option<Vec<&'v str>> {
    let single = text(rule, &["properties", one]).filter(|one| !one.is_empty());
    let listed = list(rule, &["properties", many]).unwrap_or(&[]).iter().map(Value::as_str);
    single.map(Some).into_iter().chain(listed).collect()
}

/// Ports of one side; `None` where there are none, or one cannot be read.
fn ports<'v>(rule: &'v Value, one: &str, many: &str) -> Option<Vec<&'v str>> {
    let all = words(rule, one, many)?;
    (!all.is_empty() && all.iter().all(|one| are_ports(one))).then_some(all)
}

pub(super) fn destination_port(rule: &Value, port: u16) -> Tri {
    let Some(all) = ports(rule, "destinationPortRange", "destinationPortRanges") else {
        return Tri::Maybe;
    };
    Tri::of(all.iter().any(|one| port_matches(one, port)))
}

/// Linux gives clients ports from 32768 to 60999.
pub(super) fn source_port(rule: &Value) -> Tri {
    let Some(all) = ports(rule, "sourcePortRange", "sourcePortRanges") else { return Tri::Maybe };
    all.iter().fold(Tri::No, |sum, one| {
        let (low, high) = one.split_once('-').unwrap_or((one, one));
        let (low, high) = (low.trim().parse::<u16>(), high.trim().parse::<u16>());
        sum.or(match (low, high) {
            _ if one.trim() == "*" => Tri::Yes,
            (Ok(low), Ok(high)) if low <= 32_768 && high >= 60_999 => Tri::Yes,
            (Ok(low), Ok(high)) if high < 32_768 || low > 60_999 => Tri::No,
            _ => Tri::Maybe,
        })
    })
}
