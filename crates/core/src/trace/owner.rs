//! A machine of the estate that is dialled by its public address.

use std::net::Ipv4Addr;

use crate::address::{AddressSet, public};
use crate::estate::endpoint::Interface;
use crate::estate::filter::Direction;
use crate::estate::gateway::PublicAddress;
use crate::estate::network::Subnet;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::admin::Packets;
use crate::trace::decision::Decision;
use crate::trace::egress::Egress;
use crate::trace::filter::{self, Flow, Receiver, Service, Stand};
use crate::trace::leg::Leg;
use crate::trace::rule_words::filter_step;
use crate::trace::step::{Stage, Step};
use crate::trace::tag;

impl Leg {
    /// Takes down the rules of the machine that has a public address, where they let nobody in: which public address the copier comes
    /// with is mostly not told, and an admin rule may let it in all the same. The steps of the rules that let nobody in, or everybody.
    pub(super) fn enter_owner(
        &mut self,
        estate: &Estate,
        address: Ipv4Addr,
        service: Service,
    ) -> Vec<Step> {
        let Some((id, interface)) = owner(estate, address) else { return Vec::new() };
        let (Some(subnet_id), Some(own)) = (&interface.subnet, interface.addresses.first()) else {
            return Vec::new();
        };
        let Some(subnet) = estate.find::<Subnet>(subnet_id) else { return Vec::new() };
        let senders = match &self.egress {
            Some(Egress::Known(addresses)) => addresses.clone(),
            _ => public(),
        };
        let receiver = Receiver::Addresses(AddressSet::one(*own), interface.groups.clone());
        let (direction, senders) = (Direction::Inbound, &senders);
        let Some(vnet) = subnet_id.parent() else { return Vec::new() };
        let packets = Packets { vnet: &vnet, direction, senders, receiver: &receiver, service };
        let fate = packets.fate(estate);
        if fate.opened.is_some() || fate.perhaps_opened.is_some() {
            return Vec::new();
        }
        let decide = |group: Result<Option<&ResourceId>, Missing>| {
            let group = group.ok()??;
            let ends = senders.union(&AddressSet::one(*own));
            let seen = tag::network_tag(estate, &vnet, subnet_id, Some(&ends)).ok()?;
            let (members, receiver, stand) = (&[][..], &receiver, Stand::default());
            let flow = Flow { senders, members, receiver, service, stand };
            let decision = filter::decide(estate, group, direction, &flow, &seen).ok()?;
            Some((group.clone(), decision))
        };
        let sides = [
            decide(subnet.security_group.id(subnet_id, "networkSecurityGroup")),
            decide(interface.security_group.id(id, "networkSecurityGroup")),
        ];
        let is_told = |decision: &Decision| {
            decision.unknown.is_empty()
                && (decision.allowed.is_empty() || decision.denied.is_empty())
        };
        let told = sides.iter().flatten().filter(|(_, decision)| is_told(decision));
        let step = |(group, decision): &(ResourceId, Decision)| {
            filter_step(estate, Stage::FilterIn, group, decision, senders)
        };
        let steps = told.map(step).collect();
        let is_shut =
            |decision: &Decision| decision.allowed.is_empty() && decision.unknown.is_empty();
        [self.inbound, self.inbound_interface] =
            sides.map(|side| side.filter(|(_, decision)| is_shut(decision)));
        steps
    }
}

/// The subnet of the machine that a public address is bound to, and its own address there.
pub fn place(estate: &Estate, wanted: Ipv4Addr) -> Option<(ResourceId, Ipv4Addr)> {
    let (_, interface) = owner(estate, wanted)?;
    Some((interface.subnet.clone()?, *interface.addresses.first()?))
}

/// The interface that a public address is bound to.
fn owner(estate: &Estate, wanted: Ipv4Addr) -> Option<(&ResourceId, &Interface)> {
    let has_it = |interface: &Interface| {
        let address = interface.public_address.to();
        let facts = address.and_then(|id| estate.find::<PublicAddress>(id));
        facts.is_some_and(|facts| facts.network == Some(wanted.into()))
    };
    estate.all::<Interface>().find(|(_, one)| has_it(one))
}
