//! What a template does not tell since only a deployment does: it is neither there nor absent.

use flexway_core::estate::load;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::provisioned;
use crate::support::{causes, check, ours};

/// Takes the record sets out of a template.
fn without_records(value: &mut Value) {
    let is_record = |one: &Value| one["type"].as_str().is_some_and(|kind| kind.ends_with("/A"));
    match value {
        Value::Array(items) => {
            items.retain(|one| !is_record(one));
            items.iter_mut().for_each(without_records);
        }
        Value::Object(fields) => fields.values_mut().for_each(without_records),
        _ => {}
    }
}

#[test]
fn a_record_that_a_zone_group_of_a_template_writes_is_not_missed() {
    let template = || {
        let mut template = ours("estate.json");
        without_records(&mut template.json);
        vec![template, ours("estate.parameters.json")]
    };
    let report = check(&load(template()).estate);
    assert_eq!(report.verdict, Verdict::Undetermined, "{:?}", causes(&report));
    let mut all = template();
    all.insert(0, provisioned());
    let report = check(&load(all).estate);
    assert_eq!(report.verdict, Verdict::Reachable, "{:?} {:?}", causes(&report), report.missing);
}

#[test]
fn what_a_template_deploys_perhaps_is_neither_there_nor_absent() {
    let doubted = |kind: &str| {
        let mut template = ours("estate.json");
        doubt(&mut template.json, kind);
        let mut all = vec![template, ours("estate.parameters.json")];
        all.insert(0, provisioned());
        all[0].json.as_array_mut().expect("a list").retain(|one| one["type"] != kind);
        check(&load(all).estate)
    };
    for kind in ["privateDnsZones/virtualNetworkLinks", "virtualNetworks/virtualNetworkPeerings"] {
        let report = doubted(&format!("Microsoft.Network/{kind}"));
        assert_eq!(report.verdict, Verdict::Undetermined, "{kind}: {:?}", causes(&report));
    }
}

/// Lets only the deployment tell whether it makes resources of a type.
fn doubt(value: &mut Value, kind: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|one| doubt(one, kind)),
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|one| one == kind) {
                fields.insert("condition".to_owned(), json!("[reference('x').outputs.y.value]"));
            }
            fields.values_mut().for_each(|one| doubt(one, kind));
        }
        _ => {}
    }
}
