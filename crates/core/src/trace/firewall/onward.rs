//! What an Azure Firewall sends on: it has no tunnels of its own, so that packets leave its subnet by the hub's routes and peerings.

use std::net::Ipv4Addr;

use super::{Guard, Sender, sound_or_unknown};
use crate::address::AddressSet;
use crate::estate::Missing;
use crate::id::ResourceId;
use crate::trace::appliance;
use crate::trace::filter::Receiver;
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Walker};
use crate::trace::outward;
use crate::trace::own_route::Own;
use crate::trace::route::{self, OwnRoute, Routed, UserRoute};
use crate::trace::route_words::route_step;
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::walk::End;
use crate::trace::words::hop_steps;

/// Why packets that a firewall of a hub sends on are surely lost, whatever its rules say.
#[derive(Debug, Clone)]
pub struct Onward {
    /// The firewall's subnet.
    pub subnet: ResourceId,
    /// The route of that subnet's table that drops them; `None` where the hub is not joined with the other end's network.
    pub dropped: Option<UserRoute>,
}

impl Walker<'_> {
    /// The way from the firewall that a route leads to, as far as it is known: whatever the firewall does, some ways surely end there.
    pub(in crate::trace) fn beyond_firewall(
        &self,
        leg: &mut Leg,
        near: &End,
        far: &End,
        (receivers, address): (&AddressSet, Option<Ipv4Addr>),
    ) {
        let Some(Guard { home, .. }) = &leg.guard else { return };
        let (home, sender) = (home.clone(), leg.guard.as_ref().and_then(Guard::sends_on));
        let Some(hub) = home.parent() else { return };
        if sender.is_none() && (hub == *near.vnet || hub == *far.vnet) {
            return;
        }
        let seat = match End::read(self.estate, &hub, &home) {
            Ok(seat) => seat,
            Err(missing) if sender.is_some() => {
                return leg.forward.push(Step::unknown(Stage::Route, missing));
            }
            Err(_) => return,
        };
        let there = Shore { vnet: far.vnet, subnet: far.id, addresses: Some(receivers) };
        let joined = hop::join(self.estate, Shore::of(&hub, &home), there);
        let is_perhaps_joined =
            matches!(joined, Joined::Apart { other_way: Some(_), .. } | Joined::Unknown(_));
        let from_hub = Leg { is_apart: joined.is_apart(), is_perhaps_joined, ..leg.clone() };
        let Some((to, routed)) = self.route(&from_hub, &seat, far, address) else { return };
        let dropped = match (routed, sender) {
            (routed @ Routed::Dropped(_), _) => {
                leg.forward.push(route_step(self.estate, &home, (&routed, Own::Untold), to));
                let Routed::Dropped(route) = routed else { return };
                Some(route)
            }
            (Routed::Directly | Routed::ByUser(_), _)
                if joined.is_cut()
                    && (outward::has_no_way(self.estate, &hub, to)
                        || !outward::may_use_gateway(self.estate, far.vnet)) =>
            {
                let own = self.own_route((&seat, far), to, Some(&joined), false);
                let routed = (&Routed::Directly, own);
                leg.forward.push(route_step(self.estate, &home, routed, to));
                let steps = hop_steps(self.estate, &joined, &hub, far.vnet);
                leg.cross(far.id, joined, steps);
                None
            }
            (Routed::Directly | Routed::ByUser(_), Some(sender)) => {
                leg.forward.extend(sound_or_unknown(self.estate, &joined, (&hub, far.vnet)));
                if sender == Sender::Kept && hub != *near.vnet {
                    leg.forward.extend(self.takes_forwarded(far.vnet, &hub));
                }
                return;
            }
            (routed, Some(_)) => {
                leg.is_handed_further = true;
                return leg.forward.push(route_step(
                    self.estate,
                    &home,
                    (&routed, Own::Untold),
                    to,
                ));
            }
            (_, None) => return,
        };
        leg.onward = Some(Onward { subnet: home, dropped });
    }

    /// Whether the peering of a network with a hub takes what the hub forwards for others; no step where it surely does. The receiving
    /// network's half decides.
    pub(super) fn takes_forwarded(&self, vnet: &ResourceId, hub: &ResourceId) -> Option<Step> {
        let (id, receiver) = hop::half(self.estate, vnet, hub)?;
        let pointer = format!("{}/allowForwardedTraffic", receiver.fields);
        let detail = format!(
            "peering `{}` of network `{}` does not take forwarded packets",
            id.name(),
            vnet.name()
        );
        let step = match receiver.allows_forwarded {
            Some(true) => return None,
            Some(false) => Step::drop(Stage::Hop, Some(id), detail),
            None => Step::unknown(Stage::Hop, Missing::field(id, "allowForwardedTraffic")),
        };
        Some(step.read(id, pointer))
    }

    /// The other end, where packets come to it from the firewall's own subnet: from which of its addresses, nobody tells.
    pub(in crate::trace) fn arrive_for(
        &self,
        leg: &mut Leg,
        near: &End,
        far: &End,
        receiver: &Receiver,
    ) {
        let Some(home) = leg.guard.as_ref().map(|guard| guard.home.clone()) else { return };
        let Some(hub) = home.parent() else { return };
        let Ok(seat) = End::read(self.estate, &hub, &home) else { return };
        let joined = hop::join(self.estate, Shore::of(&hub, &home), Shore::of(far.vnet, far.id));
        let is_apart = std::mem::replace(&mut leg.is_apart, joined.is_apart());
        let (there, back) = (leg.forward.len(), leg.back.len());
        self.enter(leg, &seat, far, receiver);
        leg.is_apart = is_apart;
        let met = leg.forward[there..].iter_mut().chain(&mut leg.back[back..]);
        for step in met.filter(|step| step.dropped_part.is_some()) {
            let what = format!("which address of subnet `{}` the packets get", home.name());
            let missing = Missing::other(what, "let all of that subnet pass");
            let (detail, facts) = (step.detail.clone(), std::mem::take(&mut step.facts));
            *step = Step { detail, facts, ..Step::unknown(step.stage, missing) };
        }
        self.back_from_hub(leg, near, &home);
    }

    /// The step of answers that are led into an Azure Firewall which has not seen the packets.
    pub(in crate::trace) fn half_seen(
        &self,
        leg: &Leg,
        far: &End,
        (part, routed): (&AddressSet, &Routed),
    ) -> Option<Step> {
        let is_direct = matches!(leg.route, Some(Routed::Directly | Routed::ByUser(_)))
            && !leg.is_perhaps_joined
            && !leg.is_perhaps_led_past;
        let Routed::Elsewhere(route, _) = routed else { return None };
        let (id, _) = appliance::firewall_at(self.estate, far.id, &route.next_hop)?;
        let detail = format!(
            "route `{}` ({}) leads answers to {part} into Azure Firewall `{}`, which drops connections that it sees half of",
            route.name,
            route.prefix,
            id.name()
        );
        let step = Step::drop(Stage::Return, Some(&route.table), detail);
        is_direct.then(|| step.read(&route.resource, &route.pointer))
    }

    /// The step of answers that are led to an Azure Firewall of which not all is known, or that no packets come to.
    pub(in crate::trace) fn unseen_by_firewall(
        &self,
        leg: &Leg,
        far: &End,
        routed: &Routed,
    ) -> Option<Step> {
        let Routed::Elsewhere(route, _) = routed else { return None };
        let (id, _) = appliance::firewall_at(self.estate, far.id, &route.next_hop)?;
        let name = id.name();
        let is_lost = matches!(leg.route, Some(Routed::Dropped(_) | Routed::Dead(..)));
        let missing = match &leg.guard {
            Some(guard) if guard.id == *id => guard.missing().cloned()?,
            None if is_lost => Missing::other(
                format!(
                    "what Azure Firewall `{name}` does with answers once the way there is mended"
                ),
                "mend the way there, and check again",
            ),
            _ => return None,
        };
        let led = format!(
            "route `{}` ({}) leads answers to Azure Firewall `{name}`",
            route.name, route.prefix
        );
        let detail = format!("{led}; not observed: {}", missing.what);
        let step = Step::unknown(Stage::Return, missing);
        let step = Step { resource: Some(route.table.clone()), detail, ..step };
        Some(step.read(&route.resource, &route.pointer))
    }

    /// Answers to packets that a firewall has sent on, from the other end to the firewall and from there to the copier.
    pub(in crate::trace) fn answers_through(
        &self,
        leg: &mut Leg,
        (near, far): (&End, &End),
        back: Vec<(AddressSet, Routed)>,
    ) {
        let Some(guard) = leg.guard.clone() else { return };
        let is_split = back.len() > 1;
        for (part, routed) in back {
            let unsure = self.unsure_way((far, near.vnet), (&part, &routed));
            let unsure = unsure.or_else(|| self.other_sees_all(leg, far, &routed));
            let mut step = match unsure {
                Some(missing) => Step::unknown(Stage::Return, missing),
                None => self.answer_step(leg, &guard, far, (&part, &routed)),
            };
            step.stage = Stage::Return;
            if is_split && step.outcome == Outcome::Drop {
                step.dropped_part = Some(part);
            }
            let is_worse = step.outcome != Outcome::Pass;
            if leg.route_back.is_none() || is_worse {
                leg.route_back = Some(routed);
            }
            leg.back.push(step);
        }
        self.back_from_hub(leg, near, &guard.home);
        let hub = guard.home.parent();
        if hub.as_ref() != Some(far.vnet)
            && let Some(hub) = hub.filter(|hub| hub != near.vnet)
        {
            let step = self.takes_forwarded(near.vnet, &hub);
            leg.back.extend(step.map(|step| Step { stage: Stage::Return, ..step }));
        }
    }

    /// What another appliance does with answers that has seen the packets, perhaps: the first firewall hands them further.
    fn other_sees_all(&self, leg: &Leg, far: &End, routed: &Routed) -> Option<Missing> {
        let Routed::Elsewhere(route, missing) = routed else { return None };
        let (id, _) = appliance::firewall_at(self.estate, far.id, &route.next_hop)?;
        let is_other = leg.guard.as_ref().is_some_and(|guard| guard.id != *id);
        (is_other && leg.is_handed_further).then(|| missing.clone())
    }

    /// Where the other end sends some answers: only the firewall that has seen the packets knows the connection.
    fn answer_step(
        &self,
        leg: &Leg,
        guard: &Guard,
        far: &End,
        (part, routed): (&AddressSet, &Routed),
    ) -> Step {
        let name = guard.id.name();
        let is_apart = leg.is_apart && !leg.is_perhaps_joined;
        if let (Routed::Directly, true) = (routed, is_apart) {
            let detail = format!(
                "no route leads answers to {part} back to Azure Firewall `{name}`, and nothing else joins the networks"
            );
            return Step::drop(Stage::Return, Some(far.id), detail);
        }
        let past = format!(
            "answers to {part} go around Azure Firewall `{name}`, which drops connections that it sees half of"
        );
        match routed {
            Routed::Directly => Step::drop(Stage::Return, Some(far.id), past),
            Routed::ByUser(route) => Step::drop(Stage::Return, Some(&route.table), past)
                .read(&route.resource, &route.pointer),
            Routed::Elsewhere(route, _) => {
                let other = appliance::firewall_at(self.estate, far.id, &route.next_hop);
                let led = format!("route `{}` ({})", route.name, route.prefix);
                let step = match other {
                    Some((id, _)) if *id == guard.id => Step::pass(
                        Stage::Return,
                        Some(&route.table),
                        format!(
                            "{led} leads answers to Azure Firewall `{name}`, which knows the connection"
                        ),
                    ),
                    Some((id, _)) => Step::drop(
                        Stage::Return,
                        Some(&route.table),
                        format!(
                            "{led} leads answers to Azure Firewall `{}`, which has not seen the packets",
                            id.name()
                        ),
                    ),
                    None => return route_step(self.estate, far.id, (routed, Own::Untold), part),
                };
                step.read(&route.resource, &route.pointer)
            }
            _ => route_step(self.estate, far.id, (routed, Own::Untold), part),
        }
    }

    /// Answers of the internet, which come to the firewall's own address: from there to the copier.
    pub(in crate::trace) fn back_from_internet(&self, leg: &mut Leg, near: &End) {
        let Some(guard) = leg.guard.clone().filter(|one| one.sends_on().is_some()) else { return };
        self.back_from_hub(leg, near, &guard.home);
        let Some(hub) = guard.home.parent().filter(|hub| hub != near.vnet) else { return };
        let step = self.takes_forwarded(near.vnet, &hub);
        leg.back.extend(step.map(|step| match step.missing {
            Some(_) => Step { stage: Stage::Return, ..step },
            None => {
                let missing = Missing::other(
                    format!("whether answers of the internet count as forwarded: {}", step.detail),
                    "allow forwarded traffic on the peering, or probe the path from the target: `flexway probe`",
                );
                Step { facts: step.facts, ..Step::unknown(Stage::Return, missing) }
            }
        }));
    }

    /// The way of answers from a firewall to the copier, where something stands in it.
    pub(in crate::trace) fn back_from_hub(&self, leg: &mut Leg, near: &End, home: &ResourceId) {
        let (Some(hub), Some(first)) = (home.parent(), near.addresses.first()) else { return };
        let Ok(seat) = End::read(self.estate, &hub, home) else { return };
        let joined = Leg { is_apart: false, ..leg.clone() };
        let subnet = (home, seat.subnet);
        let own = match self.range_of(&joined, (&hub, near.vnet), first) {
            Ok(range) => OwnRoute::Network(range),
            Err(missing) if route::catches_some(self.estate, subnet, &near.addresses) => {
                return leg.back.push(Step::unknown(Stage::Return, missing));
            }
            Err(_) => return,
        };
        let parts = route::to_addresses(self.estate, subnet, &near.addresses, own);
        let is_split = parts.len() > 1;
        for (part, routed) in parts {
            if matches!(routed, Routed::Directly | Routed::ByUser(_)) {
                continue;
            }
            let step = route_step(self.estate, home, (&routed, Own::Untold), &part);
            let dropped_part = (is_split && step.outcome == Outcome::Drop).then_some(part);
            leg.back.push(Step { stage: Stage::Return, dropped_part, ..step });
            if matches!(routed, Routed::Dropped(_)) {
                leg.route_back = Some(routed);
            }
        }
    }
}
