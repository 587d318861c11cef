//! What keeps a copier from Azure's own resolver.

use super::decision::Decider;
use super::filter::{covers, decider};
use super::route::usable_addresses;
use super::rule_words;
use super::rules;
use super::start::Start;
use crate::address::AddressSet;
use crate::estate::filter::{Direction, Prefix, Protocol};
use crate::estate::forwarder::DNS_PORT;
use crate::estate::network::Subnet;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// A rule that keeps senders from Azure's own resolver.
#[derive(Debug, Clone, PartialEq)]
pub struct DnsDenial {
    /// The first rule that does.
    pub rule: Decider,
    /// Whom it and others keep from it.
    pub denied: AddressSet,
    /// Whether those are all senders.
    pub is_whole: bool,
}

/// What rules say of the way to Azure's resolver: one that denies it, if there is one.
pub(super) type Denied = Result<Option<DnsDenial>, Missing>;

/// The rule that keeps a subnet from Azure's resolver. That a group was not captured is said by the filter step.
///
/// # Errors
/// [`Missing`] when a rule that names the resolver cannot be read.
pub(super) fn of_subnet(estate: &Estate, id: &ResourceId) -> Denied {
    let subnet = estate.find::<Subnet>(id);
    match subnet.and_then(|subnet| Some((subnet, subnet.security_group.to()?))) {
        Some((subnet, group)) => denier(estate, group, (&usable_addresses(subnet), &[])),
        None => Ok(None),
    }
}

/// The same for one machine, whose questions pass the group of its interface, too.
///
/// # Errors
/// [`Missing`] when a rule that names the resolver cannot be read.
pub(super) fn of_relay(estate: &Estate, start: &Start) -> Denied {
    let (Ok(senders), Some(subnet), Some(relay)) =
        (start.addresses(estate), estate.find::<Subnet>(&start.subnet), start.relay(estate))
    else {
        return Ok(None);
    };
    let groups = [&relay.security_group, &subnet.security_group];
    let mut unread = Ok(None);
    for group in groups.into_iter().filter_map(|group| group.to()) {
        match denier(estate, group, (&senders, &relay.groups)) {
            Ok(Some(denial)) => return Ok(Some(denial)),
            Ok(None) => {}
            Err(missing) => unread = Err(missing),
        }
    }
    unread
}

/// The rule that denies senders Azure's own resolver; `members` are the application security groups
/// that they are members of. Only a rule that names the tag AzurePlatformDNS speaks of it.
///
/// # Errors
/// [`Missing`] when one that names it cannot be read.
fn denier(
    estate: &Estate,
    group_id: &ResourceId,
    (senders, members): (&AddressSet, &[ResourceId]),
) -> Denied {
    let names_it = |prefix: &Prefix| matches!(prefix, Prefix::Tag(tag) if tag.eq_ignore_ascii_case("AzurePlatformDNS"));
    let holds = |prefix: &Prefix| match prefix {
        Prefix::Network(network) => AddressSet::of([network]),
        Prefix::Any => AddressSet::all(),
        Prefix::Tag(tag) if tag.eq_ignore_ascii_case("VirtualNetwork") => AddressSet::all(),
        Prefix::ApplicationGroup(Some(group)) if members.contains(group) => AddressSet::all(),
        Prefix::Tag(_) | Prefix::ApplicationGroup(_) | Prefix::Ipv6 => AddressSet::default(),
    };
    let rules = rules::of_users(estate, group_id, Direction::Outbound, None).unwrap_or_default();
    let speaking = rules.iter().filter(|rule| {
        let is_dns = matches!(rule.protocol, Protocol::Udp | Protocol::Any)
            && covers(&rule.ports.to, DNS_PORT);
        rule.to.iter().any(names_it) && (is_dns || rule.unread.is_some())
    });
    let (mut rest, mut denied, mut first) = (senders.clone(), AddressSet::default(), None);
    for rule in speaking {
        if let Some(missing) = rule_words::unread(group_id, rule) {
            return Err(missing);
        }
        let caught =
            rule.from.iter().fold(AddressSet::default(), |all, one| all.union(&holds(one)));
        let caught = caught.intersection(&rest);
        rest = rest.difference(&caught);
        if !rule.allows && !caught.is_empty() {
            denied = denied.union(&caught);
            first = first.or_else(|| Some(decider(rule)));
        }
    }
    let is_whole = senders.is_within(&denied);
    Ok(first.map(|rule| DnsDenial { rule, denied, is_whole }))
}
