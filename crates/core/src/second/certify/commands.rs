//! Whether the commands of a change do what its request does: each `az` line is read by what the Azure CLI makes of its flags, sent to
//! a world of its own, and what it left there is compared.

use serde_json::{Value, json};

use super::super::apply::{Outcome, Request};
use super::super::world::{World, at, fields_mut, items_mut, object_mut, set_field};
use super::read::Change;
use super::settings::{body_of, differing, named};
use super::syntax::{COMMANDS, Command, Does, Flag, Sets};
use super::{Check, Judge, short, summed};
use crate::id::ResourceId;

pub(super) fn check(judge: &Judge<'_>) -> Check {
    let wrong = wrong(judge.world, &judge.plan.changes);
    let good = "every command writes what its request writes".to_owned();
    summed("commands", &wrong, &[], good)
}

/// What is wrong with the commands of changes that are made one after the other.
pub(super) fn wrong(world: &World, changes: &[Change]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut world = world.clone();
    for change in changes {
        let mut after = world.clone();
        change.request.apply(&mut after);
        if let Err(why) = agrees(&world, &after, change) {
            wrong.push(format!("\"{}\": {}", change.title, short(&why)));
        }
        world = after;
    }
    wrong
}

/// Whether the lines, each in the right subscription, lead to the same world as the request.
fn agrees(before: &World, after: &World, change: &Change) -> Result<(), String> {
    let (mut world, mut subscription) = (before.clone(), None);
    let mut is_sent = false;
    for line in &change.az {
        let words = words_of(line).ok_or_else(|| format!("`{line}` is no single command"))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let request = match words.as_slice() {
            ["az", "account", "set", "--subscription", one] => {
                subscription = Some((*one).to_owned());
                continue;
            }
            ["az", "rest", rest @ ..] => {
                sent(rest).ok_or_else(|| format!("`{line}` is not read"))?
            }
            ["az", rest @ ..] => {
                let selected =
                    subscription.as_deref().ok_or("no line selects the subscription before")?;
                request_of(&world, change, selected, rest)?
            }
            _ => return Err(format!("`{line}` is no command of az")),
        };
        is_sent = true;
        if let Outcome::Refused(why) = request.apply(&mut world) {
            return Err(format!("Azure would refuse `{line}`: {why}"));
        }
    }
    if !is_sent {
        return Err("no command is there".to_owned());
    }
    match differing(&world, after).first() {
        None => Ok(()),
        Some(key) => Err(format!("its commands leave {} otherwise than its request", named(key))),
    }
}

/// The request that `az rest` sends.
fn sent(words: &[&str]) -> Option<Request> {
    let ["--method", method, "--uri", uri, rest @ ..] = words else { return None };
    let body = match rest {
        [] => Value::Null,
        ["--body", body] => serde_json::from_str(body).ok()?,
        _ => return None,
    };
    Some(Request { method: method.to_ascii_uppercase(), path: (*uri).to_owned(), body })
}

/// The request that a command sends: of a resource that is there, all of it with what the flags change.
fn request_of(
    world: &World,
    change: &Change,
    subscription: &str,
    words: &[&str],
) -> Result<Request, String> {
    let spoken = || format!("`az {}`", words.join(" "));
    let is_it = |one: &&Command| words.starts_with(&one.words.split(' ').collect::<Vec<_>>());
    let command =
        COMMANDS.iter().find(is_it).ok_or_else(|| format!("{} is not known", spoken()))?;
    let flags = flags_of(&words[command.words.split(' ').count()..])
        .ok_or_else(|| format!("{} is not read", spoken()))?;
    let value = |flag: &str| flags.iter().find(|(name, _)| *name == flag).map(|(_, values)| values);
    let one = |flag: &str| match value(flag).map(Vec::as_slice) {
        Some([one]) => Ok(*one),
        _ => Err(format!("{} does not say `{flag}`", spoken())),
    };
    let id = match command.names {
        [] => one("--id")?.to_owned(),
        names => {
            let group = one("--resource-group")?;
            let mut id = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/");
            let mut parts = command.kind.split('/');
            id.push_str(parts.next().unwrap_or(""));
            for (part, flag) in parts.zip(names) {
                id.push_str(&format!("/{part}/{}", one(flag)?));
            }
            id
        }
    };
    let id = ResourceId::parse(&id).ok_or_else(|| format!("{} names no resource", spoken()))?;
    if command.names.is_empty() && !id.resource_type().ends_with("/privateendpointconnections") {
        return Err(format!("{} is about something else", spoken()));
    }
    if !id.subscription().eq_ignore_ascii_case(subscription) {
        return Err(format!("{} is about another subscription", spoken()));
    }
    let held = body_of(world, &id.key());
    match (command.does, held.is_some()) {
        (Does::Create, true) => return Err(format!("{} is there already", named(&id.key()))),
        (Does::Delete | Does::Update | Does::Sync, false) => {
            return Err(format!("there is no {} yet", named(&id.key())));
        }
        _ => {}
    }
    let mut body = match command.does {
        Does::Delete => Value::Null,
        Does::Create => serde_json::from_str(command.fixed).unwrap_or_default(),
        Does::Update | Does::Sync => held.cloned().unwrap_or_default(),
        Does::Set => {
            let fixed: Value = serde_json::from_str(command.fixed).unwrap_or_default();
            let mut body = held.cloned().unwrap_or_else(|| json!({}));
            for (name, value) in fixed["properties"].as_object().into_iter().flatten() {
                set_field(&mut body, name, value.clone());
            }
            body
        }
    };
    for (name, values) in &flags {
        let is_name = ["--resource-group", "--id"].contains(name) || command.names.contains(name);
        if is_name || command.does == Does::Delete && *name == "--yes" && values.is_empty() {
            continue;
        }
        let known = command.flags.iter().find(|(flag, _)| flag == name);
        let known = known.and_then(|(_, sets)| set(&mut body, sets, values));
        let said = || [&[*name], values.as_slice()].concat().join(" ");
        known.ok_or_else(|| format!("`{}` is not known of {}", said(), spoken()))?;
    }
    // How long a record lives no command says: one that is there keeps what it has.
    let lives = held.and_then(|body| at(body, &["properties", "ttl"]));
    if id.is_type("microsoft.network/privatednszones/a") && lives.is_none() {
        set_field(&mut body, "ttl", change.request.body["properties"]["ttl"].clone());
    }
    let query = if command.does == Does::Sync { "?syncRemoteAddressSpace=true" } else { "" };
    let method = if command.does == Does::Delete { "DELETE" } else { "PUT" };
    Ok(Request { method: method.to_owned(), path: format!("{id}{query}"), body })
}

/// Flags with their values; `None` where a word belongs to no flag, or a flag is said twice.
fn flags_of<'w>(words: &[&'w str]) -> Option<Vec<Flag<'w>>> {
    let mut flags: Vec<Flag<'_>> = Vec::new();
    for word in words {
        if !word.starts_with("--") {
            flags.last_mut()?.1.push(word);
        } else if flags.iter().any(|(name, _)| name == word) {
            return None;
        } else {
            flags.push((word, Vec::new()));
        }
    }
    Some(flags)
}

/// Writes what a flag says into a body; `None` where that is nothing that the flag takes.
fn set(body: &mut Value, sets: &Sets, values: &[&str]) -> Option<()> {
    let number = |word: &str| word.parse::<u64>().ok().map(Value::from);
    let flag = |word: &str| word.parse::<bool>().ok().map(Value::from);
    let pairs = || values.iter().map(|one| one.split_once('=')).collect::<Option<Vec<_>>>();
    match (sets, values) {
        (Sets::Outer(name), [one]) => {
            object_mut(body).insert((*name).to_owned(), json!(one));
        }
        (Sets::Text(name), [one]) => set_field(body, name, json!(one)),
        (Sets::Number(name), [one]) => set_field(body, name, number(one)?),
        (Sets::Flag(name), [one]) => set_field(body, name, flag(one)?),
        (Sets::Reference(name), [one]) => set_field(body, name, json!({ "id": one })),
        (Sets::Texts(name), [_, ..]) => set_field(body, name, json!(values)),
        // Azure holds one value by itself.
        (Sets::OneOrMore(name, _), [one]) => set_field(body, name, json!(one)),
        (Sets::OneOrMore(_, name), [_, _, ..]) => set_field(body, name, json!(values)),
        (Sets::Services, [_, ..]) => {
            let all: Value = values.iter().map(|one| json!({ "service": one })).collect();
            set_field(body, "serviceEndpoints", all);
        }
        (Sets::Any, [_, ..]) => {
            for (name, value) in pairs()? {
                let value = flag(value).or_else(|| number(value)).unwrap_or_else(|| json!(value));
                set_field(body, name, value);
            }
        }
        (Sets::In(list, place), [one]) => {
            *element(body, list)?.pointer_mut(place)? = json!(one);
        }
        (Sets::Words(list, place), [_, ..]) => {
            *element(body, list)?.pointer_mut(place)? = json!(values);
        }
        (Sets::Configuration, [_, ..]) => {
            let mut one = json!({ "properties": {} });
            for (name, value) in pairs()? {
                match name {
                    "name" => one["name"] = json!(value),
                    "group-id" => set_field(&mut one, "groupId", json!(value)),
                    "member-name" => set_field(&mut one, "memberName", json!(value)),
                    "private-ip-address" => set_field(&mut one, "privateIPAddress", json!(value)),
                    _ => return None,
                }
            }
            set_field(body, "ipConfigurations", json!([one]));
        }
        (Sets::Description, [one]) => {
            let state = fields_mut(body).entry("privateLinkServiceConnectionState");
            let state = object_mut(state.or_insert(Value::Null));
            state.insert("description".to_owned(), json!(one));
        }
        (Sets::Adds, [one]) => {
            let entries = records(body);
            if !entries.iter().any(|entry| entry["ipv4Address"] == *one) {
                entries.push(json!({ "ipv4Address": one }));
            }
        }
        (Sets::Removes, [one]) => {
            let entries = records(body);
            let count = entries.len();
            entries.retain(|entry| entry["ipv4Address"] != *one);
            (entries.len() < count).then_some(())?;
        }
        _ => return None,
    }
    Some(())
}

/// The only element of a list that a command makes.
fn element<'v>(body: &'v mut Value, list: &str) -> Option<&'v mut Value> {
    items_mut(body, list)?.first_mut()
}

fn records(body: &mut Value) -> &mut Vec<Value> {
    let list = fields_mut(body).entry("aRecords").or_insert(Value::Null);
    if !list.is_array() {
        *list = json!([]);
    }
    match list {
        Value::Array(entries) => entries,
        _ => unreachable!("it is a list now"),
    }
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
