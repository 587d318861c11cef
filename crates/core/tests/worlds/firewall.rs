//! A firewall of Azure on the way to the public front door, and what may change the address that it gives.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::{Case, GROUP, case, id, subnet};
use crate::hub_rules;

const SEAT: &str = "AzureFirewallSubnet";

fn network(kind: &str, name: &str) -> String {
    format!("{GROUP}/Microsoft.Network/{kind}/{name}")
}

fn public(name: &str) -> Value {
    json!({ "id": network("publicIPAddresses", name) })
}

/// The world with that number, and a firewall in it that its copier's packets are led to.
pub(crate) fn guarded(seed: u64) -> Case {
    let mut case = case(seed);
    // Another stream than that of the world itself.
    let mut chance = Chance::new(!seed);
    let mut aside = chance.aside();
    let mut put = |id: String, body: Value| {
        case.resources.push(json!({ "id": id, "properties": body }));
    };
    let led = network("routeTables", "led");
    let hop = chance.mostly("10.2.8.4", 10, &["10.2.8.5"]);
    put(led.clone(), table("VirtualAppliance", hop));
    let mut place = json!({ "addressPrefix": "10.2.8.0/26" });
    let mut addresses = vec!["own"];
    if chance.hits(30) {
        addresses.push("other");
    }
    let configuration = |(index, name): (usize, &&str)| {
        let mut properties = json!({ "publicIPAddress": public(name) });
        if index == 0 {
            properties["privateIPAddress"] = json!("10.2.8.4");
            properties["subnet"] = json!({ "id": subnet("target", SEAT) });
        }
        json!({ "name": name, "properties": properties })
    };
    let all: Vec<Value> = addresses.iter().enumerate().map(configuration).collect();
    let mut properties = json!({ "ipConfigurations": all });
    if aside.hits(60) {
        properties["networkRuleCollections"] = json!(hub_rules::classic_rules(&mut aside, 50));
    }
    if chance.hits(10) {
        addresses.push("nat");
        let nat = network("natGateways", "nat");
        place["natGateway"] = json!({ "id": nat });
        put(nat, json!({ "publicIpAddresses": [public("nat")] }));
    }
    if chance.hits(25) {
        let policy = network("firewallPolicies", "policy");
        properties["firewallPolicy"] = json!({ "id": policy });
        put(policy, told(&mut chance));
    }
    if chance.hits(5) {
        properties["managementIpConfiguration"] = json!({ "properties": {} });
    }
    if chance.hits(5) {
        place["serviceEndpoints"] = json!([{ "service": "Microsoft.Sql" }]);
    }
    if chance.hits(15) {
        let own = network("routeTables", "own");
        place["routeTable"] = json!({ "id": own });
        let hop = chance.pick(&["Internet", "Internet", "None", "VirtualAppliance"]);
        put(own, table(hop, "10.2.8.4"));
    }
    put(subnet("target", SEAT), place);
    put(network("azureFirewalls", "firewall"), properties);
    for name in addresses {
        let address = chance.pick(&["20.50.7.7", "20.50.7.8", "40.0.0.1"]);
        put(network("publicIPAddresses", name), json!({ "ipAddress": address }));
    }
    let copier = id(&subnet("target", "postgres"));
    let is_it = |body: &&mut Value| body["id"].as_str().is_some_and(|text| id(text) == copier);
    if let Some(body) = case.resources.iter_mut().find(is_it) {
        body["properties"]["routeTable"] = json!({ "id": led });
        if chance.hits(75) {
            body["properties"]["serviceEndpoints"] = json!([]);
        }
    }
    if chance.hits(25) {
        let index = chance.below(case.resources.len());
        case.resources.remove(index);
    }
    case
}

/// What a policy says of addresses that it leaves as they are.
fn told(chance: &mut Chance) -> Value {
    let ranges = chance.pick(&["IANAPrivateRanges", "10.0.0.0/8", "0.0.0.0/0", "20.0.0.0/8"]);
    let mut properties = json!({});
    if chance.hits(70) {
        properties["snat"] = json!({ "privateRanges": [ranges] });
    }
    if chance.hits(10) {
        properties["basePolicy"] = json!({ "id": "/subscriptions/s" });
    }
    properties
}

fn table(hop: &str, appliance: &str) -> Value {
    let route =
        json!({ "addressPrefix": "0.0.0.0/0", "nextHopType": hop, "nextHopIpAddress": appliance });
    let routes = json!([{ "name": "default", "properties": route }]);
    json!({ "routes": routes, "disableBgpRoutePropagation": false })
}
