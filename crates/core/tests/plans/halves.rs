//! What halves of peerings say that a plan makes anew: as the lost one said, or as the remaining one asks.

use flexway_core::change::Change;
use flexway_core::plan;
use flexway_core::repair::Policy;
use serde_json::{Value, json};

use crate::support;

const NEAR: &str = "target-net/virtualNetworkPeerings/to-source";
const FAR: &str = "source-net/virtualNetworkPeerings/to-target";

/// The properties of the halves that the plan makes after some edits, by the name of their network.
fn made(edits: &[String]) -> Vec<(String, Value)> {
    // A new endpoint would do without the peering.
    let policy = Policy { forbidden: vec!["create-endpoint".to_owned()], ignores_locks: false };
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|edit| support::edit(&mut resources, edit));
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &policy);
    let made = plan.changes.iter().filter(|change| change.kind == "create-peering");
    let of = |change: &Change| {
        (change.resource.name_at(0).to_owned(), change.request.body["properties"].clone())
    };
    made.map(of).collect()
}

fn set(half: &str, field: &str, value: Value) -> String {
    format!("set {half} /properties/{field} {value}")
}

/// Peers the subnets of the two servers alone, by one half.
fn narrow(half: &str, own: &str, other: &str) -> Vec<String> {
    vec![
        set(half, "peerCompleteVnets", json!(false)),
        set(half, "localSubnetNames", json!([own])),
        set(half, "remoteSubnetNames", json!([other])),
    ]
}

#[test]
fn a_lost_half_is_made_again_with_its_flags() {
    let made = made(&[
        set(NEAR, "peeringState", json!("Disconnected")),
        set(NEAR, "allowForwardedTraffic", json!(true)),
        set(NEAR, "allowGatewayTransit", json!(true)),
    ]);
    let [(_, half)] = &made[..] else { panic!("{made:?}") };
    assert_eq!(half["allowForwardedTraffic"], true);
    assert_eq!(half["allowGatewayTransit"], true);
    assert_eq!(half["useRemoteGateways"], false);
    assert_eq!(half.get("peerCompleteVnets"), None);
}

#[test]
fn a_gateway_is_lent_before_it_is_used() {
    let made = made(&[
        format!("delete {FAR}"),
        set(NEAR, "peeringState", json!("Disconnected")),
        set(NEAR, "useRemoteGateways", json!(true)),
    ]);
    let [(first, lent), (second, used)] = &made[..] else { panic!("{made:?}") };
    assert_eq!((first.as_str(), &lent["allowGatewayTransit"]), ("source-net", &json!(true)));
    assert_eq!((second.as_str(), &used["useRemoteGateways"]), ("target-net", &json!(true)));
}

#[test]
fn the_other_half_of_a_peering_of_subnets_names_the_same_ones() {
    let mut edits = narrow(NEAR, "postgres", "endpoints");
    edits.push(set(NEAR, "peeringState", json!("Initiated")));
    edits.push(format!("delete {FAR}"));
    let made = made(&edits);
    let [(owner, half)] = &made[..] else { panic!("{made:?}") };
    assert_eq!(owner, "source-net");
    assert_eq!(half["peerCompleteVnets"], false);
    assert_eq!(half["localSubnetNames"], json!(["endpoints"]));
    assert_eq!(half["remoteSubnetNames"], json!(["postgres"]));
}

#[test]
fn a_lost_half_that_left_the_subnets_out_holds_them_then() {
    let mut edits = narrow(NEAR, "apps", "endpoints");
    edits.push(set(NEAR, "peeringState", json!("Disconnected")));
    let made = made(&edits);
    let [(_, half)] = &made[..] else { panic!("{made:?}") };
    assert_eq!(half["localSubnetNames"], json!(["apps", "postgres"]));
    assert_eq!(half["remoteSubnetNames"], json!(["endpoints"]));
}

#[test]
fn a_link_that_would_deny_a_name_redirects_from_the_start() {
    let page = flexway_core::checks::find("dns/zone-not-linked").expect("a check").page;
    let is_it = |one: &support::Example| one.title.starts_with("Another server has an endpoint");
    let example = support::examples(page).into_iter().find(is_it).expect("an example");
    let estate = support::estate(&example.resources);
    let plan = plan::plan(&estate, &example.question(&estate), &Policy::default());
    let [link] = plan.changes.as_slice() else { panic!("one change: {:?}", plan.changes) };
    assert_eq!(link.request.body["properties"]["resolutionPolicy"], "NxDomainRedirect");
    assert!(link.az[1].ends_with("--resolution-policy NxDomainRedirect"), "{:?}", link.az);
}
