//! A new private endpoint in the copier's network: in which subnet, and where the way that is there may not be touched.

use flexway_core::plan::{self, Plan};
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;
use serde_json::json;

use crate::support;

fn plan_of(edits: &[&str], forbidden: &[&str]) -> Plan {
    plan_for("private-source", edits, forbidden)
}

fn plan_for(fixture: &str, edits: &[&str], forbidden: &[&str]) -> Plan {
    let mut resources = support::fixture(fixture);
    edits.iter().for_each(|line| support::edit(&mut resources, line));
    let estate = support::estate(&resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    let plan = plan::plan(&estate, &support::question(&estate), &policy);
    assert!(plan.is_irredundant());
    plan
}

fn kinds(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.kind).collect()
}

fn subnet(name: &str, prefix: &str) -> String {
    let body = json!({ "type": "Microsoft.Network/virtualNetworks/subnets",
        "id": format!("$target/Microsoft.Network/virtualNetworks/target-net/subnets/{name}"),
        "properties": { "addressPrefix": prefix, "privateEndpointNetworkPolicies": "Disabled" } });
    format!("add {body}")
}

fn lock(on: &str, level: &str) -> String {
    let body = json!({ "type": "Microsoft.Authorization/locks", "properties": { "level": level },
        "id": format!("{on}/providers/Microsoft.Authorization/locks/keep") });
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

/// The half, the route, the rules of the neighbour belong to somebody else: an endpoint of one's own does without them.
#[test]
fn an_endpoint_of_ones_own_goes_around_what_may_not_be_touched() {
    let source_net = "$source/Microsoft.Network/virtualNetworks/source-net";
    let held = lock(source_net, "ReadOnly");
    let kept = lock("$target/Microsoft.Network/routeTables/table", "CanNotDelete");
    let table = r#"add {"id": "$target/Microsoft.Network/routeTables/table", "type": "Microsoft.Network/routeTables",
        "properties": {"routes": [{"name": "drop", "properties": {"addressPrefix": "10.10.0.0/16",
        "nextHopType": "None"}}]}}"#;
    let bound = r#"set target-net/subnets/postgres /properties/routeTable {"id": "$target/Microsoft.Network/routeTables/table"}"#;
    let acts =
        r#"set source-net/subnets/endpoints /properties/privateEndpointNetworkPolicies "Enabled""#;
    let initiated = [
        APART[0],
        r#"set target-net/virtualNetworkPeerings/to-source /properties/peeringState "Initiated""#,
    ];
    let lost = [
        APART[0],
        r#"set target-net/virtualNetworkPeerings/to-source /properties/peeringState "Disconnected""#,
    ];
    let old_space = r#"set target-net/virtualNetworkPeerings/to-source /properties/remoteAddressSpace
        {"addressPrefixes": ["10.10.9.0/24"]}"#;
    let cases: [(&[&str], &[&str]); 6] = [
        (&[initiated[0], initiated[1], &held], &[]),
        (&initiated, &["create-peering"]),
        (&lost, &["delete-peering"]),
        (&[table, bound, acts], &["delete-route"]),
        (&[table, bound, acts, &kept], &[]),
        (&[old_space], &["sync-peering"]),
    ];
    for (edits, forbidden) in cases {
        let plan = plan_of(edits, forbidden);
        assert_eq!(kinds(&plan), ["create-endpoint", "attach-zone"], "{edits:?} {forbidden:?}");
        assert_eq!(plan.after, Verdict::Reachable);
    }
}

#[test]
fn the_record_itself_is_written_where_no_zone_may_be_attached() {
    let gone = [
        "delete privatelink.postgres.database.azure.com/A/old-db",
        "delete privateDnsZoneGroups/default",
    ];
    let held = lock("$source/Microsoft.Network/privateEndpoints/old-db-pe", "ReadOnly");
    assert_eq!(kinds(&plan_of(&gone, &[])), ["attach-zone"]);
    assert_eq!(kinds(&plan_of(&gone, &["attach-zone"])), ["set-record"]);
    assert_eq!(kinds(&plan_of(&[gone[0], gone[1], &held], &[])), ["set-record"]);
}

/// Where the subnet or the server's rules have to stay as they are, the front door is not the only one.
#[test]
fn an_endpoint_takes_the_place_of_a_front_door_that_stays_shut() {
    let off = "set target-net/subnets/postgres /properties/serviceEndpoints []";
    let failed = r#"set virtualNetworkRules/target /properties/state "Deleting""#;
    for (edit, forbidden) in [(off, "turn-on-service-endpoint"), (failed, "delete-vnet-rule")] {
        assert!(!kinds(&plan_for("public-source", &[edit], &[])).contains(&"create-endpoint"));
        let plan = plan_for("public-source", &[edit], &[forbidden]);
        assert!(kinds(&plan).contains(&"create-endpoint"), "{edit}: {:?}", kinds(&plan));
        assert_eq!(plan.after, Verdict::Reachable);
    }
}
