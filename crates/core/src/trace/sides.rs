//! The security groups of a way: of the copier's subnet and interface, and of the other end's.

use crate::address::AddressSet;
use crate::estate::endpoint::{Endpoint, Interface};
use crate::estate::filter::Direction;
use crate::estate::{Missing, Reference};
use crate::id::ResourceId;
use crate::trace::admin::{self, Fate, Packets, Ruled};
use crate::trace::appliance::Appliance;
use crate::trace::decision::{Decider, Decision};
use crate::trace::filter::Receiver;
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::route::Routed;
use crate::trace::rule_words::{filter_step, uncaught};
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::walk::End;

/// One side of a flow that a security group filters.
pub(super) struct Side<'a> {
    pub(super) group: &'a ResourceId,
    pub(super) direction: Direction,
    pub(super) at: &'a End<'a>,
    /// The network at the other end.
    pub(super) other: Option<&'a ResourceId>,
    /// What admin rules have made of the packets before.
    fate: &'a Fate,
}

fn stage(direction: Direction) -> Stage {
    match direction {
        Direction::Outbound => Stage::FilterOut,
        Direction::Inbound => Stage::FilterIn,
    }
}

/// A group and what it decides.
type Decided = Option<(ResourceId, Decision)>;

impl Walker<'_> {
    /// Application security groups that the other end is a member of.
    pub(super) fn groups(&self, leg: &Leg) -> Vec<ResourceId> {
        match &leg.way {
            Way::Endpoint(view) => self
                .estate
                .get::<Endpoint>(&view.id)
                .map(|one| one.groups.clone())
                .unwrap_or_default(),
            Way::Machine(_) | Way::Injected(_) | Way::Beyond(_) | Way::Public => {
                let holder = leg.receiver().and_then(|machine| machine.holder.as_ref());
                let interface = holder.and_then(|id| self.estate.find::<Interface>(id));
                interface.map(|one| one.groups.clone()).unwrap_or_default()
            }
        }
    }

    pub(super) fn outbound(
        &self,
        leg: &mut Leg,
        near: &End,
        other: Option<&ResourceId>,
        receiver: &Receiver,
    ) {
        let direction = Direction::Outbound;
        let fate = self.fate(leg, (direction, near.vnet), near, receiver);
        self.admin(leg, (direction, near.vnet), near, &fate);
        let near = &unopened(near, &fate);
        if near.addresses.is_empty() {
            return;
        }
        // Packets of a relay host meet the rules of its own interface before those of its subnet.
        if let Some(id) = &self.start.interface {
            leg.outbound_interface =
                self.at_interface(leg, id, (direction, near, other), near, (receiver, &fate));
        }
        leg.outbound = match near.group() {
            Ok(Some(group)) => {
                let side = Side { group, direction, at: near, other, fate: &fate };
                self.at_group(leg, &side, near, receiver)
            }
            Ok(None) => {
                let step = self.open_step(Stage::FilterOut, near, self.start.interface.as_ref());
                return leg.forward.push(step);
            }
            Err(missing) => return leg.forward.push(Step::unknown(Stage::FilterOut, missing)),
        };
    }

    pub(super) fn inbound(&self, leg: &mut Leg, near: &End, far: &End, receiver: &Receiver) {
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        let fate = self.fate(leg, (Direction::Inbound, far.vnet), near, receiver);
        self.admin(leg, (Direction::Inbound, far.vnet), near, &fate);
        let near = &unopened(near, &fate);
        if near.addresses.is_empty() {
            return;
        }
        let group = match far.group() {
            Ok(Some(group)) => group,
            Ok(None) => {
                let holder = leg.receiver().and_then(|machine| machine.holder.clone());
                let step = self.open_step(Stage::FilterIn, far, holder.as_ref());
                return leg.forward.push(step);
            }
            Err(missing) => return leg.forward.push(Step::unknown(Stage::FilterIn, missing)),
        };
        let acts = if is_endpoint { far.subnet.rules_act_on_endpoints() } else { Some(true) };
        if acts == Some(false) {
            let detail = self.estate.words(|| {
                let (group, subnet) = (group.name(), far.id.name());
                format!("rules of `{group}` do not act on private endpoints in `{subnet}`")
            });
            let place = format!("{}/privateEndpointNetworkPolicies", far.subnet.fields);
            return leg
                .forward
                .push(Step::pass(Stage::FilterIn, Some(far.id), detail).read(far.id, place));
        }
        let (direction, other) = (Direction::Inbound, Some(near.vnet));
        let side = Side { group, direction, at: far, other, fate: &fate };
        let denies =
            || self.filter(leg, &side, near, receiver).is_ok_and(|(one, _)| !one.denied.is_empty());
        if acts.is_none() && denies() {
            let missing = Missing::field(far.id, "privateEndpointNetworkPolicies");
            return leg.forward.push(Step::unknown(Stage::FilterIn, missing));
        }
        leg.inbound = self.at_group(leg, &side, near, receiver);
    }

    /// Rules of the machine's own interface, after those of its subnet.
    pub(super) fn inbound_interface(
        &self,
        leg: &mut Leg,
        near: &End,
        far: &End,
        receiver: &Receiver,
    ) {
        let Some(id) = leg.receiver().and_then(|machine| machine.holder.clone()) else { return };
        let fate = self.fate(leg, (Direction::Inbound, far.vnet), near, receiver);
        let near = &unopened(near, &fate);
        if near.addresses.is_empty() {
            return;
        }
        let at = (Direction::Inbound, far, Some(near.vnet));
        leg.inbound_interface = self.at_interface(leg, &id, at, near, (receiver, &fate));
    }

    /// Takes down rules that keep the packets out of the appliance that a route hands them to: they come with the addresses that they
    /// left with.
    pub(super) fn at_appliance(
        &self,
        leg: &mut Leg,
        near: &End,
        far: &ResourceId,
        receiver: &Receiver,
    ) {
        let Some(Appliance::Forwards(nic)) = leg.appliance.clone() else { return };
        let Some(interface) = self.estate.find::<Interface>(&nic) else { return };
        let Some((subnet, vnet)) =
            interface.subnet.as_ref().and_then(|one| Some((one, one.parent()?)))
        else {
            return;
        };
        let Ok(at) = End::read(self.estate, &vnet, subnet) else { return };
        let (direction, fate) = (Direction::Inbound, Fate::default());
        let groups = [at.group().ok().flatten(), interface.security_group.to()];
        for (place, group) in groups.into_iter().enumerate() {
            let Some(group) = group else { continue };
            let side = Side { group, direction, at: &at, other: Some(far), fate: &fate };
            let Ok((decision, _)) = self.filter(leg, &side, near, receiver) else { continue };
            if !decision.denied.is_empty() {
                let stage = Stage::FilterIn;
                leg.forward.push(filter_step(self.estate, stage, group, &decision, &leg.senders));
                leg.into_appliance[place] = Some((group.clone(), decision));
            }
        }
    }

    /// Takes down what the group of an interface decides, where it has one.
    fn at_interface(
        &self,
        leg: &mut Leg,
        id: &ResourceId,
        (direction, at, other): (Direction, &End, Option<&ResourceId>),
        near: &End,
        (receiver, fate): (&Receiver, &Fate),
    ) -> Decided {
        let interface = self.estate.find::<Interface>(id)?;
        match interface.security_group.id(id, "networkSecurityGroup") {
            Ok(group) => {
                let side = Side { group: group?, direction, at, other, fate };
                self.at_group(leg, &side, near, receiver)
            }
            Err(missing) => {
                leg.forward.push(Step::unknown(stage(direction), missing));
                None
            }
        }
    }

    /// Takes down what a group decides.
    fn at_group(&self, leg: &mut Leg, side: &Side, near: &End, receiver: &Receiver) -> Decided {
        match self.filter(leg, side, near, receiver) {
            Ok((decision, standing)) => {
                let step = self.decided(leg, side, near, receiver, &decision);
                let is_doubted = step.outcome == Outcome::Unknown && !decision.denied.is_empty();
                let doubt = step.missing.clone().filter(|_| is_doubted);
                leg.forward.push(step);
                if !decision.denied.is_empty() && !decision.unknown.is_empty() {
                    leg.forward.push(uncaught(
                        self.estate,
                        stage(side.direction),
                        side.group,
                        &decision,
                    ));
                }
                let found = match standing {
                    Some(standing) => {
                        let today = first_denier(&decision).cloned();
                        let today = today.filter(|one| first_denier(&standing) != Some(one));
                        Decision { today, ..standing }
                    }
                    None => decision,
                };
                // What denies without another fault may be overruled as well.
                let doubt = doubt.or_else(|| {
                    overruler(side, &found).map(|one| admin::unplaced(&one.rule, side.at.vnet))
                });
                Some((side.group.clone(), Decision { doubt, ..found }))
            }
            Err(missing) => {
                leg.forward.push(Step::unknown(stage(side.direction), missing));
                None
            }
        }
    }

    /// The step of a subnet without a group; `interface` is the machine's there, where packets meet one.
    fn open_step(&self, stage: Stage, end: &End, interface: Option<&ResourceId>) -> Step {
        let facts = interface.and_then(|id| Some((id, self.estate.find::<Interface>(id)?)));
        let bare = facts.filter(|(_, facts)| matches!(facts.security_group, Reference::None));
        let words = || match bare {
            Some((id, _)) => format!(
                "neither subnet `{}` nor interface `{}` has a security group",
                end.id.name(),
                id.name()
            ),
            None => format!("subnet `{}` has no security group", end.id.name()),
        };
        let step = Step::pass(stage, Some(end.id), self.estate.words(words));
        let step = step.read(end.id, end.subnet.fields);
        match bare {
            Some((id, _)) => step.read(id, self.estate.locate(id, "", "ipConfigurations")),
            None => step,
        }
    }

    /// The step of a group's decision. An admin rule that always allows may overrule a denial, and senders may come with another
    /// address.
    fn decided(
        &self,
        leg: &Leg,
        side: &Side,
        near: &End,
        receiver: &Receiver,
        decision: &Decision,
    ) -> Step {
        let stage = stage(side.direction);
        let mut step = filter_step(self.estate, stage, side.group, decision, &leg.senders);
        if step.outcome != Outcome::Drop {
            return step;
        }
        if side.fate.opened.is_some() {
            step.dropped_part = Some(decision.denied_senders());
        }
        let is_handed_on = side.direction == Direction::Inbound && is_handed_on(leg);
        if is_handed_on && !self.denies_all(leg, side, near, receiver) {
            return doubted(step);
        }
        match overruler(side, decision) {
            Some(one) => {
                let detail = format!("{}; rule `{}` may overrule it", step.detail, one.rule.name());
                let missing = admin::unplaced(&one.rule, side.at.vnet);
                Step {
                    outcome: Outcome::Unknown,
                    detail,
                    missing: Some(missing),
                    dropped_part: None,
                    ..step
                }
            }
            None => step,
        }
    }

    /// Takes down what security admin rules do, which come before security groups.
    fn admin(
        &self,
        leg: &mut Leg,
        (direction, vnet): (Direction, &ResourceId),
        near: &End,
        fate: &Fate,
    ) {
        let stage = stage(direction);
        let of_rule = |one: &Ruled, does: &str| {
            let is_all = near.addresses.is_within(&one.senders);
            let whom = if is_all { "it".to_owned() } else { one.senders.to_string() };
            format!("security admin rule `{}` {does} {whom}", one.rule.name())
        };
        for one in &fate.denied {
            let detail = self.estate.words(|| of_rule(one, "denies"));
            let part = (!near.addresses.is_within(&one.senders)).then(|| one.senders.clone());
            let step = Step::drop(stage, Some(&one.resource), detail);
            let step = Step { dropped_part: part, rule: Some(one.says.clone()), ..step };
            leg.forward.push(step.read(&one.resource, &one.pointer));
            leg.admin_denials.push((one.clone(), true));
        }
        if let Some(one) = &fate.perhaps_denied {
            leg.forward.push(Step::unknown(stage, admin::unplaced(&one.rule, vnet)));
            leg.admin_denials.push((one.clone(), false));
        } else if !is_at_endpoint(leg, direction)
            && let Some(missing) = admin::unread_admin_rules(self.estate, vnet)
        {
            leg.forward.push(Step::unknown(stage, missing));
        }
        if let Some(one) = &fate.opened {
            let words =
                || format!("{}: security groups are not asked", of_rule(one, "always allows"));
            let step = Step::pass(stage, Some(&one.resource), self.estate.words(words));
            let step = Step { rule: Some(one.says.clone()), ..step };
            leg.forward.push(step.read(&one.resource, &one.pointer));
        }
    }

    /// What the security admin rules of a network make of the packets.
    fn fate(
        &self,
        leg: &Leg,
        (direction, vnet): (Direction, &ResourceId),
        near: &End,
        receiver: &Receiver,
    ) -> Fate {
        let (senders, service) = (&near.addresses, self.service);
        let packets = Packets { vnet, direction, senders, receiver, service };
        let mut fate = packets.fate(self.estate);
        if is_at_endpoint(leg, direction) {
            return fate.at_endpoint();
        }
        if direction == Direction::Inbound && is_handed_on(leg) {
            // With another address the packets may meet another rule.
            let anyone = Packets { senders: &AddressSet::all(), ..packets }.fate(self.estate);
            let are_all = |senders: AddressSet| senders == AddressSet::all();
            let (are_denied, are_opened) =
                (are_all(anyone.denied_senders()), are_all(anyone.opened_senders()));
            if !are_denied {
                fate.perhaps_denied = anyone.denied.into_iter().next().or(anyone.perhaps_denied);
                fate.denied = Vec::new();
            }
            if !are_opened {
                fate.perhaps_opened = anyone.opened.or(anyone.perhaps_opened);
                fate.opened = None;
            }
        }
        fate
    }
}

/// Whether packets enter the subnet of a private endpoint.
fn is_at_endpoint(leg: &Leg, direction: Direction) -> bool {
    direction == Direction::Inbound && matches!(leg.way, Way::Endpoint(_))
}

/// The senders about whom security groups are asked.
fn unopened<'e>(near: &End<'e>, fate: &Fate) -> End<'e> {
    End { addresses: near.addresses.difference(&fate.opened_senders()), ..*near }
}

fn first_denier(decision: &Decision) -> Option<&Decider> {
    decision.denied.first().map(|(_, rule)| rule)
}

/// An admin rule that may let pass what a group denies.
fn overruler<'f>(side: &Side<'f>, decision: &Decision) -> Option<&'f Ruled> {
    let denied = decision.denied_senders();
    side.fate.perhaps_opened.as_ref().filter(|one| one.senders.overlaps(&denied))
}

/// Whether an appliance or a gateway sends the packets on, perhaps with its own address; or may do so.
pub(crate) fn is_handed_on(leg: &Leg) -> bool {
    let is_known = leg.guard.as_ref().is_some_and(|guard| guard.sends_on().is_some());
    leg.is_perhaps_led_past || matches!(leg.route, Some(Routed::Elsewhere(..))) && !is_known
}

/// A step that drops senders who may come with another address: what becomes of this one proves nothing.
pub(super) fn doubted(step: Step) -> Step {
    let missing = Missing::other(
        "the address that packets have behind the appliance or gateway",
        "look whether it translates addresses, or probe the path from the target: `flexway probe`",
    );
    let detail = format!("{}, unless the sender's address is translated before", step.detail);
    Step { outcome: Outcome::Unknown, detail, missing: Some(missing), dropped_part: None, ..step }
}
