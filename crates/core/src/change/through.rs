//! What a route to an Azure Firewall lets through: no more than the firewall's network rules do.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::exposure::{self, End, Flows, Ports};
use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::firewall::{Ends, Firewall, IpGroup, NetworkRule};
use crate::id::ResourceId;
use crate::trace::firewall::rules;

/// Rules that are counted one by one; of more, everything that the route catches counts.
const RULES_MAX: usize = 64;

/// The firewall that has an address, and what its rules that let TCP pass say of some senders and receivers. What others deny before
/// them is not taken off. `None` where no firewall has the address, or several do, or its rules are not known.
pub(super) fn firewall(
    estate: &Estate,
    address: Ipv4Addr,
    senders: &End,
    (caught, ports): (Ipv4Net, Ports),
) -> Option<(ResourceId, Vec<Flows>)> {
    let has_it = |one: &Firewall| one.frontends.iter().any(|front| front.address == address);
    let mut found = estate.all::<Firewall>().filter(|(_, one)| has_it(one));
    let (id, _) = found.next().filter(|_| found.next().is_none())?;
    let allowing = rules::allowing(estate, id).ok()?;
    let receivers = AddressSet::of(&[caught]);
    let mut flows = Vec::new();
    for rule in allowing.into_iter().filter(|rule| rule.is_tcp != Some(false)) {
        let from = senders_of(estate, rule, senders);
        let to = receivers_of(estate, rule, &receivers);
        for (low, high) in rule.ports.as_deref().unwrap_or(&[exposure::EVERY_PORT]) {
            let ports = (ports.0.max(*low), ports.1.min(*high));
            if from.len() > 0 && to.len() > 0 && ports.0 <= ports.1 {
                flows.push(Flows::new(from.clone(), to.clone(), ports));
            }
        }
    }
    (flows.len() <= RULES_MAX).then(|| (id.clone(), flows))
}

/// Those of some senders whom a rule may speak of; of some, only how many there may be is known.
fn senders_of(estate: &Estate, rule: &NetworkRule, senders: &End) -> End {
    match addresses(estate, &rule.from).filter(|_| rule.from.tags.is_empty()) {
        Some(from) => senders.within(&from),
        None => senders.clone(),
    }
}

/// Those of some receivers whom a rule may speak of; tags stand for public addresses.
fn receivers_of(estate: &Estate, rule: &NetworkRule, receivers: &AddressSet) -> End {
    let Some(to) = addresses(estate, &rule.to) else { return receivers.clone().into() };
    let to = End::from(to.intersection(receivers));
    let tags = rule.to.tags.iter().filter(|_| !receivers.is_private());
    tags.map(|tag| exposure::tag(tag)).fold(to, End::union)
}

/// The addresses of one side of a rule; `None` where it may hold any.
fn addresses(estate: &Estate, ends: &Ends) -> Option<AddressSet> {
    let groups = ends.groups.iter().map(|id| estate.find::<IpGroup>(id)?.addresses.clone());
    let all = groups.collect::<Option<Vec<_>>>().filter(|_| !ends.is_open)?;
    Some(all.iter().fold(ends.addresses.clone(), |sum, one| sum.union(one)))
}
