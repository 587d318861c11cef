//! Where a plan goes: its own state and the estate tell it, and what nothing tells is not laid over the estate.

use flexway_core::estate::{Input, overlay};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::{deny_rule, plan, target_nsg};
use crate::support::{self, SUBSCRIPTION, causes, check, input};

/// A plan that makes the rule which denies everything.
fn denial() -> Input {
    let unknown = json!({ "id": true });
    plan("azurerm_network_security_rule", json!(["create"]), json!(null), deny_rule(), unknown)
}

const OTHER: &str = "/subscriptions/99999999-2222-3333-4444-555555555555";

/// A network security group of another subscription.
fn group_elsewhere(group: &str) -> Value {
    let place = format!("{OTHER}/resourceGroups/{group}/providers/Microsoft.Network");
    json!({ "id": format!("{place}/networkSecurityGroups/target-nsg"),
        "properties": { "securityRules": [] } })
}

#[test]
fn a_group_that_one_subscription_has_is_meant() {
    let mut resources = support::fixture("private-source");
    resources.push(group_elsewhere("rg-elsewhere"));
    let denied = overlay(&support::estate(&resources), denial());
    assert_eq!((denied.problems, denied.unplaced), (vec![], None));
    assert_eq!(causes(&check(&denied.estate)), ["filter/outbound-denied"]);
}

#[test]
fn what_a_plan_leaves_as_it_is_tells_the_subscription() {
    let mut resources = support::fixture("private-source");
    resources.push(group_elsewhere("rg-target"));
    let estate = support::estate(&resources);
    let torn = overlay(&estate, denial());
    let what = torn.unplaced.expect("no subscription is told").what;
    assert!(what.contains("resource group `rg-target`"), "{what}");
    let state = |id: &str| {
        let mut plan = denial();
        let resource = json!({ "address": "azurerm_network_security_group.g", "mode": "managed",
            "type": "azurerm_network_security_group", "name": "g", "values": { "id": id } });
        plan.json["prior_state"] = json!({ "format_version": "1.0",
            "values": { "root_module": { "resources": [resource] } } });
        overlay(&estate, plan)
    };
    let (here, elsewhere) = (target_nsg(), target_nsg().replace(SUBSCRIPTION, OTHER));
    let denied = state(&here);
    assert_eq!((&denied.problems, &denied.unplaced), (&vec![], &None));
    assert_eq!(causes(&check(&denied.estate)), ["filter/outbound-denied"]);
    assert_eq!(check(&state(&elsewhere).estate).verdict, Verdict::Reachable);
}

#[test]
fn a_template_that_names_no_place_is_not_laid_over() {
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "resources": [{ "type": "Microsoft.Network/networkSecurityGroups", "name": "target-nsg",
            "properties": { "securityRules": [] } }],
    });
    let estate = support::estate(&support::fixture("private-source"));
    let after = overlay(&estate, input("t.json", template));
    assert!(after.unplaced.is_some_and(|untold| untold.help.contains("what-if")));
}

#[test]
fn a_vnet_rule_that_a_plan_makes_is_ready() {
    let mut resources = support::fixture("public-source");
    let rule = "old-db/virtualNetworkRules/target";
    let is_rule = |one: &&Value| one["id"].as_str().is_some_and(|id| id.ends_with(rule));
    let made = resources.iter().find(is_rule).expect("a rule").clone();
    support::edit(&mut resources, &format!("delete {rule}"));
    let estate = support::estate(&resources);
    assert_eq!(check(&estate).verdict, Verdict::Unreachable);
    let id = made["id"].as_str().expect("an id");
    let server = id.split("/virtualNetworkRules/").next().expect("a server");
    let values = json!({ "name": made["name"], "resource_group_name": "rg-source", "server_name": "old-db",
        "server_id": server, "subnet_id": made["properties"]["virtualNetworkSubnetId"] });
    let kind = "azurerm_postgresql_virtual_network_rule";
    let plan = plan(kind, json!(["create"]), json!(null), values, json!({ "id": true }));
    let report = check(&overlay(&estate, plan).estate);
    assert_eq!(report.verdict, Verdict::Reachable, "{:?}", report.missing);
}

/// A change that another provider than the usual one makes goes to that one's subscription.
#[test]
fn a_provider_of_its_own_tells_the_subscription() {
    let mut resources = support::fixture("private-source");
    resources.push(group_elsewhere("rg-target"));
    let estate = support::estate(&resources);
    let made_by = |key: &str| {
        let mut plan = denial();
        let id =
            |place: &str| json!({ "constant_value": place.trim_start_matches("/subscriptions/") });
        let provider = |place: &str| json!({ "expressions": { "subscription_id": id(place) } });
        plan.json["configuration"] = json!({
            "provider_config": { "azurerm": provider(SUBSCRIPTION), "azurerm.other": provider(OTHER) },
            "root_module": { "resources": [{ "type": "azurerm_network_security_rule", "name": "x",
                "provider_config_key": key, "expressions": {} }] } });
        check(&overlay(&estate, plan).estate).verdict
    };
    assert_eq!(made_by("azurerm"), Verdict::Unreachable);
    assert_eq!(made_by("azurerm.other"), Verdict::Reachable);
}

/// What a preview writes inside a network has no ids: it counts all the same, and a list that it leaves out stays.
#[test]
fn what_a_preview_writes_inside_a_network_counts() {
    let estate = support::estate(&support::fixture("public-source"));
    let id = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/virtualNetworks/target-net"
    );
    let body = |endpoints: Value| {
        json!({ "id": id, "name": "target-net", "type": "Microsoft.Network/virtualNetworks",
            "properties": { "addressSpace": { "addressPrefixes": ["10.20.0.0/16"] }, "subnets": [
                { "name": "postgres", "properties": { "addressPrefix": "10.20.1.0/28", "serviceEndpoints": endpoints } }] } })
    };
    let on = json!([{ "service": "Microsoft.Sql", "locations": ["westeurope"] }]);
    let after = |after: Value| {
        let change = json!({ "resourceId": id, "changeType": "Modify", "before": body(on.clone()), "after": after });
        let preview = json!({ "status": "Succeeded", "changes": [change] });
        overlay(&estate, input("what-if.json", preview)).estate
    };
    let mut bare = body(on.clone());
    assert_eq!(check(&after(bare.clone())).verdict, Verdict::Reachable);
    if let Some(fields) = bare["properties"]["subnets"][0]["properties"].as_object_mut() {
        fields.remove("serviceEndpoints");
    }
    assert_eq!(causes(&check(&after(bare))), ["server/service-endpoint-missing"]);
}

/// What a plan will make is not there yet: beside a capture it is left out, and that is said.
#[test]
fn a_plan_beside_a_capture_is_left_out() {
    let fixture = || input("capture.json", json!(support::fixture("private-source")));
    let loaded = flexway_core::estate::load(vec![denial(), fixture()]);
    assert_eq!(check(&loaded.estate).verdict, Verdict::Reachable);
    assert!(loaded.problems.iter().any(|one| one.message.contains("`--after`")));
    let alone = flexway_core::estate::load(vec![denial()]);
    assert!(alone.problems.iter().all(|one| !one.message.contains("`--after`")));
}
