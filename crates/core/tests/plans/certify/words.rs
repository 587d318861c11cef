//! Words of a plan that do not stand in a request, each changed by itself.

use flexway_core::second::{Bounds, certify};
use serde_json::{Value, json};

use super::{LONG, certified, example, fails, planned_without, world};

/// A plan with something else at a place.
fn with(plan: &Value, pointer: &str, value: Value) -> Value {
    let mut other = plan.clone();
    *other.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    other
}

#[test]
fn words_for_verdicts_are_compared() {
    for title in LONG {
        let (estate, plan) = example(title);
        for (pointer, name) in [
            ("/certificate/irredundant/0/verdict", "irredundance"),
            ("/certificate/closed/0/verdict", "optimality"),
        ] {
            for word in ["reachable", "fine"] {
                fails(&estate, &with(&plan, pointer, json!(word)), name);
            }
        }
        let other = with(&plan, "/certificate/irredundant/0/without", json!("nothing"));
        fails(&estate, &other, "irredundance");
        fails(&estate, &with(&plan, "/certificate/irredundant", json!([])), "irredundance");
    }
}

#[test]
fn what_is_touched_has_to_be_said() {
    for title in [
        "The same, with clients in the source's network: they lose the record, which the new endpoint takes",
        "A route on the source's side drops the answers",
        "The source's half was deleted",
    ] {
        let (estate, plan) = example(title);
        assert_eq!(certified(&estate, &plan).holds(), Some(true), "{title}");
        fails(&estate, &with(&plan, "/affected", json!([])), "claims");
    }
}

#[test]
fn what_is_said_to_be_opened_is() {
    let (estate, plan) = example(
        "The same, with clients in the source's network: they lose the record, which the new endpoint takes",
    );
    let lost = plan["certificate"]["safety"]["broken"].clone();
    fails(&estate, &with(&plan, "/certificate/safety/opened", lost), "safety");
    let nobody = json!([{ "from": "/subscriptions/s/nobody", "to": "/subscriptions/s/nowhere" }]);
    fails(&estate, &with(&plan, "/certificate/safety/opened", nobody), "safety");
}

#[test]
fn what_should_be_a_list_is_one() {
    let (estate, plan) = example("The rule is not there");
    for place in [
        "/alternatives",
        "/alternatives/0/changes",
        "/certificate/irredundant",
        "/certificate/closed/0/changes",
        "/certificate/safety/opened",
    ] {
        let other = with(&plan, place, json!({ "0": 1 }));
        let why = certify(&world(&estate), &other, Bounds::default()).expect_err(place);
        assert!(why.to_string().contains("is no list"), "{place}: {why}");
    }
}

#[test]
fn other_ways_do_what_is_said_of_them() {
    let (estate, plan) = example("The rule is not there");
    let changes = |plan: &Value| plan["alternatives"][0]["changes"].as_array().cloned();
    let all = changes(&plan).expect("another way");
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    let less: Vec<Value> = all[1..].to_vec();
    fails(&estate, &with(&plan, "/alternatives/0/changes", json!(less)), "ways");
    fails(&estate, &with(&plan, "/alternatives/0/cost/edits", json!(0)), "ways");
    fails(&estate, &with(&plan, "/alternatives/0/cost/privilege", json!(0)), "ways");

    let (estate, plan) = planned_without("Only the source's network is linked", &["link-zone"]);
    assert!(plan["relaxation"]["changes"].is_array(), "{plan:#}");
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    fails(&estate, &with(&plan, "/relaxation/needs", json!([])), "ways");
    fails(&estate, &with(&plan, "/relaxation/changes/0/request/path", json!("/nowhere")), "ways");
}

#[test]
fn what_is_said_to_be_touched_is_there() {
    let silent = |title: &str| {
        let (estate, plan) = example(title);
        let told = plan["affected"].as_array().expect("a list");
        assert!(!told.is_empty(), "{title}");
        fails(&estate, &with(&plan, "/affected", json!([])), "claims");
        for made_up in [
            "",
            "subnet `nowhere` uses the same group",
            "subnet `endpoints` uses the same group",
            "subnet `apps` of network `target-net` stops reaching `old-db`",
        ] {
            let mut all = told.clone();
            all.push(json!(made_up));
            fails(&estate, &with(&plan, "/affected", json!(all)), "claims");
        }
    };
    silent("The record holds an old address");
    silent("The service endpoint is off");

    let (estate, plan) = example("The record holds an old address");
    assert_eq!(plan["changes"][0]["safety"], "review");
    fails(&estate, &with(&plan, "/changes/0/safety", json!("safe")), "claims");
}

#[test]
fn what_is_new_can_be_taken_back() {
    let (estate, plan) = example("The zone is linked and empty");
    let last = plan["changes"].as_array().expect("changes").len() - 1;
    fails(&estate, &with(&plan, &format!("/changes/{last}/inverse"), Value::Null), "undo");
}

#[test]
fn what_has_to_be_lifted_is_named() {
    let (estate, plan) = planned_without("No zone at all", &["link-zone"]);
    let needs = plan["relaxation"]["needs"].as_array().expect("what bars it");
    assert!(!needs.is_empty(), "{plan:#}");
    fails(&estate, &with(&plan, "/relaxation/needs", json!([])), "ways");
    fails(&estate, &with(&plan, "/barred", json!([])), "ways");
}
