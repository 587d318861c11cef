//! Who is in which list: Terraform writes memberships as resources of their own.

use flexway_core::estate::endpoint::Interface;
use flexway_core::estate::gateway::{LoadBalancer, NatGateway};
use flexway_core::estate::{Estate, Input, load, overlay};
use flexway_core::id::ResourceId;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::plan;
use super::support::{self, SUBSCRIPTION, causes, check, input};

/// A resource of a group, as Azure names it.
fn resource(kind: &str, name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg-target/providers/{kind}/{name}")
}

fn interface_of(estate: &Estate) -> &Interface {
    let id = resource("Microsoft.Network/networkInterfaces", "relay");
    estate.get(&ResourceId::parse(&id).expect("an id")).expect("the interface")
}

fn names(ids: &[ResourceId]) -> Vec<&str> {
    ids.iter().map(ResourceId::name).collect()
}

/// Attributes of the relay host's interface.
fn relay_values() -> Value {
    let subnet = resource("Microsoft.Network/virtualNetworks", "target-net/subnets/apps");
    json!({ "id": resource("Microsoft.Network/networkInterfaces", "relay"), "name": "relay",
        "ip_configuration": [{ "name": "ip", "private_ip_address": "10.20.2.4", "primary": true, "subnet_id": subnet }] })
}

/// The association of the interface with an application security group.
fn in_group(name: &str) -> Value {
    json!({ "network_interface_id": resource("Microsoft.Network/networkInterfaces", "relay"),
        "application_security_group_id": resource("Microsoft.Network/applicationSecurityGroups", name) })
}

const IN_GROUP: &str = "azurerm_network_interface_application_security_group_association";

#[test]
fn who_is_in_which_list_is_read_from_a_state() {
    let net = "Microsoft.Network";
    let pool = resource(&format!("{net}/loadBalancers"), "lb/backendAddressPools/pool");
    let interface = resource(&format!("{net}/networkInterfaces"), "relay");
    let nat = resource(&format!("{net}/natGateways"), "nat");
    let in_pool = json!({ "network_interface_id": interface, "ip_configuration_name": "ip", "backend_address_pool_id": pool });
    let machine = json!({ "id": resource("Microsoft.Compute/virtualMachines", "host"), "name": "host",
        "network_interface_ids": [interface] });
    let gateway = json!({ "id": nat, "name": "nat" });
    let has_address = json!({ "nat_gateway_id": nat,
        "public_ip_address_id": resource(&format!("{net}/publicIPAddresses"), "out") });
    let has_prefix = json!({ "nat_gateway_id": nat,
        "public_ip_prefix_id": resource(&format!("{net}/publicIPPrefixes"), "many") });
    let all = [
        ("azurerm_network_interface", relay_values()),
        (IN_GROUP, in_group("relays")),
        ("azurerm_network_interface_backend_address_pool_association", in_pool),
        ("azurerm_linux_virtual_machine", machine),
        ("azurerm_nat_gateway", gateway),
        ("azurerm_nat_gateway_public_ip_association", has_address),
        ("azurerm_nat_gateway_public_ip_prefix_association", has_prefix),
    ];
    let estate = |count: usize| {
        let listed = all[..count].iter().map(|(kind, values)| {
            json!({ "address": format!("{kind}.x"), "mode": "managed", "type": kind, "name": "x", "values": values })
        });
        let listed: Vec<Value> = listed.collect();
        let state = json!({ "format_version": "1.0", "terraform_version": "1.9.0",
            "values": { "root_module": { "resources": listed } } });
        let loaded = load(vec![input("state.json", state)]);
        assert_eq!(loaded.problems, vec![]);
        loaded.estate
    };
    let alone = estate(1);
    let alone = interface_of(&alone);
    assert!(
        alone.hides_groups && alone.pools.is_none(),
        "others may have put it somewhere: {alone:?}"
    );
    let whole = estate(4);
    let found = interface_of(&whole);
    assert!(
        !found.hides_groups && found.pools.as_ref().is_some_and(|all| !all.is_empty()),
        "{found:?}"
    );
    assert_eq!(names(&found.groups), ["relays"]);
    assert_eq!(found.machine.as_ref().map(ResourceId::name), Some("host"));
    assert_eq!(whole.find_host("host").map(|id| id.name().to_owned()), Ok("relay".to_owned()));
    let id = ResourceId::parse(&nat).expect("an id");
    let addresses = |count: usize| {
        let estate = estate(count);
        let gateway = estate.get::<NatGateway>(&id).expect("the gateway");
        gateway.addresses.as_deref().map(|all| names(all).join(","))
    };
    assert_eq!(addresses(6).as_deref(), Some("out"));
    assert_eq!(addresses(7).as_deref(), Some("out,many"));
}

#[test]
fn a_plan_adds_to_lists_and_takes_from_them() {
    let group = resource("Microsoft.Network/applicationSecurityGroups", "relays");
    let mut resources = support::fixture("public-source");
    let subnet = resource("Microsoft.Network/virtualNetworks", "target-net/subnets/apps");
    resources.push(json!({ "id": resource("Microsoft.Network/networkInterfaces", "relay"),
        "properties": { "ipConfigurations": [{ "name": "ip", "properties": { "privateIPAddress": "10.20.2.4",
            "subnet": { "id": subnet }, "applicationSecurityGroups": [{ "id": group }] } }] } }));
    let estate = support::estate(&resources);
    let after = |plan: Input| overlay(&estate, plan).estate;
    // The interface's own attributes do not tell its groups: those that were captured stay.
    let mut changed = relay_values();
    changed["enable_ip_forwarding"] = json!(true);
    let kind = "azurerm_network_interface";
    let own = plan(kind, json!(["update"]), relay_values(), changed, json!({}));
    let found = after(own);
    assert_eq!(names(&interface_of(&found).groups), ["relays"]);
    assert_eq!(interface_of(&found).forwards, Some(true));
    let made = plan(IN_GROUP, json!(["create"]), json!(null), in_group("others"), json!({}));
    assert_eq!(names(&interface_of(&after(made)).groups), ["relays", "others"]);
    let ended = plan(IN_GROUP, json!(["delete"]), in_group("relays"), json!(null), json!({}));
    let found = after(ended);
    assert!(interface_of(&found).groups.is_empty() && !interface_of(&found).hides_groups);
    // A group that gets its id by the plan: one is there that nobody knows.
    let unknown = json!({ "application_security_group_id": true });
    let mut nameless = in_group("others");
    nameless.as_object_mut().expect("fields").remove("application_security_group_id");
    let made = plan(IN_GROUP, json!(["create"]), json!(null), nameless, unknown);
    assert!(interface_of(&after(made)).hides_groups);
    // An interface that is to be is not known to be anywhere: that is said.
    let homeless = json!({ "application_security_group_id": group });
    let unknown = json!({ "network_interface_id": true });
    let result =
        overlay(&estate, plan(IN_GROUP, json!(["create"]), json!(null), homeless, unknown));
    assert!(result.problems.iter().any(|one| one.message.contains("applicationSecurityGroups")));
}

#[test]
fn rules_of_a_load_balancer_are_read_from_a_state() {
    let net = "Microsoft.Network";
    let balancer = resource(&format!("{net}/loadBalancers"), "lb");
    let pool = format!("{balancer}/backendAddressPools/pool");
    let nat = format!("{balancer}/inboundNatRules/single");
    let interface = resource(&format!("{net}/networkInterfaces"), "relay");
    let joined = |attribute: &str, id: &str| json!({ "network_interface_id": interface, "ip_configuration_name": "ip", attribute: id });
    let rule = json!({ "id": format!("{balancer}/loadBalancingRules/pg"), "name": "pg", "protocol": "Tcp",
        "loadbalancer_id": balancer, "frontend_ip_configuration_name": "front", "frontend_port": 5432,
        "backend_port": 6000, "backend_address_pool_ids": [pool], "floating_ip_enabled": false,
        "disable_outbound_snat": true });
    let single = json!({ "id": nat, "name": "single", "protocol": "Tcp", "loadbalancer_id": balancer,
        "frontend_ip_configuration_name": "front", "frontend_port": 5433, "backend_port": 5432 });
    let all = [
        (
            "azurerm_lb",
            json!({ "id": balancer, "name": "lb", "sku": "Standard",
            "frontend_ip_configuration": [{ "name": "front", "private_ip_address": "10.20.3.9" }] }),
        ),
        (
            "azurerm_lb_backend_address_pool",
            json!({ "id": pool, "name": "pool", "loadbalancer_id": balancer,
            "backend_ip_configurations": [] }),
        ),
        ("azurerm_lb_rule", rule),
        ("azurerm_lb_nat_rule", single),
        (
            "azurerm_network_interface_backend_address_pool_association",
            joined("backend_address_pool_id", &pool),
        ),
        ("azurerm_network_interface_nat_rule_association", joined("nat_rule_id", &nat)),
    ];
    let listed = all.map(|(kind, values)| {
        json!({ "address": format!("{kind}.x"), "mode": "managed", "type": kind, "name": "x", "values": values })
    });
    let state = json!({ "format_version": "1.0", "terraform_version": "1.9.0",
        "values": { "root_module": { "resources": listed } } });
    let estate = load(vec![input("state.json", state)]).estate;
    let id = ResourceId::parse(&balancer).expect("an id");
    let facts = estate.get::<LoadBalancer>(&id).expect("the balancer");
    let front = facts.frontends.first().and_then(|one| one.id.clone()).expect("a frontend");
    let [rule] = facts.rules.as_deref().expect("rules") else { panic!("{facts:?}") };
    assert_eq!((&rule.frontend, &rule.to), (&Some(front.clone()), &ResourceId::parse(&pool)));
    assert_eq!(
        (rule.is_tcp, rule.ports, rule.port_inside),
        (Some(true), Some((5432, 5432)), Some(6000))
    );
    assert_eq!((rule.floats, rule.translates), (Some(false), false));
    let [single] = facts.nat_rules.as_slice() else { panic!("{facts:?}") };
    let configuration = ResourceId::parse(&format!("{interface}/ipConfigurations/ip"));
    assert_eq!((&single.frontend, &single.to), (&Some(front), &configuration));
    assert_eq!(
        facts.pools,
        [(ResourceId::parse(&pool).expect("an id"), Some(vec![configuration.expect("an id")]))]
    );
    assert!(facts.has_all_rules);
}

#[test]
fn a_group_that_an_inline_subnet_loses_no_longer_acts() {
    let rule = json!({ "name": "shut", "properties": { "access": "Deny", "direction": "Outbound", "priority": 100, "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" } });
    let mut resources = support::fixture("private-source");
    let edit = format!("set target-nsg /properties/securityRules [{rule}]");
    support::edit(&mut resources, &edit);
    let estate = support::estate(&resources);
    assert_eq!(causes(&check(&estate)), ["filter/outbound-denied"]);
    let vnet = |group: &str| {
        json!({ "name": "target-net", "resource_group_name": "rg-target", "address_space": ["10.20.0.0/16"],
            "subnet": [{ "name": "postgres", "address_prefixes": ["10.20.1.0/28"], "security_group": group }] })
    };
    let (before, after) = (vnet(&super::target_nsg()), vnet(""));
    let plan = super::plan("azurerm_virtual_network", json!(["update"]), before, after, json!({}));
    assert_eq!(check(&overlay(&estate, plan).estate).verdict, Verdict::Reachable);
}
