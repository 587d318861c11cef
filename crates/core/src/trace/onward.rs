//! What an Azure Firewall sends on: it has no tunnels of its own, so that packets leave its subnet by the hub's routes and peerings.

use std::net::Ipv4Addr;

use super::appliance;
use super::hop::{self, Joined, Shore};
use super::leg::{Leg, Walker};
use super::outward;
use super::own_route::Own;
use super::route::{Routed, UserRoute};
use super::route_words::route_step;
use super::walk::End;
use super::words::hop_steps;
use crate::address::AddressSet;
use crate::id::ResourceId;

/// Why packets that a firewall of a hub sends on are surely lost, whatever its rules say.
#[derive(Debug, Clone)]
pub struct Onward {
    /// The firewall's subnet.
    pub subnet: ResourceId,
    /// The route of that subnet's table that drops them; `None` where the hub is not joined with the other end's network.
    pub dropped: Option<UserRoute>,
}

impl Walker<'_> {
    /// Takes down that the firewall which a route leads to has no way on, where that is known.
    pub(super) fn beyond_firewall(
        &self,
        leg: &mut Leg,
        near: &End,
        far: &End,
        (receivers, address): (&AddressSet, Option<Ipv4Addr>),
    ) {
        let Some(Routed::Elsewhere(route, _)) = &leg.route else { return };
        let Some(home) = appliance::firewall_home(self.estate, near.id, &route.next_hop) else {
            return;
        };
        let Some(hub) = home.parent().filter(|hub| hub != near.vnet && hub != far.vnet) else {
            return;
        };
        let Ok(seat) = End::read(self.estate, &hub, home) else { return };
        let there = Shore { vnet: far.vnet, subnet: far.id, addresses: Some(receivers) };
        let joined = hop::join(self.estate, Shore::of(&hub, home), there);
        let is_perhaps_joined =
            matches!(joined, Joined::Apart { other_way: Some(_), .. } | Joined::Unknown(_));
        let from_hub = Leg { is_apart: joined.is_apart(), is_perhaps_joined, ..leg.clone() };
        let dropped = match self.route(&from_hub, &seat, far, address) {
            Some((to, routed @ Routed::Dropped(_))) => {
                leg.forward.push(route_step(self.estate, home, (&routed, Own::Untold), to));
                let Routed::Dropped(route) = routed else { return };
                Some(route)
            }
            Some((to, Routed::Directly | Routed::ByUser(_)))
                if joined.is_cut() && outward::has_no_way(self.estate, &hub, to) =>
            {
                let steps = hop_steps(self.estate, &joined, &hub, far.vnet);
                leg.cross(far.id, joined, steps);
                None
            }
            _ => return,
        };
        leg.onward = Some(Onward { subnet: home.clone(), dropped });
    }
}
