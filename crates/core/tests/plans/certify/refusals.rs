//! Refusals: what is said to help nothing, and does.

use flexway_core::second::State;
use serde_json::json;

use super::{ALL_PLANNED, LONG, certified, example, fails, named};
use crate::support;

#[test]
fn a_refusal_that_an_obvious_edit_disproves_fails() {
    for title in [
        "Only the source's network is linked",
        "The zone is linked and empty",
        "The record holds an old address",
        "A rule denies everything out of the target's subnet",
        "A route for the endpoint's own address drops packets",
        "Only the target's half was made",
        "The source's half was deleted",
        "Both halves keep the other network out",
        "Nobody has approved the endpoint",
        "The rule is not there",
        "The service endpoint is off",
        "Neither the rule nor the service endpoint is there",
        "The source's own zone is linked to its own network only",
    ] {
        let Some(one) = ALL_PLANNED.iter().find(|one| one.title == title) else {
            panic!("no example {title}");
        };
        let (estate, mut plan) = (support::estate(&one.resources), one.plan.clone());
        assert_eq!(certified(&estate, &plan).holds(), Some(true), "{title}");
        plan["changes"] = json!([]);
        plan["exposure"] = json!([]);
        plan["after"] = plan["before"].clone();
        plan["refusal"] = json!("no request mends this");
        plan["certificate"]["closed"] = json!([]);
        plan["certificate"]["catalogue"] = json!([]);
        let found = certified(&estate, &plan);
        assert_eq!(named(&found, State::Fails), ["refusal"], "{title}: {found:#?}");
    }
}

/// What a refusal lists it has to have tried, alone and together.
#[test]
fn a_refusal_closes_every_set_of_its_catalogue() {
    for title in LONG {
        let (estate, mut plan) = example(title);
        plan["changes"] = json!([]);
        plan["exposure"] = json!([]);
        plan["after"] = plan["before"].clone();
        plan["refusal"] = json!("no request mends this");
        fails(&estate, &plan, "refusal");
        // One that was never tried is left out of no set.
        let (_, other) = example("The rule is not there");
        plan["certificate"]["catalogue"] = other["changes"].clone();
        plan["certificate"]["closed"] = json!([]);
        fails(&estate, &plan, "refusal");
    }
}

#[test]
fn a_refusal_leaves_the_verdict() {
    let titles: Vec<&str> = ALL_PLANNED
        .iter()
        .filter(|one| one.plan["refusal"].is_string() && one.plan["before"] == "unreachable")
        .map(|one| one.title.as_str())
        .collect();
    assert!(titles.len() > 20, "{titles:?}");
    for title in titles {
        let (estate, mut plan) = example(title);
        plan["after"] = json!("reachable");
        fails(&estate, &plan, "refusal");
    }
}

#[test]
fn a_refusal_that_could_be_mended_fails() {
    let (estate, mut plan) = example("No zone at all");
    let all = plan["certificate"]["catalogue"].as_array().expect("a catalogue").len();
    let changes = plan["changes"].as_array().expect("changes").clone();
    let places: Vec<usize> = (all..all + changes.len()).collect();
    plan["certificate"]["catalogue"].as_array_mut().expect("a catalogue").extend(changes);
    let closed = json!({ "changes": places, "verdict": "unreachable" });
    plan["certificate"]["closed"].as_array_mut().expect("closed sets").push(closed);
    plan["changes"] = json!([]);
    plan["after"] = plan["before"].clone();
    plan["refusal"] = json!("nothing helps");
    fails(&estate, &plan, "refusal");
}
