//! One path after the other: what resolves, what connects, and which counter moves where it does not.

use flexway_lab::twin::look::{Connected, Named};
use serde_json::json;

use crate::fixture::{Built, at, is_possible, named, resources, without};

#[test]
fn a_private_source_is_reached_through_its_endpoint() {
    if !is_possible("a_private_source_is_reached_through_its_endpoint") {
        return;
    }
    let built = Built::new(&resources("private-source"), "new-db");
    assert_eq!(built.reach("new-db", "old-db"), (at("10.10.1.4"), Some(Connected::Answers)));
    assert_eq!(built.dropped_by(), Vec::<String>::new());
}

#[test]
fn without_the_link_the_name_leads_to_a_closed_door() {
    if !is_possible("without_the_link_the_name_leads_to_a_closed_door") {
        return;
    }
    let all = resources("private-source");
    let fewer = without(&all, "/virtualNetworkLinks/target-link");
    let built = Built::new(&fewer, "new-db");
    let door = at(&built.place("old-db").addresses[0].to_string());
    assert_eq!(built.reach("new-db", "old-db"), (door, Some(Connected::Silence)));
    assert_eq!(built.dropped_by(), ["publicNetworkAccess"]);
}

#[test]
fn the_counter_of_the_rule_that_denies_moves() {
    if !is_possible("the_counter_of_the_rule_that_denies_moves") {
        return;
    }
    let mut all = resources("private-source");
    let rule = json!({ "name": "keep-out", "properties": { "priority": 110, "direction": "Outbound", "access": "Deny",
        "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "10.10.0.0/16", "destinationPortRange": "5432" } });
    let group = named(&mut all, "/networkSecurityGroups/target-nsg");
    group["properties"]["securityRules"] = json!([rule]);
    let built = Built::new(&all, "new-db");
    assert_eq!(built.reach("new-db", "old-db"), (at("10.10.1.4"), Some(Connected::Silence)));
    assert_eq!(built.dropped_by(), ["keep-out"]);
}

#[test]
fn the_counter_of_the_route_to_nowhere_moves() {
    if !is_possible("the_counter_of_the_route_to_nowhere_moves") {
        return;
    }
    let mut all = resources("private-source");
    let id = all[0]["id"].as_str().expect("an id").split("/Microsoft").next().expect("a group");
    let table = format!("{id}/Microsoft.Network/routeTables/table");
    let route = |name: &str, prefix: &str, hop: &str| {
        let properties = json!({ "addressPrefix": prefix, "nextHopType": hop });
        json!({ "name": name, "properties": properties })
    };
    // The longest prefix decides, whatever stands beside it.
    let routes = [
        route("all", "0.0.0.0/0", "None"),
        route("one", "10.10.1.4/32", "None"),
        route("on", "10.10.1.0/25", "Internet"),
    ];
    let subnet = named(&mut all, "/target-net/subnets/postgres");
    subnet["properties"]["routeTable"] = json!({ "id": table });
    all.push(json!({ "id": table, "type": "Microsoft.Network/routeTables", "properties": { "routes": routes } }));
    let built = Built::new(&all, "new-db");
    assert_eq!(built.reach("new-db", "old-db"), (at("10.10.1.4"), Some(Connected::Silence)));
    assert_eq!(built.dropped_by(), ["one"]);
}

#[test]
fn half_a_peering_joins_nothing() {
    if !is_possible("half_a_peering_joins_nothing") {
        return;
    }
    let all = resources("private-source");
    let fewer = without(&all, "/virtualNetworkPeerings/to-target");
    let built = Built::new(&fewer, "new-db");
    let (named, connected) = built.reach("new-db", "old-db");
    assert_eq!((named, connected), (at("10.10.1.4"), Some(Connected::Silence)));
}

#[test]
fn an_injected_source_is_found_through_its_own_zone() {
    if !is_possible("an_injected_source_is_found_through_its_own_zone") {
        return;
    }
    let all = resources("injected-source");
    let built = Built::new(&all, "new-db");
    let (named, connected) = built.reach("new-db", "old-flex");
    assert!(matches!(named, Named::Addresses(_)), "{named:?}");
    assert_eq!(connected, Some(Connected::Answers));
}

#[test]
fn a_public_source_is_reached_as_the_subnet() {
    if !is_possible("a_public_source_is_reached_as_the_subnet") {
        return;
    }
    let built = Built::new(&resources("public-source"), "new-db");
    let (_, connected) = built.reach("new-db", "old-db");
    assert_eq!((connected, built.dropped_by()), (Some(Connected::Answers), vec![]));
}
