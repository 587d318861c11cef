//! What previews and plans say beside their changes: nothing changes, a group goes, a part could not be evaluated.

use flexway_core::estate::overlay;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::plan;
use super::support::{SUBSCRIPTION, causes, check, estate, fixture, input};

/// The verdict after a plan, its causes, and what was said.
fn after(plan: flexway_core::estate::Input) -> (Verdict, Vec<String>, Vec<String>) {
    let after = overlay(&estate(&fixture("private-source")), plan);
    let report = check(&after.estate);
    let causes = causes(&report).into_iter().map(str::to_owned).collect();
    (report.verdict, causes, after.problems.into_iter().map(|one| one.message).collect())
}

#[test]
fn a_preview_without_changes_changes_nothing() {
    for preview in [
        json!({ "status": "Succeeded", "changes": [] }),
        json!({ "status": "Succeeded", "properties": { "correlationId": "c", "changes": [] } }),
        // Previews of a subscription name its groups.
        json!({ "status": "Succeeded", "changes": [
            { "resourceId": format!("{SUBSCRIPTION}/resourceGroups/rg-dns"), "changeType": "NoChange" }
        ] }),
    ] {
        let (verdict, _, said) = after(input("what-if.json", preview));
        assert_eq!(
            (verdict, said),
            (Verdict::Reachable, vec!["changes no Azure resource that decides here".to_owned()])
        );
    }
}

#[test]
fn what_a_preview_could_not_evaluate_is_not_observed() {
    let group = format!(
        "{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network/networkSecurityGroups/target-nsg"
    );
    let potential = |kind: &str| {
        let change = json!({ "resourceId": group, "changeType": kind });
        let said =
            json!({ "code": "NestedDeploymentShortCircuited", "message": "a module was skipped" });
        let preview = json!({ "status": "Succeeded", "changes": [], "potentialChanges": [change], "diagnostics": [said] });
        after(input("what-if.json", preview))
    };
    let (verdict, causes, said) = potential("Modify");
    assert_eq!((verdict, causes), (Verdict::Undetermined, vec![]));
    assert!(said.iter().any(|one| one.contains("`target-nsg` is not told")), "{said:?}");
    assert!(said.iter().any(|one| one.contains("a module was skipped")), "{said:?}");
}

#[test]
fn what_stands_in_a_group_that_goes_is_not_observed() {
    let group = |name: &str, actions: Value| {
        let id = format!("{SUBSCRIPTION}/resourceGroups/{name}");
        plan(
            "azurerm_resource_group",
            actions,
            json!({ "id": id, "name": name }),
            Value::Null,
            json!({}),
        )
    };
    let (verdict, causes, said) = after(group("rg-dns", json!(["delete"])));
    assert_eq!((verdict, causes), (Verdict::Undetermined, vec![]));
    assert!(said[0].contains("captured resources in it"), "{said:?}");
    for (name, actions) in [("rg-other", json!(["delete"])), ("rg-dns", json!(["forget"]))] {
        assert_eq!(after(group(name, actions)).0, Verdict::Reachable, "{name}");
    }
}

#[test]
fn what_waits_for_a_later_plan_is_said() {
    let change =
        json!({ "address": "azurerm_subnet.later", "type": "azurerm_subnet", "change": {} });
    let plan = json!({ "format_version": "1.2", "resource_changes": [],
        "deferred_changes": [{ "reason": "unknown", "resource_change": change }] });
    let (verdict, _, said) = after(input("plan.json", plan));
    assert_eq!(verdict, Verdict::Reachable);
    assert!(
        said.iter().any(|one| one.contains("azurerm_subnet.later` is left to a later plan")),
        "{said:?}"
    );
}

#[test]
fn what_a_plan_does_that_is_not_read_is_said() {
    let made = |kind: &str, action: &str| {
        let unknown = json!({ "id": true });
        after(plan(kind, json!([action]), json!(null), json!({ "name": "x" }), unknown)).2
    };
    for kind in ["azurerm_resource_group_template_deployment", "azapi_resource_action"] {
        assert!(made(kind, "create").iter().any(|one| one.contains("is not read")), "{kind}");
        assert!(!made(kind, "no-op").iter().any(|one| one.contains("is not read")), "{kind}");
    }
    let mut broken =
        plan("azurerm_storage_account", json!(["no-op"]), json!({}), json!({}), json!({}));
    broken.json["errored"] = json!(true);
    assert!(after(broken).2.iter().any(|one| one.contains("ended with an error")));
}
