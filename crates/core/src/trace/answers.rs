//! The way of the answers, between two subnets.

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::id::ResourceId;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::hop::{self, Shore};
use crate::trace::leg::{Leg, Walker};
use crate::trace::own_route::Own;
use crate::trace::route::Routed;
use crate::trace::route_words::{bypass_step, route_step};
use crate::trace::sides::{doubted, is_handed_on};
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::walk::End;
use crate::trace::words::replies_step;

impl Walker<'_> {
    /// Rules let answers of an open connection pass, so only routes can lose them.
    pub(super) fn answers(
        &self,
        leg: &mut Leg,
        near: &End,
        far: &End,
        back: Vec<(AddressSet, Routed)>,
    ) {
        if leg.guard.as_ref().and_then(Guard::sends_on) == Some(Sender::Kept) {
            return self.answers_through(leg, (near, far), back);
        }
        if back.is_empty() {
            leg.back.push(match leg.is_bypassed(self.estate) {
                true => bypass_step(self.estate, near.id, leg),
                false => replies_step(),
            });
        }
        let is_split = back.len() > 1;
        // An appliance takes the packets past a join that carries nothing; answers find it only where it has put its own address on them.
        let is_handed_on = is_handed_on(leg);
        let lacks_a_way = is_handed_on && leg.is_apart && !leg.is_perhaps_joined;
        let has_own = !is_handed_on && leg.onward.is_none();
        let joined = match &leg.joined {
            Some(joined) if leg.next.as_ref() == Some(far.id) => Some(joined.clone()),
            Some(_) if leg.is_apart && !self.estate.is_brief() => {
                let shores = (Shore::of(near.vnet, near.id), Shore::of(far.vnet, far.id));
                Some(self.estate.watch(|estate| hop::join(estate, shores.0, shores.1)).0)
            }
            _ => None,
        };
        for (part, routed) in back {
            let own = part.first().filter(|_| has_own);
            let own = own
                .map_or(Own::Untold, |to| self.own_route((far, near), to, joined.as_ref(), false));
            let mut step = route_step(self.estate, far.id, (&routed, own), &part);
            if let Some(half) = self.half_seen(leg, far, (&part, &routed)) {
                step = half;
            } else if let Some(unseen) = self.unseen_by_firewall(leg, far, &routed) {
                step = unseen;
            }
            step.stage = Stage::Return;
            if is_split && step.outcome == Outcome::Drop {
                step.dropped_part = Some(part.clone());
            }
            if is_handed_on && step.outcome == Outcome::Drop {
                step = doubted(step);
            }
            if matches!(routed, Routed::Directly) && lacks_a_way {
                step = Step::unknown(Stage::Return, untranslated(near.vnet, far.vnet));
            }
            let is_worse = !matches!(routed, Routed::Directly | Routed::ByUser(_));
            let is_lost = matches!(leg.route_back, Some(Routed::Dropped(_) | Routed::Dead(..)));
            if leg.route_back.is_none() || is_worse && !is_lost {
                leg.route_back = Some(routed);
            }
            leg.back.push(step);
        }
    }
}

/// Whether the sender's address is still on packets that an appliance takes to a network which has no route to the sender's.
fn untranslated(near: &ResourceId, far: &ResourceId) -> Missing {
    let what = format!(
        "whether answers come back: no peering leads from `{}` to `{}`, and no route to the appliance",
        far.name(),
        near.name()
    );
    Missing::other(what, "look whether it translates addresses, or route the answers to it as well")
}
