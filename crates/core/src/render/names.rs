//! Azure's own spelling of resource types, and the short names that generated files give to resources.

use crate::id::ResourceId;

/// A type of resource: as ids are compared, as Azure spells it, and short names for one of its kind.
struct Kind {
    /// Azure's spelling of provider and types.
    spelled: &'static str,
    /// What to call one in Bicep.
    bicep: &'static str,
    /// What to call one in Terraform.
    terraform: &'static str,
}

const fn kind(spelled: &'static str, bicep: &'static str, terraform: &'static str) -> Kind {
    Kind { spelled, bicep, terraform }
}

/// Types that plans deal with, and their parents.
const KINDS: [Kind; 22] = [
    kind("Microsoft.Network/virtualNetworks", "network", "network"),
    kind("Microsoft.Network/virtualNetworks/subnets", "subnet", "subnet"),
    kind("Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "peering", "peering"),
    kind("Microsoft.Network/networkSecurityGroups", "securityGroup", "security_group"),
    kind("Microsoft.Network/networkSecurityGroups/securityRules", "rule", "rule"),
    kind("Microsoft.Network/routeTables", "routeTable", "route_table"),
    kind("Microsoft.Network/routeTables/routes", "route", "route"),
    kind("Microsoft.Network/privateEndpoints", "endpoint", "endpoint"),
    kind("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", "zoneGroup", "zone_group"),
    kind("Microsoft.Network/privateDnsZones", "zone", "zone"),
    kind("Microsoft.Network/privateDnsZones/virtualNetworkLinks", "link", "link"),
    kind("Microsoft.Network/privateDnsZones/A", "record", "record"),
    kind("Microsoft.Network/dnsForwardingRulesets", "ruleset", "ruleset"),
    kind("Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks", "link", "link"),
    kind("Microsoft.Network/dnsForwardingRulesets/forwardingRules", "rule", "rule"),
    kind("Microsoft.DBforPostgreSQL/servers", "server", "server"),
    kind("Microsoft.DBforPostgreSQL/servers/virtualNetworkRules", "vnetRule", "vnet_rule"),
    kind("Microsoft.DBforPostgreSQL/servers/firewallRules", "firewallRule", "firewall_rule"),
    kind("Microsoft.DBforPostgreSQL/servers/privateEndpointConnections", "approval", "approval"),
    kind("Microsoft.DBforPostgreSQL/flexibleServers", "server", "server"),
    kind(
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules",
        "firewallRule",
        "firewall_rule",
    ),
    kind(
        "Microsoft.DBforPostgreSQL/flexibleServers/privateEndpointConnections",
        "approval",
        "approval",
    ),
];

fn known(id: &ResourceId) -> Option<&'static Kind> {
    let own = id.resource_type();
    KINDS.iter().find(|kind| kind.spelled.eq_ignore_ascii_case(&own))
}

/// What to call a resource in Bicep.
pub(super) fn bicep(id: &ResourceId) -> &'static str {
    known(id).map_or("item", |kind| kind.bicep)
}

/// What to call a resource in Terraform.
pub(super) fn terraform(id: &ResourceId) -> &'static str {
    known(id).map_or("item", |kind| kind.terraform)
}

/// The type as Azure spells it; as the id has it for a type that is not in the list.
pub(super) fn spelled_type(id: &ResourceId) -> String {
    known(id).map_or_else(|| written_type(id.as_str()), |kind| kind.spelled.to_owned())
}

fn written_type(id: &str) -> String {
    let tail = id.rsplit_once("/providers/").map_or("", |(_, tail)| tail);
    let words = tail.split('/').enumerate();
    let kept = words.filter(|(index, _)| *index == 0 || index % 2 == 1).map(|(_, word)| word);
    kept.collect::<Vec<_>>().join("/")
}

/// The id in Azure's spelling: Terraform compares ids letter by letter, and Azure answers in either case.
pub(super) fn canonical(text: &str) -> String {
    let Some(id) = ResourceId::parse(text) else { return text.to_owned() };
    let (Some(kind), group) = (known(&id), id.resource_group()) else { return text.to_owned() };
    if group.is_empty() {
        return text.to_owned();
    }
    let mut types = kind.spelled.split('/');
    let provider = types.next().unwrap_or_default();
    let mut spelled =
        format!("/subscriptions/{}/resourceGroups/{group}/providers/{provider}", id.subscription());
    for (index, word) in types.enumerate() {
        spelled.push_str(&format!("/{word}/{}", id.name_at(index)));
    }
    spelled
}

/// Whether a letter can be part of a resource's name.
pub(super) fn is_in_name(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.()".contains(letter)
}

/// Hands out names, each once: `link`, then `link2`.
#[derive(Default)]
pub(super) struct Symbols {
    given: Vec<String>,
}

impl Symbols {
    /// `wanted`, or `wanted` with a separator and a number where it is taken.
    pub(super) fn take(&mut self, wanted: &str, separator: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}{separator}{number}"));
        let free = std::iter::once(wanted.to_owned())
            .chain(numbered)
            .find(|name| !self.given.contains(name))
            .unwrap_or_default();
        self.given.push(free.clone());
        free
    }
}
