//! What a plan says of each change, of how it is taken back, and of the commands that make it.

use std::collections::BTreeSet;

use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{Bounds, World, certify};
use serde_json::{Value, json};

use super::{ALL_PLANNED, Planned, certified, example, fails};
use crate::support;

#[test]
fn what_is_said_of_a_change_has_to_be_so() {
    let (estate, plan) = example("A rule denies everything that goes out");
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    let tampered = |pointer: &str, value: Value, name: &str| {
        let mut plan = plan.clone();
        *plan.pointer_mut(pointer).expect("a value") = value;
        fails(&estate, &plan, name);
    };
    let lines = plan["changes"][0]["az"].as_array().expect("lines").clone();
    let line = lines.last().and_then(Value::as_str).expect("a line");
    for other in [
        "az group delete -n prod --yes".to_owned(),
        line.replace("create", "delete"),
        line.replace("--source-address-prefixes 10.20.1.0/28", "--source-address-prefixes '*'"),
        line.replace(" --source-address-prefixes 10.20.1.0/28", ""),
        line.replace("target-nsg", "other-nsg"),
        line.replace(" create ", " update "),
        line.replace("--destination-port-ranges", "--destination-ports"),
        line.replace("--source-port-ranges '*'", "--source-port-ranges 5432"),
        line.replace("--source-", "--X-")
            .replace("--destination-", "--source-")
            .replace("--X-", "--destination-"),
        format!("{line} --no-wait"),
        format!("{line}; az group delete --name rg-target"),
        format!("{line} --description $(id)"),
    ] {
        assert_ne!(other, line);
        tampered("/changes/0/az", json!([lines[0], other]), "commands");
    }
    tampered("/changes/0/az", json!([line]), "commands");
    tampered("/changes/0/az", json!([line, lines[0]]), "commands");
    tampered("/changes/0/az", json!([]), "commands");
    tampered("/changes/0/inverse", Value::Null, "undo");
    tampered("/exposure", json!([]), "safety");
    tampered("/after", json!("undetermined"), "sufficiency");
    tampered("/certificate/sufficient", json!(false), "sufficiency");
    tampered("/changes/0/kind", json!("delete-endpoint"), "claims");
    tampered("/changes/0/resource", json!("/subscriptions/x"), "claims");
    tampered("/changes/0/downtime", json!(""), "claims");
    tampered("/exposure", json!([" "]), "claims");
    let mut wide = plan.to_string();
    wide = wide.replace("10.20.1.0/28", "10.0.0.0/1");
    fails(&estate, &serde_json::from_str(&wide).expect("a plan"), "claims");
    for field in ["privilege", "interruptions", "exposed_flows"] {
        let mut cheap = plan.clone();
        for one in cheap["certificate"]["catalogue"].as_array_mut().expect("a catalogue") {
            one["cost"][field] = json!(7);
        }
        fails(&estate, &cheap, "claims");
    }
    let source = "/changes/0/request/body/properties/sourceAddressPrefix";
    tampered(source, json!("*"), "optimality");
    tampered(source, json!("*"), "safety");
}

#[test]
fn an_inverse_brings_back_what_was_there() {
    for title in [
        "Neither the rule nor the service endpoint is there",
        "A route for the endpoint's own address drops packets",
        "The record holds an old address",
        "Both halves keep the other network out",
    ] {
        let (estate, plan) = example(title);
        let mut tried = 0;
        for index in 0..plan["changes"].as_array().expect("changes").len() {
            let body = format!("/changes/{index}/inverse/body/properties");
            let fields = plan.pointer(&body).and_then(Value::as_object).into_iter().flatten();
            // What is meant without a word may go.
            let says = |(name, value): &(&String, &Value)| {
                *name != "peerCompleteVnets" && **value != json!(false) && **value != json!([])
            };
            for (field, _) in fields.filter(says) {
                let mut other = plan.clone();
                let properties = other.pointer_mut(&body).and_then(Value::as_object_mut);
                properties.expect("properties").remove(field);
                fails(&estate, &other, "undo");
                tried += 1;
            }
        }
        assert!(tried > 0, "{title}");
    }
}

#[test]
fn a_command_sets_no_flag_that_its_request_leaves_alone() {
    let (estate, plan) = example("Only the target's half was made");
    let lines = plan["changes"][0]["az"].as_array().expect("lines").clone();
    let line = lines.last().and_then(Value::as_str).expect("a line");
    for other in [
        line.replace("--allow-vnet-access true", "--allow-forwarded-traffic true"),
        format!("{line} --allow-gateway-transit true"),
        format!("{line} --use-remote-gateways true"),
    ] {
        assert_ne!(other, line);
        let mut plan = plan.clone();
        plan["changes"][0]["az"] = json!([lines[0], other]);
        fails(&estate, &plan, "commands");
    }
}

#[test]
fn nothing_stands_behind_a_request_that_is_sent_as_it_is() {
    let (estate, plan) = example("The rule is not there");
    let line = plan["changes"][0]["az"][0].as_str().expect("a line");
    assert!(line.starts_with("az rest "), "{line}");
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    let mut longer = plan.clone();
    longer["changes"][0]["az"] = json!([line, "az group delete -n prod --yes"]);
    fails(&estate, &longer, "commands");
}

#[test]
fn what_was_forbidden_is_in_no_plan() {
    let (estate, mut plan) = example("A rule denies everything that goes out");
    plan["forbidden"] = json!(["create-peering"]);
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    plan["forbidden"] = json!(["create-peering", "add-rule"]);
    fails(&estate, &plan, "claims");
}

/// One example for each kind of change.
fn one_for_each_kind() -> Vec<&'static Planned> {
    let mut kinds = BTreeSet::new();
    let is_new = |one: &&Planned| {
        let changes = one.plan["changes"].as_array().into_iter().flatten();
        let count = kinds.len();
        kinds.extend(changes.filter_map(|one| one["kind"].as_str().map(str::to_owned)));
        kinds.len() > count
    };
    ALL_PLANNED.iter().filter(is_new).collect()
}

#[test]
fn bodies_whose_properties_are_no_object_are_read_past() {
    let examples = one_for_each_kind();
    assert!(examples.len() > 10, "{}", examples.len());
    for one in examples {
        let read = |body: &Value| Some((ResourceId::parse(body["id"].as_str()?)?, body.clone()));
        let bodies: Vec<(ResourceId, Value)> = one.resources.iter().filter_map(read).collect();
        let changes = one.plan["changes"].to_string().to_ascii_lowercase();
        let written = bodies.iter().filter(|(id, _)| changes.contains(&id.key()));
        let mut odd: Vec<Vec<&ResourceId>> = written.map(|(id, _)| vec![id]).collect();
        odd.push(bodies.iter().map(|(id, _)| id).collect());
        for (odd, properties) in
            odd.iter().flat_map(|odd| [json!("odd"), json!(7), json!([7])].map(|one| (odd, one)))
        {
            let mut bodies = bodies.clone();
            for (_, body) in bodies.iter_mut().filter(|(id, _)| odd.contains(&id)) {
                body["properties"] = properties.clone();
            }
            let world = World::of(bodies.iter().map(|(id, body)| (id, body)));
            let certified = certify(&world, &one.plan, Bounds::default());
            assert!(certified.is_ok(), "{}: {odd:?}", one.title);
        }
    }
}

/// Taken back, a zone group takes along what it wrote, and no other record of the same address.
#[test]
fn a_zone_group_that_goes_leaves_records_of_other_names() {
    let mut resources = support::fixture("private-source");
    let record = "$dns/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com/A";
    for edit in [
        "delete privateDnsZoneGroups/default",
        "delete privatelink.postgres.database.azure.com/A/old-db",
        &format!(
            r#"add {{"id":"{record}/old-name","type":"Microsoft.Network/privateDnsZones/A",
                "properties":{{"ttl":3600,"aRecords":[{{"ipv4Address":"10.10.1.4"}}]}}}}"#
        ),
    ] {
        support::edit(&mut resources, edit);
    }
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &Policy::default()).to_json();
    assert_eq!(plan["changes"][0]["kind"], "attach-zone", "{plan:#}");
    assert_eq!(certified(&estate, &plan).holds(), Some(true), "{:#?}", certified(&estate, &plan));
}
