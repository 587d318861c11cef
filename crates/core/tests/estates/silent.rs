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

/// What was listed without its settings may be what the way needs: it is there, and nobody read it.
#[test]
fn what_was_listed_without_its_settings_is_not_absent() {
    let kinds = ["/virtualNetworkLinks/", "/virtualNetworkPeerings/", "/virtualNetworkRules/"];
    let mut open = 0;
    for fixture in ["private-source", "injected-source", "public-source"] {
        let resources = support::fixture(fixture);
        let question = support::question_of(&resources);
        for index in 0..resources.len() {
            let id = resources[index]["id"].as_str().expect("an id");
            if !kinds.iter().any(|kind| id.contains(kind)) {
                continue;
            }
            let mut listed = resources.clone();
            listed[index].as_object_mut().expect("a resource").remove("properties");
            let loaded = load(vec![Input { file: "listed".to_owned(), json: json!(listed) }]);
            assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
            let report = diagnose::check(&loaded.estate, &question);
            let fine = [Verdict::Reachable, Verdict::Undetermined];
            assert!(fine.contains(&report.verdict), "{id}: {:?}", support::causes(&report));
            open += usize::from(report.verdict == Verdict::Undetermined);
        }
    }
    assert_eq!(open, 7, "two links, four halves, and a rule");
}

/// A way to an office: a part of it that does not tell where it leads may lead there.
#[test]
fn a_part_of_a_way_beyond_a_gateway_that_tells_too_little_may_lead_there() {
    let place = "$target/Microsoft.Network";
    let subnet = format!("{place}/virtualNetworks/target-net/subnets/GatewaySubnet");
    let reference = |kind: &str| json!({ "id": format!("{place}/{kind}") });
    let parts = [
        json!({ "id": subnet, "properties": { "addressPrefix": "10.20.0.0/27" } }),
        json!({ "id": format!("{place}/virtualNetworkGateways/gateway"), "properties": {
            "gatewayType": "Vpn", "enableBgp": false,
            "ipConfigurations": [{ "properties": { "subnet": { "id": subnet } } }] } }),
        json!({ "id": format!("{place}/localNetworkGateways/office"), "properties": {
            "localNetworkAddressSpace": { "addressPrefixes": ["192.168.0.0/16"] } } }),
        json!({ "id": format!("{place}/connections/line"), "type": "Microsoft.Network/connections", "properties": {
            "connectionType": "IPsec", "enableBgp": false, "connectionStatus": "Connected",
            "virtualNetworkGateway1": reference("virtualNetworkGateways/gateway"),
            "localNetworkGateway2": reference("localNetworkGateways/office") } }),
    ];
    let causes = |part: usize, field: &str| {
        let mut parts = parts.clone();
        if let Some(place) = field.strip_prefix('/') {
            parts[part]["properties"].as_object_mut().expect("properties").remove(place);
        } else {
            parts[part].as_object_mut().expect("a resource").remove(field);
        }
        let mut resources = support::fixture("private-source");
        parts.iter().for_each(|one| support::edit(&mut resources, &format!("add {one}")));
        let estate = load(vec![Input { file: "way".to_owned(), json: json!(resources) }]).estate;
        let source = diagnose::Source::Host("192.168.7.5".to_owned());
        let asked = diagnose::Question { source, ..support::question(&estate) };
        let report = diagnose::check(&estate, &asked);
        let causes: Vec<String> = report.causes().map(|one| one.fault.to_owned()).collect();
        (report.verdict, causes)
    };
    let open = (Verdict::Undetermined, Vec::new());
    assert_eq!(causes(0, "none"), open, "whether the machine listens");
    for (part, field) in [
        (2, "/localNetworkAddressSpace"),
        (2, "properties"),
        (3, "/virtualNetworkGateway1"),
        (3, "/localNetworkGateway2"),
        (3, "properties"),
    ] {
        assert_eq!(causes(part, field), open, "{part} without {field}");
    }
}

/// A count of records that cannot be read is no word that the service keeps the record of an injected source.
#[test]
fn a_count_that_cannot_be_read_proves_no_record() {
    let verdict = |count: &str| {
        let mut resources = support::fixture("injected-source");
        let zone = "privateDnsZones/old-flex.private.postgres.database.azure.com";
        support::edit(
            &mut resources,
            &format!("set {zone} /properties/numberOfRecordSets {count}"),
        );
        let estate = load(vec![Input { file: "count".to_owned(), json: json!(resources) }]).estate;
        diagnose::check(&estate, &support::question(&estate)).verdict
    };
    for unreadable in [r#""abc""#, "-1", "{}", "[1]", "1e30"] {
        assert_eq!(verdict(unreadable), Verdict::Undetermined, "{unreadable}");
    }
    assert_eq!(verdict("1"), Verdict::Unreachable);
    assert_eq!(verdict("2"), Verdict::Undetermined, "a record that nobody captured");
    assert_eq!(verdict("null"), Verdict::Reachable);
}
