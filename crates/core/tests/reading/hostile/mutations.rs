//! What is done to JSON to make it hostile.

use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::support;

/// Values that stand where others are expected.
fn odd(chance: &mut Chance, old: &Value) -> Value {
    match chance.below(24) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(1e308),
        4 => json!(""),
        5 => json!("*"),
        6 => json!("0.0.0.0/0"),
        7 => json!("10.0.0.0/-1"),
        8 => json!("10.0.0.0/4294967296"),
        9 => json!("::/0"),
        10 => json!("999.999.999.999/99"),
        11 => json!("65535-0"),
        12 => json!("-"),
        13 => json!("\u{202e}\u{0}\u{1f4a3}\u{0130}\u{df}i\u{307}"),
        14 => json!("a".repeat(1 << (chance.below(6) + 8))),
        15 => json!(".".repeat(300)),
        16 => json!("/subscriptions//resourceGroups//providers/"),
        17 => {
            json!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks")
        }
        18 => json!([old, old]),
        19 => json!({ "properties": old }),
        20 => json!([]),
        21 => json!({}),
        22 => json!(true),
        _ => json!("[concat('a', parameters('b'), resourceId('c', '/'))]"),
    }
}

/// Wraps a value many times: less deep than where a JSON parser would already have refused.
fn deep(old: &Value, chance: &mut Chance) -> Value {
    let key = chance.pick(&["properties", "value", "resources", "subnets", "x"]);
    (0..100).fold(
        old.clone(),
        |inner, index| {
            if index % 2 == 0 { json!({ key: inner }) } else { json!([inner]) }
        },
    )
}

/// Some node of a value, reached by luck.
fn node<'v>(value: &'v mut Value, chance: &mut Chance) -> &'v mut Value {
    let count = match &*value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    if count == 0 || !chance.hits(85) {
        return value;
    }
    let index = chance.below(count);
    let inner = match value {
        Value::Array(items) => items.get_mut(index),
        Value::Object(fields) => fields.values_mut().nth(index),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    node(inner.expect("one of as many"), chance)
}

/// Every id of a value.
fn ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with("/subscriptions/") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(fields) => fields.values().for_each(|inner| ids(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes one thing, or one kind of thing everywhere.
pub(crate) fn mutate(input: &mut Value, donor: &Value, chance: &mut Chance) {
    match chance.below(12) {
        0..=4 => {
            let place = node(input, chance);
            *place = odd(chance, place);
        }
        5 => {
            let place = node(input, chance);
            *place = deep(place, chance);
        }
        // A piece of another input.
        6 => {
            let mut donor = donor.clone();
            let piece = node(&mut donor, chance).clone();
            *node(input, chance) = piece;
        }
        // One id where another one stood: overlaps, cycles, wrong kinds.
        7 | 8 => {
            let mut all = Vec::new();
            ids(input, &mut all);
            if all.len() > 1 {
                let (from, to) = (chance.below(all.len()), chance.below(all.len()));
                replace(input, &all[from], &all[to], chance.hits(50));
            }
        }
        // The same resource twice, and once more with a change.
        9 => {
            if let Some(items) = input.as_array_mut().filter(|items| !items.is_empty()) {
                let mut copy = items[chance.below(items.len())].clone();
                items.push(copy.clone());
                *node(&mut copy, chance) = Value::Null;
                items.push(copy);
            }
        }
        // A field that goes, or has another letter case beside itself.
        10 => {
            if let Value::Object(fields) = node(input, chance) {
                let name = fields.keys().nth(chance.below(fields.len().max(1))).cloned();
                if let Some(name) = name {
                    let value = fields.remove(&name).unwrap_or(Value::Null);
                    fields.insert(name.to_ascii_uppercase(), value);
                }
            }
        }
        _ => nulls(input, chance),
    }
}

fn replace(value: &mut Value, from: &str, to: &str, mut everywhere: bool) {
    match value {
        Value::String(text) if text == from => *text = to.to_owned(),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| replace(item, from, to, everywhere));
        }
        Value::Object(fields) => {
            // The name of a resource is its own: only references are bent, unless everything is.
            for (name, inner) in fields.iter_mut() {
                everywhere |= name == "properties";
                if everywhere || name != "id" {
                    replace(inner, from, to, everywhere);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One field name is null wherever it stands.
fn nulls(input: &mut Value, chance: &mut Chance) {
    let name = chance.pick(&[
        "properties",
        "id",
        "type",
        "name",
        "location",
        "addressPrefix",
        "addressPrefixes",
        "priority",
        "subnet",
        "status",
        "aRecords",
        "virtualNetwork",
        "remoteVirtualNetwork",
        "network",
        "securityRules",
        "peeringState",
        "routes",
        "dhcpOptions",
        "values",
        "mode",
    ]);
    blank(input, name);
}

fn blank(value: &mut Value, name: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| blank(item, name)),
        Value::Object(fields) => {
            if let Some(field) = fields.get_mut(name) {
                *field = Value::Null;
            }
            fields.values_mut().for_each(|inner| blank(inner, name));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const NETWORK: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks";

/// Named inputs: each was made for one weakness.
pub(crate) fn horrors() -> Vec<(&'static str, Value)> {
    let fixture = |edits: &[&str]| {
        let mut all = support::fixture("private-source");
        edits.iter().for_each(|line| support::edit(&mut all, line));
        json!(all)
    };
    let zone = "$dns/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com";
    let alias = |from: &str, to: &str| {
        format!(
            "add {{\"id\":\"{zone}/CNAME/{from}\",\"type\":\"Microsoft.Network/privateDnsZones/CNAME\",\
            \"properties\":{{\"cnameRecord\":{{\"cname\":\"{to}.privatelink.postgres.database.azure.com\"}}}}}}"
        )
    };
    let gone = format!("delete {}", "privatelink.postgres.database.azure.com/A/old-db");
    let (one, two) = (alias("old-db", "b"), alias("b", "old-db"));
    let own = alias("old-db", "old-db");
    let nets: Vec<Value> = (0..400).map(|number| {
        let halves: Vec<Value> = (0..3).map(|far| {
            let remote = format!("{NETWORK}/n{}", (number * 7 + far) % 400);
            json!({ "id": format!("{NETWORK}/n{number}/virtualNetworkPeerings/p{far}"),
                "properties": { "peeringState": "Connected", "remoteVirtualNetwork": { "id": remote },
                "allowVirtualNetworkAccess": true } })
        }).collect();
        json!({ "id": format!("{NETWORK}/n{number}"), "type": "Microsoft.Network/virtualNetworks",
            "properties": { "addressSpace": { "addressPrefixes": ["0.0.0.0/0"] },
            "virtualNetworkPeerings": halves } })
    }).collect();
    let rules: Vec<Value> = (0..4_000)
        .map(|number| {
            json!({ "name": format!("r{number}"),
        "properties": { "priority": 100, "direction": "Outbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefixes": ["10.20.1.0/29", "10.20.1.8/29"], "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": format!("{}", number) } })
        })
        .collect();
    let many = fixture(&[&format!(
        "set networkSecurityGroups/target-nsg /properties/securityRules {}",
        json!(rules)
    )]);
    let wide: Map<String, Value> =
        (0..20_000).map(|number| (format!("k{number}"), json!([number]))).collect();
    vec![
        ("an alias of itself", fixture(&[&gone, &own])),
        ("two aliases in a circle", fixture(&[&gone, &one, &two])),
        ("four hundred networks that are all addresses", json!(nets)),
        ("four thousand rules of one priority", many),
        ("twenty thousand fields", Value::Object(wide)),
        (
            "one key twice",
            serde_json::from_str(r#"[{"id":"/a","id":null,"properties":{},"properties":[{}]}]"#)
                .expect("JSON"),
        ),
        ("nothing", Value::Null),
        ("a number", json!(1)),
        ("an empty list in lists", deep(&json!([]), &mut Chance::new(3))),
        ("a value page that is its own page", json!({ "value": { "value": [{ "value": [] }] } })),
        ("an id that is all slashes", json!([{ "id": "/".repeat(50_000), "properties": {} }])),
        (
            "a copy loop of a billion",
            json!({ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0", "resources": [{ "type": "Microsoft.Network/virtualNetworks",
                "apiVersion": "2023-04-01", "name": "[concat('n', copyIndex())]",
                "copy": { "name": "loop", "count": 1_000_000_000 }, "properties": {} }] }),
        ),
        (
            "a range of a billion",
            json!({ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0", "variables": { "v": "[range(0, 1000000000)]" },
                "resources": [{ "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-04-01",
                "name": "[string(variables('v'))]", "properties": {} }] }),
        ),
        (
            "a variable that asks for itself",
            json!({ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "variables": { "a": "[variables('b')]", "b": "[concat(variables('a'), variables('a'))]" },
                "resources": [{ "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-04-01",
                "name": "[variables('a')]", "properties": {} }] }),
        ),
        (
            "brackets without end",
            json!({ "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0", "resources": [{ "type": "Microsoft.Network/virtualNetworks",
                "apiVersion": "2023-04-01", "name": format!("[{}", "concat(".repeat(50_000)),
                "properties": {} }] }),
        ),
    ]
}
