//! A host beyond the gateway of a hub, whose firewall of Azure gets what goes there: its rules, the gateway's routes, and those of the
//! firewall's own subnet.

use flexway_core::diagnose::{self, Copier, Question, Source};
use flexway_core::second::ask_host;
use flexway_core::trace::step::{Outcome, Verdict};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::{Case, TARGET, case, id, subnet};
use crate::hub::{
    HUB, SEAT, find, give_table, half_id, put, put_firewall, put_peerings, resource, table,
};
use crate::{number, world};

/// Worlds in a run.
const WORLDS: u64 = 600;

/// What is dialled.
const HOST: &str = "192.168.7.5";

/// Of a thousand worlds, those at most in which one reading knows that packets are lost, and the other does not.
const ABSTAINS_MAX: u64 = 20;

#[test]
fn two_readings_agree_on_hosts_behind_random_hubs() {
    let start = number("WORLDS_FIRST", 0);
    let count = number("WORLDS_PARTICULAR", WORLDS);
    let (mut lost, mut wrong, mut abstains) = (0, Vec::new(), Vec::new());
    for seed in start..start + count {
        let case = behind_hub(seed);
        let question = Question {
            source: Source::Host(HOST.to_owned()),
            target: id(TARGET),
            copier: Copier::Target,
            port: 5432,
        };
        let report = diagnose::check(&case.estate(), &question);
        let answer = ask_host(&world(&case), &id(TARGET), HOST, 5432);
        let words = (word(&report.verdict), format!("{:?}", answer.verdict).to_ascii_lowercase());
        lost += u64::from(words.0 == "unreachable");
        let closed: Vec<&str> = report
            .steps()
            .filter(|step| step.outcome == Outcome::Drop)
            .map(|step| step.detail.as_str())
            .collect();
        if words.0 == "unreachable" && report.causes().next().is_none() {
            wrong.push(format!("{seed}: no cause, {closed:?}"));
        }
        match (words.0.as_str(), words.1.as_str()) {
            (one, other) if one == other => {}
            ("undetermined", "unreachable" | "partial") => abstains.push(seed),
            _ => wrong.push(format!(
                "{seed}: {words:?}, {closed:?}, {:?} {:?}",
                answer.blockers, answer.unknowns
            )),
        }
    }
    println!(
        "{count} worlds: {lost} unreachable, {} times needlessly undetermined",
        abstains.len()
    );
    assert!(wrong.is_empty(), "{} mismatches:\n{}", wrong.len(), wrong.join("\n"));
    assert!((count / 5..count * 4 / 5).contains(&lost), "{lost} of {count} lost");
    let max = (count * ABSTAINS_MAX).div_ceil(1_000);
    assert!(abstains.len() as u64 <= max, "needlessly undetermined: {abstains:?}");
}

fn word(verdict: &Verdict) -> String {
    json!(verdict).as_str().unwrap_or("").to_owned()
}

/// The world with that number, with a hub that leads out of Azure.
fn behind_hub(seed: u64) -> Case {
    let mut case = case(seed);
    // Another stream than that of the world itself.
    let mut chance = Chance::new(!seed);
    put_firewall(&mut case, &mut chance, HUB, "firewall");
    if chance.hits(60) {
        let rule = json!({ "name": "all", "protocols": ["TCP"], "sourceAddresses": ["*"],
            "destinationAddresses": [chance.pick(&["*", "192.168.0.0/16"])], "destinationPorts": ["5432"] });
        let collection = json!({ "name": "all", "properties": { "priority": 100,
            "action": { "type": "Allow" }, "rules": [rule] } });
        let firewall = find(&mut case, &resource("azureFirewalls", "firewall"));
        let properties = &mut firewall.expect("it was put there")["properties"];
        properties["firewallPolicy"] = Value::Null;
        properties["networkRuleCollections"] = json!([collection]);
    }
    put_peerings(&mut case, &mut chance);
    // What a half does not tell of its routes is of no interest here.
    for (half, space) in
        [(half_id("target", "source"), "10.1.0.0/16"), (half_id("source", "target"), "10.2.0.0/16")]
    {
        if let Some(body) = find(&mut case, &half) {
            body["properties"]["remoteAddressSpace"] = json!({ "addressPrefixes": [space] });
        }
    }
    put_gateway(&mut case, &mut chance);
    put_routes(&mut case, &mut chance);
    if chance.hits(70)
        && let Some(body) = find(&mut case, &subnet("target", "postgres"))
    {
        body["properties"]["networkSecurityGroup"] = Value::Null;
    }
    if chance.hits(15) {
        let index = chance.below(case.resources.len());
        case.resources.remove(index);
    }
    case
}

/// A gateway in the hub with a line to an office, lent to the copier's network or not.
fn put_gateway(case: &mut Case, chance: &mut Chance) {
    let seat = subnet("hub", "GatewaySubnet");
    put(case, &seat, json!({ "addressPrefix": "10.0.0.0/27" }));
    let [gateway, office] =
        [resource("virtualNetworkGateways", "gateway"), resource("localNetworkGateways", "office")];
    let kind = chance.mostly("Vpn", 15, &["ExpressRoute"]);
    let place = json!({ "properties": { "subnet": { "id": seat } } });
    let body =
        json!({ "gatewayType": kind, "enableBgp": chance.hits(15), "ipConfigurations": [place] });
    put(case, &gateway, body);
    let space = chance.mostly("192.168.0.0/16", 10, &["172.16.0.0/12"]);
    put(case, &office, json!({ "localNetworkAddressSpace": { "addressPrefixes": [space] } }));
    let line = json!({ "connectionType": "IPsec", "enableBgp": false, "connectionStatus": "Connected",
        "virtualNetworkGateway1": { "id": gateway }, "localNetworkGateway2": { "id": office } });
    if kind == "Vpn" {
        put(case, &resource("connections", "line"), line);
    }
    let is_lent = chance.hits(40);
    let halves = [("target", "useRemoteGateways"), ("hub", "allowGatewayTransit")];
    for (of, asks) in halves {
        let other = if of == "hub" { "target" } else { "hub" };
        let Some(body) = find(case, &half_id(of, other)) else { continue };
        for flag in halves.map(|(_, flag)| flag) {
            let is_on = flag == asks && is_lent && !chance.hits(10);
            body["properties"][flag] = if chance.hits(2) { Value::Null } else { json!(is_on) };
        }
    }
}

fn put_routes(case: &mut Case, chance: &mut Chance) {
    let (_, _, address) = HUB;
    let there = chance.pick(&["192.168.0.0/16", "0.0.0.0/0", "192.168.7.0/24"]);
    if !chance.hits(6) {
        let hop = chance.mostly(address, 4, &["10.0.1.9"]);
        let mut led = table(there, "VirtualAppliance", hop);
        led["disableBgpRoutePropagation"] = json!(chance.hits(50));
        give_table(case, &subnet("target", "postgres"), "led", led);
    }
    let back = chance.pick(&["10.2.0.0/16", "10.2.1.0/28", "10.2.1.0/29", "10.0.0.0/8"]);
    let back = match chance.below(100) {
        0..65 => table(back, "VirtualAppliance", address),
        65..72 => table(back, "None", ""),
        72..78 => table(back, "VirtualAppliance", "10.0.1.9"),
        _ => Value::Null,
    };
    give_table(case, &subnet("hub", "GatewaySubnet"), "answers", back);
    if chance.hits(25) {
        let hop = chance.pick(&["Internet", "None", "VirtualNetworkGateway"]);
        let prefix = chance.pick(&["0.0.0.0/0", "192.168.0.0/16", "192.168.7.5/32", "10.2.0.0/16"]);
        let mut seat = table(prefix, hop, address);
        seat["disableBgpRoutePropagation"] = json!(chance.hits(30));
        give_table(case, &subnet("hub", SEAT), "seat", seat);
    }
}
