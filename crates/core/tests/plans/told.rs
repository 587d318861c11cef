//! What a plan tells beside its changes: what it touches, what it opens and mends, other ways, and how it is undone.

use std::collections::BTreeSet;

use flexway_core::change::Safety;
use flexway_core::checks;
use flexway_core::plan::{self, Plan};
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;
use serde_json::json;

use crate::support;

/// The plan for a fixture with edits.
fn plan_of(fixture: &str, edits: &[&str], forbidden: &[&str]) -> Plan {
    let mut resources = support::fixture(fixture);
    edits.iter().for_each(|line| support::edit(&mut resources, line));
    let estate = support::estate(&resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    plan::plan(&estate, &support::question(&estate), &Policy { forbidden, ignores_locks: false })
}

/// The plan for an example of a page.
fn planned(title: &str, forbidden: &[&str]) -> Plan {
    let mut all = checks::ALL.iter().flat_map(|check| support::examples(check.page));
    let example = all.find(|one| one.title == title).expect("an example of that title");
    let estate = support::estate(&example.resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    plan::plan(&estate, &example.question(&estate), &policy)
}

fn kinds(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.kind).collect()
}

fn affected(plan: &Plan) -> String {
    plan.to_json()["affected"].to_string()
}

const APART: [&str; 2] = [
    "delete source-net/virtualNetworkPeerings/to-target",
    "delete target-net/virtualNetworkPeerings/to-source",
];

#[test]
fn what_documents_leave_open_is_told_and_not_mended() {
    let plan = planned(
        "Another server lets all of Azure in: whether it still answers then nobody knows, and no rule is added there",
        &[],
    );
    assert_eq!(plan.safety.disputed.len(), 1);
    assert!(affected(&plan).contains("`web0` may stop answering subnet `postgres`"), "{plan:?}");
    let is_longer = |title: &str| {
        title.starts_with("let subnet `postgres` in by a VNet rule of `web0`, then turn")
    };
    assert!(plan.alternatives.iter().any(|one| is_longer(&one.title)), "{:?}", plan.alternatives);
}

#[test]
fn a_record_that_is_taken_over_comes_back() {
    let plan = plan_of("private-source", &APART, &["create-peering"]);
    assert_eq!(kinds(&plan), ["create-endpoint", "attach-zone"]);
    let inverse = plan.changes[1].inverse.as_ref().expect("an inverse");
    let then = inverse.then.as_ref().expect("the record");
    assert!(then.path.contains("/A/old-db?"), "{}", then.path);
    let held = json!({ "properties": { "ttl": 10, "aRecords": [{ "ipv4Address": "10.10.1.4" }] } });
    assert_eq!(then.body, held);
    let script = flexway_core::render::az::text(&plan).to_ascii_lowercase();
    let line = |words: &str| script.find(words).expect("a line");
    assert!(line("# to undo") < line("--method delete"), "{script}");
    assert!(line("--method delete") < line("--method put"), "{script}");
}

#[test]
fn a_half_that_waits_is_told_of() {
    let waits =
        r#"set target-net/virtualNetworkPeerings/to-source /properties/peeringState "Initiated""#;
    let plan = plan_of("private-source", &[APART[0], waits], &[]);
    let words = "taken back, it leaves peering `to-source` of network `target-net`";
    assert!(affected(&plan).contains(words), "{}", affected(&plan));
    assert!(!affected(&plan_of("private-source", &APART, &[])).contains("taken back"));
}

#[test]
fn subnets_of_endpoints_send_nothing() {
    let clients = r#"add {"id":"$source/Microsoft.Network/virtualNetworks/source-net/subnets/clients",
        "type":"Microsoft.Network/virtualNetworks/subnets","properties":{"addressPrefix":"10.10.2.0/24"}}"#;
    let machine = r#"add {"id":"$source/Microsoft.Network/networkInterfaces/vm",
        "type":"Microsoft.Network/networkInterfaces","properties":{"ipConfigurations":[{"name":"ip",
        "properties":{"privateIPAddress":"10.10.1.9",
        "subnet":{"id":"$source/Microsoft.Network/virtualNetworks/source-net/subnets/endpoints"}}}]}}"#;
    let broken = |more: &[&str]| {
        let edits = [&APART, more].concat();
        plan_of("private-source", &edits, &["create-peering", "create-zone"]).cost.broken_flows
    };
    assert_eq!([broken(&[]), broken(&[clients]), broken(&[machine])], [0, 1, 1]);
}

/// The near endpoint's address in the record is the obvious repair: what it breaks stands beside it.
#[test]
fn the_cheaper_way_that_breaks_something_is_another_way() {
    let near = r#"add {"id":"$target/Microsoft.Network/privateEndpoints/near",
        "type":"Microsoft.Network/privateEndpoints","location":"westeurope",
        "properties":{"subnet":{"id":"$target/Microsoft.Network/virtualNetworks/target-net/subnets/apps"},
        "customDnsConfigs":[{"fqdn":"old-db.postgres.database.azure.com","ipAddresses":["10.20.2.9"]}],
        "privateLinkServiceConnections":[{"name":"near",
        "properties":{"privateLinkServiceId":"$source/Microsoft.DBforPostgreSQL/servers/old-db",
        "groupIds":["postgresqlServer"],"privateLinkServiceConnectionState":{"status":"Approved"}}}]}}"#;
    let clients = r#"add {"id":"$source/Microsoft.Network/virtualNetworks/source-net/subnets/clients",
        "type":"Microsoft.Network/virtualNetworks/subnets","properties":{"addressPrefix":"10.10.2.0/24"}}"#;
    let theirs = r#"add {"id":"$source/Microsoft.DBforPostgreSQL/servers/old-db/privateEndpointConnections/near",
        "type":"Microsoft.DBforPostgreSQL/servers/privateEndpointConnections",
        "properties":{"privateEndpoint":{"id":"$target/Microsoft.Network/privateEndpoints/near"},
        "privateLinkServiceConnectionState":{"status":"Approved"}}}"#;
    let plan = plan_of("private-source", &[APART[0], APART[1], near, theirs, clients], &[]);
    assert_eq!(plan.cost.broken_flows, 0);
    let is_obvious = |one: &&plan::Alternative| one.title.starts_with("attach zone");
    let obvious = plan.alternatives.iter().find(is_obvious).expect("the obvious repair");
    assert_eq!(obvious.cost.map(|cost| cost.broken_flows), Some(1));
}

#[test]
fn review_texts_name_what_is_touched() {
    let table = r#"add {"id": "$target/Microsoft.Network/routeTables/table", "type": "Microsoft.Network/routeTables",
        "properties": {"routes": [{"name": "drop", "properties": {"addressPrefix": "10.10.1.4/32",
        "nextHopType": "None"}}]}}"#;
    let bind = |subnet: &str| {
        format!(
            r#"set target-net/subnets/{subnet} /properties/routeTable {{"id": "$target/Microsoft.Network/routeTables/table"}}"#
        )
    };
    let plan = plan_of("private-source", &[table, &bind("postgres"), &bind("apps")], &[]);
    let words = affected(&plan);
    assert!(words.contains("`apps` of network `target-net`, `postgres` of"), "{words}");

    let zone = "privatelink.postgres.database.azure.com";
    let other = format!(
        r#"add {{"id":"$dns/Microsoft.Network/privateDnsZones/{zone}/A/bill",
            "type":"Microsoft.Network/privateDnsZones/A",
            "properties":{{"aRecords":[{{"ipv4Address":"10.10.1.9"}}]}}}}"#
    );
    let unlinked = format!("delete {zone}/virtualNetworkLinks/target-link");
    let words = affected(&plan_of("private-source", &[&unlinked, &other], &[]));
    assert!(words.contains("from then on: `bill` (10.10.1.9)"), "{words}");
}

#[test]
fn a_rule_of_a_shared_group_names_the_other_subnets() {
    let deny = r#"set networkSecurityGroups/target-nsg /properties/securityRules [{"name":"deny",
        "properties":{"priority":400,"direction":"Outbound","access":"Deny","protocol":"*",
        "sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*",
        "destinationPortRange":"*"}}]"#;
    let share = |subnet: &str| {
        format!(
            r#"set target-net/subnets/{subnet} /properties/networkSecurityGroup
                {{"id": "$target/Microsoft.Network/networkSecurityGroups/target-nsg"}}"#
        )
    };
    // One name comes before that of the flow's own subnet, and one after it.
    let web = r#"add {"id":"$target/Microsoft.Network/virtualNetworks/target-net/subnets/web",
        "type":"Microsoft.Network/virtualNetworks/subnets","properties":{"addressPrefix":"10.20.3.0/24",
        "networkSecurityGroup":{"id":"$target/Microsoft.Network/networkSecurityGroups/target-nsg"}}}"#;
    let plan = plan_of("private-source", &[deny, &share("apps"), web], &[]);
    assert_eq!(kinds(&plan), ["add-rule"]);
    let words = ["apps", "web"].map(|name| format!("subnet `{name}` uses the same group"));
    assert_eq!(plan.changes[0].affected, words);
}

/// A record that is overwritten leads others elsewhere, whoever writes it.
#[test]
fn a_record_that_is_replaced_is_told_of() {
    let stale = r#"set privatelink.postgres.database.azure.com/A/old-db /properties/aRecords/0/ipv4Address "10.10.1.9""#;
    let no_group = "delete privateDnsZoneGroups/default";
    let words = "A record `old-db` holds 10.10.1.9 now: every network linked to zone \
                 `privatelink.postgres.database.azure.com` is led to the new address instead";
    for (edits, kind) in [(&[stale][..], "set-record"), (&[stale, no_group], "attach-zone")] {
        let plan = plan_of("private-source", edits, &[]);
        assert_eq!(kinds(&plan), [kind]);
        assert_eq!(plan.changes[0].safety, Safety::Review, "{kind}");
        assert_eq!(plan.changes[0].affected, [words], "{kind}");
    }
    let none = "delete privatelink.postgres.database.azure.com/A/old-db";
    let plan = plan_of("private-source", &[none, no_group], &["attach-zone"]);
    assert_eq!((kinds(&plan), plan.changes[0].safety), (vec!["set-record"], Safety::Safe));
}

#[test]
fn azures_resolver_is_one_address() {
    let plan = planned("A rule names the resolver's tag", &[]);
    assert_eq!(kinds(&plan), ["add-rule"]);
    assert_eq!(plan.cost.exposed_flows, 16);
}

/// The target's network has no room for an endpoint.
const FULL: [&str; 2] = [
    "delete target-net/subnets/apps",
    r#"set virtualNetworks/target-net /properties/addressSpace {"addressPrefixes": ["10.20.1.0/28"]}"#,
];

#[test]
fn a_full_network_is_not_offered_a_new_endpoint() {
    let none = [
        "delete privateDnsZoneGroups/default",
        "delete networkInterfaces/old-db-pe.nic",
        "delete privatelink.postgres.database.azure.com/A/old-db",
        "delete privateEndpoints/old-db-pe",
        "set servers/old-db /properties/privateEndpointConnections []",
        FULL[0],
        FULL[1],
    ];
    let plan = plan_of("private-source", &none, &[]);
    let words = format!("{:?} {:?}", plan.refusal, plan.alternatives);
    assert!(words.contains("network `target-net`, which has no room"), "{words}");
}

/// The link of a zone that holds other names goes only where nothing else may be done.
#[test]
fn a_link_is_the_last_resort() {
    let title = "A zone for all servers is linked to the target's network";
    let usual = planned(title, &[]);
    assert_eq!(kinds(&usual), ["create-endpoint", "set-record"]);
    let is_last =
        |one: &&plan::Alternative| one.az.iter().any(|line| line.contains("link vnet delete"));
    assert_eq!(usual.alternatives.iter().filter(is_last).count(), 1);
    let last = planned(title, &["set-record"]);
    assert_eq!(kinds(&last), ["unlink-zone"]);
    assert_eq!(last.after, Verdict::Reachable);
    let none = planned(title, &["set-record", "unlink-zone"]);
    assert!(none.changes.is_empty() && !none.alternatives.iter().any(|one| is_last(&one)));
}

/// A zone is attached to a new endpoint for the sake of what the endpoint mends, and of nothing else.
#[test]
fn a_later_step_mends_what_the_step_before_it_does() {
    let waits =
        r#"set source-net/virtualNetworkPeerings/to-target /properties/peeringState "Initiated""#;
    let refused = concat!(
        "set servers/old-db /properties/privateEndpointConnections/0/properties",
        "/privateLinkServiceConnectionState/status \"Rejected\""
    );
    let edits = [APART[1], waits, refused, FULL[0], FULL[1]];
    let plan = plan_of("private-source", &edits, &[]);
    assert_eq!(kinds(&plan), ["create-endpoint", "attach-zone", "create-peering"]);
    let mends: Vec<_> = (0..3).map(|index| plan.mends(index)).collect();
    assert_eq!(mends, [["endpoint/rejected"], ["endpoint/rejected"], ["peering/initiated"]]);
}

#[test]
fn what_a_change_mends_is_a_cause_that_is_named() {
    let mut count = 0;
    for example in checks::ALL.iter().flat_map(|check| support::examples(check.page)) {
        let estate = support::estate(&example.resources);
        let plan = plan::plan(&estate, &example.question(&estate), &Policy::default());
        for index in 0..plan.changes.len() {
            let mends: BTreeSet<&str> = plan.mends(index).into_iter().collect();
            let named: BTreeSet<&str> = plan.causes.iter().copied().collect();
            assert!(mends.is_subset(&named), "{}: {mends:?} of {named:?}", example.title);
            let tells_none = named.is_empty() || plan.settles(index);
            assert_eq!(mends.is_empty(), tells_none, "{}", example.title);
            count += 1;
        }
    }
    assert!(count > 200, "{count} changes");
}

#[test]
fn a_name_becomes_an_alias_once() {
    let (mut first, mut more) = (0, 0);
    for example in checks::ALL.iter().flat_map(|check| support::examples(check.page)) {
        let estate = support::estate(&example.resources);
        let question = example.question(&estate);
        let plan = plan::plan(&estate, &question, &Policy::default()).to_json();
        let changes = plan["changes"].as_array().into_iter().flatten();
        if !changes.clone().any(|change| change["kind"] == "create-endpoint") {
            continue;
        }
        let server = question.source.text().to_ascii_lowercase();
        let is_endpoint_of_it = |one: &&serde_json::Value| {
            let id = one["id"].as_str().unwrap_or_default().to_ascii_lowercase();
            let (_, name) = id.rsplit_once('/').unwrap_or_default();
            let is_endpoint = id.ends_with(&format!("/privateendpoints/{name}"));
            is_endpoint && one.to_string().to_ascii_lowercase().contains(&server)
        };
        let has_one = example.resources.iter().any(|one| is_endpoint_of_it(&one));
        let says_so = plan["affected"].to_string().contains("becomes an alias");
        assert!(!(has_one && says_so), "{}: {}", example.title, plan["affected"]);
        first += usize::from(says_so);
        more += usize::from(has_one);
    }
    assert!(first > 0 && more > 0, "{first} first ones, {more} more");
}
