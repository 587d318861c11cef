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
