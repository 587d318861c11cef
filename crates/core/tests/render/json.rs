//! What scripts rely on stands in docs/network-json.md.

use std::collections::BTreeSet;

use flexway_core::diagnose;
use serde_json::{Value, json};

use crate::cases::CASES;
use crate::support;

const PAGE: &str = include_str!("../../../../docs/network-json.md");

/// Words of a request, of probes and of names that are counted: not ours, or told elsewhere.
const FOREIGN: [&str; 3] = ["body", "probes", "named"];

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                found.insert(name.clone());
                if !FOREIGN.contains(&name.as_str()) {
                    keys(inner, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_key_of_an_answer_and_a_plan_is_documented() {
    let mut found = BTreeSet::new();
    for case in &*CASES {
        keys(&case.report.to_json(), &mut found);
        keys(&case.plan.to_json(), &mut found);
    }
    // Words in quotes, in the blocks of code.
    let blocks: String = PAGE.split("```").skip(1).step_by(2).collect();
    let told: BTreeSet<&str> = blocks.split('"').skip(1).step_by(2).collect();
    let lacking: Vec<&String> = found.iter().filter(|key| !told.contains(key.as_str())).collect();
    assert!(found.len() > 60 && lacking.is_empty(), "of {}: {lacking:?}", found.len());
}

/// Steps tell which packets come to them, what becomes of them, and which causes stand there.
#[test]
fn steps_tell_packets_rules_and_reach() {
    let mut resources = support::fixture("private-source");
    let half = json!([{ "name": "half", "properties": { "priority": 200, "direction": "Outbound",
        "access": "Deny", "protocol": "*", "sourceAddressPrefix": "10.20.1.8/29", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "5432" } }]);
    let place = "/properties/securityRules";
    support::edit(&mut resources, &format!("set networkSecurityGroups/target-nsg {place} {half}"));
    let steps = |resources: &[Value]| -> Vec<Value> {
        let estate = support::estate(resources);
        let report = diagnose::check(&estate, &support::question(&estate));
        report.to_json()["trace"]["forward"].as_array().expect("steps").clone()
    };
    let at = |steps: &[Value], stage: &str| -> Value {
        steps.iter().find(|one| one["stage"] == stage).expect("a step").clone()
    };
    let partial = steps(&resources);
    let filter = at(&partial, "filter-out");
    assert_eq!(filter["causes"], json!(["filter/outbound-denied"]));
    assert_eq!(filter["dropped"], json!(["10.20.1.8/30", "10.20.1.12/31", "10.20.1.14/32"]));
    assert_eq!(filter["out"]["from"], json!(["10.20.1.4/30"]));
    assert_eq!(filter["rules"][0]["name"], "half");
    assert_eq!(filter["rules"][0]["ports"], json!(["5432"]));
    let route = at(&partial, "route");
    assert_eq!((&route["reached"], &route["route"]["origin"]), (&json!(true), &json!("system")));
    assert_eq!(route["in"]["to"], json!(["10.10.1.4/32"]));
    assert_eq!((&route["in"]["to_port"], &route["in"]["from_port"]), (&json!(5432), &Value::Null));
    let peering = "delete source-net/virtualNetworkPeerings/to-target";
    support::edit(&mut resources, peering);
    support::edit(&mut resources, "delete target-net/virtualNetworkPeerings/to-source");
    let apart = steps(&resources);
    let (hop, admit) = (at(&apart, "hop"), at(&apart, "admit"));
    assert_eq!((&hop["causes"], &hop["out"]), (&json!(["peering/missing"]), &Value::Null));
    assert_eq!((&admit["reached"], &admit["outcome"]), (&json!(false), &json!("pass")));
    assert_eq!(at(&apart, "route")["follows"], true);
}
