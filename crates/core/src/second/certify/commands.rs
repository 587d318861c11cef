//! Whether the commands of a change say what its request says, by a naive reading of `az` lines: that one resource, and its values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::filter::rules;
use super::super::world::World;
use super::read::Change;
use super::{Check, Judge, short, summed};
use crate::id::ResourceId;

/// What `az` calls the resources that plans write; others are sent as they are, by `az rest`.
const NOUNS: [(&str, &str); 13] = [
    ("microsoft.network/networkinterfaces", "network nic"),
    ("microsoft.network/networksecuritygroups/securityrules", "network nsg rule"),
    ("microsoft.network/privatednszones", "network private-dns zone"),
    ("microsoft.network/privatednszones/a", "network private-dns record-set a"),
    ("microsoft.network/privatednszones/virtualnetworklinks", "network private-dns link vnet"),
    ("microsoft.network/privateendpoints", "network private-endpoint"),
    (
        "microsoft.network/privateendpoints/privatednszonegroups",
        "network private-endpoint dns-zone-group",
    ),
    ("microsoft.network/routetables", "network route-table"),
    ("microsoft.network/routetables/routes", "network route-table route"),
    ("microsoft.network/virtualnetworks/subnets", "network vnet subnet"),
    ("microsoft.network/virtualnetworks/virtualnetworkpeerings", "network vnet peering"),
    (
        "microsoft.dbforpostgresql/servers/privateendpointconnections",
        "network private-endpoint-connection",
    ),
    (
        "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections",
        "network private-endpoint-connection",
    ),
];

/// What `az` fills in: where things without a place are, what is not asked for, how long a record lives, what approving means, and
/// the network policies of a subnet.
const FILLED_IN: [&str; 5] = ["global", "false", "300", "Approved", "Disabled"];

/// The place of the provider among the names of an id, from the resource group on.
const PROVIDER: usize = 1;

pub(super) fn check(judge: &Judge<'_>) -> Check {
    let mut wrong = Vec::new();
    for change in &judge.plan.changes {
        if let Err(why) = agrees(judge.world, change) {
            wrong.push(format!("\"{}\": {}", change.title, short(&why)));
        }
    }
    let good = "every command writes what its request writes".to_owned();
    summed("commands", &wrong, &[], good)
}

/// Whether the lines select the subscription and then do what the request does.
fn agrees(world: &World, change: &Change) -> Result<(), String> {
    let path = change.request.path.split('?').next().unwrap_or("");
    let id = ResourceId::parse(path).ok_or_else(|| "its path is no resource".to_owned())?;
    let (mut said, mut is_whole_request) = (BTreeSet::new(), false);
    for line in &change.az {
        let words = words_of(line).ok_or_else(|| format!("`{line}` is no single command"))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["az", "account", "set", "--subscription", one] => {
                if !one.eq_ignore_ascii_case(id.subscription()) {
                    return Err(format!("`{line}` selects another subscription"));
                }
            }
            ["az", "rest", rest @ ..] => {
                is_sent(change, rest)?;
                is_whole_request = true;
            }
            ["az", rest @ ..] => said.extend(values(change, &id, rest)?),
            _ => return Err(format!("`{line}` is no command of az")),
        }
    }
    if is_whole_request {
        return Ok(());
    }
    let is_whole = said.contains(&id.key());
    let names = id.as_str().split('/').skip(4).step_by(2).enumerate();
    let names = names.filter(|(index, _)| *index != PROVIDER && !is_whole).map(|(_, name)| name);
    // A rule may stand in the body of its group.
    let group = id.parent().and_then(|group| rules(world, &group.key()));
    let is_it = |(name, _): &(&str, &Value)| name.eq_ignore_ascii_case(id.name());
    let nested = group.into_iter().flatten().find(is_it).map(|(_, rule)| rule);
    let before = world.body(&id.key()).or(nested);
    let wanted = leaves(&change.request.body).into_iter().filter(|(place, value)| {
        let known = before.and_then(|body| body.pointer(place)).map(plain);
        known.as_deref() != Some(value) && !FILLED_IN.contains(&value.as_str())
    });
    let wanted = names.map(str::to_owned).chain(wanted.map(|(_, value)| value));
    for value in wanted {
        if !said.contains(&value.to_ascii_lowercase()) {
            return Err(format!("no command says `{value}`"));
        }
    }
    Ok(())
}

/// Whether `az rest` sends the request itself.
fn is_sent(change: &Change, words: &[&str]) -> Result<(), String> {
    let request = &change.request;
    let body = match words {
        ["--method", method, "--uri", uri, rest @ ..]
            if method.eq_ignore_ascii_case(&request.method) && *uri == request.path =>
        {
            match rest {
                [] => Some(Value::Null),
                ["--body", body] => serde_json::from_str(body).ok(),
                _ => None,
            }
        }
        _ => None,
    };
    match body {
        Some(body) if body == request.body => Ok(()),
        _ => Err("its command sends another request".to_owned()),
    }
}

/// What the flags of a command say, if it is one about the resource and says nothing that the request does not.
fn values(change: &Change, id: &ResourceId, words: &[&str]) -> Result<Vec<String>, String> {
    let request = &change.request;
    let kind = id.resource_type();
    let noun = NOUNS.iter().find(|(known, _)| *known == kind).map(|(_, noun)| *noun);
    let noun: Vec<&str> = noun.into_iter().flat_map(|noun| noun.split(' ')).collect();
    let (verb, flags) = match words.strip_prefix(noun.as_slice()) {
        Some([verb, flags @ ..]) if !noun.is_empty() => (*verb, flags),
        _ => return Err(format!("`az {}` is about something else", words.join(" "))),
    };
    let fits = match request.method.as_str() {
        "DELETE" => verb == "delete",
        _ => ["add-record", "approve", "create", "remove-record", "sync", "update"].contains(&verb),
    };
    if !fits {
        return Err(format!("`{verb}` is not what the request does"));
    }
    let mut known: BTreeSet<String> = id.as_str().split('/').map(str::to_ascii_lowercase).collect();
    known.insert(id.key());
    known.extend(leaves(&request.body).into_iter().map(|(_, value)| value.to_ascii_lowercase()));
    let mut said = Vec::new();
    let mut flag = "";
    for word in flags {
        if word.starts_with("--") {
            flag = word;
            continue;
        }
        let value = match (flag, word.split_once('=')) {
            ("--set", Some((name, value))) => {
                let is_so =
                    request.body["properties"].get(name).is_some_and(|is| plain(is) == value);
                if !is_so {
                    return Err(format!("the request does not say `{word}`"));
                }
                value.to_owned()
            }
            ("--ip-config", Some((_, value))) => value.to_ascii_lowercase(),
            _ => word.to_ascii_lowercase(),
        };
        // A record that goes is one that the request leaves out.
        let goes = verb == "remove-record" && flag == "--ipv4-address";
        if known.contains(&value) == goes {
            return Err(format!("the request does not say `{flag} {word}`"));
        }
        said.push(value);
    }
    Ok(said)
}

/// The words of a line for a POSIX shell; `None` where the line is more than one plain command.
fn words_of(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            letter if is_quoted => word.get_or_insert_default().push(letter),
            '\\' => word.get_or_insert_default().push(letters.next()?),
            ' ' => words.extend(word.take()),
            letter if letter.is_ascii_alphanumeric() || "/-_.:=@,+".contains(letter) => {
                word.get_or_insert_default().push(letter);
            }
            _ => return None,
        }
    }
    words.extend(word);
    (!is_quoted).then_some(words)
}

/// The single values of a body, with their pointers.
fn leaves(body: &Value) -> Vec<(String, String)> {
    let below = |name: &str, value: &Value| -> Vec<(String, String)> {
        leaves(value).into_iter().map(|(place, one)| (format!("/{name}{place}"), one)).collect()
    };
    match body {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| below(name, value)).collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(index, value)| below(&index.to_string(), value)).collect()
        }
        Value::Null => Vec::new(),
        value => vec![(String::new(), plain(value))],
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
