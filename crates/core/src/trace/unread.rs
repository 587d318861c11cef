//! Ways of which the routes, or the subnet at the other end, were not captured.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::estate::network::{NextHop, Route, RoutePrefix, Subnet, Vnet};
use crate::id::ResourceId;
use crate::trace::filter::Receiver;
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::lines;
use crate::trace::own_route::Own;
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::walk::End;
use crate::trace::words::hop_steps;

impl Walker<'_> {
    /// What is not known of the copier's routes, where one of them may hand packets to something that needs no peering.
    pub(super) fn may_be_led_past(
        &self,
        leg: &Leg,
        near: &End,
        to: &AddressSet,
    ) -> Option<Missing> {
        let Some(Routed::Unknown(missing)) = &leg.route else { return None };
        self.may_hand_on((near.id, near.subnet), to).then(|| missing.clone())
    }

    /// Whether a route of a subnet may hand packets to an appliance or a gateway, whatever else leads there.
    pub(super) fn may_hand_on(&self, subnet: (&ResourceId, &Subnet), to: &AddressSet) -> bool {
        let hands_on = |route: &Route| {
            let meets = matches!(&route.prefix, RoutePrefix::Network(net) if to.meets(net));
            meets && matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Gateway)
        };
        let routes = route::user_routes(self.estate, subnet);
        routes.map_or(true, |found| found.is_some_and(|(_, all)| all.into_iter().any(hands_on)))
    }

    /// What is not known of the route that a half of a peering brings: one that does not tell its state or what it routes, or was not
    /// captured though the other network's half counts it.
    pub(super) fn unsure_half(&self, (vnet, other): (&ResourceId, &ResourceId)) -> Option<Missing> {
        match hop::half(self.estate, vnet, other) {
            Some((id, half)) if half.state.is_none() => Some(Missing::field(id, "peeringState")),
            Some((id, half)) if half.remote_space.is_empty() => {
                Some(Missing::field(id, "remoteAddressSpace"))
            }
            Some(_) => None,
            None => self.unseen_half((vnet, other)),
        }
    }

    fn unseen_half(&self, (vnet, other): (&ResourceId, &ResourceId)) -> Option<Missing> {
        let (id, half) = hop::half(self.estate, other, vnet)?;
        let is_lone = hop::half(self.estate, vnet, other).is_none() && !half.is_down();
        is_lone.then(|| {
            let what = format!(
                "the half of network `{}` that peering `{}` of network `{}` counts",
                vnet.name(),
                id.name(),
                other.name()
            );
            Missing::other(what, "capture the network again")
        })
    }

    /// What is not known of the way of answers, or of packets, that a firewall is to see in both directions: `routed` is what is known.
    pub(super) fn unsure_way(
        &self,
        (from, to): (&End, &ResourceId),
        (part, routed): (&AddressSet, &Routed),
    ) -> Option<Missing> {
        match routed {
            Routed::Directly
                if from.vnet != to && self.may_hand_on((from.id, from.subnet), part) =>
            {
                self.unsure_half((from.vnet, to))
            }
            // The route of a peering may be longer.
            Routed::Elsewhere(route, _) => {
                let (own, first): (Ipv4Net, _) = (route.prefix.parse().ok()?, part.first()?);
                let longest = route::range_length(self.estate.find::<Vnet>(to)?, first);
                let unseen = self.unseen_half((from.vnet, to));
                let learned = || self.learned(from, first, own.prefix_len());
                unseen.filter(|_| longest > own.prefix_len()).or_else(learned)
            }
            _ => None,
        }
    }

    /// The route of a gateway to an address that is, or may be, longer than one of a user. What is learned counts as longer than a whole
    /// block of private addresses, and no longer than what a user wrote down for a network.
    fn learned(&self, from: &End, address: Ipv4Addr, length: u8) -> Option<Missing> {
        let table = route::table_of(self.estate, (from.id, from.subnet));
        if table.is_ok_and(|table| table.is_some_and(|(_, one)| one.keeps_gateway_routes_out)) {
            return None;
        }
        let (known, has_more) = lines::prefixes(self.estate, from.vnet);
        let has_more = has_more || lines::has_idle_gateway(self.estate, from.vnet);
        let is_longer = |net: &Ipv4Net| net.contains(&address) && net.prefix_len() > length;
        let block = match route::to_block(address) {
            OwnRoute::Network(block) => block,
            _ => 0,
        };
        (known.iter().any(is_longer) || has_more && length <= block).then(|| {
            let what = format!("whether a gateway of network `{}` has a longer route", from.vnet.name());
            Missing::other(what, "look at the effective routes of the subnet, or keep the gateway's routes out of its table")
        })
    }

    /// The way to a subnet that was not captured, as far as it is known: the rules and the route that packets leave by, and the join with
    /// its network, which every packet meets that no route hands on.
    pub(super) fn towards_unread(
        &self,
        leg: &mut Leg,
        near: &End,
        (far_vnet, far_id): (&ResourceId, &ResourceId),
        address: Option<Ipv4Addr>,
        missing: Missing,
    ) {
        // Rules on the way out may speak of every address.
        let to = address.map_or_else(AddressSet::all, AddressSet::one);
        let receiver = Receiver::Addresses(to.clone(), self.groups(leg));
        leg.senders = near.addresses.clone();
        leg.is_perhaps_joined = near.vnet != far_vnet;
        self.estate.aside(|| self.outbound(leg, near, Some(far_vnet), &receiver));
        let here = Shore { vnet: near.vnet, subnet: near.id, addresses: Some(&near.addresses) };
        let there = Shore { vnet: far_vnet, subnet: far_id, addresses: address.map(|_| &to) };
        let joined = hop::join(self.estate, here, there);
        let routed = address.and_then(|to| self.unread_route(leg, near, &joined, (far_vnet, to)));
        let is_caught = match (routed, address) {
            (Some(routed), Some(address)) => {
                self.routed(leg, near, (routed, Own::Untold), (&receiver, address));
                true
            }
            _ => route::catches_some(self.estate, (near.id, near.subnet), &to),
        };
        leg.forward.push(Step::unknown(Stage::Route, missing));
        if !is_caught && joined.is_cut() {
            let steps = hop_steps(self.estate, &joined, near.vnet, far_vnet);
            leg.cross(far_id, joined, steps);
        }
    }

    /// What a route of a user does with packets to an address in such a subnet, where one surely catches them.
    fn unread_route(
        &self,
        leg: &Leg,
        near: &End,
        joined: &Joined,
        (far, to): (&ResourceId, Ipv4Addr),
    ) -> Option<Routed> {
        let subnet = (near.id, near.subnet);
        let is_apart = joined.is_apart() && near.vnet != far;
        let own = match &leg.way {
            // Whether a route beats the endpoint's own, a policy of the subnet tells.
            Way::Endpoint(_) => OwnRoute::Endpoint { range_length: 0, policy_on: Some(false) },
            _ if joined.is_cut() && is_apart => route::to_nowhere(self.estate, subnet, to),
            _ => {
                let as_joined = Leg { is_apart, ..leg.clone() };
                OwnRoute::Network(self.range_of(&as_joined, (near.vnet, far), to).ok()?)
            }
        };
        match route::to_address(self.estate, subnet, to, own) {
            Routed::Directly | Routed::ByUser(_) => None,
            routed => Some(routed),
        }
    }
}

/// A step at a join that a route may lead past.
pub(super) fn perhaps_past(step: Step, missing: &Missing) -> Step {
    if step.outcome != Outcome::Drop {
        return step;
    }
    let detail = format!("{}, unless a route leads past it", step.detail);
    Step { detail, facts: step.facts, ..Step::unknown(step.stage, missing.clone()) }
}
