//! What Terraform says of gateways, resolvers, hubs, firewalls and network managers is what ARM says of them.

use flexway_core::estate::{Facts, load};
use flexway_core::id::ResourceId;
use serde_json::{Value, json};

use crate::support::{SUBSCRIPTION, input};

fn place(kind: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/{kind}")
}

/// A Terraform type, its attributes, the ARM id of the instance, and the properties that say the same.
type Twin = (&'static str, Value, String, Value);

fn gateways() -> Vec<Twin> {
    let subnet = place("virtualNetworks/hub/subnets/GatewaySubnet");
    let [gateway, local, ip] =
        ["virtualNetworkGateways/vpn", "localNetworkGateways/office", "publicIPAddresses/ip"]
            .map(place);
    let reference = |id: &str| json!({ "id": id });
    vec![
        (
            "azurerm_virtual_network_gateway",
            json!({ "type": "Vpn", "vpn_type": "RouteBased", "bgp_enabled": false,
                "ip_configuration": [{ "name": "a", "subnet_id": subnet, "public_ip_address_id": ip }] }),
            gateway.clone(),
            json!({ "gatewayType": "Vpn", "vpnType": "RouteBased", "enableBgp": false,
                "ipConfigurations": [{ "name": "a", "properties": { "subnet": reference(&subnet) } }] }),
        ),
        (
            "azurerm_local_network_gateway",
            json!({ "address_space": ["192.168.0.0/17"], "gateway_address": "198.51.100.7" }),
            local.clone(),
            json!({ "localNetworkAddressSpace": { "addressPrefixes": ["192.168.0.0/17"] } }),
        ),
        (
            "azurerm_virtual_network_gateway_connection",
            json!({ "type": "IPsec", "enable_bgp": false, "virtual_network_gateway_id": gateway,
                "local_network_gateway_id": local }),
            place("connections/line"),
            json!({ "connectionType": "IPsec", "enableBgp": false, "localNetworkGateway2": reference(&local),
                "virtualNetworkGateway1": reference(&gateway) }),
        ),
        (
            "azurerm_virtual_hub_connection",
            json!({ "virtual_hub_id": place("virtualHubs/wan"),
                "remote_virtual_network_id": place("virtualNetworks/spoke") }),
            place("virtualHubs/wan/hubVirtualNetworkConnections/spoke"),
            json!({ "remoteVirtualNetwork": reference(&place("virtualNetworks/spoke")) }),
        ),
        (
            "azurerm_public_ip_prefix",
            json!({ "ip_prefix": "52.1.2.0/28", "prefix_length": 28 }),
            place("publicIPPrefixes/out"),
            json!({ "ipPrefix": "52.1.2.0/28" }),
        ),
    ]
}

fn resolvers() -> Vec<Twin> {
    let subnet = place("virtualNetworks/hub/subnets/dns");
    let [resolver, ruleset] = ["dnsResolvers/dns", "dnsForwardingRulesets/rules"].map(place);
    vec![
        (
            "azurerm_private_dns_resolver_inbound_endpoint",
            json!({ "private_dns_resolver_id": resolver, "ip_configurations": [
                { "private_ip_address": "172.21.0.4", "private_ip_allocation_method": "Dynamic", "subnet_id": subnet }] }),
            format!("{resolver}/inboundEndpoints/in"),
            json!({ "ipConfigurations": [{ "privateIpAddress": "172.21.0.4", "subnet": { "id": subnet } }] }),
        ),
        (
            "azurerm_private_dns_resolver_forwarding_rule",
            json!({ "dns_forwarding_ruleset_id": ruleset, "domain_name": "postgres.database.azure.com.",
                "enabled": false, "target_dns_servers": [{ "ip_address": "172.21.0.4", "port": 53 }] }),
            format!("{ruleset}/forwardingRules/pg"),
            json!({ "domainName": "postgres.database.azure.com.", "forwardingRuleState": "Disabled",
                "targetDnsServers": [{ "ipAddress": "172.21.0.4", "port": 53 }] }),
        ),
        (
            "azurerm_private_dns_resolver_virtual_network_link",
            json!({ "dns_forwarding_ruleset_id": ruleset, "virtual_network_id": place("virtualNetworks/spoke") }),
            format!("{ruleset}/virtualNetworkLinks/spoke"),
            json!({ "virtualNetwork": { "id": place("virtualNetworks/spoke") } }),
        ),
    ]
}

fn firewalls() -> Vec<Twin> {
    let subnet = place("virtualNetworks/hub/subnets/AzureFirewallSubnet");
    let [policy, ip, addresses] =
        ["firewallPolicies/rules", "publicIPAddresses/out", "ipGroups/databases"].map(place);
    let group = format!("{policy}/ruleCollectionGroups/network");
    vec![
        (
            "azurerm_firewall",
            json!({ "private_ip_ranges": [], "firewall_policy_id": policy, "management_ip_configuration": [],
                "ip_configuration": [{ "name": "a", "private_ip_address": "10.100.1.4", "subnet_id": subnet,
                    "public_ip_address_id": ip }] }),
            place("azureFirewalls/hub"),
            json!({ "firewallPolicy": { "id": policy }, "ipConfigurations": [{ "name": "a", "properties": {
                "privateIPAddress": "10.100.1.4", "subnet": { "id": subnet }, "publicIPAddress": { "id": ip } } }] }),
        ),
        (
            "azurerm_firewall",
            json!({ "private_ip_ranges": ["10.0.0.0/8", "100.64.0.0/10"], "ip_configuration": [] }),
            place("azureFirewalls/plain"),
            json!({ "ipConfigurations": [],
                "additionalProperties": { "Network.SNAT.PrivateRanges": "10.0.0.0/8, 100.64.0.0/10" } }),
        ),
        (
            "azurerm_firewall_policy",
            json!({ "private_ip_ranges": ["IANAPrivateRanges"], "auto_learn_private_ranges_enabled": false,
                "rule_collection_groups": [group] }),
            policy.clone(),
            json!({ "snat": { "privateRanges": ["IANAPrivateRanges"], "autoLearnPrivateRanges": "Disabled" },
                "ruleCollectionGroups": [{ "id": group }] }),
        ),
        (
            "azurerm_firewall_policy",
            json!({ "private_ip_ranges": [], "auto_learn_private_ranges_enabled": true,
                "rule_collection_groups": [] }),
            place("firewallPolicies/learns"),
            json!({ "snat": { "autoLearnPrivateRanges": "Enabled" }, "ruleCollectionGroups": [] }),
        ),
        (
            "azurerm_firewall_policy_rule_collection_group",
            json!({ "firewall_policy_id": policy, "priority": 200, "application_rule_collection": [], "network_rule_collection": [
                { "name": "databases", "priority": 300, "action": "Allow", "rule": [{ "name": "postgres", "protocols": ["TCP"],
                    "source_addresses": ["10.20.1.0/28"], "source_ip_groups": [], "destination_addresses": [],
                    "destination_ip_groups": [addresses], "destination_fqdns": [], "destination_ports": ["5432"] }] }] }),
            group,
            json!({ "priority": 200, "ruleCollections": [{ "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "databases", "priority": 300, "action": { "type": "Allow" }, "rules": [{ "ruleType": "NetworkRule",
                    "name": "postgres", "ipProtocols": ["TCP"], "sourceAddresses": ["10.20.1.0/28"], "sourceIpGroups": [],
                    "destinationAddresses": [], "destinationIpGroups": [addresses], "destinationFqdns": [],
                    "destinationPorts": ["5432"] }] }] }),
        ),
        (
            "azurerm_ip_group",
            json!({ "cidrs": ["10.10.2.0/28", "10.10.9.1"] }),
            addresses,
            json!({ "ipAddresses": ["10.10.2.0/28", "10.10.9.1"] }),
        ),
    ]
}

fn managers() -> Vec<Twin> {
    let manager = place("networkManagers/net");
    let [configuration, group] = ["securityAdminConfigurations/base", "networkGroups/all"]
        .map(|one| format!("{manager}/{one}"));
    let collection = format!("{configuration}/ruleCollections/db");
    vec![
        (
            "azurerm_network_manager",
            json!({ "scope_accesses": ["Connectivity"] }),
            manager.clone(),
            json!({ "networkManagerScopeAccesses": ["Connectivity"] }),
        ),
        (
            "azurerm_network_manager_admin_rule_collection",
            json!({ "security_admin_configuration_id": configuration, "network_group_ids": [group] }),
            collection.clone(),
            json!({ "appliesToGroups": [{ "networkGroupId": group }] }),
        ),
        (
            "azurerm_network_manager_admin_rule",
            json!({ "admin_rule_collection_id": collection, "action": "Deny", "direction": "Outbound",
                "priority": 7, "protocol": "Tcp", "source_port_ranges": ["0-65535"],
                "destination_port_ranges": ["5432"],
                "source": [{ "address_prefix": "10.0.0.0/8", "address_prefix_type": "IPPrefix" }],
                "destination": [{ "address_prefix": "*", "address_prefix_type": "IPPrefix" }] }),
            format!("{collection}/rules/deny"),
            json!({ "access": "Deny", "direction": "Outbound", "priority": 7, "protocol": "Tcp",
                "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["5432"],
                "sources": [{ "addressPrefix": "10.0.0.0/8" }], "destinations": [{ "addressPrefix": "*" }] }),
        ),
        (
            "azurerm_network_manager_connectivity_configuration",
            json!({ "network_manager_id": manager, "connectivity_topology": "Mesh", "global_mesh_enabled": true,
                "applies_to_group": [{ "group_connectivity": "None", "network_group_id": group }] }),
            format!("{manager}/connectivityConfigurations/mesh"),
            json!({ "connectivityTopology": "Mesh", "isGlobal": "True",
                "appliesToGroups": [{ "groupConnectivity": "None", "networkGroupId": group }] }),
        ),
        (
            "azurerm_network_manager_static_member",
            json!({ "network_group_id": group, "target_virtual_network_id": place("virtualNetworks/spoke") }),
            format!("{group}/staticMembers/spoke"),
            json!({ "resourceId": place("virtualNetworks/spoke") }),
        ),
    ]
}

/// A state with one instance; its id told, or to be made of what stands around it.
fn state(kind: &str, attributes: &Value, id: &ResourceId, tells_id: bool) -> Value {
    let mut values = attributes.clone();
    values["name"] = json!(id.name());
    values["resource_group_name"] = json!("rg");
    if tells_id {
        values["id"] = json!(id.as_str());
    }
    let one = json!({ "address": format!("{kind}.x"), "mode": "managed", "type": kind, "name": "x", "values": values });
    let known = json!({ "address": "azurerm_resource_group.rg", "mode": "managed", "name": "rg",
        "type": "azurerm_resource_group", "values": { "id": format!("{SUBSCRIPTION}/resourceGroups/rg") } });
    json!({ "format_version": "1.0", "values": { "root_module": { "resources": [known, one] } } })
}

#[test]
fn what_stands_around_the_networks_says_the_same_in_terraform() {
    let twins = [gateways(), resolvers(), firewalls(), managers()].concat();
    for (kind, attributes, id, properties) in twins {
        let facts = |json: Value| {
            let loaded = load(vec![input("estate", json)]);
            assert_eq!(loaded.problems, vec![], "{kind}");
            let id = ResourceId::parse(&id).expect("an id");
            let found = loaded.estate.resource(&id).unwrap_or_else(|| panic!("no {id}"));
            assert!(!matches!(found.facts, Facts::Other), "{kind}");
            format!("{:?}", found.facts)
        };
        let parsed = ResourceId::parse(&id).expect("an id");
        let arm =
            facts(json!({ "id": id, "type": parsed.resource_type(), "properties": properties }));
        for tells_id in [true, false] {
            assert_eq!(facts(state(kind, &attributes, &parsed, tells_id)), arm, "{kind}");
        }
    }
}
