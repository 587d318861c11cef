//! Azure's own route to the other end: how long it is, and where packets go without one.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::id::ResourceId;
use crate::trace::appliance;
use crate::trace::breaks;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::hop::{self, Shore};
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::walk::{End, handed};

impl Walker<'_> {
    /// Where packets go while no peering routes the other network: Azure drops them, unless a shorter route hands them to an appliance
    /// or a gateway. One that drops them too is no fault of its own, since a peering's route beats it.
    pub(super) fn past_the_join(
        &self,
        leg: &Leg,
        subnet: (&ResourceId, &Subnet),
        (far, to): (&ResourceId, Ipv4Addr),
    ) -> Routed {
        let vnet = subnet.0.parent();
        let brings = |vnet: &ResourceId| self.brings_route(vnet, far, to);
        if leg.is_perhaps_joined || vnet.as_ref().is_some_and(brings) {
            // A half that does not tell all may bring none; then a shorter route hands the packets on.
            let unsure = vnet.as_ref().and_then(|vnet| self.unsure_half((vnet, far)));
            let unsure = unsure.filter(|_| !leg.is_perhaps_joined);
            return match unsure.filter(|_| self.may_hand_on(subnet, &AddressSet::one(to))) {
                Some(missing) => Routed::Unknown(missing),
                None => Routed::Directly,
            };
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

    /// Whether a half of a peering brings a network a route to an address of another one, whatever becomes of packets there.
    fn brings_route(&self, vnet: &ResourceId, far: &ResourceId, to: Ipv4Addr) -> bool {
        let routes = |(_, half): (&ResourceId, &Peering)| {
            let is_untold = half.remote_space.is_empty() && half.remote == *far;
            hop::may_be_up(self.estate, vnet, half)
                && (is_untold || half.remote_space.iter().any(|net| net.contains(&to)))
        };
        self.estate.children::<Peering>(vnet).any(routes)
    }

    /// Length of Azure's own route to the other end: a peering routes what it knows of the other network.
    ///
    /// # Errors
    /// [`Missing`] when neither the peering tells it nor the other network was observed.
    pub(super) fn range_of(
        &self,
        leg: &Leg,
        (near, far): (&ResourceId, &ResourceId),
        destination: Ipv4Addr,
    ) -> Result<u8, Missing> {
        let half = hop::half(self.estate, near, far).filter(|_| !leg.is_apart);
        match half {
            Some((id, half)) if half.remote_space.is_empty() => {
                return Err(Missing::field(id, "remoteAddressSpace"));
            }
            // Nor is it known what a half says that nobody captured.
            None if !leg.is_apart => drop(self.estate.get::<Vnet>(near)?),
            Some(_) | None => {}
        }
        let known = half.into_iter().flat_map(|(_, half)| &half.remote_space);
        let longest = known.filter(|net| net.contains(&destination)).map(Ipv4Net::prefix_len).max();
        match longest {
            Some(longest) => Ok(longest),
            None => Ok(route::range_length(self.estate.get::<Vnet>(far)?, destination)),
        }
    }

    /// Where routes at the other end lead the answers. Those of a private endpoint go back as they came.
    pub(super) fn way_back(&self, leg: &Leg, near: &End, far: &End) -> Vec<(AddressSet, Routed)> {
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        let sender = leg.guard.as_ref().and_then(Guard::sends_on);
        let first = near.addresses.first().filter(|_| !is_endpoint);
        let Some(first) = first else { return Vec::new() };
        // A peering says so itself.
        let claimed = breaks::claimed(self.estate, (far.vnet, near.vnet), &near.addresses);
        if let Some(missing) = claimed.filter(|_| leg.is_apart) {
            return vec![(near.addresses.clone(), Routed::Unknown(missing))];
        }
        let range = self.range_of(leg, (far.vnet, near.vnet), first);
        // That of a network is no longer than those of its subnets: of shorter routes nobody knows whether they win.
        let shortest = || {
            let held = near.subnet.prefixes.iter().filter(|net| net.contains(&first));
            held.map(Ipv4Net::prefix_len).max().unwrap_or(32)
        };
        let subnet = (far.id, far.subnet);
        // Of networks that nothing joins but a firewall, none has a route of its own to the other.
        let has_no_own = leg.is_apart
            && sender == Some(Sender::Kept)
            && near.vnet != far.vnet
            && !self.brings_route(far.vnet, near.vnet, first);
        let own = match has_no_own {
            true => route::to_nowhere(self.estate, subnet, first),
            false => OwnRoute::Network(range.clone().unwrap_or_else(|_| shortest())),
        };
        let parts = route::to_addresses(self.estate, subnet, &near.addresses, own);
        let shore = Shore::of(far.vnet, far.id);
        let of_part = |(part, one): (AddressSet, Routed)| {
            let one = match (one, &range) {
                (Routed::Directly, Err(missing))
                    if route::catches_some(self.estate, subnet, &part) =>
                {
                    Routed::Unknown(missing.clone())
                }
                (one, _) => handed(self.estate, shore, one).0,
            };
            (part, one)
        };
        parts.into_iter().map(of_part).collect()
    }
}
