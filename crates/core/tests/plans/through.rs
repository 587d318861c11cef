//! A route to an Azure Firewall is priced by what the firewall's rules let pass, in both readings.

use std::net::Ipv4Addr;

use flexway_core::change::exposure::count;
use flexway_core::change::route;
use flexway_core::estate::network::RouteTable;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{Bounds, World, certify};
use serde_json::{Value, json};

use crate::support;

/// Senders of the subnet that the route is bound to.
const SENDERS: u128 = 16;

/// Receivers, where everything counts that the route catches.
const CAUGHT: u128 = 1 << 24;

const PORTS: u128 = 1 << 16;

/// Addresses of a tag.
const TAG: u128 = 1 << 24;

/// A rule of the firewall beside the one that lets 16 receivers be reached on PostgreSQL's port.
fn rule(fields: Value) -> Option<Value> {
    let mut rule = json!({ "ruleType": "NetworkRule", "name": "more", "ipProtocols": ["TCP"],
        "sourceAddresses": ["10.20.0.0/16"], "sourceIpGroups": [], "destinationAddresses": [],
        "destinationIpGroups": [], "destinationFqdns": [], "destinationPorts": ["5432"] });
    for (name, value) in fields.as_object().expect("fields") {
        rule[name] = value.clone();
    }
    Some(rule)
}

#[test]
fn a_route_to_a_firewall_lets_through_what_its_rules_do() {
    let needed = SENDERS * 16;
    let to = |address: &str| json!([address]);
    let group = format!(
        "{}/resourceGroups/rg-hub/providers/Microsoft.Network/ipGroups/none",
        support::SUBSCRIPTION
    );
    for (prefix, more, expected) in [
        ("10.0.0.0/8", None, needed),
        ("10.10.2.0/30", None, SENDERS * 4),
        ("10.99.0.0/16", None, 0),
        (
            // What several rules let pass counts once.
            "10.0.0.0/8",
            rule(json!({ "destinationAddresses": to("10.10.2.0/29"),
                "destinationPorts": ["5000-5432"] })),
            needed + SENDERS * 8 * 432,
        ),
        (
            "10.0.0.0/8",
            rule(json!({ "destinationAddresses": to("10.10.9.9"), "destinationPorts": ["*"] })),
            needed + SENDERS * PORTS,
        ),
        (
            "10.0.0.0/8",
            rule(json!({ "destinationAddresses": to("*"), "ipProtocols": ["UDP"] })),
            needed,
        ),
        // Names and groups that nobody captured may stand for any address, tags for public ones.
        ("10.0.0.0/8", rule(json!({ "destinationFqdns": ["db.example.com"] })), SENDERS * CAUGHT),
        ("10.0.0.0/8", rule(json!({ "destinationIpGroups": [group] })), SENDERS * CAUGHT),
        ("10.0.0.0/8", rule(json!({ "destinationAddresses": to("Storage") })), needed),
        (
            "0.0.0.0/0",
            rule(json!({ "destinationAddresses": to("Storage") })),
            needed + SENDERS * TAG,
        ),
    ] {
        let mut resources = support::fixture("hub-source");
        let mut edit = |at: &str, value: &Value| {
            support::edit(&mut resources, &format!("set {at} {value}"));
        };
        let table = "rg-target/providers/Microsoft.Network/routeTables/to-hub";
        let route = format!("{table} /properties/routes/0/properties");
        edit(&format!("{route}/addressPrefix"), &json!(prefix));
        edit(&format!("{route}/nextHopIpAddress"), &json!("10.30.1.5"));
        if let Some(more) = &more {
            let own = rule(json!({ "sourceAddresses": ["10.20.1.0/28"],
                "destinationAddresses": ["10.10.2.0/28"] }));
            let rules = "ruleCollectionGroups/network /properties/ruleCollections/0/rules";
            edit(rules, &json!([own, more]));
        }
        let estate = support::estate(&resources);
        let mut tables = estate.all::<RouteTable>().map(|(id, _)| id);
        let table = tables.find(|id| id.key().contains("rg-target")).expect("a table");
        let address = Ipv4Addr::new(10, 30, 1, 4);
        let change = route::set_next_hop(&estate, table, "firewall", address).expect("a change");
        let flows = change.exposure.iter().flat_map(|one| &one.flows);
        assert_eq!(count(flows), expected, "{prefix} {more:?}");
        let question = support::question(&estate);
        let plan = plan::plan(&estate, &question, &Policy::default()).to_json();
        let world = World::of(estate.ids().filter_map(|id| Some((id, estate.body(id)?))));
        let certified = certify(&world, &plan, Bounds::of(&world)).expect("a plan");
        assert_eq!(certified.holds(), Some(true), "{prefix} {more:?}: {certified:#?}");
    }
}
