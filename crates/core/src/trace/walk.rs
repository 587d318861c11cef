//! The gates of a way, one after the other: rules, routes and joins between the copier's subnet and the other end.

use std::fmt::Display;
use std::net::Ipv4Addr;

use crate::address::AddressSet;
use crate::estate::endpoint::Interface;
use crate::estate::network::{NextHop, Subnet, Vnet};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::appliance::{self, Appliance};
use crate::trace::balancer::{self, Balanced};
use crate::trace::breaks::BreakKind;
use crate::trace::filter::{Receiver, Service};
use crate::trace::firewall::{Guard, Sender};
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::outward;
use crate::trace::own_route::Own;
use crate::trace::route::{self, OwnRoute, Routed, UserRoute};
use crate::trace::route_words::route_step;
use crate::trace::step::{Stage, Step};
use crate::trace::unread::perhaps_past;
use crate::trace::words::{access_step, hop_steps};

/// One end of a private way: a subnet with what the gates ask of it.
pub(super) struct End<'e> {
    pub(super) vnet: &'e ResourceId,
    pub(super) id: &'e ResourceId,
    pub(super) subnet: &'e Subnet,
    /// Addresses that a server in the subnet can have.
    pub(super) addresses: AddressSet,
}

impl<'e> End<'e> {
    pub(super) fn read(
        estate: &'e Estate,
        vnet: &'e ResourceId,
        id: &'e ResourceId,
    ) -> Result<End<'e>, Missing> {
        let subnet = estate.get::<Subnet>(id)?;
        if subnet.prefixes.is_empty() {
            return Err(Missing::field(id, "addressPrefix"));
        }
        Ok(End { vnet, id, subnet, addresses: route::usable_addresses(subnet) })
    }

    pub(super) fn group(&self) -> Result<Option<&'e ResourceId>, Missing> {
        self.subnet.security_group.id(self.id, "networkSecurityGroup")
    }
}

impl Walker<'_> {
    /// The copier's end.
    pub(super) fn near(&self) -> Result<End<'_>, Missing> {
        let end = End::read(self.estate, &self.start.vnet, &self.start.subnet)?;
        match self.start.interface {
            Some(_) => Ok(End { addresses: self.start.addresses(self.estate)?, ..end }),
            None => Ok(end),
        }
    }

    /// Filters, routes and hops between two subnets.
    pub(super) fn private(
        &self,
        leg: &mut Leg,
        (far_vnet, far_id): (&ResourceId, &ResourceId),
        address: Option<Ipv4Addr>,
    ) {
        let near = match self.near() {
            Ok(near) => near,
            Err(missing) => return leg.forward.push(Step::unknown(Stage::Route, missing)),
        };
        let far = match End::read(self.estate, far_vnet, far_id) {
            Ok(far) => match (self.part, &leg.way) {
                (Some(part), Way::Injected(_)) => End { addresses: part.clone(), ..far },
                _ => far,
            },
            Err(missing) => {
                return self.towards_unread(leg, &near, (far_vnet, far_id), address, missing);
            }
        };
        leg.senders = near.addresses.clone();
        let receivers = address.map_or_else(|| far.addresses.clone(), AddressSet::one);
        let here = Shore { vnet: near.vnet, subnet: near.id, addresses: Some(&near.addresses) };
        let there = Shore { vnet: far.vnet, subnet: far.id, addresses: Some(&receivers) };
        let joined = hop::join(self.estate, here, there);
        leg.is_apart = joined.is_apart();
        leg.is_perhaps_joined =
            matches!(joined, Joined::Apart { other_way: Some(_), .. } | Joined::Unknown(_));
        let receiver = Receiver::Addresses(receivers.clone(), self.groups(leg));
        let routed = self.route(leg, &near, &far, address);
        leg.drops_out = matches!(routed, Some((_, Routed::Dropped(_))));
        self.estate.aside(|| self.outbound(leg, &near, Some(far.vnet), &receiver));
        if let Some((destination, routed)) = routed {
            let ends = (&near, &far);
            let own = match (&leg.way, address) {
                (Way::Endpoint(_), None) => Own::Untold,
                (way, _) => {
                    let is_endpoint = matches!(way, Way::Endpoint(_));
                    self.own_route(ends, destination, Some(&joined), is_endpoint)
                }
            };
            self.routed(leg, &near, (routed, own), (&receiver, &receivers));
        }
        // What an appliance does with the packets is not told by a peering. A dead one of the copier's own network leaves only that,
        // and any dead one a peering that is broken: who takes the route away meets it.
        let crosses = match &leg.route {
            Some(Routed::Elsewhere(..)) => false,
            Some(Routed::Dead(_, appliance)) => {
                appliance.vnet(self.estate).as_ref() == Some(near.vnet)
                    || !matches!(appliance, Appliance::OutOfReach(_))
                        && !matches!(joined, Joined::Apart { near: None, far: None, .. })
            }
            // Beneath the route that drops them another one leads to an appliance: no peering was meant.
            Some(Routed::Dropped(_))
                if matches!(joined, Joined::Apart { near: None, far: None, .. }) =>
            {
                let to = address.or_else(|| far.addresses.first());
                let beneath = |to| route::hands_on_beneath(self.estate, (near.id, near.subnet), to);
                !to.is_some_and(beneath)
            }
            Some(_) | None => true,
        };
        if crosses {
            let mut steps = self.hop(leg, &joined, &near, &far);
            if let Some(missing) = self.may_be_led_past(leg, &near, &receivers) {
                leg.is_perhaps_led_past = true;
                steps = steps.into_iter().map(|step| perhaps_past(step, &missing)).collect();
            }
            leg.cross(far.id, joined, steps);
        }
        self.estate.aside(|| self.at_appliance(leg, &near, far.vnet, &receiver));
        self.beyond_firewall(leg, &near, &far, (&receivers, address));
        let dialled = leg.receiver();
        let port = self.service.port;
        match dialled.and_then(|one| balancer::follow(self.estate, one, port)) {
            None => self.arrive(leg, &near, &far, &receiver),
            Some(balanced) => {
                if let Err(missing) = balanced.and_then(|one| self.arrive_behind(leg, &near, one)) {
                    leg.forward.push(Step::unknown(Stage::FilterIn, missing.clone()));
                    leg.back.push(Step::unknown(Stage::Return, missing));
                }
            }
        }
    }

    /// The other end, where that is what a load balancer takes packets to.
    fn arrive_behind(&self, leg: &mut Leg, near: &End, to: Balanced) -> Result<(), Missing> {
        let Balanced::To(behind) = to else {
            leg.is_balanced_nowhere = true;
            return Ok(());
        };
        let subnet = behind.machine.subnet.clone();
        let vnet = subnet.parent().ok_or_else(|| Missing::resource("subnet", &subnet))?;
        let far = End::read(self.estate, &vnet, &subnet)?;
        let walker = Walker { service: Service::tcp(behind.port), ..*self };
        let addresses = behind.addresses.clone();
        leg.behind = Some(behind);
        let receiver = Receiver::Addresses(addresses, self.groups(leg));
        walker.arrive(leg, near, &far, &receiver);
        Ok(())
    }

    /// Rules at the other end, and the way of the answers.
    fn arrive(&self, leg: &mut Leg, near: &End, far: &End, receiver: &Receiver) {
        match leg.guard.as_ref().and_then(Guard::sends_on) {
            Some(Sender::Replaced) => self.arrive_for(leg, near, far, receiver),
            Some(Sender::Kept) | None => self.enter(leg, near, far, receiver),
        }
    }

    /// The same with the addresses that the packets come with.
    pub(super) fn enter(&self, leg: &mut Leg, near: &End, far: &End, receiver: &Receiver) {
        let back = self.way_back(leg, near, far);
        let is_dropped = |(_, routed): &(_, Routed)| matches!(routed, Routed::Dropped(_));
        leg.drops_back = !back.is_empty() && back.iter().all(is_dropped);
        self.estate.aside(|| {
            self.inbound(leg, near, far, receiver);
            self.inbound_interface(leg, near, far, receiver);
        });
        self.answers(leg, near, far, back);
    }

    /// What becomes of the packets at the copier's route table, with an address that they go to.
    pub(super) fn route(
        &self,
        leg: &Leg,
        near: &End,
        far: &End,
        address: Option<Ipv4Addr>,
    ) -> Option<(Ipv4Addr, Routed)> {
        let destination = address.or_else(|| far.addresses.first())?;
        let policy_on = far.subnet.routes_act_on_endpoints();
        let range = match leg.way {
            // Without the policy only a /32 beats the endpoint's own route.
            Way::Endpoint(_) if policy_on == Some(false) => Ok(32),
            // The range of the endpoint's network counts, whatever a peering knows of it.
            Way::Endpoint(_) => {
                let vnet = self.estate.get::<Vnet>(far.vnet);
                vnet.map(|vnet| route::range_length(vnet, destination))
            }
            Way::Injected(_) | Way::Machine(_) | Way::Beyond(_) | Way::Public => {
                self.range_of(leg, (near.vnet, far.vnet), destination)
            }
        };
        let subnet = (near.id, near.subnet);
        let routed = |range_length: u8| {
            let own = match leg.way {
                Way::Endpoint(_) => OwnRoute::Endpoint { range_length, policy_on },
                Way::Injected(_) | Way::Machine(_) | Way::Beyond(_) | Way::Public => {
                    OwnRoute::Network(range_length)
                }
            };
            match (&leg.way, address) {
                // It may be any address of the subnet.
                (Way::Injected(_) | Way::Endpoint(_), None) => {
                    let parts = route::to_addresses(self.estate, subnet, &far.addresses, own);
                    route::one_of(parts, far.id)
                }
                _ => route::to_address(self.estate, subnet, destination, own),
            }
        };
        let routed = match range {
            Ok(length) => routed(length),
            // Only the length of its range tells which routes win, unless they do the same.
            Err(missing) => {
                let all = [1, 32].map(|length| (AddressSet::default(), routed(length)));
                route::shared(all.into()).unwrap_or(Routed::Unknown(missing))
            }
        };
        let is_apart = leg.is_apart && near.vnet != far.vnet;
        let routed = match routed {
            Routed::Directly if is_apart => {
                self.past_the_join(leg, subnet, (far.vnet, destination))
            }
            routed => routed,
        };
        Some((destination, routed))
    }

    /// Takes down what a route table does, and what is known of the appliance that it names.
    pub(super) fn routed(
        &self,
        leg: &mut Leg,
        near: &End,
        (routed, own): (Routed, Own),
        (receiver, destination): (&Receiver, impl Display),
    ) {
        let handed_on = match &routed {
            Routed::Elsewhere(route, missing) => {
                route.next_hop.appliance().map(|address| (address, missing.clone()))
            }
            _ => None,
        };
        let (routed, appliance) = match leg.is_public() {
            true => handed_out(self.estate, Shore::of(near.vnet, near.id), routed),
            false => handed(self.estate, Shore::of(near.vnet, near.id), routed),
        };
        leg.appliance = appliance;
        leg.guard = self.guard(leg, near, (&routed, receiver));
        match (&leg.guard, &routed) {
            (Some(guard), Routed::Elsewhere(route, _)) => {
                leg.forward.extend(self.guard_steps(near, route, guard));
            }
            _ => leg.forward.push(route_step(self.estate, near.id, (&routed, own), destination)),
        }
        leg.route = Some(routed);
        if let Some((address, missing)) = handed_on
            && self.towards_the_appliance(leg, near, address)
        {
            // Nor is it known what becomes of the packets once they reach it.
            leg.forward.push(Step::unknown(Stage::Route, missing));
        }
    }

    /// The join with the network of an appliance that is out of reach, where one half of their peering is there, or nothing joins the
    /// two ends either: then the route leads the right way. Whether it is so.
    fn towards_the_appliance(&self, leg: &mut Leg, near: &End, address: Ipv4Addr) -> bool {
        let Some(Appliance::OutOfReach(id)) = &leg.appliance else { return false };
        let subnet = appliance::subnet_of(self.estate, id);
        let Some((subnet, vnet)) = subnet.and_then(|one| Some((one.clone(), one.parent()?))) else {
            return false;
        };
        let here = Shore { vnet: near.vnet, subnet: near.id, addresses: Some(&near.addresses) };
        let addresses = AddressSet::one(address);
        let there = Shore { vnet: &vnet, subnet: &subnet, addresses: Some(&addresses) };
        let joined = hop::join(self.estate, here, there);
        let is_begun =
            leg.is_apart || !matches!(joined, Joined::Apart { near: None, far: None, .. });
        if is_begun {
            let steps = hop_steps(self.estate, &joined, near.vnet, &vnet);
            leg.cross(&subnet, joined, steps);
        }
        is_begun
    }

    /// The join of the two networks. A peering that keeps the other network out of the tag VirtualNetwork leaves the decision to the
    /// security groups; where there is none, public documents disagree about what happens.
    fn hop(&self, leg: &Leg, joined: &Joined, near: &End, far: &End) -> Vec<Step> {
        let mut steps = hop_steps(self.estate, joined, near.vnet, far.vnet);
        // Of networks that are apart the first step is the half that lacks; a step for each break follows.
        let first = usize::from(matches!(joined, Joined::Apart { .. }));
        for (step, broken) in steps.iter_mut().skip(first).zip(joined.breaks()) {
            let is_near = broken.is_near;
            if is_near && broken.lost_part.is_some() {
                *step = Step::unknown(Stage::Hop, route::unknown_address(far.id));
            }
            if broken.kind == BreakKind::AccessOff {
                let acts = is_near
                    || !matches!(leg.way, Way::Endpoint(_))
                    || far.subnet.rules_act_on_endpoints() == Some(true);
                let group = if is_near { near.group() } else { far.group() };
                let interface = match &leg.way {
                    _ if is_near => self.start.relay(self.estate),
                    Way::Machine(machine) => {
                        let holder = machine.holder.as_ref();
                        holder.and_then(|id| self.estate.find::<Interface>(id))
                    }
                    Way::Endpoint(_) | Way::Injected(_) | Way::Beyond(_) | Way::Public => None,
                };
                let is_filtered = matches!(group, Ok(Some(_)))
                    || interface.is_some_and(|one| one.security_group.to().is_some());
                *step = access_step(broken, is_filtered && acts);
            }
        }
        steps
    }
}

/// What becomes of packets of a subnet that a route hands on, with what stands at the address that it names.
fn handed_out(estate: &Estate, near: Shore, routed: Routed) -> (Routed, Option<Appliance>) {
    let Routed::Elsewhere(route, missing) = routed else { return (routed, None) };
    let address = route.next_hop.appliance();
    let appliance = address.map(|one| appliance::look(estate, near, one));
    let routed = match appliance.clone().filter(Appliance::is_dead) {
        Some(one) => Routed::Dead(route, one),
        None => Routed::Elsewhere(route, missing),
    };
    (routed, appliance)
}

/// The same of packets to another network, which a gateway has to be there for.
pub(super) fn handed(estate: &Estate, near: Shore, routed: Routed) -> (Routed, Option<Appliance>) {
    match handed_out(estate, near, routed) {
        (Routed::Elsewhere(route, _), None)
            if route.next_hop == NextHop::Gateway
                && !outward::may_use_gateway(estate, near.vnet) =>
        {
            let missing = no_gateway(&route, near.vnet);
            (Routed::Doubtful(route, missing), None)
        }
        handed => handed,
    }
}

/// Whether the gateway is there that a route hands packets to, and that nobody captured.
fn no_gateway(route: &UserRoute, vnet: &ResourceId) -> Missing {
    let what = format!(
        "whether network `{}` has a gateway, to which route `{}` ({}) leads: the network does not list its subnets",
        vnet.name(),
        route.name,
        route.prefix,
    );
    Missing { what, ..Missing::field(vnet, "subnets") }
}
