//! The machines behind a load balancer: security rules act on them and their port, not on the frontend that is dialled.

use std::net::Ipv4Addr;

use super::leg::Machine;
use super::place::{self, Place};
use crate::address::AddressSet;
use crate::estate::endpoint::Interface;
use crate::estate::gateway::{BalancerRule, LoadBalancer};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// What packets for a port of a frontend come to: one machine, or several that the same rules and routes stand before.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The machine; of several, the first.
    pub machine: Machine,
    /// The addresses that packets come to: those of all, or the frontend's where it floats, or may.
    pub addresses: AddressSet,
    /// Their port.
    pub port: u16,
}

/// What a load balancer does with packets for a port of its frontend.
pub(super) enum Balanced {
    /// It takes them there.
    To(Behind),
    /// No rule of it takes any.
    Nowhere,
}

/// Follows packets through the load balancer that is dialled; `None` where nothing balances.
pub(super) fn follow(
    estate: &Estate,
    dialled: &Machine,
    port: u16,
) -> Option<Result<Balanced, Missing>> {
    let id = dialled.holder.as_ref()?;
    let balancer = estate.find::<LoadBalancer>(id)?;
    Some(balanced(estate, balancer, dialled.address, port).ok_or_else(|| unseen(id)))
}

/// `None` where something that it takes to know it was not captured.
fn balanced(
    estate: &Estate,
    balancer: &LoadBalancer,
    address: Ipv4Addr,
    port: u16,
) -> Option<Balanced> {
    let frontend = balancer.frontends.iter().find(|one| one.address == address)?.id.as_ref()?;
    let may_take = |rule: &&BalancerRule| {
        let is_port = |(first, last)| first == 0 || (first..=last).contains(&u64::from(port));
        rule.frontend.as_ref().is_none_or(|one| one == frontend)
            && rule.is_tcp != Some(false)
            && rule.ports.is_none_or(is_port)
    };
    let rules = balancer.rules.iter().flatten().chain(&balancer.nat_rules);
    let mut rules = rules.filter(may_take);
    let Some(rule) = rules.next() else {
        return balancer.has_all_rules.then_some(Balanced::Nowhere);
    };
    let is_sure = rule.frontend.is_some() && rule.is_tcp.is_some();
    if !is_sure || rules.next().is_some() {
        return None;
    }
    let port = match (rule.floats, rule.port_inside?) {
        (_, 0) => port,
        (Some(false), other) => u16::try_from(other).ok()?,
        // What floats keeps its port, too.
        (Some(true) | None, other) => u16::try_from(other).ok().filter(|one| *one == port)?,
    };
    let members = members(balancer, rule)?;
    let machines: Vec<_> = members.iter().map(|one| member(estate, one)).collect::<Option<_>>()?;
    let ((machine, interface), others) = machines.split_first()?;
    let is_alike = |(other, one): &(Machine, &Interface)| {
        let (groups, rules) = (&interface.groups, &interface.security_group);
        other.subnet == machine.subnet && one.groups == *groups && one.security_group == *rules
    };
    if !others.iter().all(is_alike) {
        return None;
    }
    let own = machines.iter().map(|(one, _)| one.address).filter(|_| rule.floats != Some(true));
    let kept = Some(address).filter(|_| rule.floats != Some(false));
    let addresses = own.chain(kept).map(AddressSet::one);
    let addresses = addresses.fold(AddressSet::default(), |all, one| all.union(&one));
    Some(Balanced::To(Behind { machine: machine.clone(), addresses, port }))
}

/// The first of the interfaces that a load balancer at an address hands packets to, where none of them forwards.
pub(super) fn idle_member(estate: &Estate, vnet: &ResourceId, at: Ipv4Addr) -> Option<ResourceId> {
    let Place::Here(Machine { holder: Some(id), .. }) = place::of(estate, vnet, at) else {
        return None;
    };
    let balancer = estate.find::<LoadBalancer>(&id)?;
    let frontend = balancer.frontends.iter().find(|one| one.address == at)?.id.as_ref()?;
    // A rule for every port takes all that passes by; the others may be of NAT, and have to be known.
    let takes_all = |rule: &BalancerRule| rule.is_tcp == Some(true) && rule.ports == Some((0, 0));
    let is_of = |rule: &&BalancerRule| rule.frontend.as_ref().is_none_or(|one| one == frontend);
    let rules = balancer.rules.as_ref()?;
    if !balancer.has_all_rules && !rules.iter().filter(is_of).any(takes_all) {
        return None;
    }
    let mut all = Vec::new();
    for rule in rules.iter().chain(&balancer.nat_rules).filter(is_of) {
        all.extend(members(balancer, rule)?);
    }
    let idle = |configuration: &ResourceId| {
        let id = configuration.parent()?;
        (estate.find::<Interface>(&id)?.forwards == Some(false)).then_some(id)
    };
    let idle: Vec<ResourceId> = all.into_iter().map(idle).collect::<Option<_>>()?;
    idle.into_iter().next()
}

/// The configurations of interfaces that a rule takes packets to; `None` where they are not all known.
fn members<'b>(balancer: &'b LoadBalancer, rule: &'b BalancerRule) -> Option<&'b [ResourceId]> {
    let to = rule.to.as_ref()?;
    match balancer.pools.iter().find(|(pool, _)| pool == to) {
        Some((_, members)) => members.as_deref(),
        None => Some(std::slice::from_ref(to)),
    }
}

/// The machine with a configuration of an interface, where that has one address.
fn member<'e>(estate: &'e Estate, configuration: &ResourceId) -> Option<(Machine, &'e Interface)> {
    let id = configuration.parent()?;
    let interface = estate.find::<Interface>(&id)?;
    let [address] = interface.addresses[..] else { return None };
    Some((Machine { address, subnet: interface.subnet.clone()?, holder: Some(id) }, interface))
}

fn unseen(balancer: &ResourceId) -> Missing {
    Missing::other(
        format!(
            "what security rules let in to the machines behind load balancer `{}`",
            balancer.name()
        ),
        "check the address of each of them: `--source ADDRESS:PORT`",
    )
}
