//! The rules at a public front door: those that may hold a caller's address, and those that were not read.

use crate::address::{AddressSet, documentation, internet};
use crate::change::{FLEXIBLE_API, SINGLE_API};
use crate::estate::gateway::PublicAddress;
use crate::estate::server::{FirewallRule, Server, VnetRule};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::shell::in_double_quotes;

/// Ends of the types of rules, with the field that has to be read.
pub const FIREWALL_RULE: (&str, &str) = ("/firewallrules", "startIpAddress");
pub(super) const VNET_RULE: (&str, &str) = ("/virtualnetworkrules", "virtualNetworkSubnetId");

/// Whether a rule is one about a subnet.
pub fn is_vnet_rule(rule: &ResourceId) -> bool {
    rule.resource_type().ends_with(VNET_RULE.0)
}

/// A rule of a server that could not be read, or that was not asked for: it may be the one that lets the caller in.
pub fn unread_rule(
    estate: &Estate,
    server: &ResourceId,
    (kind, field): (&str, &str),
) -> Option<Missing> {
    let mut unread = estate.unread_below(server);
    if let Some(rule) = unread.find(|id| id.resource_type().ends_with(kind)) {
        return Some(Missing::field(rule, field));
    }
    let is_row = estate.find::<Server>(server).is_some_and(|one| one.is_row);
    let has_rules = || {
        estate.children::<FirewallRule>(server).next().is_some()
            || estate.children::<VnetRule>(server).next().is_some()
    };
    (is_row && !has_rules()).then(|| unlisted(server))
}

/// The rules of a server of which nobody asked for any.
fn unlisted(server: &ResourceId) -> Missing {
    let uri = in_double_quotes(server.as_str());
    let list =
        |name: &str, api: &str| format!("`az rest --uri \"{uri}/{name}?api-version={api}\"`");
    let lists = match server.resource_type().ends_with("/servers") {
        true => {
            let both = ["firewallRules", "virtualNetworkRules"].map(|name| list(name, SINGLE_API));
            both.join(" and of ")
        }
        false => list("firewallRules", FLEXIBLE_API),
    };
    Missing {
        what: format!(
            "the rules of server `{}`, which Resource Graph does not have",
            server.name()
        ),
        resource: Some(server.clone()),
        help: format!("add the output of {lists}"),
    }
}

/// The firewall rules of a server that may hold a caller's address; those of documentation addresses where the estate has such ones for
/// public addresses of its own.
pub fn public_rules<'e>(
    estate: &'e Estate,
    server: &ResourceId,
) -> impl Iterator<Item = (&'e ResourceId, &'e FirewallRule)> {
    let stands_in = |one: &PublicAddress| {
        one.network.is_some_and(|net| AddressSet::of([&net]).overlaps(&documentation()))
    };
    let have_examples = move || estate.all::<PublicAddress>().any(|(_, one)| stands_in(one));
    let counts = move |rule: &FirewallRule| {
        !rule.admits_nobody() || rule.is_of_examples() && have_examples()
    };
    estate.children::<FirewallRule>(server).filter(move |(_, rule)| counts(rule))
}

/// The firewall rule that lets every caller in, or the several that do so together; for callers of Azure also one that lets all of
/// Azure in. Empty where there is none.
pub fn openers(estate: &Estate, server: &ResourceId, is_in_azure: bool) -> Vec<ResourceId> {
    let rules: Vec<_> = public_rules(estate, server).collect();
    let opens = |rule: &FirewallRule| rule.is_everything() || is_in_azure && rule.is_all_of_azure();
    if let Some((id, _)) = rules.iter().find(|(_, rule)| opens(rule)) {
        return vec![(*id).clone()];
    }
    let range = |rule: &FirewallRule| (u32::from(rule.start), u32::from(rule.end));
    let held = || AddressSet::from_ranges(rules.iter().map(|(_, rule)| range(rule)).collect());
    match rules.len() > 1 && internet().is_within(&held()) {
        true => rules.into_iter().map(|(id, _)| id.clone()).collect(),
        false => Vec::new(),
    }
}
