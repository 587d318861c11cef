//! Commands of the Azure CLI that plans use: which resource each one names, what its flags set, and what it sets by itself.

/// A flag of a line, with its values.
pub(super) type Flag<'w> = (&'w str, Vec<&'w str>);

/// One command.
pub(super) struct Command {
    pub(super) words: &'static str,
    pub(super) does: Does,
    /// The type of the resource, as its id writes it.
    pub(super) kind: &'static str,
    /// The flags that name it and its parents, in the order of the id; empty where `--id` does.
    pub(super) names: &'static [&'static str],
    pub(super) flags: &'static [(&'static str, Sets)],
    /// What a new one says beside its flags.
    pub(super) fixed: &'static str,
}

/// What a command does with the resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Create,
    Update,
    /// Makes it where it is not there.
    Set,
    /// Lets a half of a peering learn the other network's addresses.
    Sync,
    Delete,
}

/// What a flag sets.
pub(super) enum Sets {
    /// A field beside `properties`.
    Outer(&'static str),
    Text(&'static str),
    Number(&'static str),
    Flag(&'static str),
    /// The id of another resource.
    Reference(&'static str),
    Texts(&'static str),
    /// One value in the one field, several in the other.
    OneOrMore(&'static str, &'static str),
    /// Service endpoints of a subnet.
    Services,
    /// `name=value`.
    Any,
    /// A place in the only element of a list.
    In(&'static str, &'static str),
    /// The same, for a list of words.
    Words(&'static str, &'static str),
    /// The address that a private endpoint asks for.
    Configuration,
    /// What an approver says.
    Description,
    /// An address that a record gets.
    Adds,
    /// An address that a record had.
    Removes,
}

use Does::{Create, Delete, Set, Sync, Update};
use Sets::{
    Adds, Any, Configuration, Description, Flag as Bool, In, Number, OneOrMore, Outer, Reference,
    Removes, Services, Text, Texts, Words,
};

const NIC: &str = "Microsoft.Network/networkInterfaces";
const RULE: &str = "Microsoft.Network/networkSecurityGroups/securityRules";
const ZONE: &str = "Microsoft.Network/privateDnsZones";
const RECORD: &str = "Microsoft.Network/privateDnsZones/A";
const LINK: &str = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";
const ENDPOINT: &str = "Microsoft.Network/privateEndpoints";
const ZONE_GROUP: &str = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups";
const TABLE: &str = "Microsoft.Network/routeTables";
const ROUTE: &str = "Microsoft.Network/routeTables/routes";
const SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets";
const PEERING: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";

const CONNECTIONS: &str = "privateLinkServiceConnections";
const ZONES: &str = "privateDnsZoneConfigs";

const IN_NSG: &[&str] = &["--nsg-name", "--name"];
const IN_ZONE: &[&str] = &["--zone-name", "--name"];
const RECORD_SET: &[&str] = &["--zone-name", "--record-set-name"];
const IN_TABLE: &[&str] = &["--route-table-name", "--name"];
const IN_VNET: &[&str] = &["--vnet-name", "--name"];

const RULE_FLAGS: &[(&str, Sets)] = &[
    ("--priority", Number("priority")),
    ("--direction", Text("direction")),
    ("--access", Text("access")),
    ("--protocol", Text("protocol")),
    ("--source-address-prefixes", OneOrMore("sourceAddressPrefix", "sourceAddressPrefixes")),
    ("--source-port-ranges", OneOrMore("sourcePortRange", "sourcePortRanges")),
    (
        "--destination-address-prefixes",
        OneOrMore("destinationAddressPrefix", "destinationAddressPrefixes"),
    ),
    ("--destination-port-ranges", OneOrMore("destinationPortRange", "destinationPortRanges")),
];

const HALF_FLAGS: &[(&str, Sets)] = &[
    ("--remote-vnet", Reference("remoteVirtualNetwork")),
    ("--allow-vnet-access", Bool("allowVirtualNetworkAccess")),
    ("--allow-forwarded-traffic", Bool("allowForwardedTraffic")),
    ("--allow-gateway-transit", Bool("allowGatewayTransit")),
    ("--use-remote-gateways", Bool("useRemoteGateways")),
    ("--peer-complete-vnets", Bool("peerCompleteVnets")),
    ("--local-subnet-names", Texts("localSubnetNames")),
    ("--remote-subnet-names", Texts("remoteSubnetNames")),
    ("--set", Any),
];

const NOTHING: &str = "{}";

const fn command(
    words: &'static str,
    does: Does,
    kind: &'static str,
    names: &'static [&'static str],
    flags: &'static [(&'static str, Sets)],
    fixed: &'static str,
) -> Command {
    Command { words, does, kind, names, flags, fixed }
}

/// Every command, the longer one first where one begins like another.
pub(super) const COMMANDS: [Command; 23] = [
    command(
        "network nic update",
        Update,
        NIC,
        &["--name"],
        &[("--ip-forwarding", Bool("enableIPForwarding"))],
        NOTHING,
    ),
    command("network nsg rule create", Create, RULE, IN_NSG, RULE_FLAGS, NOTHING),
    command("network nsg rule update", Update, RULE, IN_NSG, RULE_FLAGS, NOTHING),
    command(
        "network private-dns zone create",
        Create,
        ZONE,
        &["--name"],
        &[],
        r#"{ "location": "global" }"#,
    ),
    command(
        "network private-dns link vnet create",
        Create,
        LINK,
        IN_ZONE,
        &[
            ("--virtual-network", Reference("virtualNetwork")),
            ("--registration-enabled", Bool("registrationEnabled")),
            ("--resolution-policy", Text("resolutionPolicy")),
        ],
        r#"{ "location": "global" }"#,
    ),
    command(
        "network private-dns link vnet update",
        Update,
        LINK,
        IN_ZONE,
        &[("--resolution-policy", Text("resolutionPolicy"))],
        NOTHING,
    ),
    command("network private-dns link vnet delete", Delete, LINK, IN_ZONE, &[], NOTHING),
    command(
        "network private-dns record-set a add-record",
        Set,
        RECORD,
        RECORD_SET,
        &[("--ipv4-address", Adds)],
        NOTHING,
    ),
    command(
        "network private-dns record-set a remove-record",
        Update,
        RECORD,
        RECORD_SET,
        &[("--ipv4-address", Removes)],
        NOTHING,
    ),
    command(
        "network private-endpoint create",
        Create,
        ENDPOINT,
        &["--name"],
        &[
            ("--location", Outer("location")),
            ("--subnet", Reference("subnet")),
            (
                "--private-connection-resource-id",
                In(CONNECTIONS, "/properties/privateLinkServiceId"),
            ),
            ("--group-id", Words(CONNECTIONS, "/properties/groupIds")),
            ("--connection-name", In(CONNECTIONS, "/name")),
            ("--ip-config", Configuration),
        ],
        r#"{ "properties": { "privateLinkServiceConnections": [
            { "name": null, "properties": { "privateLinkServiceId": null, "groupIds": null } } ] } }"#,
    ),
    command(
        "network private-endpoint dns-zone-group create",
        Create,
        ZONE_GROUP,
        &["--endpoint-name", "--name"],
        &[
            ("--private-dns-zone", In(ZONES, "/properties/privateDnsZoneId")),
            ("--zone-name", In(ZONES, "/name")),
        ],
        r#"{ "properties": { "privateDnsZoneConfigs": [
            { "name": null, "properties": { "privateDnsZoneId": null } } ] } }"#,
    ),
    command(
        "network private-endpoint-connection approve",
        Set,
        "",
        &[],
        &[("--description", Description)],
        r#"{ "properties": { "privateLinkServiceConnectionState": { "status": "Approved" } } }"#,
    ),
    command(
        "network route-table create",
        Create,
        TABLE,
        &["--name"],
        &[("--location", Outer("location"))],
        r#"{ "properties": { "disableBgpRoutePropagation": false } }"#,
    ),
    command(
        "network route-table update",
        Update,
        TABLE,
        &["--name"],
        &[("--disable-bgp-route-propagation", Bool("disableBgpRoutePropagation"))],
        NOTHING,
    ),
    command(
        "network route-table route create",
        Create,
        ROUTE,
        IN_TABLE,
        &[
            ("--address-prefix", Text("addressPrefix")),
            ("--next-hop-type", Text("nextHopType")),
            ("--next-hop-ip-address", Text("nextHopIpAddress")),
        ],
        NOTHING,
    ),
    command(
        "network route-table route update",
        Update,
        ROUTE,
        IN_TABLE,
        &[("--next-hop-ip-address", Text("nextHopIpAddress"))],
        NOTHING,
    ),
    command("network route-table route delete", Delete, ROUTE, IN_TABLE, &[], NOTHING),
    command(
        "network vnet subnet create",
        Create,
        SUBNET,
        IN_VNET,
        &[("--address-prefixes", OneOrMore("addressPrefix", "addressPrefixes"))],
        r#"{ "properties": { "privateEndpointNetworkPolicies": "Disabled" } }"#,
    ),
    command(
        "network vnet subnet update",
        Update,
        SUBNET,
        IN_VNET,
        &[
            ("--service-endpoints", Services),
            ("--nat-gateway", Reference("natGateway")),
            ("--route-table", Reference("routeTable")),
        ],
        NOTHING,
    ),
    command("network vnet peering create", Create, PEERING, IN_VNET, HALF_FLAGS, NOTHING),
    command("network vnet peering update", Update, PEERING, IN_VNET, HALF_FLAGS, NOTHING),
    command("network vnet peering sync", Sync, PEERING, IN_VNET, &[], NOTHING),
    command("network vnet peering delete", Delete, PEERING, IN_VNET, &[], NOTHING),
];
