//! What `check` and `trace` print for people: the answer first, with its causes, and nothing twice.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

fn fixture() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json");
    serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON")
}

/// What a command prints of an estate.
fn said(name: &str, estate: &[Value], arguments: &[&str]) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("told");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, json!(estate).to_string()).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.args(arguments).arg("--estate").arg(&file).args(["--target", "new-db"]);
    let output = command.output().expect("flexway runs");
    String::from_utf8(output.stdout).expect("text")
}

fn without(estate: &mut Vec<Value>, suffix: &str) {
    let before = estate.len();
    estate.retain(|one| !one["id"].as_str().expect("an id").ends_with(suffix));
    assert_eq!(estate.len() + 1, before, "{suffix}");
}

const LINK: &str = "privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";
const MESSAGE: &str = "private DNS zone `privatelink.postgres.database.azure.com` is not linked to network `target-net`";

#[test]
fn the_answer_is_in_the_first_line() {
    let mut estate = fixture();
    let healthy = said("healthy", &estate, &["check", "--source", "old-db"]);
    assert_eq!(healthy.lines().next(), Some("reachable"));
    let copier = "  copier  target  (subnet `postgres`, 10.20.1.4-10.20.1.14)";
    assert_eq!(healthy.lines().nth(3), Some(copier));
    let next = healthy.split("\nnext: ").nth(1).expect("what to do next");
    assert!(next.starts_with("where Azure's tool still says ST008: "), "{healthy}");
    assert!(next.contains("`--probe`") && next.contains("`flexway explain 603000`"), "{healthy}");
    without(&mut estate, LINK);
    for command in ["check", "trace"] {
        let text = said("unlinked", &estate, &[command, "--source", "old-db"]);
        let first = text.lines().next().expect("a line");
        let start = format!("unreachable (ST008 in Azure's tool): {MESSAGE}");
        assert!(first.starts_with(&start) && first.ends_with("  [dns/zone-not-linked]"), "{first}");
        assert!(text.contains(&format!("\nerror[dns/zone-not-linked]: {MESSAGE}")), "{text}");
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        let framed = text.lines().filter(|line| line.starts_with("  │"));
        assert!(
            framed.clone().count() > 0 && framed.into_iter().all(|one| one.chars().count() <= 100)
        );
    }
    without(&mut estate, "source-net/virtualNetworkPeerings/to-target");
    without(&mut estate, "target-net/virtualNetworkPeerings/to-source");
    let text = said("both", &estate, &["check", "--source", "old-db"]);
    let first = text.lines().next().expect("a line");
    assert!(first.ends_with(": 2 causes"), "{first}");
    let listed: Vec<&str> = text.lines().skip(1).take(2).collect();
    assert!(listed[0].starts_with(&format!("  1  {MESSAGE}")), "{text}");
    assert!(listed[0].ends_with("  [dns/zone-not-linked]"), "{text}");
    assert!(listed[1].starts_with("  2  ") && listed[1].ends_with("  [peering/missing]"), "{text}");
    assert!(text.contains(&format!("\nerror 1[dns/zone-not-linked]: {MESSAGE}")), "{text}");
    assert!(text.contains("\nnext: each fix above is for one cause: `flexway plan`"), "{text}");
    assert!(text.contains("(not enough by itself)"), "{text}");
}

#[test]
fn the_gate_at_fault_is_framed_and_what_follows_is_not() {
    let mut estate = fixture();
    without(&mut estate, LINK);
    for one in &mut estate {
        match one["id"].as_str().expect("an id").rsplit('/').next() {
            Some("old-db") if one["type"] == "Microsoft.DBforPostgreSQL/servers" => {
                one["properties"]["publicNetworkAccess"] = json!("Enabled");
            }
            Some("privatelink.postgres.database.azure.com") => {
                one["properties"]["numberOfVirtualNetworkLinks"] = json!(1);
            }
            _ => {}
        }
    }
    let text = said("open-door", &estate, &["check", "--source", "old-db"]);
    let framed: Vec<&str> = text.lines().filter(|line| line.starts_with("  │ XX")).collect();
    assert!(matches!(framed[..], [line] if line.contains("XX  name ")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("   xx  admit ")), "{text}");
}

#[test]
fn what_the_guide_asks_for_beside_is_said_once() {
    let mut estate = fixture();
    without(
        &mut estate,
        "new-db.private.postgres.database.azure.com/virtualNetworkLinks/source-link",
    );
    let text = said("own-zone", &estate, &["check", "--source", "old-db"]);
    assert!(!text.contains("dns/zone-not-linked"), "{text}");
    assert!(text.contains("--  4  the target's own private DNS zone"), "{text}");
}

#[test]
fn the_way_back_of_two_flows_stands_under_each() {
    let mut estate = fixture();
    let interface = machine(&mut estate);
    let relay = ["check", "--source", "old-db", "--copier", "relay-1"];
    let text = said("relay", &estate, &relay);
    assert_eq!(text.matches("\nand back\n").count(), 2, "{text}");
    let to_target = text.find("path from the copier to the target").expect("two flows");
    assert!(text.find("and back").expect("a way back") < to_target, "{text}");
    assert!(text.contains("  copier  relay-1  (subnet `apps`, 10.20.2.9)"), "{text}");
    let arguments = ["check", "--json", "--source", "old-db", "--copier", "relay-1"];
    let answer: Value = serde_json::from_str(&said("relay", &estate, &arguments)).expect("JSON");
    assert_eq!((&answer["copier"], &answer["copier_interface"]), (&json!("relay-1"), &interface));
}

#[test]
fn a_machine_keeps_the_name_that_it_was_asked_by() {
    let mut estate = fixture();
    machine(&mut estate);
    let text = said("machine", &estate, &["check", "--source", "relay-1"]);
    assert!(text.contains("\n  source  relay-1 (10.20.2.9)  port 5432\n"), "{text}");
    let arguments = ["check", "--json", "--source", "relay-1:5433"];
    let answer: Value = serde_json::from_str(&said("machine", &estate, &arguments)).expect("JSON");
    let (source, address) = (&answer["source"], &answer["source_address"]);
    assert_eq!((source, address), (&json!("relay-1"), &json!("10.20.2.9")));
    let arguments = ["check", "--json", "--source", "10.20.2.9"];
    let answer: Value = serde_json::from_str(&said("machine", &estate, &arguments)).expect("JSON");
    assert_eq!((&answer["source"], &answer["source_address"]), (&json!("10.20.2.9"), &Value::Null));
}

#[test]
fn networks_that_a_zone_is_linked_to_are_counted_where_they_are_many() {
    let mut estate = fixture();
    without(&mut estate, LINK);
    let is_zone = |one: &&Value| {
        one["id"]
            .as_str()
            .is_some_and(|id| id.ends_with("/privatelink.postgres.database.azure.com"))
    };
    let zone =
        estate.iter().find(is_zone).expect("the zone")["id"].as_str().expect("an id").to_owned();
    let vnet =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/spoke";
    estate.extend((10..30).map(|number| json!({ "id": format!("{zone}/virtualNetworkLinks/l{number}"),
        "type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks", "properties": {
            "virtualNetworkLinkState": "Completed", "virtualNetwork": { "id": format!("{vnet}-{number}") } } })));
    let text = said("spokes", &estate, &["check", "--source", "old-db"]);
    let first = text.lines().next().expect("a line");
    assert!(first.contains(", spoke-13") && !first.contains("spoke-15"), "{first}");
    assert!(first.contains(" more)  [dns/zone-not-linked]"), "{first}");
}

/// Adds a machine in the subnet `apps`, and tells its interface.
fn machine(estate: &mut Vec<Value>) -> Value {
    let is_subnet = |one: &&Value| one["id"].as_str().is_some_and(|id| id.ends_with("/apps"));
    let subnet = estate.iter().find(is_subnet).expect("a subnet")["id"].clone();
    let group = subnet.as_str().expect("an id").split("/providers/").next().expect("a group");
    let id = |kind: &str, name: &str| json!(format!("{group}/providers/{kind}/{name}"));
    let interface = id("Microsoft.Network/networkInterfaces", "relay-1-nic");
    let machine = id("Microsoft.Compute/virtualMachines", "relay-1");
    let bodies = [
        json!({ "id": machine, "name": "relay-1", "type": "Microsoft.Compute/virtualMachines",
            "properties": { "networkProfile": { "networkInterfaces": [{ "id": interface }] } } }),
        json!({ "id": interface, "type": "Microsoft.Network/networkInterfaces", "properties": {
            "virtualMachine": { "id": machine }, "ipConfigurations": [{ "name": "ip",
                "properties": { "privateIPAddress": "10.20.2.9", "subnet": { "id": subnet } } }] } }),
    ];
    estate.extend(bodies);
    interface
}
