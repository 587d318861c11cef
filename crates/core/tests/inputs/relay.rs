//! Relay hosts: how they are named, and what their interfaces and NAT gateways hide.

use flexway_core::diagnose::{self, Copier, Question};
use flexway_core::estate::endpoint::Interface;
use flexway_core::estate::load;
use flexway_core::id::ResourceId;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use crate::support::{self, SUBSCRIPTION, input};

#[test]
fn a_relay_host_is_found_by_machine_or_interface() {
    let group = format!("{}/resourceGroups/rg/providers", SUBSCRIPTION);
    let machine = format!("{group}/Microsoft.Compute/virtualMachines/relay");
    let nic = |name: &str, primary: bool| {
        json!({ "id": format!("{group}/Microsoft.Network/networkInterfaces/{name}"),
            "properties": { "primary": primary, "virtualMachine": { "id": machine },
                "ipConfigurations": [] } })
    };
    let estate = support::estate(&[nic("front", true), nic("back", false)]);
    let found = |text: &str| estate.find_host(text).map(|id| id.name().to_owned());
    assert_eq!(found("relay"), Ok("front".to_owned()), "the machine's first interface");
    assert_eq!(found(&machine), Ok("front".to_owned()));
    assert_eq!(found("BACK"), Ok("back".to_owned()));
    assert!(found("other").is_err_and(|why| why.starts_with("no network interface")));
    let two = support::estate(&[nic("one", false), nic("two", false)]);
    assert!(two.find_host("relay").is_err_and(|why| why.starts_with("several")));
    let none = support::estate(&support::fixture("injected-source"));
    assert!(none.find_host("relay").is_err_and(|why| why.contains("holds no network interface")));
}

#[test]
fn a_public_address_is_read_as_older_clients_spell_it() {
    let group = format!("{}/resourceGroups/rg/providers/Microsoft.Network", SUBSCRIPTION);
    let interface = format!("{group}/networkInterfaces/relay");
    let public = format!("{group}/publicIPAddresses/relay-ip");
    let estate =
        support::estate(&[json!({ "id": interface, "name": "relay", "ipConfigurations": [
        { "id": format!("{interface}/ipConfigurations/ip"), "name": "ip",
            "privateIpAddress": "10.20.2.4", "publicIpAddress": { "id": public } }] })]);
    let (_, facts) = estate.all::<Interface>().next().expect("the interface");
    assert_eq!(facts.public_address.to(), ResourceId::parse(&public).as_ref());
    assert_eq!(facts.addresses.len(), 1);
}

#[test]
fn what_a_relay_host_hides_is_not_taken_for_nothing() {
    let part = |of: &str, field: &str, value: Value| {
        let mut resources = support::fixture("public-source");
        let net = format!("{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network");
        let mut bodies = [
            json!({ "privateIPAddress": "10.20.2.4",
                "subnet": { "id": format!("{net}/virtualNetworks/target-net/subnets/apps") } }),
            json!({ "publicIpAddresses": [{ "id": format!("{net}/publicIPAddresses/nat-ip") }] }),
        ];
        bodies[usize::from(of == "nat")][field] = value;
        let [interface, nat] = bodies;
        let nat_id = format!("{net}/natGateways/nat");
        support::edit(&mut resources, "set subnets/apps /properties/defaultOutboundAccess false");
        if of == "nat" {
            let bound = json!({ "id": nat_id });
            support::edit(
                &mut resources,
                &format!("set subnets/apps /properties/natGateway {bound}"),
            );
        }
        for end in ["start", "end"] {
            let place = format!("set firewallRules/office /properties/{end}IpAddress");
            support::edit(&mut resources, &format!("{place} \"20.1.2.3\""));
        }
        resources.extend([
            json!({ "id": format!("{net}/networkInterfaces/relay"),
                "properties": { "ipConfigurations": [{ "name": "ip", "properties": interface }] } }),
            json!({ "id": format!("{net}/publicIPAddresses/nat-ip"),
                "properties": { "ipAddress": "20.1.2.3" } }),
            json!({ "id": nat_id, "properties": nat }),
        ]);
        let estate = load(vec![input("estate", json!(resources))]).estate;
        let copier = Copier::Host(estate.find_host("relay").expect("a host"));
        diagnose::check(&estate, &Question { copier, ..support::question(&estate) }).verdict
    };
    let unknown = json!("[reference('anything').at.all]");
    let plain = json!([]);
    assert_eq!(part("nat", "other", plain.clone()), Verdict::Reachable);
    assert_eq!(part("interface", "other", plain), Verdict::Unreachable, "no way out");
    for (of, field) in [
        ("nat", "publicIpAddresses"),
        ("nat", "publicIpPrefixes"),
        ("interface", "loadBalancerBackendAddressPools"),
        ("interface", "publicIPAddress"),
    ] {
        assert_eq!(part(of, field, unknown.clone()), Verdict::Undetermined, "{of}: {field}");
    }
    let listed = json!([{ "id": "[reference('anything').id]" }]);
    assert_eq!(part("nat", "publicIpAddresses", listed), Verdict::Undetermined);
}
