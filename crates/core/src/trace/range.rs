//! Azure's own route to the other end: how long it is, and where packets go without one.

use std::net::Ipv4Addr;

use crate::estate::network::{Peering, Subnet, Vnet};
use crate::id::ResourceId;
use crate::trace::appliance;
use crate::trace::hop::{self, Shore};
use crate::trace::leg::{Leg, Walker};
use crate::trace::route::{self, Routed};
use crate::trace::walk::End;

impl Walker<'_> {
    /// Where packets go while no peering routes the other network: Azure drops them, unless a shorter route hands them to an appliance
    /// or a gateway. One that drops them too is no fault of its own, since a peering's route beats it.
    pub(super) fn past_the_join(
        &self,
        leg: &Leg,
        subnet: (&ResourceId, &Subnet),
        to: Ipv4Addr,
    ) -> Routed {
        let is_routed = |half: &Peering| {
            let is_up = |state: &String| state.eq_ignore_ascii_case("connected");
            half.state.as_ref().is_none_or(is_up)
                && half.remote_space.iter().any(|net| net.contains(&to))
        };
        let vnet = subnet.0.parent();
        let halves = vnet.iter().flat_map(|vnet| self.estate.children::<Peering>(vnet));
        if leg.is_perhaps_joined || halves.into_iter().any(|(_, half)| is_routed(half)) {
            return Routed::Directly;
        }
        let own = route::to_nowhere(self.estate, subnet, to);
        let Routed::Elsewhere(shorter, missing) = route::to_address(self.estate, subnet, to, own)
        else {
            return Routed::Directly;
        };
        let address = shorter.next_hop.appliance();
        let near = vnet.as_ref().map(|vnet| Shore::of(vnet, subnet.0));
        let found = near.zip(address).map(|(near, one)| appliance::look(self.estate, near, one));
        // Through another network an appliance may be the way that is meant.
        let is_dead_here = found.is_some_and(|found| {
            found.is_dead() && found.vnet(self.estate).as_ref() == vnet.as_ref()
        });
        if is_dead_here { Routed::Directly } else { Routed::Elsewhere(shorter, missing) }
    }

    /// Length of Azure's own route to the other end: a peering routes what it knows of the other network.
    pub(super) fn range_of(
        &self,
        leg: &Leg,
        near: &End,
        far: &End,
        vnet: &Vnet,
        destination: Ipv4Addr,
    ) -> u8 {
        let half = hop::half(self.estate, near.vnet, far.vnet).filter(|_| !leg.is_apart);
        let known = half.into_iter().flat_map(|(_, half)| &half.remote_space);
        let longest =
            known.filter(|net| net.contains(&destination)).map(ipnet::Ipv4Net::prefix_len).max();
        longest.unwrap_or_else(|| route::range_length(vnet, destination))
    }
}
