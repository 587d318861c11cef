//! Azure Firewalls, their policies and rules of Terraform as ARM bodies.

use serde_json::{Value, json};

use super::fields::{Fields, body, object, switched};
use super::surroundings::frontend;

pub(super) fn firewall(fields: &Fields) -> Value {
    let management = fields.list("management_ip_configuration", frontend);
    let management = management.and_then(|list| match list {
        Value::Array(mut items) => (!items.is_empty()).then(|| items.swap_remove(0)),
        unresolved => Some(unresolved),
    });
    let left = fields.told("private_ip_ranges").filter(|list| *list != json!([]));
    let joined = |ranges: Value| match ranges {
        Value::Array(items) => {
            json!(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        unresolved => unresolved,
    };
    body(
        fields,
        [
            ("ipConfigurations", fields.list("ip_configuration", frontend)),
            ("managementIpConfiguration", management),
            ("firewallPolicy", fields.reference("firewall_policy_id")),
            (
                "additionalProperties",
                left.map(|ranges| json!({ "Network.SNAT.PrivateRanges": joined(ranges) })),
            ),
        ],
    )
}

pub(super) fn policy(fields: &Fields) -> Value {
    let learns = fields.told("auto_learn_private_ranges_enabled").map(switched);
    let snat = object([
        // None are the usual ones.
        ("privateRanges", fields.told("private_ip_ranges").filter(|list| *list != json!([]))),
        ("autoLearnPrivateRanges", learns),
    ]);
    // A policy that is yet to be made has the groups that are made with it.
    let groups = match fields.is_new {
        true => Some(json!([])),
        false => {
            fields.told("rule_collection_groups").map(|list| each(list, |id| json!({ "id": id })))
        }
    };
    body(
        fields,
        [
            ("basePolicy", fields.reference("base_policy_id")),
            ("ruleCollectionGroups", groups),
            ("snat", Some(snat)),
        ],
    )
}

pub(super) fn ip_group(fields: &Fields) -> Value {
    body(fields, [("ipAddresses", fields.told("cidrs"))])
}

pub(super) fn group(fields: &Fields) -> Value {
    let collections = match fields.list("network_rule_collection", collection) {
        // A group may hold none of them.
        None if fields.is_new || fields.values.get("network_rule_collection").is_some() => {
            Some(json!([]))
        }
        told => told,
    };
    body(fields, [("priority", fields.get("priority")), ("ruleCollections", collections)])
}

fn collection(fields: Fields) -> Value {
    let action = fields.get("action").map(|word| json!({ "type": word }));
    object([
        ("ruleCollectionType", Some(json!("FirewallPolicyFilterRuleCollection"))),
        ("name", fields.get("name")),
        ("priority", fields.get("priority")),
        ("action", action),
        ("rules", fields.list("rule", rule)),
    ])
}

fn rule(fields: Fields) -> Value {
    object([
        ("ruleType", Some(json!("NetworkRule"))),
        ("name", fields.get("name")),
        ("ipProtocols", fields.get("protocols")),
        ("sourceAddresses", fields.get("source_addresses")),
        ("sourceIpGroups", fields.get("source_ip_groups")),
        ("destinationAddresses", fields.get("destination_addresses")),
        ("destinationIpGroups", fields.get("destination_ip_groups")),
        ("destinationFqdns", fields.get("destination_fqdns")),
        ("destinationPorts", fields.get("destination_ports")),
    ])
}

/// The elements of a list, each turned into something else.
fn each(list: Value, turn: impl Fn(Value) -> Value) -> Value {
    match list {
        Value::Array(items) => items.into_iter().map(turn).collect(),
        unresolved => unresolved,
    }
}
