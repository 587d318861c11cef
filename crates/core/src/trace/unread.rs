//! Ways of which the routes, or the subnet at the other end, were not captured.

use std::net::Ipv4Addr;

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::estate::network::{NextHop, Route, RoutePrefix};
use crate::id::ResourceId;
use crate::trace::hop::{self, Shore};
use crate::trace::leg::{Leg, Walker};
use crate::trace::route::{self, Routed};
use crate::trace::step::{Outcome, Step};
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
        let may_hand_on = |route: &&Route| {
            let meets = matches!(&route.prefix, RoutePrefix::Network(net) if to.meets(net));
            meets && matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Gateway)
        };
        let routes = route::user_routes(self.estate, (near.id, near.subnet));
        let is_sure = routes.is_ok_and(|found| {
            !found.is_some_and(|(_, all)| all.into_iter().any(|one| may_hand_on(&one)))
        });
        (!is_sure).then(|| missing.clone())
    }

    /// The join with the network of a subnet that was not captured, which every packet meets that no route of the copier's hands on.
    pub(super) fn towards_unread(
        &self,
        leg: &mut Leg,
        near: &End,
        (far_vnet, far_id): (&ResourceId, &ResourceId),
        address: Option<Ipv4Addr>,
    ) {
        let to = address.map_or_else(AddressSet::all, AddressSet::one);
        if route::catches_some(self.estate, (near.id, near.subnet), &to) {
            return;
        }
        let here = Shore { vnet: near.vnet, subnet: near.id, addresses: Some(&near.addresses) };
        let there = Shore { vnet: far_vnet, subnet: far_id, addresses: address.map(|_| &to) };
        let joined = hop::join(self.estate, here, there);
        if joined.is_cut() {
            let steps = hop_steps(self.estate, &joined, near.vnet, far_vnet);
            leg.cross(far_id, joined, steps);
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
