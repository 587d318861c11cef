//! Rules of firewalls of Azure: classic ones and those of policies, of all sorts and in all orders.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::Case;
use crate::hub::{put, resource};

const FILTER: &str = "FirewallPolicyFilterRuleCollection";

/// Gives a firewall rules of its own, or a policy.
pub(crate) fn give_rules(case: &mut Case, chance: &mut Chance, name: &str, firewall: &mut Value) {
    if chance.hits(30) {
        let key = resource("ipGroups", "group");
        let all = chance.pick(&["10.2.1.0/29", "10.2.1.4-10.2.1.5", "10.1.0.0/16", "10.2.1.6"]);
        put(case, &key, json!({ "ipAddresses": [all, "10.77.0.0/16"] }));
    }
    if chance.hits(50) {
        let all = classic_rules(chance, 0);
        firewall["networkRuleCollections"] = if chance.hits(3) { Value::Null } else { json!(all) };
        if chance.hits(5) {
            firewall["additionalProperties"] =
                json!({ "Network.SNAT.PrivateRanges": "10.0.0.0/8" });
        }
        return;
    }
    firewall["firewallPolicy"] = json!({ "id": resource("firewallPolicies", name) });
    // What stands beside a policy counts for nothing.
    firewall["networkRuleCollections"] = json!([]);
    let base = format!("{name}-base");
    let is_based = chance.hits(20);
    put_policy(case, chance, name, is_based.then_some(&base));
    if is_based {
        put_policy(case, chance, &base, None);
    }
}

fn put_policy(case: &mut Case, chance: &mut Chance, name: &str, base: Option<&String>) {
    let key = resource("firewallPolicies", name);
    let mut listed = Vec::new();
    for index in 0..=usize::from(chance.hits(40)) {
        let group = format!("{key}/ruleCollectionGroups/g{index}");
        let mut all: Vec<Value> =
            collections(chance).into_iter().map(|one| of_policy(chance, one)).collect();
        if chance.hits(15) {
            all.push(
                json!({ "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "nat",
                "priority": 90, "action": { "type": "DNAT" }, "rules": [] }),
            );
        }
        let priority = chance.pick(&[100, 200, 200, 300]);
        put(case, &group, json!({ "priority": priority, "ruleCollections": all }));
        if !chance.hits(5) {
            listed.push(json!({ "id": group }));
        }
    }
    let mut properties = json!({ "ruleCollectionGroups": listed });
    if let Some(base) = base {
        properties["basePolicy"] = json!({ "id": resource("firewallPolicies", base) });
    }
    if chance.hits(35) {
        let ranges = chance.pick(&[
            "255.255.255.255/32",
            "255.255.255.255/32",
            "IANAPrivateRanges",
            "10.0.0.0/9",
            "10.128.0.0/9",
        ]);
        properties["snat"] = json!({ "privateRanges": [ranges] });
        if chance.hits(10) {
            let learns = chance.pick(&["Enabled", "Disabled"]);
            properties["snat"]["autoLearnPrivateRanges"] = json!(learns);
        }
    }
    put(case, &key, properties);
}

/// Some collections, of which mostly one lets everything pass, or a part of it.
fn collections(chance: &mut Chance) -> Vec<Value> {
    let mut all: Vec<Value> = (0..chance.below(3)).map(|index| some(chance, index)).collect();
    if chance.hits(70) {
        let from = chance.pick(&["10.2.0.0/16", "10.2.1.0/28", "*", "10.2.1.0/29"]);
        let rule = json!({ "name": "let", "protocols": ["TCP"], "sourceAddresses": [from],
            "destinationAddresses": ["10.0.0.0/8"], "destinationPorts": ["5432"] });
        all.push(json!({ "name": "let", "priority": chance.pick(&[150, 200]),
            "action": { "type": "Allow" }, "rules": [rule] }));
    }
    all
}

fn some(chance: &mut Chance, index: usize) -> Value {
    let rules: Vec<Value> = (0..=chance.below(2)).map(|_| rule(chance)).collect();
    let action = chance.pick(&["Allow", "Deny"]);
    let action = if chance.hits(2) { "Alert" } else { action };
    let priority = chance.pick(&[100, 200, 200, 300]);
    let priority = if chance.hits(2) { Value::Null } else { json!(priority) };
    json!({ "name": format!("c{index}"), "priority": priority, "action": { "type": action },
        "rules": rules })
}

fn rule(chance: &mut Chance) -> Value {
    let all: [&[&str]; 5] = [&["UDP"], &["Any"], &["UDP", "tcp"], &["ICMP"], &["any"]];
    let protocols: &[&str] = chance.mostly(&["TCP"], 30, &all);
    let all: [&[&str]; 6] =
        [&["*"], &["5000-6000"], &["1433"], &["80", "5432"], &["6432"], &["1-79", "81-65535"]];
    let ports: &[&str] = chance.mostly(&["5432"], 40, &all);
    let from = chance.pick(&[
        "10.2.1.0/29",
        "10.2.0.0/16",
        "*",
        "10.2.1.4-10.2.1.6",
        "10.2.1.5",
        "10.0.0.0/8",
        "10.2.1.5/32",
        "10.9.0.0/16",
    ]);
    let to = chance.pick(&[
        "10.1.0.0/16",
        "*",
        "10.1.2.0/28",
        "10.2.3.0/28",
        "10.1.2.4",
        "10.1.2.0-10.1.2.7",
        "0.0.0.0/0",
        "10.7.0.0/16",
        "20.0.0.0/8",
    ]);
    let mut rule = json!({ "name": "rule", "protocols": protocols, "sourceAddresses": [from],
        "destinationAddresses": [to], "destinationPorts": ports });
    let group = json!([resource("ipGroups", "group")]);
    match chance.below(20) {
        0 | 1 => {
            rule["sourceIpGroups"] = group;
            rule["sourceAddresses"] = json!([]);
        }
        2 => {
            rule["destinationIpGroups"] = group;
            rule["destinationAddresses"] = json!([]);
        }
        3 => {
            let word = chance.pick(&["AzureCloud", "Sql.WestEurope"]);
            rule["destinationAddresses"] = json!([word]);
        }
        4 => {
            rule["destinationFqdns"] = json!(["some.example"]);
            rule["destinationAddresses"] = json!([]);
        }
        5 => rule["sourceAddresses"] = json!(chance.pick(&[Some(["somebody"]), None])),
        6 => rule["destinationPorts"] = Value::Null,
        _ => {}
    }
    rule
}

/// Classic collections, and in so many of a hundred cases one behind them that lets everything pass.
pub(crate) fn classic_rules(chance: &mut Chance, open: usize) -> Vec<Value> {
    let mut all = collections(chance);
    if chance.hits(open) {
        let rule = json!({ "name": "all", "protocols": ["Any"], "sourceAddresses": ["*"],
            "destinationAddresses": ["*"], "destinationPorts": ["*"] });
        all.push(json!({ "name": "all", "priority": 400, "action": { "type": "Allow" },
            "rules": [rule] }));
    }
    all.into_iter().map(classic).collect()
}

/// The fields of a classic collection stand under its properties.
fn classic(collection: Value) -> Value {
    let name = collection["name"].clone();
    json!({ "name": name, "properties": collection })
}

/// The same rules as a policy has them, and sometimes others for web sites.
fn of_policy(chance: &mut Chance, mut collection: Value) -> Value {
    collection["ruleCollectionType"] = json!(FILTER);
    let is_web = chance.hits(10);
    for rule in collection["rules"].as_array_mut().into_iter().flatten() {
        rule["ipProtocols"] = rule["protocols"].take();
        rule["ruleType"] = json!(if is_web { "ApplicationRule" } else { "NetworkRule" });
    }
    collection
}
