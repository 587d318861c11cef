//! Ways to say the same estate otherwise. Verdict and causes have to stay the same.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::world;

/// One way: its name, and what it does.
pub(crate) type Relation = (&'static str, fn(&[Value], &mut Chance) -> Vec<Value>);

/// Every way.
pub(crate) const RELATIONS: [Relation; 12] = [
    ("letter case of ids", letter_case),
    ("order of resources", order),
    ("order of lists", lists),
    ("prefixes split into halves", halves),
    ("an irrelevant security group", group),
    ("an irrelevant network", network),
    ("an irrelevant zone", zone),
    ("default rules written out", defaults),
    ("each rule again, turned round, behind all", echoes),
    ("other names", names),
    ("subnets and peerings in their network", nest),
    ("as az prints it", flat),
];

/// Changes every string of a value.
fn strings(value: &mut Value, change: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = change(text) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|inner| strings(inner, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_id(text: &str) -> bool {
    text.to_ascii_lowercase().starts_with("/subscriptions/")
}

fn letter_case(all: &[Value], chance: &mut Chance) -> Vec<Value> {
    let mut all = all.to_vec();
    let mut change = |text: &str| {
        is_id(text).then(|| match chance.below(3) {
            0 => text.to_ascii_uppercase(),
            1 => text.to_ascii_lowercase(),
            _ => text.to_owned(),
        })
    };
    all.iter_mut().for_each(|one| strings(one, &mut change));
    all
}

fn shuffle(items: &mut [Value], chance: &mut Chance) {
    for last in (1..items.len()).rev() {
        items.swap(last, chance.below(last + 1));
    }
}

fn order(all: &[Value], chance: &mut Chance) -> Vec<Value> {
    let mut all = all.to_vec();
    shuffle(&mut all, chance);
    all
}

/// The first address of an interface and the first DNS server are asked first: their order says something.
const ORDERED: [&str; 2] = ["ipConfigurations", "dnsServers"];

fn permute(value: &mut Value, chance: &mut Chance) {
    match value {
        Value::Array(items) => {
            shuffle(items, chance);
            items.iter_mut().for_each(|item| permute(item, chance));
        }
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(name, _)| !ORDERED.contains(&name.as_str()))
            .for_each(|(_, inner)| permute(inner, chance)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn lists(all: &[Value], chance: &mut Chance) -> Vec<Value> {
    let mut all = all.to_vec();
    all.iter_mut().for_each(|one| permute(one, chance));
    all
}

fn in_rules(all: &[Value], mut change: impl FnMut(&mut Vec<Value>)) -> Vec<Value> {
    let mut all = all.to_vec();
    for one in &mut all {
        if let Some(rules) = one["properties"]["securityRules"].as_array_mut() {
            change(rules);
        }
    }
    all
}

fn split(prefix: &str) -> Option<[String; 2]> {
    let (head, length) = prefix.split_once('/')?;
    let (head, length): (Ipv4Addr, u32) = (head.parse().ok()?, length.parse().ok()?);
    if length >= 32 {
        return None;
    }
    let upper = u32::from(head) | 1 << (31 - length);
    Some([format!("{head}/{}", length + 1), format!("{}/{}", Ipv4Addr::from(upper), length + 1)])
}

fn halves(all: &[Value], _: &mut Chance) -> Vec<Value> {
    in_rules(all, |rules| {
        for rule in rules {
            for (one, many) in [
                ("sourceAddressPrefix", "sourceAddressPrefixes"),
                ("destinationAddressPrefix", "destinationAddressPrefixes"),
            ] {
                let both = rule["properties"][one].as_str().and_then(split);
                if let (Some(both), Some(fields)) = (both, rule["properties"].as_object_mut()) {
                    fields.remove(one);
                    fields.insert(many.to_owned(), json!(both));
                }
            }
        }
    })
}

const OTHERS: &str = "/subscriptions/99999999-0000-4000-8000-000000000000/resourceGroups/others/\
    providers/Microsoft.Network";

fn with(all: &[Value], tail: &str, kind: &str, properties: Value) -> Vec<Value> {
    let mut all = all.to_vec();
    let name = tail.rsplit('/').next();
    all.push(json!({ "id": format!("{OTHERS}/{tail}"), "name": name, "location": "westeurope",
        "type": format!("Microsoft.Network/{kind}"), "properties": properties }));
    all
}

fn rule(direction: &str, access: &str, priority: usize) -> Value {
    json!({ "name": format!("all-{direction}-{priority}"), "properties": { "priority": priority,
        "direction": direction, "access": access, "protocol": "*", "sourceAddressPrefix": "*",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" } })
}

fn group(all: &[Value], _: &mut Chance) -> Vec<Value> {
    let rules = [rule("Outbound", "Deny", 100), rule("Inbound", "Deny", 100)];
    with(all, "networkSecurityGroups/n", "networkSecurityGroups", json!({ "securityRules": rules }))
}

fn network(all: &[Value], _: &mut Chance) -> Vec<Value> {
    let properties = json!({ "addressSpace": { "addressPrefixes": ["100.64.0.0/16"] },
        "subnets": [{ "id": format!("{OTHERS}/virtualNetworks/v/subnets/s"), "name": "s",
        "properties": { "addressPrefix": "100.64.1.0/24" } }], "virtualNetworkPeerings": [] });
    with(all, "virtualNetworks/v", "virtualNetworks", properties)
}

fn zone(all: &[Value], _: &mut Chance) -> Vec<Value> {
    let properties = json!({ "numberOfVirtualNetworkLinks": 0, "numberOfRecordSets": 1 });
    with(all, "privateDnsZones/corp.example", "privateDnsZones", properties)
}

/// The six rules that Azure puts behind every group's own.
fn defaults(all: &[Value], _: &mut Chance) -> Vec<Value> {
    let default = |name: &str, way: &str, access: &str, number: usize, from: &str, to: &str| {
        json!({ "name": name, "properties": { "priority": number, "direction": way,
            "access": access, "protocol": "*", "sourceAddressPrefix": from, "sourcePortRange": "*",
            "destinationAddressPrefix": to, "destinationPortRange": "*",
            "provisioningState": "Succeeded" } })
    };
    let tag = "VirtualNetwork";
    let rules = json!([
        default("AllowVnetInBound", "Inbound", "Allow", 65_000, tag, tag),
        default(
            "AllowAzureLoadBalancerInBound",
            "Inbound",
            "Allow",
            65_001,
            "AzureLoadBalancer",
            "*"
        ),
        default("DenyAllInBound", "Inbound", "Deny", 65_500, "*", "*"),
        default("AllowVnetOutBound", "Outbound", "Allow", 65_000, tag, tag),
        default("AllowInternetOutBound", "Outbound", "Allow", 65_001, "*", "Internet"),
        default("DenyAllOutBound", "Outbound", "Deny", 65_500, "*", "*"),
    ]);
    let mut all = all.to_vec();
    for one in &mut all {
        if one["properties"]["securityRules"].is_array() {
            one["properties"]["defaultSecurityRules"] = rules.clone();
        }
    }
    all
}

/// Numbers that a list of rules does not use yet, from the last one down.
fn free(rules: &[Value]) -> impl Iterator<Item = usize> + use<> {
    let used: BTreeSet<u64> =
        rules.iter().filter_map(|rule| rule["properties"]["priority"].as_u64()).collect();
    let last = used.iter().next_back().copied().unwrap_or(0) as usize;
    (last + 1)..=4096
}

/// What a rule decides, a later rule that says the opposite of the same packets does not.
fn echoes(all: &[Value], _: &mut Chance) -> Vec<Value> {
    in_rules(all, |rules| {
        let copies: Vec<Value> = rules
            .iter()
            .zip(free(rules))
            .map(|(rule, number)| {
                let mut copy = rule.clone();
                let allows = rule["properties"]["access"] == "Allow";
                copy["name"] = json!(format!("echo-{number}"));
                copy["properties"]["priority"] = json!(number);
                copy["properties"]["access"] = json!(if allows { "Deny" } else { "Allow" });
                copy
            })
            .collect();
        rules.extend(copies);
    })
}

/// Kinds whose names mean nothing.
const NAMED: [&str; 9] = [
    "resourceGroups",
    "networkSecurityGroups",
    "routeTables",
    "virtualNetworks",
    "virtualNetworkPeerings",
    "virtualNetworkLinks",
    "privateEndpoints",
    "networkInterfaces",
    "privateDnsZoneGroups",
];

/// The same id under other names. Servers keep theirs: the question names them, and so does DNS.
pub(crate) fn renamed(id: &str) -> String {
    let mut words: Vec<String> = id.split('/').map(str::to_owned).collect();
    for index in 1..words.len() {
        let is_name = NAMED.iter().any(|kind| words[index - 1].eq_ignore_ascii_case(kind));
        if is_name && index % 2 == 0 {
            words[index].push_str("-2");
        }
    }
    words.join("/")
}

fn names(all: &[Value], _: &mut Chance) -> Vec<Value> {
    let mut all = all.to_vec();
    for one in &mut all {
        strings(one, &mut |text| is_id(text).then(|| renamed(text)));
        one["name"] = json!(one["id"].as_str().and_then(|id| id.rsplit('/').next()));
    }
    all
}

fn nest(all: &[Value], _: &mut Chance) -> Vec<Value> {
    world::nested(all)
}

/// A body without anything in its properties is what a list prints of it: it stays as it is.
fn flat(all: &[Value], _: &mut Chance) -> Vec<Value> {
    let tells = |one: &Value| one["properties"].as_object().is_some_and(|fields| fields.len() > 1);
    all.iter().map(|one| if tells(one) { world::flat(one) } else { one.clone() }).collect()
}

/// Lets everything pass before every other rule, both ways.
pub(crate) fn open_groups(all: &[Value]) -> Vec<Value> {
    in_rules(all, |rules| {
        let is_first = |rule: &Value| rule["properties"]["priority"] == 100;
        if !rules.iter().any(is_first) {
            rules.push(rule("Outbound", "Allow", 100));
            rules.push(rule("Inbound", "Allow", 100));
        }
    })
}
