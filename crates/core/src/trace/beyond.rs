//! The way to an address that no captured network holds: beyond a gateway, or into the internet.

use std::net::Ipv4Addr;

use crate::address::{AddressSet, internet, private};
use crate::estate::Missing;
use crate::estate::endpoint::Interface;
use crate::estate::filter::Direction;
use crate::estate::gateway::PublicAddress;
use crate::estate::network::Subnet;
use crate::id::ResourceId;
use crate::trace::egress::Egress;
use crate::trace::filter::{self, Flow, Receiver};
use crate::trace::leg::{Leg, Walker};
use crate::trace::outward::{self, Outward};
use crate::trace::place::{self, Place};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::step::Stage;
use crate::trace::tag;
use crate::trace::walk::End;
use crate::trace::words::{filter_step, outward_step};

impl Walker<'_> {
    /// The way out of Azure's networks: to a network beyond a gateway, or into the internet.
    pub(super) fn out_of_azure(&self, leg: &mut Leg, near: &End, address: Ipv4Addr) {
        leg.senders = near.addresses.clone();
        self.outbound(leg, near, None, &filter::to_address(address));
        let subnet = (near.id, near.subnet);
        let is_private = private().contains(address);
        let mut found = match is_private {
            true => outward::outward(self.estate, near.vnet, address),
            false => Outward::Nowhere,
        };
        if let Place::Claimed(vnet) = place::of(self.estate, near.vnet, address) {
            found = match found {
                Outward::Through(line) => Outward::Claimed { line, vnet },
                other => other,
            };
        }
        let gateway = match &found {
            Outward::Through(line) => Some((line.gateway.clone(), Some(line.clone()))),
            Outward::Learned(gateway, _) => Some((gateway.clone(), None)),
            _ => None,
        };
        if let Some((gateway, line)) = gateway
            && let Ok(Some((table, facts))) = route::table_of(self.estate, subnet)
            && facts.keeps_gateway_routes_out
        {
            let (table, pointer) = (table.clone(), facts.propagation_pointer.clone());
            found = Outward::KeptOut { line, gateway, table, pointer };
        }
        let own = match &found {
            Outward::Through(line) => OwnRoute::Network(line.prefix.prefix_len()),
            _ if is_private => route::to_nowhere(self.estate, subnet, address),
            _ => OwnRoute::Internet,
        };
        let routed = route::to_address(self.estate, subnet, address, own);
        // A route of a user decides before the gateways do.
        match routed {
            Routed::Directly if is_private => {
                leg.forward.push(outward_step(near.vnet, &found, address));
                leg.route = Some(Routed::Directly);
                leg.is_apart = !matches!(
                    found,
                    Outward::Through(_) | Outward::Perhaps(_) | Outward::Learned(..)
                );
                leg.outward = Some(found);
            }
            routed => {
                self.routed(leg, near, routed, address);
                if !is_private {
                    if !matches!(leg.route, Some(Routed::Elsewhere(..))) {
                        self.see_egress(leg, None);
                    }
                    self.enter_machine(leg, address);
                }
            }
        }
    }

    /// The rules of a machine of the estate that is dialled by its public address. Which public address the copier comes with is
    /// mostly not told: what counts is whether the rules let any of them in.
    fn enter_machine(&self, leg: &mut Leg, public: Ipv4Addr) {
        let has_it = |interface: &Interface| {
            let address = interface.public_address.to();
            let facts = address.and_then(|id| self.estate.get::<PublicAddress>(id).ok());
            facts.is_some_and(|facts| facts.address == Some(public))
        };
        let mut interfaces = self.estate.all::<Interface>();
        let Some((id, interface)) = interfaces.find(|(_, one)| has_it(one)) else { return };
        let (Some(subnet_id), Some(own)) = (&interface.subnet, interface.addresses.first()) else {
            return;
        };
        let Ok(subnet) = self.estate.get::<Subnet>(subnet_id) else { return };
        let senders = match &leg.egress {
            Some(Egress::Known(addresses)) => addresses
                .iter()
                .fold(AddressSet::default(), |all, one| all.union(&AddressSet::one(*one))),
            _ => internet(),
        };
        let receiver = Receiver::Addresses(AddressSet::one(*own), interface.groups.clone());
        let decide = |group: Result<Option<&ResourceId>, Missing>| {
            let group = group.ok()??;
            let vnet = subnet_id.parent()?;
            let ends = senders.union(&AddressSet::one(*own));
            let seen = tag::network_tag(self.estate, &vnet, subnet_id, Some(&ends)).ok()?;
            let flow = Flow {
                senders: &senders,
                members: &[],
                is_one_network: false,
                receiver: &receiver,
                service: self.service,
                is_at_endpoint: false,
            };
            let decision =
                filter::decide(self.estate, group, Direction::Inbound, &flow, &seen).ok()?;
            let is_shut = decision.allowed.is_empty() && decision.unknown.is_empty();
            is_shut.then(|| (group.clone(), decision))
        };
        leg.inbound = decide(subnet.security_group.id(subnet_id, "networkSecurityGroup"));
        leg.inbound_interface = decide(interface.security_group.id(id, "networkSecurityGroup"));
        for (group, decision) in [&leg.inbound, &leg.inbound_interface].into_iter().flatten() {
            leg.forward.push(filter_step(self.estate, Stage::FilterIn, group, decision));
        }
    }
}
