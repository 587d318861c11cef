//! Plans laid over an estate: what they change counts, what they do not tell stays, and Azure's own reactions follow.

mod anew;
mod aside;
mod keyed;
mod lists;
mod places;

use flexway_core::estate::{Input, load, overlay};
use flexway_core::id::ResourceId;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use crate::support::{self, SUBSCRIPTION, causes, check, input, ours};

#[test]
fn a_plan_that_takes_the_link_away_is_judged_before_it_is_applied() {
    let estate = support::estate(&support::fixture("private-source"));
    assert_eq!(check(&estate).verdict, Verdict::Reachable);
    let after = overlay(&estate, ours("unlink-plan.json"));
    assert_eq!(after.problems, vec![]);
    let report = check(&after.estate);
    assert_eq!(
        (report.verdict, causes(&report)),
        (Verdict::Unreachable, vec!["dns/zone-not-linked"])
    );
    assert_eq!(check(&estate).verdict, Verdict::Reachable, "the estate itself stays");
    // The same change, as Azure's own preview tells it.
    let link = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/\
         privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link"
    );
    let what_if = json!({ "status": "Succeeded", "changes": [{ "resourceId": link, "changeType": "Delete",
        "before": estate.resource(&ResourceId::parse(&link).expect("an id")).expect("a link").body.value(), "after": null }] });
    let after = overlay(&estate, input("what-if.json", what_if));
    assert_eq!(causes(&check(&after.estate)), ["dns/zone-not-linked"]);
}

/// A plan of one change.
fn plan(kind: &str, actions: Value, before: Value, after: Value, unknown: Value) -> Input {
    let change =
        json!({ "actions": actions, "before": before, "after": after, "after_unknown": unknown });
    let entry = json!({ "address": format!("{kind}.x"), "mode": "managed", "type": kind, "name": "x", "change": change });
    input("plan.json", json!({ "format_version": "1.2", "resource_changes": [entry] }))
}

fn target_nsg() -> String {
    format!(
        "{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/networkSecurityGroups/target-nsg"
    )
}

fn deny_rule() -> Value {
    json!({ "name": "deny", "priority": 200, "direction": "Outbound", "access": "Deny", "protocol": "Tcp",
        "source_address_prefix": "*", "source_port_range": "*", "destination_address_prefix": "*",
        "destination_port_range": "5432", "resource_group_name": "rg-target",
        "network_security_group_name": "target-nsg" })
}

#[test]
fn a_rule_that_a_plan_makes_or_ends_counts() {
    let estate = support::estate(&support::fixture("private-source"));
    let made = plan(
        "azurerm_network_security_rule",
        json!(["create"]),
        json!(null),
        deny_rule(),
        json!({ "id": true }),
    );
    let denied = overlay(&estate, made);
    assert_eq!(denied.problems, vec![], "the subscription is that of the estate");
    assert_eq!(causes(&check(&denied.estate)), ["filter/outbound-denied"]);
    let mut rule = deny_rule();
    rule["id"] = json!(format!("{}/securityRules/deny", target_nsg()));
    let ended =
        plan("azurerm_network_security_rule", json!(["delete"]), rule, json!(null), json!({}));
    assert_eq!(check(&overlay(&denied.estate, ended).estate).verdict, Verdict::Reachable);
}

#[test]
fn what_a_plan_does_not_tell_stays_as_it_was_captured() {
    let estate = support::estate(&support::fixture("private-source"));
    let subnet = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/virtualNetworks/target-net/subnets/postgres"
    );
    let id = ResourceId::parse(&subnet).expect("an id");
    let values = json!({ "id": subnet, "name": "postgres", "resource_group_name": "rg-target",
        "virtual_network_name": "target-net", "address_prefixes": ["10.20.1.0/28"], "service_endpoints": ["Microsoft.Sql"] });
    let changed =
        plan("azurerm_subnet", json!(["update"]), values.clone(), values.clone(), json!({}));
    let after = overlay(&estate, changed).estate;
    let body = &after.body(&id).expect("the subnet")["properties"];
    assert_eq!(body["networkSecurityGroup"]["id"], json!(target_nsg()));
    assert_eq!(body["serviceEndpoints"][0]["service"], json!("Microsoft.Sql"));
    assert_eq!(check(&after).verdict, Verdict::Reachable);
    // The end of a binding takes the group off, and nothing else.
    let kind = "azurerm_subnet_network_security_group_association";
    let bound =
        json!({ "id": subnet, "subnet_id": subnet, "network_security_group_id": target_nsg() });
    let ended = plan(kind, json!(["delete"]), bound.clone(), json!(null), json!({}));
    let after = overlay(&estate, ended).estate;
    let body = &after.body(&id).expect("the subnet")["properties"];
    assert_eq!(
        (&body["networkSecurityGroup"], &body["addressPrefix"]),
        (&json!(null), &json!("10.20.1.0/28"))
    );
    // A binding to a group that is not known yet: nothing is known of the filter.
    let unknown = json!({ "network_security_group_id": true });
    let rebound =
        plan(kind, json!(["update"]), bound, json!({ "id": subnet, "subnet_id": subnet }), unknown);
    assert_eq!(check(&overlay(&estate, rebound).estate).verdict, Verdict::Undetermined);
}

#[test]
fn what_if_results_change_what_they_tell() {
    // As az prints it: fields beside the id.
    let subnet = format!(
        "{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    );
    let id = ResourceId::parse(&subnet).expect("an id");
    let captured = json!({ "id": subnet, "name": "s", "type": "Microsoft.Network/virtualNetworks/subnets",
        "addressPrefix": "10.0.0.0/24", "networkSecurityGroup": { "id": target_nsg() },
        "privateEndpointNetworkPolicies": "Disabled" });
    let estate = load(vec![input("az.json", captured)]).estate;
    let body = |group: Value| {
        json!({ "id": subnet, "properties": { "addressPrefix": "10.0.0.0/24",
        "networkSecurityGroup": group, "routeTable": { "id": "[reference('later').id]" } } })
    };
    let change = json!({ "resourceId": subnet, "changeType": "Modify",
        "before": body(json!({ "id": target_nsg() })), "after": body(json!(null)) });
    let result = json!({ "status": "Succeeded", "properties": { "changes": [change, { "resourceId": "x" }] } });
    let after = overlay(&estate, input("what-if.json", result));
    let facts = format!("{:?}", after.estate.resource(&id).expect("there").facts);
    assert!(facts.contains("security_group: None, route_table: Unreadable"), "{facts}");
    assert!(facts.contains("endpoint_policies: Some(\"Disabled\")"), "{facts}");
    let said: Vec<&str> = after.problems.iter().map(|one| one.pointer.as_str()).collect();
    assert_eq!(
        said,
        ["/properties/changes/0/after/properties/routeTable/id", "/properties/changes/1"]
    );
}

#[test]
fn what_a_preview_does_not_tell_is_not_observed() {
    let estate = support::estate(&support::fixture("private-source"));
    let half = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/virtualNetworks/target-net/virtualNetworkPeerings/to-source"
    );
    let judged = |kind: &str| {
        let changes = json!([{ "resourceId": half, "changeType": kind }]);
        let result = input("what-if.json", json!({ "status": "Succeeded", "changes": changes }));
        check(&overlay(&estate, result).estate).verdict
    };
    for kind in ["Deploy", "Unsupported", "Modify"] {
        assert_eq!(judged(kind), Verdict::Undetermined, "{kind}");
    }
    assert_eq!(judged("NoChange"), Verdict::Reachable);
}

#[test]
fn a_link_that_a_plan_makes_is_completed() {
    let mut resources = support::fixture("private-source");
    let link = "privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";
    support::edit(&mut resources, &format!("delete {link}"));
    let estate = support::estate(&resources);
    assert_eq!(check(&estate).verdict, Verdict::Unreachable);
    let place = |group: &str| format!("{SUBSCRIPTION}/resourceGroups/{group}/providers");
    let id = format!("{}/Microsoft.Network/privateDnsZones/{link}", place("rg-dns"));
    let vnet = format!("{}/Microsoft.Network/virtualNetworks/target-net", place("rg-target"));
    let body = json!({ "id": id, "location": "global", "properties": {
        "registrationEnabled": false, "virtualNetwork": { "id": vnet } } });
    let change = json!({ "resourceId": id, "changeType": "Create", "before": null, "after": body });
    let result = json!({ "status": "Succeeded", "changes": [change] });
    let after = overlay(&estate, input("what-if.json", result));
    assert_eq!(check(&after.estate).verdict, Verdict::Reachable);
}

#[test]
fn deleting_an_endpoint_takes_along_what_azure_takes_along() {
    let estate = support::estate(&support::fixture("private-source"));
    let endpoint = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-source/providers/Microsoft.Network/privateEndpoints/old-db-pe"
    );
    let before = json!({ "id": endpoint, "name": "old-db-pe", "resource_group_name": "rg-source" });
    let after = overlay(
        &estate,
        plan("azurerm_private_endpoint", json!(["delete"]), before, json!(null), json!({})),
    );
    let left: Vec<&ResourceId> =
        after.estate.ids().filter(|id| id.as_str().contains("old-db-pe")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(
        !after.estate.ids().any(|id| id.as_str().ends_with("/A/old-db")),
        "its record goes too"
    );
    assert_eq!(causes(&check(&after.estate)), ["server/public-access-denied"]);
}

#[test]
fn an_endpoint_that_a_deployment_makes_is_not_missed_on_the_servers_side() {
    let is_of_endpoint = |one: &Value| {
        let id = one["id"].as_str().unwrap_or("");
        id.contains("old-db-pe") || id.ends_with("/A/old-db")
    };
    let (made, mut kept): (Vec<Value>, Vec<Value>) =
        support::fixture("private-source").into_iter().partition(is_of_endpoint);
    for one in kept.iter_mut().filter(|one| one["name"] == "old-db") {
        one["properties"]["privateEndpointConnections"] = json!([]);
    }
    let estate = support::estate(&kept);
    let after = |field: &str| {
        let change = |one: &Value| {
            let mut body = one.clone();
            let list = body["properties"]["privateLinkServiceConnections"].take();
            if list.is_array() {
                body["properties"][field] = list;
                let state = "/0/properties/privateLinkServiceConnectionState";
                body["properties"][field].pointer_mut(state).expect("a state").take();
            }
            json!({ "resourceId": one["id"], "changeType": "Create", "before": null, "after": body })
        };
        let is_wanted = |one: &&Value| {
            one["type"].as_str().is_some_and(|kind| kind.contains("/privateEndpoints"))
        };
        let changes: Vec<Value> = made.iter().filter(is_wanted).map(change).collect();
        let result = input("what-if.json", json!({ "status": "Succeeded", "changes": changes }));
        check(&overlay(&estate, result).estate)
    };
    let report = after("privateLinkServiceConnections");
    assert_eq!(report.verdict, Verdict::Reachable, "{:?}", report.missing);
    assert_eq!(causes(&after("manualPrivateLinkServiceConnections")), ["endpoint/pending"]);
}

#[test]
fn a_plan_that_mends_the_peering_is_judged_too() {
    let mut resources = support::fixture("private-source");
    support::edit(&mut resources, "delete target-net/virtualNetworkPeerings/to-source");
    support::edit(
        &mut resources,
        "set source-net/virtualNetworkPeerings/to-target /properties/peeringState \"Initiated\"",
    );
    let estate = support::estate(&resources);
    assert_eq!(check(&estate).verdict, Verdict::Unreachable);
    let remote = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-source/providers/Microsoft.Network/virtualNetworks/source-net"
    );
    let half = json!({ "name": "back", "resource_group_name": "rg-target", "virtual_network_name": "target-net",
        "remote_virtual_network_id": remote, "allow_virtual_network_access": true });
    let made = |half| {
        plan(
            "azurerm_virtual_network_peering",
            json!(["create"]),
            json!(null),
            half,
            json!({ "id": true }),
        )
    };
    assert_eq!(check(&overlay(&estate, made(half.clone())).estate).verdict, Verdict::Reachable);
    let mut closed = half;
    closed["allow_virtual_network_access"] = json!(false);
    assert_eq!(causes(&check(&overlay(&estate, made(closed)).estate)), ["peering/access-off"]);
}

#[test]
fn the_end_of_a_binding_counts_before_attributes_that_are_older() {
    let estate = support::estate(&support::fixture("private-source"));
    let subnet = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/virtualNetworks/target-net/subnets/postgres"
    );
    let kind = "azurerm_subnet_network_security_group_association";
    let bound = json!({ "subnet_id": subnet, "network_security_group_id": target_nsg() });
    let mut ended = plan(kind, json!(["delete"]), bound, json!(null), json!({}));
    let values = json!({ "id": subnet, "name": "postgres", "address_prefixes": ["10.20.1.0/28"],
        "network_security_group_id": target_nsg(), "route_table_id": "" });
    let own = plan("azurerm_subnet", json!(["no-op"]), values.clone(), values, json!({}));
    let entries = ended.json["resource_changes"].as_array_mut().expect("changes");
    entries.push(own.json["resource_changes"][0].clone());
    let id = ResourceId::parse(&subnet).expect("an id");
    for after in [overlay(&estate, ended.clone()).estate, load(vec![ended]).estate] {
        let facts = format!("{:?}", after.resource(&id).expect("the subnet").facts);
        assert!(facts.contains("security_group: None, route_table: None"), "{facts}");
    }
}

#[test]
fn what_terraform_forgets_stays() {
    let estate = support::estate(&support::fixture("private-source"));
    let mut forgotten = ours("unlink-plan.json");
    for entry in forgotten.json["resource_changes"].as_array_mut().expect("changes") {
        if entry["change"]["actions"] == json!(["delete"]) {
            entry["change"]["actions"] = json!(["forget"]);
        }
    }
    assert_eq!(check(&overlay(&estate, forgotten).estate).verdict, Verdict::Reachable);
}
