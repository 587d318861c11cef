//! A new private endpoint in the copier's network: in which subnet.

mod support;

use flexway_core::plan::{self, Plan};
use flexway_core::repair::Policy;
use serde_json::json;

fn plan_of(edits: &[&str], forbidden: &[&str]) -> Plan {
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|line| support::edit(&mut resources, line));
    let estate = support::estate(&resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    let plan = plan::plan(&estate, &support::question(&estate), &policy);
    assert!(plan.is_irredundant());
    plan
}

fn subnet(name: &str, prefix: &str) -> String {
    let body = json!({ "type": "Microsoft.Network/virtualNetworks/subnets",
        "id": format!("$target/Microsoft.Network/virtualNetworks/target-net/subnets/{name}"),
        "properties": { "addressPrefix": prefix, "privateEndpointNetworkPolicies": "Disabled" } });
    format!("add {body}")
}

const APART: [&str; 2] = [
    "delete source-net/virtualNetworkPeerings/to-target",
    "delete target-net/virtualNetworkPeerings/to-source",
];

/// The title of the change that makes the endpoint, where networks may not be peered.
fn place(subnets: &[(&str, &str)]) -> String {
    let subnets: Vec<String> = subnets.iter().map(|(name, prefix)| subnet(name, prefix)).collect();
    let edits: Vec<&str> = APART.into_iter().chain(subnets.iter().map(String::as_str)).collect();
    let plan = plan_of(&edits, &["create-peering"]);
    let made = plan.changes.iter().find(|change| change.kind == "create-endpoint");
    made.expect("a new endpoint").title.clone()
}

#[test]
fn a_subnet_named_for_endpoints_comes_first() {
    let title = place(&[("snet-pe", "10.20.6.0/24")]);
    assert!(title.ends_with("with address 10.20.6.254 in subnet `snet-pe`"), "{title}");
}

#[test]
fn a_subnet_that_a_service_needs_for_itself_is_never_taken() {
    let title = place(&[("aaa-databricks-pub", "10.20.6.0/24")]);
    assert!(title.ends_with("in subnet `apps`"), "{title}");
}
