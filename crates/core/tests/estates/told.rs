//! What people are told beside the verdict: what rules say, which server is down, what a fix is good for.

use flexway_core::diagnose::{self, Report};
use flexway_core::finding::{Finding, Severity};
use flexway_core::guide::State;
use flexway_core::trace::step::{Outcome, Stage, Verdict};
use serde_json::{Value, json};

use crate::support;

const ROOT: &str = "$target/Microsoft.Network";

/// The answer for the fixture of a private source with edits; its fixes tried.
fn told(edits: &[&str]) -> Report {
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|line| support::edit(&mut resources, line));
    let estate = support::estate(&resources);
    let mut report = support::check(&estate);
    diagnose::weigh_fixes(&estate, &mut report);
    report
}

fn cause<'r>(report: &'r Report, fault: &str) -> &'r Finding {
    let found = report.causes().find(|one| one.fault == fault);
    found.unwrap_or_else(|| panic!("no {fault}: {:?}", report.findings))
}

/// Sets the only rule of a group, which denies every protocol from and to everywhere but for what is said.
fn only_rule(group: &str, said: Value) -> String {
    let mut rule = json!({ "access": "Deny", "protocol": "*", "sourcePortRange": "*",
        "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" });
    said.as_object().expect("fields").iter().for_each(|(key, value)| rule[key] = value.clone());
    let rules = json!([{ "name": "deny", "properties": rule }]);
    format!("set networkSecurityGroups/{group} /properties/securityRules {rules}")
}

#[test]
fn a_rule_that_decides_is_told_with_what_it_says() {
    let rule = json!({ "priority": 4096, "direction": "Outbound", "protocol": "Tcp",
        "sourceAddressPrefix": "10.20.0.0/16", "destinationAddressPrefix": null,
        "destinationAddressPrefixes": ["10.10.0.0/16", "Sql"], "destinationPortRange": null,
        "destinationPortRanges": ["5432", "6000-6432"] });
    let says = "outbound, tcp, 10.20.0.0/16 -> 10.10.0.0/16, Sql ports 5432, 6000-6432";
    let report = told(&[&only_rule("target-nsg", rule)]);
    let why = &cause(&report, "filter/outbound-denied").why;
    assert!(why.starts_with(&format!("`deny` says: {says}; ")), "{why}");
    let step = report.forward().find(|step| step.stage == Stage::FilterOut);
    assert_eq!(step.and_then(|step| step.rule.as_deref()), Some(says));
    let healthy = told(&[]);
    let step = healthy.forward().find(|step| step.stage == Stage::FilterOut);
    let rule = step.and_then(|step| step.rule.as_deref());
    assert_eq!(rule, Some("outbound, any protocol, VirtualNetwork -> VirtualNetwork"));
}

#[test]
fn a_list_of_a_rule_is_cut_and_counted() {
    let prefixes: Vec<String> = (0..9).map(|net| format!("10.1{net}.0.0/16")).collect();
    let rule = json!({ "priority": 200, "direction": "Outbound", "destinationAddressPrefix": null,
        "destinationAddressPrefixes": prefixes });
    let report = told(&[&only_rule("target-nsg", rule)]);
    let why = &cause(&report, "filter/outbound-denied").why;
    assert!(
        why.contains("any -> 10.10.0.0/16, 10.11.0.0/16, 10.12.0.0/16, 10.13.0.0/16 and 5 more;"),
        "{why}"
    );
}

#[test]
fn a_rule_that_keeps_questions_back_is_told_with_what_it_says() {
    let page = flexway_core::checks::find("dns/custom-server-unreachable").expect("a page").page;
    let examples = support::examples(page);
    let title = "A rule denies everything that goes out";
    let example = examples.iter().find(|one| one.title == title).expect("the example");
    let report = support::check(&support::estate(&example.resources));
    let why = &cause(&report, "dns/custom-server-unreachable").why;
    assert!(
        why.starts_with("the rule says: outbound, any protocol, any -> any port 53; "),
        "{why}"
    );
}

#[test]
fn an_admin_rule_is_told_with_its_manager() {
    let page = flexway_core::checks::find("filter/admin-rule-denied").expect("a page").page;
    let examples = support::examples(page);
    let example = examples.first().expect("an example");
    let report = support::check(&support::estate(&example.resources));
    let fault = "filter/admin-rule-denied";
    let finding = report.findings.iter().find(|one| one.fault == fault).expect("a denial");
    let says = "priority 1, outbound, tcp, what was not read ports not observed -> what was not read port 5432; collection `rc` in \
                configuration `c` of network manager `m`";
    assert!(finding.why.contains(says), "{}", finding.why);
    assert!(finding.fixes[0].title.starts_with("have the owner of network manager `m`"));
}

#[test]
fn a_rule_that_denies_once_the_networks_are_joined_is_told_beside_the_one_of_today() {
    let rule = json!({ "priority": 4000, "direction": "Inbound", "sourceAddressPrefix": "VirtualNetwork" });
    let policy = r#"set subnets/endpoints /properties/privateEndpointNetworkPolicies "Enabled""#;
    let rule = only_rule("source-nsg", rule);
    let joined = told(&[policy, &rule]);
    let apart = told(&[
        policy,
        &rule,
        "delete source-net/virtualNetworkPeerings/to-target",
        r#"set target-net/virtualNetworkPeerings/to-source /properties/peeringState "Initiated""#,
    ]);
    let why = |report| cause(report, "filter/endpoint-subnet-denied").why.clone();
    assert!(
        why(&apart).contains("today `DenyAllInBound` (priority 65500) denies"),
        "{}",
        why(&apart)
    );
    assert!(!why(&joined).contains("today"), "{}", why(&joined));
}

#[test]
fn each_server_that_does_not_run_has_a_finding() {
    let report = told(&[
        r#"set servers/old-db /properties/userVisibleState "Dropping""#,
        r#"set flexibleServers/new-db /properties/state "Stopped""#,
    ]);
    let messages: Vec<&str> = report.causes().map(|one| one.message.as_str()).collect();
    assert_eq!(
        messages,
        ["server `new-db` is in state Stopped", "server `old-db` is in state Dropping"]
    );
}

#[test]
fn a_firewall_of_the_estate_is_told_by_its_name() {
    let hub = format!("{ROOT}/virtualNetworks/target-net/subnets/AzureFirewallSubnet");
    let table = format!("{ROOT}/routeTables/rt");
    let policy = format!("{ROOT}/firewallPolicies/rules");
    let add = |id: &str, properties: Value| {
        format!("add {}", json!({ "id": id, "properties": properties }))
    };
    let seat =
        json!({ "properties": { "privateIPAddress": "10.20.8.4", "subnet": { "id": hub } } });
    let firewall = json!({ "firewallPolicy": { "id": policy }, "ipConfigurations": [seat] });
    let route = json!({ "name": "fw", "properties": { "addressPrefix": "10.10.1.4/32",
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.20.8.4" } });
    let report = told(&[
        &add(&hub, json!({ "addressPrefix": "10.20.8.0/26" })),
        &add(&format!("{ROOT}/azureFirewalls/hub-fw"), firewall),
        &add(&table, json!({ "routes": [route] })),
        &format!(
            "set target-net/subnets/postgres /properties/routeTable {}",
            json!({ "id": table })
        ),
    ]);
    assert_eq!(report.verdict, Verdict::Undetermined);
    let missing = &report.missing[0];
    assert_eq!(missing.what, "firewall policy `rules`");
    let says = |text: &str| {
        let finding = report.findings.iter().find(|one| one.fault == "route/opaque-appliance");
        let finding = finding.expect("an appliance");
        let titles = finding.fixes.iter().map(|fix| fix.title.as_str());
        std::iter::once(finding.message.as_str()).chain(titles).any(|one| one.contains(text))
    };
    assert!(says("Azure Firewall `hub-fw` at 10.20.8.4"));
    assert!(says(
        "`az network firewall policy rule-collection-group list --subscription \
         11111111-2222-3333-4444-555555555555 --resource-group rg-target --policy-name rules`"
    ));
    let fixes = report.findings.iter().flat_map(|one| &one.fixes);
    assert!(
        fixes.clone().count() > 1 && fixes.into_iter().all(|fix| !fix.title.contains("interface"))
    );
}

#[test]
fn a_fix_that_needs_others_is_told_apart() {
    let report = told(&[
        "delete source-net/virtualNetworkPeerings/to-target",
        "delete target-net/virtualNetworkPeerings/to-source",
    ]);
    let fixes = &cause(&report, "peering/missing").fixes;
    let enough: Vec<_> = fixes.iter().map(|fix| (fix.changes[0].kind, fix.is_enough)).collect();
    assert_eq!(enough, [("create-peering", Some(true)), ("create-endpoint", Some(false))]);
}

#[test]
fn a_note_that_repeats_the_guide_says_so() {
    let report = told(&[
        "delete new-db.private.postgres.database.azure.com/virtualNetworkLinks/source-link",
    ]);
    let notes: Vec<bool> = report
        .findings
        .iter()
        .filter(|one| one.severity == Severity::Note)
        .map(|one| one.repeats_guide)
        .collect();
    assert_eq!((report.verdict, notes), (Verdict::Reachable, vec![true]));
    let steps = &report.guide.as_ref().expect("a guide").steps;
    let step = steps.iter().find(|step| step.step == 4).expect("a step");
    assert_eq!((step.state, step.on_path), (State::NotMet, false));
}

#[test]
fn records_that_nobody_captured_are_not_told_to_be_missing() {
    let report = told(&[
        "delete privatelink.postgres.database.azure.com/A/old-db",
        "delete privateDnsZoneGroups/default",
        "set privateDnsZones/privatelink.postgres.database.azure.com /properties/numberOfRecordSets 2",
    ]);
    let finding = report.findings.iter().find(|one| one.fault == "dns/record-missing");
    let finding = finding.expect("a doubt");
    assert!(finding.message.ends_with("was not observed") && finding.fixes.is_empty());
    let name = report.forward().find(|step| step.stage == Stage::Name).expect("a name");
    assert!(!name.detail.contains("does not exist"), "{}", name.detail);
    let groups = report.missing.iter().filter(|one| one.help.contains("dns-zone-group list"));
    assert_eq!(groups.count(), 1, "{:?}", report.missing);
}

#[test]
fn a_name_that_leads_the_wrong_way_is_the_gate_at_fault() {
    let report = told(&[
        r#"set servers/old-db /properties/publicNetworkAccess "Enabled""#,
        "delete privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link",
        "set privateDnsZones/privatelink.postgres.database.azure.com /properties/numberOfVirtualNetworkLinks 1",
    ]);
    let shown = report.to_json();
    let shown = shown["trace"]["forward"].as_array().expect("steps");
    let outcome = |stage: &str| {
        let found = shown.iter().find(|step| step["stage"] == stage);
        found.map(|step| step["outcome"].as_str().expect("a word").to_owned())
    };
    assert_eq!(outcome("name").as_deref(), Some("drop"));
    assert_eq!(outcome("admit").as_deref(), Some("drop"));
    let follows: Vec<Stage> =
        report.forward().filter(|step| step.is_consequence).map(|step| step.stage).collect();
    assert_eq!(follows, [Stage::Admit]);
}

#[test]
fn azures_own_route_is_named() {
    let route = |edits: &[&str]| {
        let report = told(edits);
        let step = report.forward().find(|step| step.stage == Stage::Route).expect("a route");
        (step.outcome, step.detail.clone(), step.facts.len())
    };
    let healthy = "Azure's own route decides: InterfaceEndpoint 10.10.1.4/32".to_owned();
    assert_eq!(route(&[]), (Outcome::Pass, healthy, 1));
    let apart = [
        "delete source-net/virtualNetworkPeerings/to-target",
        "delete target-net/virtualNetworkPeerings/to-source",
    ];
    assert_eq!(route(&apart).0, Outcome::Drop);
    let overlap = r#"set virtualNetworks/target-net /properties/addressSpace {"addressPrefixes":["10.20.0.0/16","10.10.0.0/16"]}"#;
    let within = "Azure's own route VnetLocal 10.10.0.0/16 keeps packets to 10.10.1.4 in network `target-net`";
    assert_eq!(route(&[apart[0], apart[1], overlap]).1, within);
    let table = [
        r#"add {"id": "$target/Microsoft.Network/routeTables/table", "properties": {"routes": []}}"#,
        r#"set target-net/subnets/postgres /properties/routeTable {"id": "$target/Microsoft.Network/routeTables/table"}"#,
    ];
    assert_eq!(route(&table).2, 2);
}

/// Nothing is known of the guide's steps about an endpoint and a zone that nobody captured.
#[test]
fn steps_about_what_nobody_captured_are_not_known() {
    let report = told(&[
        "delete privateDnsZoneGroups/default",
        "delete privateEndpoints/old-db-pe",
        "delete privatelink.postgres.database.azure.com/virtualNetworkLinks/source-link",
        "delete privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link",
        "delete privatelink.postgres.database.azure.com/A/old-db",
        "delete privateDnsZones/privatelink.postgres.database.azure.com",
    ]);
    let steps = report.guide.expect("a guide").steps;
    let states: Vec<State> = steps.iter().map(|step| step.state).collect();
    assert_eq!(states[4..], [State::Unknown; 3], "{steps:?}");
}
