//! The translation alone, as text: it needs no rights.

use flexway_lab::twin::blueprint;
use serde_json::json;

use crate::fixture::{estate, named, resources};

#[test]
fn an_estate_becomes_commands_rules_and_zones() {
    let mut all = resources("private-source");
    let group = named(&mut all, "/networkSecurityGroups/target-nsg");
    group["properties"]["securityRules"] = json!([{ "name": "keep-out", "properties": { "priority": 110,
        "direction": "Outbound", "access": "Deny", "protocol": "*", "sourceAddressPrefix": "10.20.1.0/28",
        "sourcePortRange": "*", "destinationAddressPrefix": "10.10.0.0/16", "destinationPortRanges": ["5432", "6000-6010"] } }]);
    let estate = estate(&all);
    let plan = blueprint(&estate, None).expect("a small estate");
    assert_eq!(plan, blueprint(&estate, None).expect("a small estate"), "the same for ever");
    let router = plan.namespaces.iter().find(|one| one.name == "r1").expect("the target's router");
    for line in [
        "route replace throw 10.20.0.0/16 metric 20 table 1000",
        "route replace 10.10.0.0/16 via 169.254.1.1 dev p0 onlink metric 20 table 1000",
        "route replace 10.10.1.4/32 via 169.254.1.1 dev p0 onlink metric 20 table 1000",
        "route replace blackhole 10.0.0.0/8 metric 30 table 1000",
    ] {
        assert!(
            router.commands.iter().any(|known| known == line),
            "{line} of {:#?}",
            router.commands
        );
    }
    let rule = "meta l4proto { tcp, udp } ip saddr { 10.20.1.0/28 } ip daddr { 10.10.0.0/16 } th dport { 5432, 6000-6010 } counter name";
    let line = router.filter.lines().find(|line| line.starts_with(rule)).expect("the rule");
    let counter = line.trim_start_matches(rule).split_whitespace().next().expect("a counter");
    let gate = &plan.gates[counter];
    assert_eq!((gate.name.as_str(), gate.drops), ("keep-out", true));
    assert_eq!(gate.pointer, "/properties/securityRules/0");
    let resolver = router.resolver.as_ref().expect("a DNS server");
    let zone = |name: &str| resolver.zones.iter().find(|zone| zone.name == name).expect("a zone");
    let suffix = "postgres.database.azure.com";
    let alias = format!("old-db.{suffix}. 0 IN CNAME old-db.privatelink.{suffix}.");
    assert!(zone("").records.contains(&alias), "{:?}", zone("").records);
    let record = format!("old-db.privatelink.{suffix}. 0 IN A 10.10.1.4");
    assert!(zone(&format!("privatelink.{suffix}")).records.contains(&record));
}

#[test]
fn what_a_twin_does_not_show_is_named() {
    let mut all = resources("private-source");
    assert_eq!(blueprint(&estate(&all), None).expect("a small estate").notes, Vec::<String>::new());
    let id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-target/providers/Microsoft.Network/loadBalancers/lb";
    all.push(json!({ "id": id, "type": "Microsoft.Network/loadBalancers", "properties": { "frontendIPConfigurations": [] } }));
    let notes = blueprint(&estate(&all), None).expect("a small estate").notes;
    assert_eq!(notes, ["1 x load balancer: nobody answers at their addresses"]);
}
