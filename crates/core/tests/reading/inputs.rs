//! Templates, Terraform and what-if results as estates: they say the same as a capture, as far as they know, and nothing more.

mod evidence;
mod kinds;
mod lists;
mod relay;
mod unread;
mod wanted;

use flexway_core::estate::{Input, Loaded, load, load_dated, overlay};
use flexway_core::id::ResourceId;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use crate::support::{self, SUBSCRIPTION, causes, check, input, ours};

/// What only Azure tells once a resource exists.
const PROVISIONED: [&str; 13] = [
    "customDnsConfigs",
    "fullyQualifiedDomainName",
    "ipConfigurations",
    "networkInterfaces",
    "numberOfRecordSets",
    "peeringState",
    "privateEndpointConnections",
    "privateLinkServiceConnectionState",
    "provisioningState",
    "remoteAddressSpace",
    "state",
    "userVisibleState",
    "virtualNetworkLinkState",
];

fn without_provisioned(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_provisioned),
        Value::Object(fields) => {
            fields.retain(|name, _| !PROVISIONED.contains(&name.as_str()));
            fields.values_mut().for_each(without_provisioned);
        }
        _ => {}
    }
}

/// The resources whose provisioned facts decide: as a second file, captured from Azure.
fn provisioned() -> Input {
    let kinds = [
        "servers/",
        "flexibleServers/",
        "virtualNetworkPeerings/",
        "privateEndpoints/",
        "networkInterfaces/",
        "virtualNetworkLinks/",
    ];
    let resources = support::fixture("private-source").into_iter().filter(|one| {
        let id = one["id"].as_str().unwrap_or("");
        let parts: Vec<&str> = id.rsplitn(3, '/').collect();
        kinds.iter().any(|kind| kind.trim_end_matches('/') == parts[1])
    });
    input("captured.json", resources.collect())
}

/// The facts of an estate are those of the healthy fixture, but for what only Azure tells.
fn assert_same_facts(loaded: &Loaded, is_state: bool) {
    assert_eq!(loaded.problems, vec![]);
    let mut resources = json!(support::fixture("private-source"));
    without_provisioned(&mut resources);
    let expected = load(vec![input("fixture", resources)]).estate;
    for id in expected.ids().filter(|id| !id.resource_type().ends_with("networkinterfaces")) {
        let found = loaded.estate.resource(id).unwrap_or_else(|| panic!("{id} is not there"));
        let wanted = expected.resource(id).expect("in the fixture");
        // Of a subnet without a NAT gateway, Terraform does not tell that it has none; and no template tells what a zone group writes.
        let plain = |facts: String| {
            let facts = facts.to_ascii_lowercase().replace("west europe", "westeurope");
            let facts = facts.replace("hides_records: true", "hides_records: false");
            let facts = facts.replace("nat_gateway: unreadable", "nat_gateway: none");
            // Nor does a template list subnets that are resources of their own, and our fixture names none.
            match (facts.split_once(" subnets: "), facts.split_once(" endpoint_policies: ")) {
                (Some((before, _)), Some((_, after))) if facts.starts_with("vnet") => {
                    format!("{before}{after}")
                }
                _ => facts,
            }
        };
        let mut found = found.body.value().into_owned();
        if is_state {
            // Terraform remembers some of it.
            without_provisioned(&mut found);
        }
        let found = load(vec![input("fixture", found)]).estate;
        let found = found.resource(id).expect("the same id");
        assert_eq!(
            plain(format!("{:?}", found.facts)),
            plain(format!("{:?}", wanted.facts)),
            "{id}"
        );
    }
}

#[test]
fn a_template_with_its_parameters_says_the_same_as_a_capture() {
    let pair = || vec![ours("estate.json"), ours("estate.parameters.json")];
    let loaded = load(pair());
    assert_same_facts(&loaded, false);
    assert_eq!(check(&loaded.estate).verdict, Verdict::Undetermined, "nothing is provisioned yet");
    let mut all = pair();
    all.insert(0, provisioned());
    let loaded = load(all);
    let report = check(&loaded.estate);
    assert_eq!(report.verdict, Verdict::Reachable, "{:?} {:?}", causes(&report), report.missing);
    let said = &loaded.replaced;
    assert!(said.iter().all(|one| one.kept == "captured.json" && one.dropped == "estate.json"));
    assert!(!said.is_empty());
}

#[test]
fn a_terraform_state_says_the_same_as_a_capture() {
    let loaded = load(vec![ours("state.json")]);
    assert_same_facts(&loaded, true);
    assert_eq!(
        check(&loaded.estate).verdict,
        Verdict::Undetermined,
        "peerings have no state in it"
    );
    let loaded = load(vec![provisioned(), ours("state.json")]);
    let report = check(&loaded.estate);
    assert_eq!(report.verdict, Verdict::Reachable, "{:?} {:?}", causes(&report), report.missing);
    let said = format!("{:?} {:?}", loaded.problems, loaded.estate);
    assert!(!said.contains("NEVER-SHOWN"), "passwords stay in the state");
}

#[test]
fn ids_known_only_after_apply_follow_from_references() {
    let text = include_str!("../../../../fixtures/inputs/new-plan.json");
    let loaded = load(vec![input("new-plan.json", serde_json::from_str(text).expect("JSON"))]);
    assert_eq!(loaded.problems, vec![]);
    let body = |suffix: &str| {
        let id = loaded.estate.ids().find(|id| id.as_str().ends_with(suffix));
        let id = id.unwrap_or_else(|| {
            panic!("no {suffix} in {:?}", loaded.estate.ids().collect::<Vec<_>>())
        });
        loaded.estate.body(id).expect("listed")["properties"].clone()
    };
    let group =
        "/subscriptions/22222222-2222-3333-4444-555555555555/resourceGroups/rg-new/providers";
    let at = |path: &str| json!(format!("{group}/{path}"));
    let subnet = at("Microsoft.Network/virtualNetworks/net/subnets/db-1");
    assert_eq!(
        body("/subnets/db-1")["networkSecurityGroup"]["id"],
        at("Microsoft.Network/networkSecurityGroups/nsg")
    );
    assert_eq!(
        body("/subnets/db-0")["networkSecurityGroup"],
        json!(null),
        "it is new, and nothing is bound to it"
    );
    assert_eq!(body("/flexibleServers/new")["network"]["delegatedSubnetResourceId"], subnet);
    assert_eq!(body("/firewallRules/office")["startIpAddress"], json!("203.0.113.7"));
    let rules = &body("/networkSecurityGroups/nsg")["securityRules"];
    assert_eq!(
        (rules[0]["name"].as_str(), rules.as_array().map(Vec::len)),
        (Some("allow"), Some(1))
    );
}

#[test]
fn the_newest_capture_counts_whatever_the_order_of_arguments() {
    let id = format!(
        "{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n"
    );
    let capture = |file: &str, name: &str| {
        let rule = json!({ "name": name, "properties": {} });
        input(
            file,
            json!({ "id": id, "name": "n", "type": "x", "properties": { "securityRules": [rule] } }),
        )
    };
    let kept = |inputs: Vec<(u64, Input)>| {
        let loaded = load_dated(inputs);
        let id = ResourceId::parse(&id).expect("an id");
        assert_eq!(loaded.replaced.len(), 1);
        let one = loaded.replaced[0].clone();
        assert_eq!(loaded.estate.resource(&id).expect("there").origin.file.to_string(), one.kept);
        (one.kept, one.dropped)
    };
    let pair = |one: &str, two: &str| (one.to_owned(), two.to_owned());
    let (old, new) = (|| capture("old", "a"), || capture("new", "b"));
    assert_eq!(kept(vec![(1, old()), (2, new())]), pair("new", "old"));
    assert_eq!(kept(vec![(2, new()), (1, old())]), pair("new", "old"));
    assert_eq!(
        kept(vec![(1, new()), (1, old())]),
        pair("old", "new"),
        "of two equally old the later"
    );
}

#[test]
fn a_group_is_not_known_where_one_of_its_rules_is_not() {
    let rule = |name: &str| {
        json!({ "type": "Microsoft.Network/networkSecurityGroups/securityRules", "name": name,
        "properties": {} })
    };
    let template = |name: &str| {
        json!({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "resources": [
                { "type": "Microsoft.Network/networkSecurityGroups", "name": "n", "properties": { "securityRules": [] } },
                rule(name),
            ],
        })
    };
    let loaded = load(vec![input("t.json", template("[parameters('who')]"))]);
    assert!(format!("{:?}", loaded.estate).contains("SecurityGroup { rules: None,"));
    assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
}

/// Replaces or drops one node, chosen by a small generator: the same ones in every run.
fn mutate(value: &mut Value, random: &mut u64) {
    let next = |random: &mut u64, bound: usize| {
        // Knuth's multiplier; the high bits are the random ones.
        *random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) as usize % bound.max(1)
    };
    let inner = match value {
        Value::Array(items) if !items.is_empty() && next(random, 8) > 0 => {
            let index = next(random, items.len());
            items.get_mut(index)
        }
        Value::Object(fields) if !fields.is_empty() && next(random, 8) > 0 => {
            let index = next(random, fields.len());
            fields.values_mut().nth(index)
        }
        _ => None,
    };
    if let Some(inner) = inner {
        return mutate(inner, random);
    }
    let old = value.clone();
    *value = match next(random, 8) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(true),
        3 => json!("[concat(parameters('sourceName'), variables('zone')"),
        4 => json!("[variables('zone')[copyIndex()]]"),
        5 => json!([old.clone(), old]),
        6 => json!({ "properties": old, "id": "/subscriptions/x" }),
        _ => json!("\u{e4}/['[]"),
    };
}

#[test]
fn broken_inputs_are_reported_and_never_panic() {
    let captured = support::estate(&support::fixture("private-source"));
    let (mut random, mut said) = (20_261_125, 0);
    for name in ["estate.json", "state.json", "unlink-plan.json", "new-plan.json"] {
        let whole = ours(name);
        for round in 0..300 {
            let mut broken = whole.clone();
            for _ in 0..=round % 4 {
                mutate(&mut broken.json, &mut random);
            }
            let after = overlay(&captured, broken.clone());
            check(&after.estate);
            let loaded = load(vec![ours("estate.parameters.json"), provisioned(), broken]);
            said += after.problems.len() + loaded.problems.len();
            // One of the servers may be gone.
            if loaded.estate.find_server("old-db").and(loaded.estate.find_server("new-db")).is_ok()
            {
                check(&loaded.estate);
            }
        }
    }
    assert!(said > 100, "{said} problems were said");
}

/// A resource taken out of a template or a state is less knowledge: nothing becomes reachable by it.
#[test]
fn knowing_less_never_makes_the_source_reachable() {
    let deny = json!({ "name": "deny", "properties": { "priority": 200, "direction": "Outbound", "access": "Deny",
        "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": "5432" } });
    let mut template = ours("estate.json").json;
    let parts = template["resources"].as_array_mut().expect("deployments");
    let mut places = Vec::new();
    for (part, deployment) in parts.iter_mut().enumerate() {
        let list =
            deployment["properties"]["template"]["resources"].as_array_mut().expect("resources");
        for (index, one) in list.iter_mut().enumerate() {
            places.push((part, index));
            if one["name"] == json!("target-nsg") {
                one["properties"]["securityRules"] = json!([deny]);
            }
        }
    }
    let verdict = |template: Value| {
        let files =
            vec![input("estate.json", template), ours("estate.parameters.json"), provisioned()];
        check(&load(files).estate).verdict
    };
    assert_eq!(verdict(template.clone()), Verdict::Unreachable);
    let unknown = json!("[reference('anything').at.all]");
    for (part, index) in places {
        let place = format!("/resources/{part}/properties/template/resources/{index}");
        for (field, value) in [
            ("name", &unknown),
            ("properties", &unknown),
            ("condition", &unknown),
            ("condition", &json!(false)),
        ] {
            let mut less = template.clone();
            less.pointer_mut(&place).expect("a resource")[field] = value.clone();
            assert_ne!(verdict(less), Verdict::Reachable, "{place} without {field}");
        }
        let fields = template.pointer(&format!("{place}/properties")).and_then(Value::as_object);
        for field in fields.into_iter().flat_map(|fields| fields.keys()) {
            let mut less = template.clone();
            less.pointer_mut(&place).expect("a resource")["properties"][field] = unknown.clone();
            assert_ne!(verdict(less), Verdict::Reachable, "{place} with unknown {field}");
        }
    }
}
