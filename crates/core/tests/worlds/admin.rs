//! Worlds with a network manager: its security admin rules as it holds them, and as Azure lists them for a network.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::{Case, GROUP, case, network};

/// The world with that number and a network manager in it.
pub(crate) fn governed(seed: u64) -> Case {
    let (mut case, mut chance) = (case(seed), Chance::new(!seed));
    case.resources.extend(managed(&mut chance));
    if chance.hits(10) {
        case.resources.remove(chance.below(case.resources.len()));
    }
    case
}

fn managed(chance: &mut Chance) -> Vec<Value> {
    let manager = format!("{GROUP}/Microsoft.Network/networkManagers/governance");
    let put = |id: &str, properties: Value| json!({ "id": id, "properties": properties });
    let mut all = vec![put(&manager, json!({ "networkManagerScopeAccesses": ["SecurityAdmin"] }))];
    let mut rules = Vec::new();
    for index in 0..2 {
        let configuration = chance.pick(&["c0", "c1"]);
        let collection = format!(
            "{manager}/securityAdminConfigurations/{configuration}/ruleCollections/k{index}"
        );
        let group = format!("{manager}/networkGroups/g{index}");
        all.push(put(&collection, json!({ "appliesToGroups": [{ "networkGroupId": group }] })));
        let member = chance.pick(&["target", "target", "source"]);
        let id = format!("{group}/staticMembers/{member}");
        all.push(put(&id, json!({ "resourceId": network(member) })));
        for number in 0..1 + chance.below(3) {
            rules.push(put(&format!("{collection}/rules/r{number}"), rule(chance)));
        }
    }
    for name in ["target", "source"] {
        if chance.hits(40) {
            let listed: Vec<&Value> = rules.iter().filter(|_| chance.hits(70)).collect();
            let id =
                format!("{}/listNetworkManagerEffectiveSecurityAdminRules/current", network(name));
            let more = chance.mostly("", 10, &["next"]);
            all.push(put(&id, json!({ "value": listed, "skipToken": more })));
        }
    }
    all.extend(rules);
    all
}

fn rule(chance: &mut Chance) -> Value {
    let prefix = |text: &str| json!([{ "addressPrefix": text, "addressPrefixType": "IPPrefix" }]);
    let from = chance.pick(&["*", "*", "*", "10.2.1.0/28", "10.2.1.4/31", "VirtualNetwork"]);
    let to = chance.pick(&["*", "*", "*", "10.1.0.0/16", "10.1.1.4/32", "Internet"]);
    let mut properties = json!({
        "access": chance.mostly("Deny", 60, &["AlwaysAllow", "Allow", "Allow", ""]),
        "direction": chance.mostly("Outbound", 40, &["Inbound"]),
        "priority": 1 + chance.below(12),
        "protocol": chance.pick(&["Tcp", "Any", "Udp"]),
        "sources": prefix(from),
        "destinations": prefix(to),
        "sourcePortRanges": ["0-65535"],
        "destinationPortRanges": [chance.pick(&["5432", "5432", "0-65535", "22"])],
    });
    if chance.hits(10) {
        let field = chance.pick(&["sources", "destinations", "sourcePortRanges", "priority"]);
        properties[field] = Value::Null;
    }
    properties
}
