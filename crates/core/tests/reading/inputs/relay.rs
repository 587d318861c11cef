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

/// A relay host behind a load balancer whose rules are resources of their own: the same as where Azure lists them.
#[test]
fn rules_of_load_balancers_count_where_terraform_declares_them() {
    let net = format!("{SUBSCRIPTION}/resourceGroups/rg-target/providers/Microsoft.Network");
    let balancer = format!("{net}/loadBalancers/relays");
    let pool = format!("{balancer}/backendAddressPools/all");
    let interface = format!("{net}/networkInterfaces/relay-1");
    let public = format!("{net}/publicIPAddresses/front");
    let subnet = format!("{net}/virtualNetworks/target-net/subnets/apps");
    let parts = [
        (
            "azurerm_lb",
            json!({ "id": balancer, "name": "relays", "sku": "Standard", "location": "westeurope",
            "frontend_ip_configuration": [{ "name": "front", "public_ip_address_id": public }] }),
        ),
        ("azurerm_public_ip", json!({ "id": public, "name": "front", "ip_address": "20.1.2.3" })),
        (
            "azurerm_lb_backend_address_pool",
            json!({ "id": pool, "name": "all", "loadbalancer_id": balancer,
            "backend_ip_configurations": [] }),
        ),
        (
            "azurerm_network_interface",
            json!({ "id": interface, "name": "relay-1", "location": "westeurope",
            "ip_configuration": [{ "name": "ip", "private_ip_address": "10.20.2.4", "primary": true, "subnet_id": subnet }] }),
        ),
        (
            "azurerm_network_interface_backend_address_pool_association",
            json!({ "network_interface_id": interface,
            "ip_configuration_name": "ip", "backend_address_pool_id": pool }),
        ),
        (
            "azurerm_network_interface_application_security_group_association",
            json!({ "network_interface_id": interface,
                "application_security_group_id": format!("{net}/applicationSecurityGroups/relays") }),
        ),
        (
            "azurerm_lb_outbound_rule",
            json!({ "id": format!("{balancer}/outboundRules/out"), "name": "out", "protocol": "All",
            "loadbalancer_id": balancer, "backend_address_pool_id": pool,
            "frontend_ip_configuration": [{ "name": "front" }] }),
        ),
    ];
    let instances = |count: usize| -> Vec<Value> {
        let listed = parts[..count].iter();
        let instance = |(kind, values): &(&str, Value)| {
            json!({ "address": format!("{kind}.x"), "mode": "managed", "type": kind, "name": "x",
                "values": values })
        };
        listed.map(instance).collect()
    };
    let verdict = |count: usize, allowed: &str| {
        let mut resources = support::fixture("public-source");
        for end in ["start", "end"] {
            let place = format!("set firewallRules/office /properties/{end}IpAddress");
            support::edit(&mut resources, &format!("{place} \"{allowed}\""));
        }
        support::edit(&mut resources, "delete virtualNetworkRules/target");
        let state = json!({ "format_version": "1.0", "terraform_version": "1.9.0",
            "values": { "root_module": { "resources": instances(count) } } });
        let loaded = load(vec![input("estate", json!(resources)), input("state.json", state)]);
        assert_eq!(loaded.problems, vec![]);
        let copier = Copier::Host(loaded.estate.find_host("relay-1").expect("a host"));
        let question = Question { copier, ..support::question(&loaded.estate) };
        diagnose::check(&loaded.estate, &question).verdict
    };
    assert_eq!(verdict(parts.len(), "20.1.2.3"), Verdict::Reachable);
    assert_eq!(verdict(parts.len(), "20.1.2.4"), Verdict::Unreachable);
    assert_eq!(verdict(parts.len() - 1, "20.1.2.3"), Verdict::Undetermined, "no rule is known");
}
