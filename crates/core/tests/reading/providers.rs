//! Attributes of Terraform's providers in all their versions.

use flexway_core::estate::{Input, load};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use crate::support::{SUBSCRIPTION, input};

/// One state file of instances, each with its type and attributes.
fn state_file(instances: &[(&str, Value)]) -> Input {
    let resource = |(kind, attributes): &(&str, Value)| {
        json!({ "mode": "managed", "type": kind, "name": "x", "module": "module.m[\"a.b\"]",
            "instances": [{ "index_key": "k", "attributes": attributes }] })
    };
    let resources: Vec<Value> = instances.iter().map(resource).collect();
    input(
        "x.tfstate",
        json!({ "version": 4, "terraform_version": "1.9.0", "lineage": "l", "resources": resources }),
    )
}

#[test]
fn attributes_of_all_versions_of_the_providers_are_read() {
    let group = format!("{SUBSCRIPTION}/resourceGroups/g");
    let at = |path: &str| format!("{group}/providers/Microsoft.Network/{path}");
    let zone = at("privateDnsZones/z.example");
    let subnet = |name: &str, more: Value| {
        let mut values =
            json!({ "id": at(&format!("virtualNetworks/v/subnets/{name}")), "name": name });
        let fields = values.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        ("azurerm_subnet", values)
    };
    let rule = json!({ "properties": { "startIpAddress": "1.2.3.4", "endIpAddress": "1.2.3.4" } });
    let server = format!("{group}/providers/Microsoft.DBforPostgreSQL/servers/s");
    let kind = "Microsoft.DBforPostgreSQL/servers/firewallRules@2017-12-01";
    let loaded = load(vec![state_file(&[
        subnet(
            "old",
            json!({ "address_prefix": "10.0.0.0/24", "enforce_private_link_endpoint_network_policies": true,
            "network_security_group_id": "", "route_table_id": at("routeTables/r") }),
        ),
        subnet(
            "mid",
            json!({ "address_prefixes": ["10.0.1.0/24"], "private_endpoint_network_policies_enabled": true,
            "service_endpoints": ["Microsoft.Sql"] }),
        ),
        subnet(
            "new",
            json!({ "address_prefixes": ["10.0.2.0/24"], "private_endpoint_network_policies": "Enabled",
            "service_endpoint": [{ "service": "Microsoft.Sql" }], "network_security_group_id": at("networkSecurityGroups/n") }),
        ),
        (
            "azurerm_subnet_nat_gateway_association",
            json!({ "subnet_id": at("virtualNetworks/v/subnets/new"),
            "nat_gateway_id": at("natGateways/gw") }),
        ),
        (
            "azurerm_private_dns_zone_virtual_network_link",
            json!({ "name": "link", "private_dns_zone_id": zone,
            "virtual_network_id": at("virtualNetworks/v") }),
        ),
        (
            "azurerm_private_dns_a_record",
            json!({ "name": "a", "zone_name": "z.example", "resource_group_name": "g",
            "records": ["10.0.0.4"] }),
        ),
        (
            "azurerm_management_lock",
            json!({ "name": "lock", "scope": server, "lock_level": "ReadOnly" }),
        ),
        (
            "azapi_resource",
            json!({ "name": "one", "type": kind, "parent_id": server, "body": rule }),
        ),
        (
            "azapi_resource",
            json!({ "name": "two", "type": kind, "parent_id": server, "body": rule.to_string() }),
        ),
        ("random_password", json!({ "result": "NEVER-SHOWN" })),
    ])]);
    assert_eq!((loaded.problems, loaded.ignored_count), (vec![], 1), "the password");
    let facts = |path: &str| {
        let id = ResourceId::parse(path).expect("an id");
        let found = loaded.estate.resource(&id).unwrap_or_else(|| panic!("no {path}"));
        format!("{:?}", found.facts)
    };
    for (name, expected) in [
        ("old", "security_group: None, route_table: To("),
        ("old", "endpoint_policies: Some(\"Disabled\")"),
        ("mid", "security_group: Unreadable, route_table: Unreadable, nat_gateway: Unreadable"),
        ("mid", "service_endpoints: [\"Microsoft.Sql\"]"),
        ("mid", "endpoint_policies: Some(\"Enabled\")"),
        ("new", "route_table: Unreadable, nat_gateway: To("),
        ("new", "service_endpoints: [\"Microsoft.Sql\"]"),
    ] {
        let facts = facts(&at(&format!("virtualNetworks/v/subnets/{name}")));
        assert!(facts.contains(expected), "{name}: {facts}");
    }
    assert!(facts(&format!("{zone}/virtualNetworkLinks/link")).contains("Link(Link"));
    assert!(facts(&format!("{zone}/A/a")).contains("10.0.0.4"));
    for name in ["one", "two"] {
        assert!(
            facts(&format!("{server}/firewallRules/{name}")).contains("start: 1.2.3.4"),
            "{name}"
        );
    }
    assert!(
        facts(&format!("{server}/providers/Microsoft.Authorization/locks/lock")).contains("Lock")
    );
}
