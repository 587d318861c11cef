//! The way to an address that no captured network holds: beyond a gateway, or into the internet.

use std::net::Ipv4Addr;

use crate::address::private;
use crate::estate::network::{NextHop, Peering, Vnet};
use crate::estate::{Missing, Reference};
use crate::id::ResourceId;
use crate::trace::breaks::{Break, BreakKind};
use crate::trace::filter;
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Walker};
use crate::trace::outward::{self, Outward};
use crate::trace::place::{self, Place};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::route_words::outward_step;
use crate::trace::step::{Stage, Step};
use crate::trace::walk::End;
use crate::trace::words::hop_steps;

impl Walker<'_> {
    /// The way out of Azure's networks: to a network beyond a gateway, or into the internet.
    pub(super) fn out_of_azure(&self, leg: &mut Leg, near: &End, address: Ipv4Addr) {
        leg.senders = near.addresses.clone();
        let subnet = (near.id, near.subnet);
        let is_private = private().contains(address);
        let mut found = match is_private {
            true => outward::outward(self.estate, near.vnet, address),
            false => Outward::Nowhere,
        };
        let mut range = None;
        if let Place::Claimed(vnet) = place::of(self.estate, near.vnet, address) {
            // A route to the network that claims the address is longer than a default route.
            let facts = self.estate.find::<Vnet>(&vnet);
            let is_led = vnet == *near.vnet || !hop::is_severed(self.estate, near.vnet, &vnet);
            range = facts.filter(|_| is_led).map(|facts| route::range_length(facts, address));
            found = match found {
                Outward::Through(line) => Outward::Claimed { line, vnet },
                other => other,
            };
        }
        // A route of a user to the gateway needs none of the gateway's own, and serves once there is a gateway to use.
        let is_sent_there = route::leads_to_gateway(self.estate, subnet, address);
        if !is_sent_there {
            found = found.unless_kept_out(self.estate, subnet);
        }
        let own = match &found {
            Outward::Through(line) => OwnRoute::Network(line.prefix.prefix_len()),
            // What is learned is longer than a default route, and taken to be no longer than what a user wrote down for a network.
            Outward::Learned(..) | Outward::Perhaps(_) => OwnRoute::Network(1),
            _ if let Some(range) = range => OwnRoute::Network(range),
            _ if is_private => route::to_nowhere(self.estate, subnet, address),
            _ => OwnRoute::Internet,
        };
        let mut routed = route::to_address(self.estate, subnet, address, own);
        // The gateway has a route of its own for it, or will have.
        let mut sent_by = None;
        if is_sent_there && (is_closed(&found) || matches!(found, Outward::Through(_))) {
            if let Routed::Elsewhere(route, _) = routed {
                sent_by = Some(route);
            }
            routed = Routed::Directly;
        }
        // What the gateway brings once it may is longer than a default route.
        if let Routed::Dropped(route) = &routed
            && is_closed(&found)
            && route.prefix.ends_with("/0")
        {
            routed = Routed::Directly;
        }
        if let Routed::Dropped(route) = &routed
            && is_private
            && !route.prefix.ends_with("/32")
            && route::space_of(self.estate, near.vnet).is_none()
        {
            // The range of the network that holds the address may be longer than the route's.
            let missing = Missing::field(near.vnet, "addressSpace");
            routed = Routed::Doubtful(route.clone(), missing);
        }
        leg.needs_learned_route =
            matches!((&found, &routed), (Outward::Learned(..), Routed::Directly));
        // Were that way open, the tag VirtualNetwork would hold the address.
        leg.is_apart = is_closed(&found);
        self.outbound(leg, near, None, &filter::to_address(address));
        // A route of a user decides before the gateways do.
        match routed {
            Routed::Directly if is_private => {
                leg.route = Some(Routed::Directly);
                leg.is_apart = !matches!(
                    found,
                    Outward::Through(_) | Outward::Perhaps(_) | Outward::Learned(..)
                );
                let place = leg.forward.len();
                self.take_outward(leg, near, found, address);
                // That route is read as well: without it the gateway's own would count.
                if let (Some(route), Some(step)) = (sent_by, leg.forward.get_mut(place)) {
                    *step = step.clone().read(&route.resource, &route.pointer);
                }
            }
            routed => {
                let is_lost = matches!(found, Outward::Nowhere | Outward::Claimed { .. });
                let meets_next = match &routed {
                    // A route to a gateway that is not there may serve once one is.
                    Routed::Dropped(route) if route.next_hop == NextHop::Gateway => {
                        is_closed(&found)
                    }
                    // Beneath it lies a route to an appliance, and nothing of a gateway is missing here.
                    Routed::Dropped(_) if route::hands_on_beneath(self.estate, subnet, address) => {
                        false
                    }
                    Routed::Dropped(_) => is_closed(&found) || is_private && is_lost,
                    _ => false,
                };
                leg.is_apart = false;
                let own = self.own_route_out(near, false);
                self.routed(leg, near, (routed, own), (&filter::to_address(address), address));
                self.through_hub(leg, near, address);
                if meets_next {
                    // What lies behind that route is a fault of its own: who mends the one meets the other.
                    self.take_outward(leg, near, found, address);
                }
                if !is_private {
                    if !matches!(leg.route, Some(Routed::Elsewhere(..))) {
                        self.see_egress(leg, None);
                    }
                    let steps = leg.enter_owner(self.estate, address, self.service);
                    leg.forward.extend(steps);
                }
            }
        }
    }

    /// Takes down what leads there beyond the copier's network, and what keeps a gateway from being used that leads nowhere yet.
    fn take_outward(&self, leg: &mut Leg, near: &End, found: Outward, address: Ipv4Addr) {
        leg.forward.push(outward_step(self.estate, near.vnet, &found, address));
        let is_lost = matches!(found, Outward::Nowhere)
            && !matches!(place::of(self.estate, near.vnet, address), Place::Claimed(_));
        leg.unused = is_lost.then(|| outward::unused(self.estate, near.vnet, address)).flatten();
        let towards = leg.unused.clone();
        self.towards_the_gateway(leg, near, towards.as_ref().unwrap_or(&found));
        if let (Outward::Through(line), Some(Routed::Directly)) = (&found, &leg.route) {
            self.back_from_the_gateway(leg, near, &line.vnet.clone());
        }
        leg.outward = Some(found);
    }

    /// Answers come out of the gateway, and obey the routes of its subnet: told where a user wrote some.
    fn back_from_the_gateway(&self, leg: &mut Leg, near: &End, vnet: &ResourceId) {
        let subnet = outward::gateway_subnet(vnet);
        let far = match End::read(self.estate, vnet, &subnet) {
            Ok(far) => far,
            Err(missing) => return leg.back.push(Step::unknown(Stage::Return, missing)),
        };
        if matches!(far.subnet.route_table, Reference::None) {
            return;
        }
        let back = self.way_back(leg, near, &far);
        let is_dropped = |(_, routed): &(_, Routed)| matches!(routed, Routed::Dropped(_));
        leg.drops_back = !back.is_empty() && back.iter().all(is_dropped);
        self.answers(leg, near, &far, back);
    }

    /// Whether a half that joins chosen subnets leaves this one out, whatever it says of the gateway's.
    fn leaves_out(&self, broken: &Break, subnet: &ResourceId) -> bool {
        let half = self.estate.find::<Peering>(&broken.half);
        let lists = half.and_then(|half| half.subnets_only.as_ref());
        lists.is_some_and(|(own, other)| {
            let names = if broken.is_near { own } else { other };
            !names.iter().any(|name| name.eq_ignore_ascii_case(subnet.name()))
        })
    }

    /// The peering with the network of the gateway that leads there. Both halves have to be connected and to hold the copier's subnet,
    /// and that network's half has to route the copier's; its own need not route the gateway.
    fn towards_the_gateway(&self, leg: &mut Leg, near: &End, found: &Outward) {
        let vnet = match found {
            Outward::Severed { vnet, .. } => vnet,
            Outward::Through(line) if line.vnet != *near.vnet => &line.vnet,
            _ => return,
        };
        let subnet = outward::gateway_subnet(vnet);
        let here = Shore { vnet: near.vnet, subnet: near.id, addresses: Some(&near.addresses) };
        let mut joined = hop::join(self.estate, here, Shore::of(vnet, &subnet));
        let counts = |one: &Break| match one.kind {
            BreakKind::Initiated | BreakKind::Disconnected => true,
            BreakKind::OutOfSync => !one.is_near,
            BreakKind::SubnetExcluded => self.leaves_out(one, near.id),
            BreakKind::AccessOff | BreakKind::Ipv6Only => false,
        };
        if let Joined::Apart { breaks, .. } | Joined::Broken(breaks, _) = &mut joined {
            breaks.retain(counts);
        }
        if matches!(found, Outward::Through(_)) && joined.breaks().is_empty() {
            return;
        }
        let steps = hop_steps(self.estate, &joined, near.vnet, vnet);
        leg.cross(&subnet, joined, steps);
    }
}

/// Whether a gateway leads there, or may, and a setting keeps this network from using it.
fn is_closed(found: &Outward) -> bool {
    matches!(found, Outward::KeptOut { .. } | Outward::NotLent { .. } | Outward::Severed { .. })
}
