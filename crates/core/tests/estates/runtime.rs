//! A runtime server copies from the source and to the target: its one address has to pass on both ways.

use flexway_core::diagnose::{self, Copier, Question, Report};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use crate::support;

const NETWORK: &str = "$target/Microsoft.Network/virtualNetworks/target-net";

/// The answer for a runtime server whose subnet 10.20.3.0/28 denies itself some ways out.
fn report(rules: &[(&str, &str)]) -> Report {
    report_in("Ready", rules)
}

/// The same for one in a state.
fn report_in(state: &str, rules: &[(&str, &str)]) -> Report {
    let rules: Vec<Value> = rules
        .iter()
        .enumerate()
        .map(|(index, (from, to))| {
            json!({ "name": format!("deny-{index}"), "properties": {
                "priority": 200 + index, "direction": "Outbound", "access": "Deny",
                "protocol": "*", "sourceAddressPrefix": from, "sourcePortRange": "*",
                "destinationAddressPrefix": to, "destinationPortRange": "*" } })
        })
        .collect();
    let group = "$target/Microsoft.Network/networkSecurityGroups/runner-nsg";
    let subnet = format!("{NETWORK}/subnets/runner");
    let server = "$target/Microsoft.DBforPostgreSQL/flexibleServers/runner";
    let mut resources = support::fixture("private-source");
    for body in [
        json!({ "id": group, "properties": { "securityRules": rules } }),
        json!({ "id": subnet, "properties": { "addressPrefix": "10.20.3.0/28",
            "networkSecurityGroup": { "id": group } } }),
        json!({ "id": server, "name": "runner", "properties": { "state": state,
            "fullyQualifiedDomainName": "runner.postgres.database.azure.com",
            "network": { "delegatedSubnetResourceId": subnet } } }),
    ] {
        support::edit(&mut resources, &format!("add {body}"));
    }
    let estate = support::estate(&resources);
    let runner = estate.find_server("runner").expect("a runtime server");
    let question = Question { copier: Copier::Runtime(runner), ..support::question(&estate) };
    diagnose::check(&estate, &question)
}

const SOURCE: &str = "10.10.1.4";
const TARGET: &str = "10.20.1.0/28";

#[test]
fn a_runtime_server_needs_an_address_that_passes_both_ways() {
    assert_eq!(report(&[]).verdict, Verdict::Reachable);
    let halves = report(&[("10.20.3.0/29", SOURCE), ("10.20.3.8/29", TARGET)]);
    assert_eq!(halves.verdict, Verdict::Unreachable);
    assert!(halves.causes().next().is_some());
    let partial = report(&[("10.20.3.0/29", SOURCE), ("10.20.3.8/30", TARGET)]);
    assert_eq!(partial.verdict, Verdict::Partial);
    let pass = partial.senders.expect("a part passes").pass;
    assert_eq!(pass.to_string(), "10.20.3.12-10.20.3.14");
}

#[test]
fn a_runtime_server_that_is_stopped_is_one_cause() {
    let stopped = report_in("Stopped", &[]);
    let causes: Vec<&str> = stopped.causes().map(|one| one.fault).collect();
    assert_eq!((stopped.verdict, causes), (Verdict::Unreachable, vec!["server/not-ready"]));
}
