//! What a security group decides about the packets of a way: as things are, and as they would be without another fault.

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::estate::filter::Direction;
use crate::estate::network::Vnet;
use crate::trace::decision::Decision;
use crate::trace::filter::{self, Flow, Receiver, Stand};
use crate::trace::firewall::Guard;
use crate::trace::hop;
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::route;
use crate::trace::sides::Side;
use crate::trace::tag::{self, NetworkTag};
use crate::trace::walk::End;

/// What a group decides; and what it would decide without a fault elsewhere, where that stands for itself.
type Decisions = (Decision, Option<Decision>);

impl Walker<'_> {
    /// Whether a group denies the packets whatever address they come with.
    pub(super) fn denies_all(
        &self,
        leg: &Leg,
        side: &Side,
        near: &End,
        receiver: &Receiver,
    ) -> bool {
        let anywhere = End { addresses: AddressSet::all(), ..*near };
        let decided = self.filter(leg, side, &anywhere, receiver);
        decided.is_ok_and(|(one, _)| one.allowed.is_empty() && one.unknown.is_empty())
    }

    /// What a group decides. Behind a route to nowhere its prefix may be in the tag VirtualNetwork; such packets pass no rule anyway,
    /// and what stands for itself is what the rules do once the route is gone.
    pub(super) fn filter(
        &self,
        leg: &Leg,
        side: &Side,
        near: &End,
        receiver: &Receiver,
    ) -> Result<Decisions, Missing> {
        // Whether the tag holds every address counts for the front door alone.
        let ends = match receiver {
            Receiver::Addresses(set, _) => Some(near.addresses.union(set)),
            Receiver::Gateway(..) => None,
        };
        let mut seen = tag::network_tag(self.estate, side.at.vnet, side.at.id, ends.as_ref())?;
        if let (true, Receiver::Addresses(all, _)) = (leg.needs_learned_route, receiver) {
            seen.add(all);
        }
        let is_dropped = match side.direction {
            Direction::Outbound => leg.drops_out,
            // What goes through a firewall gets another route back to it, which the tag holds as well.
            Direction::Inbound => {
                leg.drops_back && leg.guard.as_ref().and_then(Guard::sends_on).is_none()
            }
        };
        let without = (is_dropped && !seen.dropped.is_empty()).then(|| seen.without_drops());
        let found = self.by_tag(leg, side, near, receiver, seen)?;
        match without {
            Some(without) => {
                let (decision, joined) = self.by_tag(leg, side, near, receiver, without)?;
                Ok((found.0, Some(joined.unwrap_or(decision))))
            }
            None => Ok(found),
        }
    }

    /// What a group decides that sees these addresses in the tag; and what it would decide if the networks were joined, where that is
    /// another denial: then that stands for itself, and is no consequence of the missing join.
    fn by_tag(
        &self,
        leg: &Leg,
        side: &Side,
        near: &End,
        receiver: &Receiver,
        mut seen: NetworkTag,
    ) -> Result<Decisions, Missing> {
        let relay = self.start.relay(self.estate);
        if let (Some(id), true) = (&self.start.interface, relay.is_some_and(|one| one.hides_groups))
        {
            return Err(Missing::field(id, "applicationSecurityGroups"));
        }
        let members = relay.map_or(&[][..], |one| &one.groups);
        let (senders, service) = (&near.addresses, self.service);
        let is_inbound = side.direction == Direction::Inbound;
        let stand = Stand {
            is_one_network: side.other.is_none_or(|other| other == side.at.vnet),
            is_at_endpoint: is_inbound && matches!(leg.way, Way::Endpoint(_)),
            is_at_server: side.at.subnet.is_of_servers(),
        };
        let flow = Flow { senders, members, receiver, service, stand };
        let decide = |seen: &NetworkTag| {
            filter::decide(self.estate, side.group, side.direction, &flow, seen)
        };
        let mut decision = decide(&seen)?;
        if let (Some(unread), false) = (&seen.unread, decision.unknown.is_empty()) {
            return Err(unread.clone());
        }
        let other = side.other.and_then(|vnet| self.estate.find::<Vnet>(vnet));
        if leg.is_perhaps_joined {
            match self.untold_space(side, near, receiver) {
                Some(space) => seen.add(&space),
                None => {
                    let space = other.map(|other| AddressSet::of(&other.space));
                    seen.perhaps = seen.perhaps.union(&space.unwrap_or_else(AddressSet::all));
                }
            }
            return Ok((decide(&seen)?, None));
        }
        let space = match (other, receiver) {
            (Some(other), _) => Some(AddressSet::of(&other.space)),
            // Beyond a gateway the tag holds what its routes lead to.
            (None, Receiver::Addresses(set, _)) if side.other.is_none() => Some(set.clone()),
            (None, _) => None,
        };
        if let Some(space) = space.filter(|_| leg.is_apart && !decision.denied.is_empty()) {
            seen.add(&space);
            let mut joined = decide(&seen)?;
            if !joined.denied.is_empty() {
                joined.lost = decision.denied_senders().difference(&joined.denied_senders());
                return Ok((decision, Some(joined)));
            }
            decision.passes_joined = joined.unknown.is_empty();
        }
        Ok((decision, None))
    }

    /// What a peering that tells everything but its state puts into the tag VirtualNetwork: packets that no route of a user takes come
    /// over it, or do not come at all.
    fn untold_space(&self, side: &Side, near: &End, receiver: &Receiver) -> Option<AddressSet> {
        let (own, other) = (side.at.vnet, side.other?);
        let (_, half) = hop::half(self.estate, own, other)?;
        let (_, back) = hop::half(self.estate, other, own)?;
        let is_open = half.state.is_none() && half.allows_access == Some(true) && !back.is_down();
        let Receiver::Addresses(to, _) = receiver else { return None };
        if !is_open || route::catches_some(self.estate, (near.id, near.subnet), to) {
            return None;
        }
        let space = match half.remote_space.as_slice() {
            [] => &self.estate.find::<Vnet>(other)?.space,
            told => told,
        };
        Some(AddressSet::of(space))
    }
}
