//! Requests that would repeat what no input tells: none is made, and the plan says what to capture.

use flexway_core::estate::Estate;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{Bounds, Certified, State, World, certify};
use serde_json::{Value, json};

use crate::support;

/// The copier's subnet without its service endpoint, and a field of it with this value.
fn subnet_with(field: &str, value: &Value) -> (Estate, Value) {
    let mut resources = support::fixture("public-source");
    for (field, value) in [("serviceEndpoints", &json!([])), (field, value)] {
        let line = format!("set target-net/subnets/postgres /properties/{field} {value}");
        support::edit(&mut resources, &line);
    }
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
    (estate, plan.to_json())
}

fn certified(estate: &Estate, plan: &Value) -> Certified {
    let world = World::of(estate.ids().filter_map(|id| Some((id, estate.body(id)?))));
    certify(&world, plan, Bounds::of(&world)).expect("a plan")
}

#[test]
fn no_request_repeats_what_is_not_told() {
    let untold = json!({ "$unresolved": "Terraform does not tell it" });
    for (field, value) in [("natGateway", &untold), ("delegations", &json!([{ "name": untold }]))] {
        let (estate, plan) = subnet_with(field, value);
        assert!(!plan.to_string().contains("$unresolved"), "{field}: {plan:#}");
        let ways = plan["alternatives"].as_array().expect("other ways").iter();
        let told: Vec<&str> = ways.filter_map(|way| way["title"].as_str()).collect();
        let is_told = |way: &&str| {
            way.starts_with("capture `postgres` first") && way.contains("`az resource show --ids ")
        };
        assert_eq!(told.iter().copied().filter(is_told).count(), 1, "{field}: {told:?}");
        let certified = certified(&estate, &plan);
        assert_eq!(certified.holds(), Some(true), "{certified:#?}");
    }
}

/// A state that does not tell what stands beside the fault: what has to be captured comes first.
#[test]
fn a_refusal_says_what_to_capture() {
    let mut resources = support::fixture("public-source");
    let untold = json!({ "$unresolved": "" });
    for (suffix, field, value) in [
        ("target-net/subnets/postgres", "serviceEndpoints", &json!([])),
        ("target-net/subnets/postgres", "natGateway", &untold),
        ("servers/old-db", "userVisibleState", &untold),
    ] {
        support::edit(&mut resources, &format!("set {suffix} /properties/{field} {value}"));
    }
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
    assert_eq!(plan.changes, vec![]);
    let help = plan.refusal.expect("a refusal").help;
    assert!(help[0].starts_with("capture `postgres` first"), "{help:?}");
}

#[test]
fn a_plan_that_repeats_what_is_not_told_cannot_be_taken_back() {
    let (estate, mut plan) = subnet_with("natGateway", &Value::Null);
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    plan["changes"][0]["inverse"]["body"]["properties"]["natGateway"] =
        json!({ "$unresolved": "" });
    let certified = certified(&estate, &plan);
    let undo = certified.checks.iter().find(|one| one.name == "undo").expect("it is checked");
    assert_eq!(undo.state, State::Fails);
    assert!(undo.detail.contains("repeats what was not captured"), "{}", undo.detail);
}
