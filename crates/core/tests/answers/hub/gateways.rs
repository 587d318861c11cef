//! The gateway of a hub beside its firewall: whose routes are longer, and what lies beyond.

use flexway_core::diagnose::{self, Question, Source};
use flexway_core::second::Verdict::{Reachable, Undetermined};
use serde_json::{Value, json};

use super::{NET, all_say, classic, hub, rule, set_rules, table};
use crate::support;

/// A gateway of the hub that the copier's network uses, with a connection to what lies behind a prefix.
fn gateway(beyond: Option<&str>, is_learning: bool) -> String {
    let hub = format!("{NET}/virtualNetworks/hub");
    let add = |id: &str, properties: Value| {
        format!("add {}", json!({ "id": id, "properties": properties }))
    };
    let seat = json!({ "id": format!("{hub}/subnets/GatewaySubnet") });
    let place = json!([{ "name": "ip", "properties": { "subnet": seat } }]);
    let kind = if is_learning { "ExpressRoute" } else { "Vpn" };
    let mut lines = vec![
        add(&format!("{hub}/subnets/GatewaySubnet"), json!({ "addressPrefix": "10.30.255.0/27" })),
        add(
            &format!("{NET}/virtualNetworkGateways/gateway"),
            json!({ "gatewayType": kind, "enableBgp": false, "ipConfigurations": place }),
        ),
        "set target-net/virtualNetworkPeerings/to-hub /properties/useRemoteGateways true"
            .to_owned(),
        "set hub/virtualNetworkPeerings/to-target-net /properties/allowGatewayTransit true"
            .to_owned(),
    ];
    if let Some(beyond) = beyond {
        let local = format!("{NET}/localNetworkGateways/office");
        lines.push(add(
            &local,
            json!({ "localNetworkAddressSpace": { "addressPrefixes": [beyond] } }),
        ));
        lines.push(add(
            &format!("{NET}/connections/line"),
            json!({ "connectionType": "IPsec", "enableBgp": false, "connectionStatus": "Connected",
                "virtualNetworkGateway1": { "id": format!("{NET}/virtualNetworkGateways/gateway") },
                "localNetworkGateway2": { "id": local } }),
        ));
    }
    lines.join("\n")
}

/// Routes of gateways may be longer than the one to the firewall.
#[test]
fn gateways_may_have_the_packets_instead() {
    let led = |prefix: &str| {
        let table = table(prefix, "VirtualAppliance", Some("10.30.1.4"));
        format!("set routeTables/target-net-table /properties {table}")
    };
    let with = |prefix: &str, gateway: String| format!("{gateway}\n{}", led(prefix));
    all_say(&[
        ("elsewhere", Reachable, with("10.10.0.0/16", gateway(Some("192.168.0.0/16"), false))),
        ("longer", Undetermined, with("10.10.0.0/16", gateway(Some("10.10.2.0/24"), false))),
        ("learned", Reachable, with("10.10.0.0/16", gateway(None, true))),
        ("learned, and a default route", Undetermined, with("0.0.0.0/0", gateway(None, true))),
    ]);
}

/// An office beyond the hub's gateway is reached through the firewall, as far as Azure goes; its answers have to find the firewall, too.
#[test]
fn what_lies_beyond_the_firewalls_network_comes_back_through_the_firewall() {
    let route = |hop: &str, address| table("10.20.0.0/16", hop, address);
    let at_gateway = |properties: Value| {
        let id = format!("{NET}/routeTables/at-gateway");
        let subnet = "set hub/subnets/GatewaySubnet /properties/routeTable";
        format!(
            "add {}\n{subnet} {}",
            json!({ "id": id, "properties": properties }),
            json!({ "id": id })
        )
    };
    let takes_none =
        "set target-net/virtualNetworkPeerings/to-hub /properties/allowForwardedTraffic false";
    let back = at_gateway(route("VirtualAppliance", Some("10.30.1.4")));
    for (name, edit, cause) in [
        ("as it should be", back.clone(), None),
        ("no route back", String::new(), Some("route/return-asymmetric")),
        ("dropped", at_gateway(route("None", None)), Some("route/return-asymmetric")),
        ("not taken", format!("{back}\n{takes_none}"), Some("peering/forwarded-traffic-off")),
    ] {
        let mut all = hub();
        let led = table("192.168.0.0/16", "VirtualAppliance", Some("10.30.1.4"));
        let every = json!([classic("all", 100, "Allow", &[rule("*", "*")])]);
        let edits = [
            gateway(Some("192.168.0.0/16"), false),
            format!("set routeTables/target-net-table /properties {led}"),
            set_rules(every),
            edit,
        ];
        edits.join("\n").lines().for_each(|line| support::edit(&mut all, line));
        let estate = super::estate(&all);
        let question = Question {
            source: Source::Host("192.168.1.5".to_owned()),
            ..support::question(&estate)
        };
        let report = diagnose::check(&estate, &question);
        let causes: Vec<&str> = report.causes().map(|one| one.fault).collect();
        assert_eq!(causes, cause.into_iter().collect::<Vec<_>>(), "{name}");
        let open: Vec<&str> = report.missing.iter().map(|one| one.what.as_str()).collect();
        assert!(open.iter().all(|what| what.contains("pg_hba.conf")), "{name}: {open:?}");
    }
}
