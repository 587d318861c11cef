//! Which ARM resource a Terraform type stands for, and the id that an instance will get.

use serde_json::Value;

use crate::id::ResourceId;

/// A Terraform type that is one ARM resource.
pub(super) struct Kind {
    terraform: &'static str,
    /// ARM type, spelled as Azure does.
    pub(super) arm: &'static str,
    /// Attributes that may hold the id of the resource it is a child of.
    parents: &'static [&'static str],
    /// Attributes that hold the names of the resources around it, outermost first.
    around: &'static [&'static str],
}

const NONE: &[&str] = &[];
const ZONE: &[&str] = &["private_dns_zone_id"];
const ZONE_NAME: &[&str] = &["private_dns_zone_name"];
const OLD_ZONE_NAME: &[&str] = &["zone_name"];
const VNET: &[&str] = &["virtual_network_id"];
const VNET_NAME: &[&str] = &["virtual_network_name"];
const SERVER: &[&str] = &["server_id"];
const SERVER_NAME: &[&str] = &["server_name"];
const GROUP: &[&str] = &["network_security_group_id"];
const BALANCER: &[&str] = &["loadbalancer_id"];
const TABLE: &[&str] = &["route_table_id"];
const RULESET: &[&str] = &["dns_forwarding_ruleset_id"];
const RESOLVER: &[&str] = &["private_dns_resolver_id"];
const POLICY: &[&str] = &["firewall_policy_id"];
const HUB: &[&str] = &["virtual_hub_id"];
const MANAGER: &[&str] = &["network_manager_id"];
const NETWORK_GROUP: &[&str] = &["network_group_id"];
const CONFIGURATION: &[&str] = &["security_admin_configuration_id"];
const COLLECTION: &[&str] = &["admin_rule_collection_id"];

type Row = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const KINDS: [Row; 42] = [
    ("azurerm_virtual_network", "Microsoft.Network/virtualNetworks", NONE, NONE),
    ("azurerm_subnet", "Microsoft.Network/virtualNetworks/subnets", VNET, VNET_NAME),
    ("azurerm_virtual_network_peering", "Microsoft.Network/virtualNetworks/virtualNetworkPeerings", VNET, VNET_NAME),
    ("azurerm_network_security_group", "Microsoft.Network/networkSecurityGroups", NONE, NONE),
    ("azurerm_network_security_rule", "Microsoft.Network/networkSecurityGroups/securityRules", GROUP, &["network_security_group_name"]),
    ("azurerm_route_table", "Microsoft.Network/routeTables", NONE, NONE),
    ("azurerm_route", "Microsoft.Network/routeTables/routes", TABLE, &["route_table_name"]),
    ("azurerm_network_interface", "Microsoft.Network/networkInterfaces", NONE, NONE),
    ("azurerm_private_endpoint", "Microsoft.Network/privateEndpoints", NONE, NONE),
    ("azurerm_private_dns_zone", "Microsoft.Network/privateDnsZones", NONE, NONE),
    ("azurerm_private_dns_zone_virtual_network_link", "Microsoft.Network/privateDnsZones/virtualNetworkLinks", ZONE, ZONE_NAME),
    ("azurerm_private_dns_a_record", "Microsoft.Network/privateDnsZones/A", ZONE, OLD_ZONE_NAME),
    ("azurerm_private_dns_cname_record", "Microsoft.Network/privateDnsZones/CNAME", ZONE, OLD_ZONE_NAME),
    ("azurerm_postgresql_server", "Microsoft.DBforPostgreSQL/servers", NONE, NONE),
    ("azurerm_postgresql_firewall_rule", "Microsoft.DBforPostgreSQL/servers/firewallRules", SERVER, SERVER_NAME),
    ("azurerm_postgresql_virtual_network_rule", "Microsoft.DBforPostgreSQL/servers/virtualNetworkRules", SERVER, SERVER_NAME),
    ("azurerm_postgresql_configuration", "Microsoft.DBforPostgreSQL/servers/configurations", SERVER, SERVER_NAME),
    ("azurerm_postgresql_flexible_server", "Microsoft.DBforPostgreSQL/flexibleServers", NONE, NONE),
    ("azurerm_postgresql_flexible_server_firewall_rule", "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules", SERVER, SERVER_NAME),
    ("azurerm_postgresql_flexible_server_configuration", "Microsoft.DBforPostgreSQL/flexibleServers/configurations", SERVER, SERVER_NAME),
    ("azurerm_public_ip", "Microsoft.Network/publicIPAddresses", NONE, NONE),
    ("azurerm_nat_gateway", "Microsoft.Network/natGateways", NONE, NONE),
    ("azurerm_lb", "Microsoft.Network/loadBalancers", NONE, NONE),
    ("azurerm_virtual_network_gateway", "Microsoft.Network/virtualNetworkGateways", NONE, NONE),
    ("azurerm_public_ip_prefix", "Microsoft.Network/publicIPPrefixes", NONE, NONE),
    ("azurerm_local_network_gateway", "Microsoft.Network/localNetworkGateways", NONE, NONE),
    ("azurerm_virtual_network_gateway_connection", "Microsoft.Network/connections", NONE, NONE),
    ("azurerm_virtual_hub_connection", "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections", HUB, NONE),
    ("azurerm_firewall", "Microsoft.Network/azureFirewalls", NONE, NONE),
    ("azurerm_firewall_policy", "Microsoft.Network/firewallPolicies", NONE, NONE),
    ("azurerm_firewall_policy_rule_collection_group", "Microsoft.Network/firewallPolicies/ruleCollectionGroups", POLICY, NONE),
    ("azurerm_ip_group", "Microsoft.Network/ipGroups", NONE, NONE),
    ("azurerm_private_dns_resolver_inbound_endpoint", "Microsoft.Network/dnsResolvers/inboundEndpoints", RESOLVER, NONE),
    ("azurerm_private_dns_resolver_dns_forwarding_ruleset", "Microsoft.Network/dnsForwardingRulesets", NONE, NONE),
    ("azurerm_private_dns_resolver_forwarding_rule", "Microsoft.Network/dnsForwardingRulesets/forwardingRules", RULESET, NONE),
    ("azurerm_private_dns_resolver_virtual_network_link", "Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks", RULESET, NONE),
    ("azurerm_network_manager", "Microsoft.Network/networkManagers", NONE, NONE),
    ("azurerm_network_manager_admin_rule_collection",
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections", CONFIGURATION, NONE),
    ("azurerm_network_manager_admin_rule",
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", COLLECTION, NONE),
    ("azurerm_network_manager_connectivity_configuration", "Microsoft.Network/networkManagers/connectivityConfigurations", MANAGER, NONE),
    ("azurerm_network_manager_static_member", "Microsoft.Network/networkManagers/networkGroups/staticMembers", NETWORK_GROUP, NONE),
    ("azurerm_management_lock", "Microsoft.Authorization/locks", &["scope"], NONE),
];

/// Types that others refer to, and of which nothing but the id matters.
#[rustfmt::skip]
const NAMED: [Row; 10] = [
    ("azurerm_application_security_group", "Microsoft.Network/applicationSecurityGroups", NONE, NONE),
    ("azurerm_virtual_hub", "Microsoft.Network/virtualHubs", NONE, NONE),
    ("azurerm_private_dns_resolver", "Microsoft.Network/dnsResolvers", NONE, NONE),
    ("azurerm_network_manager_security_admin_configuration",
        "Microsoft.Network/networkManagers/securityAdminConfigurations", MANAGER, NONE),
    ("azurerm_network_manager_network_group", "Microsoft.Network/networkManagers/networkGroups", MANAGER, NONE),
    ("azurerm_lb_backend_address_pool", "Microsoft.Network/loadBalancers/backendAddressPools", BALANCER, NONE),
    ("azurerm_lb_nat_rule", "Microsoft.Network/loadBalancers/inboundNatRules", BALANCER, NONE),
    ("azurerm_linux_virtual_machine", "Microsoft.Compute/virtualMachines", NONE, NONE),
    ("azurerm_windows_virtual_machine", "Microsoft.Compute/virtualMachines", NONE, NONE),
    ("azurerm_virtual_machine", "Microsoft.Compute/virtualMachines", NONE, NONE),
];

/// Whether the resources of a Terraform type decide something here.
pub(super) fn is_read(terraform: &str) -> bool {
    KINDS.iter().any(|(known, ..)| *known == terraform)
}

/// The ARM type of a Terraform type; `None` when it is none that decides anything here, or is referred to.
pub(super) fn kind_of(terraform: &str) -> Option<Kind> {
    let (terraform, arm, parents, around) =
        KINDS.into_iter().chain(NAMED).find(|(known, ..)| *known == terraform)?;
    Some(Kind { terraform, arm, parents, around })
}

/// What an id is made of when the provider has not told it.
pub(super) trait Surroundings {
    /// The id that a value is or will be.
    fn id(&self, value: &Value) -> Option<String>;
    /// The subscription of a resource group.
    fn subscription(&self, group: &str) -> String;
}

/// The id of an instance: the one that the provider told, or the one that it will get.
///
/// # Errors
/// The attribute that is not known.
pub(super) fn id_of(
    kind: &Kind,
    values: &Value,
    surroundings: &impl Surroundings,
) -> Result<ResourceId, String> {
    let known =
        |name: &str| values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let told = known("id").and_then(ResourceId::parse);
    if let Some(id) = told.filter(|id| id.resource_type() == kind.arm.to_ascii_lowercase()) {
        return Ok(id);
    }
    let needed = |name: &'static str| known(name).ok_or(name.to_owned());
    let name = needed("name")?;
    let (around, last) = kind.arm.rsplit_once('/').unwrap_or(("", kind.arm));
    let parent = kind.parents.iter().find_map(|attribute| surroundings.id(values.get(*attribute)?));
    let text = match parent {
        Some(parent) if kind.terraform == "azurerm_management_lock" => {
            format!("{parent}/providers/{}/{name}", kind.arm)
        }
        Some(parent) => format!("{parent}/{last}/{name}"),
        None => {
            let group = needed("resource_group_name")?;
            let start = format!(
                "/subscriptions/{}/resourceGroups/{group}/providers",
                surroundings.subscription(group)
            );
            match kind.around {
                [] if kind.parents.is_empty() => format!("{start}/{}/{name}", kind.arm),
                [] => return Err(kind.parents.first().copied().unwrap_or("scope").to_owned()),
                [first, ..] => format!("{start}/{around}/{}/{last}/{name}", needed(first)?),
            }
        }
    };
    ResourceId::parse(&text).ok_or_else(|| "name".to_owned())
}
