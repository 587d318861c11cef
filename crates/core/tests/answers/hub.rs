//! A firewall of Azure in a hub, as the second reading follows packets past it: its rules, the addresses it leaves or gives, what its
//! peerings let pass, and the way back.

mod gateways;
mod rules;
mod ways;

use flexway_core::diagnose;
use flexway_core::estate::{Estate, Input, load};
use flexway_core::second::{Answer, Verdict};
use serde_json::{Value, json};

use crate::second::answer;
use crate::support;

const NET: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-dns/providers/Microsoft.Network";
const TARGET: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-target/providers/Microsoft.Network";
const SOURCE: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-source/providers/Microsoft.Network";

const FIREWALL: &str = "azureFirewalls/firewall /properties";

fn put(resources: &mut Vec<Value>, id: &str, properties: Value) {
    resources.push(json!({ "id": id, "properties": properties }));
}

fn half(remote: &str, space: &str) -> Value {
    json!({ "peeringState": "Connected", "remoteVirtualNetwork": { "id": remote },
        "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true,
        "allowGatewayTransit": false, "useRemoteGateways": false,
        "remoteAddressSpace": { "addressPrefixes": [space] } })
}

fn table(prefix: &str, hop: &str, address: Option<&str>) -> Value {
    json!({ "routes": [{ "name": "route", "properties": { "addressPrefix": prefix,
        "nextHopType": hop, "nextHopIpAddress": address } }], "disableBgpRoutePropagation": false })
}

/// Two networks that are joined by a hub alone, whose firewall gets all packets between them.
fn hub() -> Vec<Value> {
    let mut all = support::fixture("injected-source");
    support::edit(&mut all, "delete source-net/virtualNetworkPeerings/to-target");
    support::edit(&mut all, "delete target-net/virtualNetworkPeerings/to-source");
    let hub = format!("{NET}/virtualNetworks/hub");
    let seat = format!("{hub}/subnets/AzureFirewallSubnet");
    put(&mut all, &hub, json!({ "addressSpace": { "addressPrefixes": ["10.30.0.0/16"] } }));
    put(&mut all, &seat, json!({ "addressPrefix": "10.30.1.0/26" }));
    let spokes = [
        (TARGET, "target-net", "10.20.0.0/16", "10.10.0.0/16"),
        (SOURCE, "source-net", "10.10.0.0/16", "10.20.0.0/16"),
    ];
    for (group, name, own, other) in spokes {
        let network = format!("{group}/virtualNetworks/{name}");
        let to_hub = format!("{network}/virtualNetworkPeerings/to-hub");
        put(&mut all, &to_hub, half(&hub, "10.30.0.0/16"));
        let back = format!("{hub}/virtualNetworkPeerings/to-{name}");
        put(&mut all, &back, half(&network, own));
        let routes = format!("{group}/routeTables/{name}-table");
        put(&mut all, &routes, table(other, "VirtualAppliance", Some("10.30.1.4")));
        let refer = format!("set {name}/subnets/postgres /properties/routeTable");
        support::edit(&mut all, &format!("{refer} {}", json!({ "id": routes })));
    }
    let place = json!({ "name": "ip", "properties":
        { "privateIPAddress": "10.30.1.4", "subnet": { "id": seat } } });
    let rules = json!([classic("let", 200, "Allow", &[rule("10.20.1.0/28", "10.10.2.0/28")])]);
    let firewall = json!({ "ipConfigurations": [place], "networkRuleCollections": rules });
    put(&mut all, &format!("{NET}/azureFirewalls/firewall"), firewall);
    all
}

/// A rule for PostgreSQL.
fn rule(from: &str, to: &str) -> Value {
    rule_of(&["TCP"], from, to, &["5432"])
}

fn rule_of(protocols: &[&str], from: &str, to: &str, ports: &[&str]) -> Value {
    json!({ "name": "rule", "protocols": protocols, "sourceAddresses": [from],
        "destinationAddresses": [to], "destinationPorts": ports })
}

fn classic(name: &str, priority: u64, action: &str, rules: &[Value]) -> Value {
    json!({ "name": name, "properties":
        { "priority": priority, "action": { "type": action }, "rules": rules } })
}

fn set_rules(all: Value) -> String {
    format!("set {FIREWALL}/networkRuleCollections {all}")
}

/// The same rules as a collection of a policy's group.
fn filter(name: &str, priority: u64, action: &str, rules: &[Value]) -> Value {
    let network = |rule: &Value| {
        let mut rule = rule.clone();
        rule["ruleType"] = json!("NetworkRule");
        rule["ipProtocols"] = rule["protocols"].take();
        rule
    };
    let rules: Vec<Value> = rules.iter().map(network).collect();
    json!({ "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": name,
        "priority": priority, "action": { "type": action }, "rules": rules })
}

/// A policy with groups, each by its priority and its collections.
fn policy(name: &str, groups: &[(u64, Value)], more: Value) -> String {
    let id = format!("{NET}/firewallPolicies/{name}");
    let keys: Vec<String> =
        (0..groups.len()).map(|index| format!("{id}/ruleCollectionGroups/g{index}")).collect();
    let listed: Vec<Value> = keys.iter().map(|key| json!({ "id": key })).collect();
    let mut body = json!({ "id": id, "properties": { "ruleCollectionGroups": listed } });
    for (field, value) in more.as_object().into_iter().flatten() {
        body["properties"][field] = value.clone();
    }
    let mut lines = vec![format!("add {body}")];
    for (key, (priority, all)) in keys.iter().zip(groups) {
        let properties = json!({ "priority": priority, "ruleCollections": all });
        lines.push(format!("add {}", json!({ "id": key, "properties": properties })));
    }
    lines.join("\n")
}

/// The firewall has a policy by that name, and classic rules that count for nothing.
fn by_policy(name: &str) -> String {
    let id = json!({ "id": format!("{NET}/firewallPolicies/{name}") });
    format!("set {FIREWALL}/firewallPolicy {id}")
}

/// The estate of some resources, and whatever of them can be read.
fn estate(resources: &[Value]) -> Estate {
    load(vec![Input { file: "hub".to_owned(), json: json!(resources) }]).estate
}

/// What both readings say of the hub with some edits; the analyser's verdict as a word.
fn asked(edits: &str) -> (Answer, String) {
    let mut resources = hub();
    edits.lines().for_each(|line| support::edit(&mut resources, line));
    let estate = estate(&resources);
    let question = support::question(&estate);
    (answer(&estate, &question), format!("{:?}", diagnose::check(&estate, &question).verdict))
}

/// Each of some edits has its verdict.
fn all_say(cases: &[(&str, Verdict, String)]) {
    let mut wrong = Vec::new();
    for (title, expected, edits) in cases {
        let (answer, checked) = asked(edits);
        if answer.verdict != *expected || checked != format!("{expected:?}") {
            wrong.push(format!("{title}: {expected:?} expected, {checked} checked, {answer:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
