//! An Azure Firewall as the DNS server of a network: with its DNS proxy on and no servers of its own it asks Azure from its network.

use std::net::Ipv4Addr;

use crate::address::AddressSet;
use crate::estate::firewall::{Firewall, FirewallPolicy, Proxy};
use crate::estate::forwarder::InboundEndpoint;
use crate::estate::gateway::Frontend;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::{Estate, Key, Reference};
use crate::id::ResourceId;
use crate::trace::route::{self, OwnRoute, Routed, range_length};
use crate::trace::step::{Stage, Step};

/// The firewall that has an address of a subnet, and what its DNS proxy does; `None` for the latter where that is not known.
pub(super) fn at<'e>(
    estate: &'e Estate,
    subnet: &ResourceId,
    address: Ipv4Addr,
) -> Option<(&'e ResourceId, Option<Proxy>)> {
    let mut holders = estate.list::<Firewall>(Key::Holders(address));
    let is_it = |seat: &Frontend| seat.address == address && seat.subnet.as_ref() == Some(subnet);
    let (id, firewall) = holders.find(|(_, one)| one.frontends.iter().any(is_it))?;
    Some((id, proxy(estate, firewall)))
}

fn proxy(estate: &Estate, firewall: &Firewall) -> Option<Proxy> {
    if firewall.is_failed {
        return None;
    }
    match &firewall.policy {
        Reference::None => firewall.proxy,
        policy => {
            let policy = estate.find::<FirewallPolicy>(policy.to()?)?;
            // What a policy without a word of it takes over from its parent is the parent's to say.
            match (&policy.base, policy.has_dns_settings) {
                (Reference::None, _) | (_, true) => policy.proxy,
                _ => None,
            }
        }
    }
}

/// Whether an address is that of a resolver's inbound endpoint in the network of a firewall's subnet, in a subnet without rules, and no
/// route leads elsewhere on the way: what it asks is asked from there.
pub(super) fn is_resolver_beside(estate: &Estate, subnet: &ResourceId, address: Ipv4Addr) -> bool {
    let (Some(own), Some(vnet)) = (estate.find::<Subnet>(subnet), subnet.parent()) else {
        return false;
    };
    let Some(range) = estate.find::<Vnet>(&vnet).map(|vnet| range_length(vnet, address)) else {
        return false;
    };
    let is_straight = |from: (&ResourceId, &Subnet), to: &AddressSet| {
        let parts = route::to_addresses(estate, from, to, OwnRoute::Network(range));
        parts.into_iter().all(|(_, routed)| matches!(routed, Routed::Directly))
    };
    let is_home = |home: &ResourceId| {
        home.parent().as_ref() == Some(&vnet)
            && estate.find::<Subnet>(home).is_some_and(|beside| {
                matches!(beside.security_group, Reference::None)
                    && is_straight((subnet, own), &AddressSet::one(address))
                    && is_straight((home, beside), &AddressSet::of(&own.prefixes))
            })
    };
    let mut all = estate.list::<InboundEndpoint>(Key::Holders(address));
    all.any(|(_, one)| one.subnets.iter().any(is_home))
}

/// The step of a firewall that answers no questions.
pub(super) fn silence(estate: &Estate, subnet: &ResourceId, address: Ipv4Addr) -> Option<Step> {
    let (id, proxy) = at(estate, subnet, address)?;
    let firewall = estate.find::<Firewall>(id).filter(|_| proxy == Some(Proxy::Off))?;
    let teller = firewall.policy.to().unwrap_or(id);
    let detail =
        format!("Azure Firewall `{}` answers no questions: its DNS proxy is off", id.name());
    let step = Step::drop(Stage::Listen, Some(teller), detail);
    Some(step.read(teller, estate.locate(teller, "", "dnsSettings")))
}
