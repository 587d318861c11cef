//! What Azure says it applies, beside captures: a contradiction is said.

use flexway_core::estate::load;
use serde_json::{Value, json};

use super::support::{SUBSCRIPTION, fixture, input};

fn network(rest: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/{rest}")
}

/// What is said of one group that Azure applies to a place, beside a capture with a rule `own`.
fn said(group: &str, place: &str, rules: Value) -> Vec<String> {
    let rule = |priority: u32| {
        json!({ "priority": priority, "access": "Allow", "direction": "Outbound", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" })
    };
    let mut estate = fixture("private-source");
    let own = estate.iter_mut().find(|one| one["name"] == "target-nsg").expect("a group");
    own["properties"]["securityRules"] = json!([{ "name": "own", "properties": rule(200) }]);
    let applied = json!({ "value": [{
        "networkSecurityGroup": { "id": network(group) }, "association": { "subnet": { "id": network(place) } },
        "effectiveSecurityRules": rules,
    }] });
    let loaded = load(vec![input("estate", json!(estate)), input("effective", applied)]);
    loaded.problems.into_iter().map(|one| format!("{} {}", one.pointer, one.message)).collect()
}

fn applied(name: &str, access: &str) -> Value {
    json!({ "name": name, "access": access, "direction": "Outbound", "priority": 200 })
}

#[test]
fn rules_that_azure_applies_are_held_against_captures() {
    let (group, subnet) =
        ("networkSecurityGroups/target-nsg", "virtualNetworks/target-net/subnets/postgres");
    let own = || applied("securityRules/own", "Allow");
    let default = applied("defaultSecurityRules/DenyAllOutBound", "Deny");
    assert_eq!(said(group, subnet, json!([own(), default])), Vec::<String>::new());
    for (group, subnet, rules, expected) in [
        (
            group,
            subnet,
            json!([applied("securityRules/own", "Deny")]),
            "/value/0 rule `own` of `target-nsg` is captured otherwise",
        ),
        (
            group,
            subnet,
            json!([own(), applied("securityRules/new", "Deny")]),
            "/value/0 rule `new` of `target-nsg` is not captured",
        ),
        (
            group,
            subnet,
            json!([]),
            "/value/0 rule `own` of `target-nsg` is captured, and not applied",
        ),
        (
            "networkSecurityGroups/other",
            subnet,
            json!([]),
            "/value/0 `postgres` is captured with group `target-nsg`, not `other`",
        ),
        (
            group,
            "virtualNetworks/target-net/subnets/apps",
            json!([own()]),
            "/value/0 `apps` is captured without group `target-nsg`",
        ),
    ] {
        let told = said(group, subnet, rules);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{expected}: {told:?}");
    }
}

#[test]
fn routes_of_an_interface_are_named_for_what_they_are() {
    let route = json!({ "source": "VirtualNetworkGateway", "state": "Active", "addressPrefix": ["192.168.0.0/16"],
        "nextHopType": "VirtualNetworkGateway", "nextHopIpAddress": ["10.60.255.4"] });
    let routes = json!({ "value": [route, route], "nextLink": null });
    let loaded =
        load(vec![input("estate", json!(fixture("private-source"))), input("routes", routes)]);
    let said: Vec<&str> = loaded.problems.iter().map(|one| one.message.as_str()).collect();
    assert!(said.len() == 1 && said[0].starts_with("effective routes of an interface"), "{said:?}");
}
