//! What scripts rely on stands in docs/network-json.md.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cases::CASES;

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
