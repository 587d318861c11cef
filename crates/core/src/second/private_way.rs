//! Ways to private addresses: the gates between a subnet and the injected source, or a private endpoint.

use super::appliance;
use super::endpoint::{Endpoint, acts_on, admits};
use super::filter::{End, Packet, Place, Way, filter, filters, has_group};
use super::firewall;
use super::passage::{Arrival, Passage, lost_answer, passage};
use super::peering::{Shore, cross};
use super::route::{Hop, arrive, may_hand_on, next_hop};
use super::verdict::{Gate, Tri};
use super::walk::Walk;
use super::world::network_of;

impl Walk<'_> {
    pub(super) fn own_way_as_told(
        &self,
        subnet: &str,
        from: Option<u32>,
        home: &str,
        to: Option<u32>,
    ) -> Vec<Gate> {
        let (near, far) = (network_of(subnet), network_of(home));
        let packet = |from, members| {
            let (to, port) = (End::at(to), self.port);
            let one_network = near == far;
            Packet { from, to, port, protocol: "tcp", members, one_network, groups: &[] }
        };
        let sent = packet(End::at(from), &self.sender.members);
        let mut gates = self.sender.out(self.world, subnet, &sent);
        let hop = next_hop(self.world, subnet, to, None, "route");
        let place = Place::of(home);
        let here = self.shore(subnet, from);
        let filtered = has_group(self.world, home);
        let there = Shore { network: far, subnet: home, address: to, filtered };
        let passage = passage(self.world, &hop, subnet, (from, to), self.port);
        if let Passage::Through(way) = passage {
            let arrives = |as_what: Arrival| {
                let packet = packet(as_what.from, as_what.members(&self.sender));
                filters(self.world, place, Way::Inbound, &packet)
            };
            gates.extend(way.gates(self.world, (here, there), None, Some(home), arrives));
            return gates;
        }
        let is_opaque = arrive(hop.clone(), near, far, &mut gates);
        if is_opaque {
            let packet = packet(End::Somewhere, &self.sender.members);
            gates.push(filter(self.world, place, Way::Inbound, &packet));
            gates.extend(passage.denial());
            gates.extend(firewall::loses(self.world, subnet, (home, to), None));
            gates.extend(appliance::refuses(self.world, subnet, to, &sent));
            return gates;
        }
        gates.extend(filters(self.world, place, Way::Inbound, &sent));
        // Past a peering a route may lead, which is not asked where the receiver's subnet is not known.
        let may_pass_by = matches!(hop, Hop::Unknown(_)) && may_hand_on(self.world, subnet, to);
        if near != far && !may_pass_by {
            gates.extend(cross(self.world, here, there));
        }
        let back = next_hop(self.world, home, from, None, "return");
        match lost_answer(self.world, &hop, home, from, &back) {
            Some(gate) => gates.push(gate),
            None => _ = arrive(back, far, near, &mut gates),
        }
        gates
    }

    pub(super) fn endpoint_way_as_told(
        &self,
        subnet: &str,
        from: Option<u32>,
        endpoint: &Endpoint,
        to: Option<u32>,
    ) -> Vec<Gate> {
        let near = network_of(subnet);
        let packet = |from, members| {
            let (to, port, groups) = (End::at(to), self.port, &endpoint.groups[..]);
            let one_network =
                endpoint.subnet.as_deref().is_none_or(|home| network_of(home) == near);
            Packet { from, to, port, protocol: "tcp", members, one_network, groups }
        };
        let sent = packet(End::at(from), &self.sender.members);
        let mut gates = vec![admits(self.world, self.server, &endpoint.key)];
        gates.extend(self.sender.out(self.world, subnet, &sent));
        let hop = next_hop(self.world, subnet, to, Some(endpoint), "route");
        let Some(home) = endpoint.subnet.as_deref() else {
            gates.push(Gate::unknown("the subnet", &endpoint.key));
            return gates;
        };
        let far = network_of(home);
        let here = self.shore(subnet, from);
        let filtered = acts_on(self.world, home) == Tri::Yes && has_group(self.world, home);
        let there = Shore { network: far, subnet: home, address: to, filtered };
        let passage = passage(self.world, &hop, subnet, (from, to), self.port).if_translated();
        if let Passage::Through(way) = passage {
            let arrives = |as_what: Arrival| {
                let packet = packet(as_what.from, as_what.members(&self.sender));
                vec![self.endpoint_filter(home, &packet)]
            };
            // Answers of private endpoints obey no routes.
            gates.extend(way.gates(self.world, (here, there), Some(endpoint), None, arrives));
            return gates;
        }
        let is_opaque = arrive(hop, near, far, &mut gates);
        let from_end = if is_opaque { End::Somewhere } else { End::at(from) };
        gates.push(self.endpoint_filter(home, &packet(from_end, &self.sender.members)));
        if is_opaque {
            gates.extend(passage.denial());
            gates.extend(firewall::loses(self.world, subnet, (home, to), Some(endpoint)));
            gates.extend(appliance::refuses(self.world, subnet, to, &sent));
        }
        if near != far && !is_opaque {
            gates.extend(cross(self.world, here, there));
        }
        gates
    }

    /// The sender's end of a crossing.
    pub(super) fn shore<'s>(&self, subnet: &'s str, from: Option<u32>) -> Shore<'s> {
        let filtered = self.sender.is_filtered(self.world, subnet);
        Shore { network: network_of(subnet), subnet, address: from, filtered }
    }

    fn endpoint_filter(&self, home: &str, packet: &Packet<'_>) -> Gate {
        let place = Place::of_endpoints(home);
        match acts_on(self.world, home) {
            Tri::No => Gate::Pass,
            Tri::Yes => filter(self.world, place, Way::Inbound, packet),
            Tri::Maybe => filter(self.world, place, Way::Inbound, packet).either(Gate::Pass),
        }
    }
}
