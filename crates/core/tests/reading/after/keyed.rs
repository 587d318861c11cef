//! Bindings in loops: what `each.key` leads to is known, and what nothing tells leaves all new subnets open.

use flexway_core::estate::{Input, overlay};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::support::{SUBSCRIPTION, causes, check, estate, fixture, input};

const MODULE: &str = "module.net[\"target\"]";

/// A plan that makes the target's network by a module, with a loop over its subnets and a group that denies everything. `references` are
/// those of the binding's `subnet_id`.
fn network(references: Value) -> Input {
    let (net, group, subnet, binding) = (
        "azurerm_virtual_network",
        "azurerm_network_security_group",
        "azurerm_subnet",
        "azurerm_subnet_network_security_group_association",
    );
    let made = |kind: &str, key: &str, after: Value, unknown: Value| {
        let change = json!({ "actions": ["create"], "before": null, "after": after, "after_unknown": unknown });
        json!({ "address": format!("{MODULE}.{kind}.this{key}"), "module_address": MODULE, "mode": "managed",
                "type": kind, "name": "this", "change": change })
    };
    let of = |references: Value| json!({ "references": references });
    let resource = |kind: &str, expressions: Value| json!({ "mode": "managed", "type": kind, "name": "this", "expressions": expressions });
    let rule = json!({ "name": "deny", "priority": 200, "direction": "Outbound", "access": "Deny", "protocol": "*",
        "source_address_prefix": "*", "source_port_range": "*", "destination_address_prefix": "*", "destination_port_range": "*" });
    let delegation = json!([{ "name": "flexible", "service_delegation": [{ "name": "Microsoft.DBforPostgreSQL/flexibleServers" }] }]);
    let place = json!({ "resource_group_name": "rg-target", "location": "westeurope" });
    let with = |fields: Value| {
        let mut all = place.clone();
        all.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
        all
    };
    let changes = json!([
        made(
            net,
            "",
            with(json!({ "name": "target-net", "address_space": ["10.20.0.0/16"] })),
            json!({ "id": true })
        ),
        made(
            group,
            "",
            with(json!({ "name": "target-nsg", "security_rule": [rule] })),
            json!({ "id": true, "security_rule": [{}] })
        ),
        made(
            subnet,
            "[\"postgres\"]",
            with(json!({ "name": "postgres", "virtual_network_name": "target-net",
            "address_prefixes": ["10.20.1.0/28"], "delegation": delegation })),
            json!({ "id": true })
        ),
        made(
            binding,
            "[\"postgres\"]",
            json!({}),
            json!({ "id": true, "subnet_id": true, "network_security_group_id": true })
        ),
    ]);
    let module = json!({ "resources": [
        resource(net, json!({ "name": of(json!(["var.name"])) })),
        resource(group, json!({ "name": of(json!(["var.name"])), "security_rule": [{}] })),
        resource(subnet, json!({ "name": of(json!(["each.key"])) })),
        resource(binding, json!({ "subnet_id": of(references),
            "network_security_group_id": of(json!([format!("{group}.this.id"), format!("{group}.this")])) })),
    ] });
    let provider = json!({ "azurerm": { "name": "azurerm", "expressions": {
        "subscription_id": { "constant_value": SUBSCRIPTION.trim_start_matches("/subscriptions/") } } } });
    input(
        "plan.json",
        json!({ "format_version": "1.2", "resource_changes": changes, "configuration": {
        "provider_config": provider, "root_module": { "module_calls": { "net": { "expressions": {}, "module": module } } } } }),
    )
}

/// The answer after the plan, over an estate that has nothing of the target's network yet.
fn answer(references: Value) -> (Verdict, Vec<String>) {
    let mut resources = fixture("private-source");
    resources.retain(|one| {
        let id = one["id"].as_str().unwrap_or("");
        !["target-nsg", "subnets/postgres"].iter().any(|end| id.ends_with(end))
    });
    let after = overlay(&estate(&resources), network(references));
    let report = check(&after.estate);
    (report.verdict, causes(&report).into_iter().map(str::to_owned).collect())
}

#[test]
fn a_binding_in_a_loop_leads_to_the_instance_with_its_key() {
    let keyed = answer(json!(["azurerm_subnet.this", "each.key"]));
    assert_eq!(keyed, (Verdict::Unreachable, vec!["filter/outbound-denied".to_owned()]));
}

#[test]
fn a_binding_that_leads_nobody_knows_where_leaves_new_subnets_open() {
    for references in [
        json!(["azurerm_subnet.this", "each.value.subnet", "each.value"]),
        json!(["azurerm_subnet.this", "local.names", "each.key"]),
    ] {
        assert_eq!(answer(references), (Verdict::Undetermined, vec![]));
    }
}
