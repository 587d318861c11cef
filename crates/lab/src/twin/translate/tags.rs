//! Addresses that prefixes and service tags of rules stand for in a twin.

use flexway_core::address::{AddressSet, private};
use flexway_core::estate::filter::Prefix;
use flexway_core::estate::network::{Peering, RoutePrefix, region_key};
use ipnet::Ipv4Net;

use super::routes::routes_of;
use super::{Draft, Leg, is_connected};
use crate::twin::blueprint::RESOLVER;

/// Every address that `VirtualNetwork` stands for at a leg: the own network, networks that its own halves of peerings let in, and
/// prefixes of the user's routes but the default one.
pub(super) fn network_tag(draft: &Draft, leg: &Leg) -> AddressSet {
    let mut all = draft.networks[leg.network].space.clone();
    for (_, half) in draft.estate.children::<Peering>(&draft.networks[leg.network].id) {
        if is_connected(half) && half.allows_access == Some(true) {
            let other = draft.network_of(&half.remote);
            let whole = other.map(|index| draft.networks[index].space.clone()).unwrap_or_default();
            all.extend(if half.remote_space.is_empty() { &whole } else { &half.remote_space });
        }
    }
    for route in routes_of(draft, leg.subnet) {
        match &route.prefix {
            RoutePrefix::Network(net) if net.prefix_len() > 0 => all.push(*net),
            RoutePrefix::Network(_) | RoutePrefix::Tag(_) | RoutePrefix::Ipv6 => {}
        }
    }
    AddressSet::of(&all)
}

/// The addresses of some prefixes of a rule, seen from a leg.
pub(super) fn addresses(draft: &Draft, leg: &Leg, prefixes: &[Prefix]) -> AddressSet {
    prefixes.iter().fold(AddressSet::default(), |all, prefix| all.union(&one(draft, leg, prefix)))
}

fn one(draft: &Draft, leg: &Leg, prefix: &Prefix) -> AddressSet {
    match prefix {
        Prefix::Any => AddressSet::all(),
        Prefix::Network(net) => AddressSet::of([net]),
        Prefix::Ipv6 | Prefix::ApplicationGroup(None) => AddressSet::default(),
        Prefix::ApplicationGroup(Some(group)) => {
            let members = draft.legs.iter().filter(|leg| leg.groups.contains(group));
            let networks: Vec<Ipv4Net> = members.map(|leg| Ipv4Net::from(leg.address)).collect();
            AddressSet::of(&networks)
        }
        Prefix::Tag(tag) => match tag.to_ascii_lowercase().as_str() {
            "virtualnetwork" => network_tag(draft, leg),
            "azureplatformdns" => AddressSet::one(RESOLVER),
            "internet" => {
                AddressSet::all().difference(&private()).difference(&network_tag(draft, leg))
            }
            _ => doors_of_tag(draft, tag),
        },
    }
}

/// Front doors that a service tag, such as `Sql.WestEurope`, stands for; empty for the tags of other services.
pub(super) fn doors_of_tag(draft: &Draft, tag: &str) -> AddressSet {
    let tag = tag.to_ascii_lowercase();
    let (service, region) = tag.split_once('.').unwrap_or((&tag, ""));
    let holds_flexible = service == "azurecloud";
    if !(holds_flexible || service == "sql") {
        return AddressSet::default();
    }
    let doors = draft.doors.iter().filter(|door| {
        let is_near = door.region.as_deref() == Some(region_key(region).as_str());
        (region.is_empty() || is_near) && (holds_flexible || !door.is_flexible)
    });
    let networks: Vec<Ipv4Net> = doors.map(|door| Ipv4Net::from(door.address)).collect();
    AddressSet::of(&networks)
}
