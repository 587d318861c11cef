//! Functions of template expressions for ranges of IPv4 addresses.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::functions::{number, one, place, text, too_few};
use super::scope::{Known, Why};

/// Calls a function by its lower-case name; `None` for one of another sort.
pub(super) fn call(name: &str, a: &[Value]) -> Option<Known> {
    match name {
        "parsecidr" => Some(parse(name, a)),
        "cidrsubnet" => Some(subnet(name, a)),
        "cidrhost" => Some(host(name, a)),
        _ => None,
    }
}

/// The range that the first argument names.
fn range(name: &str, a: &[Value]) -> Result<Ipv4Net, Why> {
    let parsed: Result<Ipv4Net, _> = text(one(name, a)?)?.trim().parse();
    let outside =
        || Why::because(format!("`{name}` of something that is no range of IPv4 addresses"));
    parsed.map(|range| range.trunc()).map_err(|_| outside())
}

fn parse(name: &str, a: &[Value]) -> Known {
    let range = range(name, a)?;
    let (first, last) = (u32::from(range.network()), u32::from(range.broadcast()));
    let usable = |address: u32| Ipv4Addr::from(address).to_string();
    Ok(json!({
        "network": range.network().to_string(), "netmask": range.netmask().to_string(),
        "broadcast": range.broadcast().to_string(), "cidr": range.prefix_len(),
        "firstUsable": usable(first.saturating_add(1).min(last)),
        "lastUsable": usable(last.saturating_sub(1).max(first)),
    }))
}

/// The subnet of some length at an index.
fn subnet(name: &str, a: &[Value]) -> Known {
    let [_, length, index, ..] = a else { return Err(too_few(name)) };
    let (range, index) = (range(name, a)?, place(index)? as u64);
    let length = u8::try_from(number(length)?).ok().filter(|length| *length <= 32);
    let found = length.and_then(|length| {
        let count = 1_u64 << length.checked_sub(range.prefix_len())?;
        let start = u64::from(u32::from(range.network())) + (index.min(count) << (32 - length));
        let start = u32::try_from(start).ok().filter(|_| index < count)?;
        Ipv4Net::new(start.into(), length).ok()
    });
    let found = found.ok_or_else(|| Why::because(format!("`{name}` outside of its range")))?;
    Ok(Value::from(found.to_string()))
}

/// The usable address at an index.
fn host(name: &str, a: &[Value]) -> Known {
    let [_, index, ..] = a else { return Err(too_few(name)) };
    let (range, index) = (range(name, a)?, place(index)?);
    let last = u32::from(range.broadcast());
    let first = u32::from(range.network()).checked_add(1);
    let found = first.zip(u32::try_from(index).ok());
    let found = found.and_then(|(first, index)| first.checked_add(index));
    let found = found.filter(|address| *address < last).map(Ipv4Addr::from);
    let found = found.ok_or_else(|| Why::because(format!("`{name}` outside of its range")))?;
    Ok(Value::from(found.to_string()))
}
