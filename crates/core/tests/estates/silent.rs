//! What an estate does not tell never counts as absent where it may matter.

use flexway_core::diagnose;
use flexway_core::estate::{Input, load};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use crate::support;

/// Nobody knows the address that packets of a managed subnet come with, so a firewall rule may hold it: unless it holds addresses that
/// nobody has, or the packets carry the subnet's identity.
#[test]
fn a_firewall_rule_may_hold_an_address_that_nobody_knows() {
    let verdict = |first: &str, last: &str, endpoints: &str| {
        let rule = json!({
            "id": "$source/Microsoft.DBforPostgreSQL/servers/old-db/firewallRules/some",
            "type": "Microsoft.DBforPostgreSQL/servers/firewallRules",
            "properties": { "startIpAddress": first, "endIpAddress": last },
        });
        let mut resources = support::fixture("public-source");
        for line in [
            "delete virtualNetworkRules/target".to_owned(),
            format!("set target-net/subnets/postgres /properties/serviceEndpoints {endpoints}"),
            format!("add {rule}"),
        ] {
            support::edit(&mut resources, &line);
        }
        let estate = load(vec![Input { file: "rule".to_owned(), json: json!(resources) }]).estate;
        diagnose::check(&estate, &support::question(&estate)).verdict
    };
    let sql = r#"[{ "service": "Microsoft.Sql", "locations": ["westeurope"] }]"#;
    assert_eq!(verdict("20.9.9.9", "20.9.9.9", "[]"), Verdict::Undetermined);
    assert_eq!(verdict("20.9.9.9", "20.9.9.9", sql), Verdict::Unreachable);
    assert_eq!(verdict("203.0.113.7", "203.0.113.9", "[]"), Verdict::Unreachable);
    assert_eq!(verdict("10.20.0.0", "10.20.255.255", "[]"), Verdict::Unreachable);
    assert_eq!(verdict("not", "told", "[]"), Verdict::Undetermined);
    assert_eq!(verdict("not", "told", sql), Verdict::Unreachable);
}

/// What does not tell whom it is about may be about this flow.
#[test]
fn a_resource_that_does_not_tell_whom_it_concerns_counts() {
    let halves = [
        "delete source-net/virtualNetworkPeerings/to-target",
        "delete target-net/virtualNetworkPeerings/to-source",
    ];
    let hub = "$dns/Microsoft.Network/virtualHubs/hub/hubVirtualNetworkConnections";
    let joined = json!({ "id": format!("{hub}/source"), "properties": { "remoteVirtualNetwork": {
        "id": "$source/Microsoft.Network/virtualNetworks/source-net" } } });
    let silent = json!({ "id": format!("{hub}/some"), "properties": {} });
    let set = "$dns/Microsoft.Network/dnsForwardingRulesets/set";
    let linked = json!({ "id": format!("{set}/virtualNetworkLinks/target"), "properties": {
        "virtualNetwork": { "id": "$target/Microsoft.Network/virtualNetworks/target-net" } } });
    let other = json!({ "id": format!("{set}/forwardingRules/other"), "properties": {
        "domainName": "contoso.com.", "targetDnsServers": [{ "ipAddress": "10.30.0.4" }] } });
    let nameless = json!({ "id": format!("{set}/forwardingRules/some"), "properties": {
        "targetDnsServers": [{ "ipAddress": "10.30.0.4" }] } });
    let link = "privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";
    let subnet = "set virtualNetworkRules/target /properties/virtualNetworkSubnetId null";
    let cases: [(&str, Vec<String>, Verdict); 6] = [
        ("injected-source", halves.map(str::to_owned).to_vec(), Verdict::Unreachable),
        (
            "injected-source",
            [
                halves.map(str::to_owned).to_vec(),
                vec![format!("add {joined}"), format!("add {silent}")],
            ]
            .concat(),
            Verdict::Undetermined,
        ),
        (
            "private-source",
            vec![format!("add {linked}"), format!("add {other}")],
            Verdict::Reachable,
        ),
        (
            "private-source",
            vec![format!("add {linked}"), format!("add {other}"), format!("add {nameless}")],
            Verdict::Undetermined,
        ),
        (
            "private-source",
            vec![format!("set {link} /properties/virtualNetwork null")],
            Verdict::Undetermined,
        ),
        ("public-source", vec![subnet.to_owned()], Verdict::Undetermined),
    ];
    for (fixture, lines, expected) in cases {
        let mut resources = support::fixture(fixture);
        lines.iter().for_each(|line| support::edit(&mut resources, line));
        let estate = load(vec![Input { file: "silent".to_owned(), json: json!(resources) }]).estate;
        let report = diagnose::check(&estate, &support::question(&estate));
        assert_eq!(report.verdict, expected, "{lines:?}: {:?}", report.missing);
    }
}

/// No resource tells the address of a front door: one half of all addresses may hold it, both surely do.
#[test]
fn two_routes_hold_what_a_default_route_holds() {
    let verdict = |prefixes: &[&str]| {
        let route = |(index, prefix): (usize, &&str)| {
            json!({ "name": format!("half-{index}"),
                "properties": { "addressPrefix": prefix, "nextHopType": "None" } })
        };
        let routes: Vec<_> = prefixes.iter().enumerate().map(route).collect();
        let table = "$target/Microsoft.Network/routeTables/table";
        let body = json!({ "id": table, "properties": { "routes": routes } });
        let reference = json!({ "id": table });
        let door = json!({ "startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0" });
        let mut resources = support::fixture("public-source");
        for line in [
            "set target-net/subnets/postgres /properties/serviceEndpoints []".to_owned(),
            format!("set firewallRules/office /properties {door}"),
            format!("add {body}"),
            format!("set target-net/subnets/postgres /properties/routeTable {reference}"),
        ] {
            support::edit(&mut resources, &line);
        }
        let estate = support::estate(&resources);
        diagnose::check(&estate, &support::question(&estate)).verdict
    };
    assert_eq!(verdict(&[]), Verdict::Reachable);
    assert_eq!(verdict(&["0.0.0.0/1"]), Verdict::Undetermined);
    assert_eq!(verdict(&["0.0.0.0/1", "128.0.0.0/1"]), Verdict::Unreachable);
    assert_eq!(verdict(&["0.0.0.0/0"]), Verdict::Unreachable);
}

#[test]
fn a_state_that_cannot_be_read_is_not_taken_for_settled() {
    let settled = [json!("Succeeded"), json!("Ready"), json!(""), Value::Null];
    let odd = [json!("Deleting"), json!({ "odd": true }), json!(["Succeeded"]), json!(false)];
    let verdict = |state: &Value| {
        let mut resources = support::fixture("private-source");
        let half = "target-net/virtualNetworkPeerings/to-source";
        let is_it = |one: &&mut Value| one["id"].as_str().is_some_and(|id| id.ends_with(half));
        let half = resources.iter_mut().find(is_it).expect("the half of a peering");
        half["properties"]["provisioningState"] = state.clone();
        let loaded = load(vec![Input { file: "odd".to_owned(), json: json!(resources) }]);
        support::check(&loaded.estate).verdict
    };
    for state in &settled {
        assert_eq!(verdict(state), Verdict::Reachable, "{state}");
    }
    for state in &odd {
        assert_eq!(verdict(state), Verdict::Undetermined, "{state}");
    }
}
