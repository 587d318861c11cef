//! What an Azure Firewall sends on to a network beyond the gateway of its own hub, and how the answers come back to it.

use std::net::Ipv4Addr;

use super::Sender;
use crate::estate::Estate;
use crate::estate::gateway::Gateway;
use crate::estate::network::{NextHop, Subnet, Vnet};
use crate::id::ResourceId;
use crate::trace::firewall::onward::Onward;
use crate::trace::leg::{Leg, Walker};
use crate::trace::outward::{self, Outward};
use crate::trace::own_route::Own;
use crate::trace::place::{self, Place};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::route_words::{outward_step, route_step};
use crate::trace::step::{Stage, Step};
use crate::trace::walk::End;

/// The way from the subnet of a firewall through a gateway of the same network, or that nothing leads there; `None` where another gateway
/// does, or that is not known.
pub(super) fn through_own_gateway(
    estate: &Estate,
    home: &ResourceId,
    address: Ipv4Addr,
) -> Option<Outward> {
    let hub = home.parent()?;
    let found = outward::outward(estate, &hub, address);
    let is_own = match &found {
        Outward::Through(line) => line.vnet == hub,
        Outward::Learned(gateway, _) => {
            estate.find::<Gateway>(gateway).is_some_and(|one| one.vnets().any(|vnet| vnet == hub))
        }
        Outward::Nowhere => is_lost(estate, home, address),
        _ => false,
    };
    is_own.then_some(found)
}

/// Whether what a firewall sends to an address to which nothing leads is surely lost: no network near has the address, nor can it, a
/// gateway or a route server be there unseen, and no route of its subnet hands it to somebody.
fn is_lost(estate: &Estate, home: &ResourceId, address: Ipv4Addr) -> bool {
    let (Some(hub), Some(subnet)) = (home.parent(), estate.find::<Subnet>(home)) else {
        return false;
    };
    let Some(facts) = estate.find::<Vnet>(&hub).filter(|facts| !facts.space.is_empty()) else {
        return false;
    };
    let listed = facts.subnets.as_ref();
    let is_captured = |name: &str| estate.find::<Subnet>(&hub.child("subnets", name)).is_some();
    let is_listed =
        |name: &str| listed.is_some_and(|all| all.iter().any(|one| one.eq_ignore_ascii_case(name)));
    let is_gateway_known =
        is_captured("GatewaySubnet") || listed.is_some() && !is_listed("GatewaySubnet");
    let has_route_server = is_captured("RouteServerSubnet") || is_listed("RouteServerSubnet");
    let routed = route::to_address(estate, (home, subnet), address, OwnRoute::Nothing);
    is_gateway_known
        && !has_route_server
        && matches!(routed, Routed::Directly | Routed::Dropped(_))
        && matches!(place::of(estate, &hub, address), Place::Beyond)
}

impl Walker<'_> {
    /// The way behind the firewall of a hub to an address beyond the hub's gateway, and of the answers from there.
    pub(in crate::trace) fn through_hub(&self, leg: &mut Leg, near: &End, address: Ipv4Addr) {
        let Some(guard) = leg.guard.clone() else { return };
        let (Some(sender), Some(hub)) = (guard.sends_on(), guard.home.parent()) else { return };
        let Some(found) = through_own_gateway(self.estate, &guard.home, address) else { return };
        let is_lost = matches!(found, Outward::Nowhere);
        match End::read(self.estate, &hub, &guard.home) {
            Ok(seat) => self.out_of_hub(leg, &seat, found, address),
            Err(missing) => leg.forward.push(Step::unknown(Stage::Route, missing)),
        }
        if is_lost {
            return; // Nothing is answered.
        }
        let subnet = outward::gateway_subnet(&hub);
        match (sender, End::read(self.estate, &hub, &subnet)) {
            // The firewall itself is known in its network.
            (Sender::Replaced, _) => self.back_from_hub(leg, near, &guard.home),
            (Sender::Kept, Ok(far)) => {
                let back = self.way_back(leg, near, &far);
                self.answers_through(leg, (near, &far), back);
            }
            (Sender::Kept, Err(missing)) => leg.back.push(Step::unknown(Stage::Return, missing)),
        }
        if sender == Sender::Kept && hub != *near.vnet {
            let step = self.takes_forwarded(near.vnet, &hub);
            leg.back.extend(step.map(|step| Step { stage: Stage::Return, ..step }));
        }
    }

    /// Out of the firewall's subnet, as its table says.
    fn out_of_hub(&self, leg: &mut Leg, seat: &End, found: Outward, address: Ipv4Addr) {
        let subnet = (seat.id, seat.subnet);
        let own = match &found {
            Outward::Through(line) => OwnRoute::Network(line.prefix.prefix_len()),
            Outward::Nowhere => OwnRoute::Nothing,
            _ => OwnRoute::Network(1),
        };
        let routed = route::to_address(self.estate, subnet, address, own);
        let step = |routed| route_step(self.estate, seat.id, (routed, Own::Untold), address);
        match &routed {
            Routed::Directly => {
                let is_sent_there = route::leads_to_gateway(self.estate, subnet, address);
                let found =
                    if is_sent_there { found } else { found.unless_kept_out(self.estate, subnet) };
                leg.forward.push(outward_step(self.estate, seat.vnet, &found, address));
                let is_closed = matches!(found, Outward::KeptOut { .. } | Outward::Nowhere);
                leg.outward = is_closed.then_some(found);
            }
            Routed::Elsewhere(route, _) if route.next_hop == NextHop::Gateway => {
                let step = outward_step(self.estate, seat.vnet, &found, address);
                leg.forward.push(step.read(&route.resource, &route.pointer));
            }
            Routed::Dropped(route) => {
                leg.forward.push(step(&routed));
                let (subnet, dropped) = (seat.id.clone(), Some(route.clone()));
                leg.onward = Some(Onward { subnet, dropped });
            }
            _ => {
                leg.is_handed_further = true;
                leg.forward.push(step(&routed));
            }
        }
    }
}
