//! Halves of peerings that a plan makes are like those that they stand in for, and fit the other half.

mod support;

use flexway_core::plan;
use flexway_core::repair::Policy;
use serde_json::{Value, json};

const NEAR: &str = "target-net/virtualNetworkPeerings/to-source";
const FAR: &str = "source-net/virtualNetworkPeerings/to-target";

/// The properties of the halves that the plan makes, the copier's first.
fn made(edits: &[String]) -> Vec<Value> {
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|line| support::edit(&mut resources, line));
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
    let made = plan.changes.iter().filter(|change| change.kind == "create-peering");
    made.map(|change| change.request.body["properties"].clone()).collect()
}

#[test]
fn the_other_half_of_peered_subnets_names_the_same_ones() {
    let halves = made(&[
        format!("delete {FAR}"),
        format!("set {NEAR} /properties/peeringState \"Initiated\""),
        format!("set {NEAR} /properties/peerCompleteVnets false"),
        format!("set {NEAR} /properties/localSubnetNames [\"postgres\"]"),
        format!("set {NEAR} /properties/remoteSubnetNames [\"endpoints\"]"),
    ]);
    let [half] = halves.as_slice() else { panic!("one half: {halves:?}") };
    assert_eq!(half["peerCompleteVnets"], false);
    assert_eq!(half["localSubnetNames"], json!(["endpoints"]));
    assert_eq!(half["remoteSubnetNames"], json!(["postgres"]));
}

#[test]
fn a_half_that_is_made_again_keeps_its_terms() {
    let halves = made(&[
        format!("delete {FAR}"),
        format!("set {NEAR} /properties/peeringState \"Disconnected\""),
        format!("set {NEAR} /properties/allowForwardedTraffic true"),
        format!("set {NEAR} /properties/useRemoteGateways true"),
    ]);
    let [lender, user] = halves.as_slice() else { panic!("two halves: {halves:?}") };
    let flags = |half: &Value| {
        ["allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways"]
            .map(|flag| half[flag] == true)
    };
    assert_eq!(flags(lender), [false, true, false], "what is used is lent first");
    assert_eq!(flags(user), [true, false, true]);
    assert_eq!(user.get("localSubnetNames"), None, "it peers whole networks");
}
