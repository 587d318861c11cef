//! One way to a server, gate by gate: through a private endpoint, to its public front door, or to its address in a network.

use std::net::Ipv4Addr;

use crate::address::AddressSet;
use crate::estate::filter::Direction;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::admin;
use crate::trace::endpoint::View;
use crate::trace::filter::{self, Decision, Flow, Receiver};
use crate::trace::gate::{self, Gate};
use crate::trace::hop::{self, BreakKind, Joined};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::step::{Stage, Step};
use crate::trace::tag;
use crate::trace::words::{admit_step, filter_step, gate_step, hop_step, route_step};

/// Where a flow starts: a subnet, and the network that it is in.
#[derive(Debug, Clone)]
pub struct Start {
    /// The network.
    pub vnet: ResourceId,
    /// The subnet.
    pub subnet: ResourceId,
}

/// Which way a leg goes.
#[derive(Debug, Clone)]
pub enum Way {
    /// Through a private endpoint.
    Endpoint(Box<View>),
    /// To the public front door.
    Public,
    /// To the address of an injected server in its subnet.
    Injected(ResourceId),
}

/// One way, walked to its end: gates after a closed one are looked at too, since every fault counts.
#[derive(Debug, Clone)]
pub struct Leg {
    /// Which way.
    pub way: Way,
    /// Rules of the subnet that packets leave; `None` where it has no group.
    pub outbound: Option<(ResourceId, Decision)>,
    /// Routes of that subnet.
    pub route: Option<Routed>,
    /// Routes of the subnet at the other end, for the answers.
    pub route_back: Option<Routed>,
    /// The join of the two networks; `None` for the public way.
    pub joined: Option<Joined>,
    /// Rules of the subnet that packets enter; `None` where none apply.
    pub inbound: Option<(ResourceId, Decision)>,
    /// A security admin rule that may drop the packets.
    pub admin_rule: Option<ResourceId>,
    /// The front door; `None` for a private way.
    pub gate: Option<Gate>,
    /// Steps there.
    pub forward: Vec<Step>,
    /// Steps back.
    pub back: Vec<Step>,
}

impl Leg {
    fn new(way: Way) -> Leg {
        Leg {
            way,
            outbound: None,
            route: None,
            route_back: None,
            joined: None,
            inbound: None,
            admin_rule: None,
            gate: None,
            forward: Vec::new(),
            back: Vec::new(),
        }
    }

    /// All steps, there and back.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.forward.iter().chain(&self.back)
    }
}

/// What all ways of one flow share.
pub struct Walker<'e> {
    /// The estate.
    pub estate: &'e Estate,
    /// Where the flow starts.
    pub start: &'e Start,
    /// The server it goes to.
    pub server_id: &'e ResourceId,
    /// Its facts.
    pub server: &'e Server,
    /// The port.
    pub port: u16,
}

/// One end of a private way: a subnet with what the gates ask of it.
struct End<'e> {
    vnet: &'e ResourceId,
    id: &'e ResourceId,
    subnet: &'e Subnet,
    /// Addresses that a server in the subnet can have.
    addresses: AddressSet,
}

impl<'e> End<'e> {
    fn read(
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

    fn group(&self) -> Result<Option<&'e ResourceId>, Missing> {
        self.subnet.security_group.id(self.id, "networkSecurityGroup")
    }
}

impl Walker<'_> {
    /// The way through a private endpoint.
    pub fn endpoint(&self, view: &View) -> Leg {
        let mut leg = Leg::new(Way::Endpoint(Box::new(view.clone())));
        match view.subnet.clone().and_then(|subnet| Ok((view.vnet()?, subnet))) {
            Ok((vnet, subnet)) => {
                let address = view.addresses.as_ref().ok().and_then(|list| list.first().copied());
                self.private(&mut leg, (&vnet, &subnet), address);
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::Route, missing)),
        }
        leg.forward.push(admit_step(view));
        leg
    }

    /// The way to an injected server's address.
    pub fn injected(&self, subnet: &ResourceId) -> Leg {
        let mut leg = Leg::new(Way::Injected(subnet.clone()));
        match subnet.parent() {
            Some(vnet) => self.private(&mut leg, (&vnet, subnet), None),
            None => {
                leg.forward.push(Step::unknown(Stage::Route, Missing::resource("subnet", subnet)));
            }
        }
        let detail = "an injected server has no gate of its own but its subnet's rules";
        leg.forward.push(Step::pass(Stage::Admit, Some(self.server_id), detail));
        leg
    }

    /// The way to the public front door.
    pub fn public(&self) -> Leg {
        let mut leg = Leg::new(Way::Public);
        let location = self.server.location.clone();
        match End::read(self.estate, &self.start.vnet, &self.start.subnet) {
            Ok(near) => {
                self.outbound(&mut leg, &near, &Receiver::Gateway(location.clone()));
                let routed =
                    route::to_gateway(self.estate, (near.id, near.subnet), location.as_deref());
                let step = route_step(near.id, &routed, "the server's public front door");
                leg.forward.push(step);
                leg.route = Some(routed);
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::Route, missing)),
        }
        let caller = (&self.start.vnet, &self.start.subnet);
        let gate = gate::public_gate(self.estate, self.server_id, self.server, caller);
        leg.forward.push(gate_step(self.estate, self.server_id, self.server, &gate));
        leg.gate = Some(gate);
        leg.back.push(Step::pass(Stage::Return, None, "answers belong to the open connection"));
        leg
    }

    /// Filters, routes and hops between two subnets.
    fn private(
        &self,
        leg: &mut Leg,
        (far_vnet, far_id): (&ResourceId, &ResourceId),
        address: Option<Ipv4Addr>,
    ) {
        let near = match End::read(self.estate, &self.start.vnet, &self.start.subnet) {
            Ok(near) => near,
            Err(missing) => return leg.forward.push(Step::unknown(Stage::Route, missing)),
        };
        let far = match End::read(self.estate, far_vnet, far_id) {
            Ok(far) => far,
            Err(missing) => return leg.forward.push(Step::unknown(Stage::Route, missing)),
        };
        let receiver =
            address.map_or_else(|| Receiver::Addresses(far.addresses.clone()), filter::to_address);
        self.outbound(leg, &near, &receiver);
        let destination = address.or_else(|| far.addresses.first());
        if let Some(destination) = destination {
            self.route(leg, &near, &far, destination);
        }
        // What an appliance does with the packets is not told by a peering.
        if !matches!(leg.route, Some(Routed::Elsewhere(..))) {
            let joined = hop::join(self.estate, (near.vnet, near.id), (far.vnet, far.id));
            leg.forward.push(self.hop(leg, &joined, &near, &far));
            leg.joined = Some(joined);
        }
        self.inbound(leg, &near, &far, &receiver);
        self.way_back(leg, &near, &far);
    }

    fn outbound(&self, leg: &mut Leg, near: &End, receiver: &Receiver) {
        self.admin(leg, Stage::FilterOut, Direction::Outbound);
        let group = match near.group() {
            Ok(Some(group)) => group,
            Ok(None) => return leg.forward.push(open_step(Stage::FilterOut, near)),
            Err(missing) => return leg.forward.push(Step::unknown(Stage::FilterOut, missing)),
        };
        match self.filter(group, Direction::Outbound, (near, near), receiver) {
            Ok(decision) => {
                leg.forward.push(filter_step(Stage::FilterOut, group, &decision));
                leg.outbound = Some((group.clone(), decision));
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::FilterOut, missing)),
        }
    }

    /// Security admin rules come before security groups; which networks they act on is not in the estate.
    fn admin(&self, leg: &mut Leg, stage: Stage, direction: Direction) {
        if let Some(id) = admin::admin_denier(self.estate, direction, self.port) {
            let missing = Missing {
                what: format!("whether security admin rule `{}` acts on these networks", id.name()),
                resource: Some(id.clone()),
                help: "look at the effective security admin rules of both networks".to_owned(),
            };
            leg.forward.push(Step::unknown(stage, missing));
            leg.admin_rule = Some(id);
        } else if let Some(missing) = admin::unread_admin_rules(self.estate) {
            leg.forward.push(Step::unknown(stage, missing));
        }
    }

    fn filter(
        &self,
        group: &ResourceId,
        direction: Direction,
        (near, at): (&End, &End),
        receiver: &Receiver,
    ) -> Result<Decision, Missing> {
        let seen = tag::network_tag(self.estate, at.vnet, (at.id, at.subnet))?;
        let flow = Flow { senders: &near.addresses, receiver, port: self.port };
        filter::decide(self.estate, group, direction, &flow, &seen)
    }

    fn route(&self, leg: &mut Leg, near: &End, far: &End, destination: Ipv4Addr) {
        let vnet = self.estate.get::<Vnet>(far.vnet);
        let range = vnet.map_or(0, |vnet| route::range_length(vnet, destination));
        let own = match leg.way {
            Way::Endpoint(_) => {
                let policy = far.subnet.endpoint_policies.as_deref().unwrap_or("");
                let on = ["enabled", "routetableenabled"]
                    .contains(&policy.to_ascii_lowercase().as_str());
                OwnRoute::Endpoint { range_length: range, policy_on: on }
            }
            Way::Injected(_) | Way::Public => OwnRoute::Network(range),
        };
        let routed = route::to_address(self.estate, (near.id, near.subnet), destination, own);
        leg.forward.push(route_step(near.id, &routed, &destination.to_string()));
        leg.route = Some(routed);
    }

    /// The join of the two networks. A peering that keeps the other network out of the tag VirtualNetwork leaves the decision to the
    /// security groups; where there is none, public documents disagree about what happens.
    fn hop(&self, leg: &Leg, joined: &Joined, near: &End, far: &End) -> Step {
        let step = hop_step(joined, near.vnet, far.vnet);
        let Joined::Broken(broken) = joined else { return step };
        if broken.kind != BreakKind::AccessOff {
            return step;
        }
        let is_off = |half: &ResourceId| {
            self.estate.get::<Peering>(half).is_ok_and(|half| half.allows_access == Some(false))
        };
        let is_filtered = |end: &End, always: bool| matches!(end.group(), Ok(Some(_))) && always;
        let far_rules_act = !matches!(leg.way, Way::Endpoint(_))
            || rules_act_on_endpoints(far.subnet) == Some(true);
        let decided = (!is_off(&broken.near) || is_filtered(near, true))
            && (!is_off(&broken.far) || is_filtered(far, far_rules_act));
        let detail = format!(
            "peering `{}` does not allow virtual network access: the tag VirtualNetwork leaves the other network out",
            broken.half.name()
        );
        let step = match decided {
            true => Step::pass(Stage::Hop, Some(&broken.half), detail),
            false => Step {
                detail,
                ..Step::unknown(
                    Stage::Hop,
                    Missing::other(
                        format!(
                            "whether packets pass peering `{}` without virtual network access",
                            broken.half.name()
                        ),
                        "documents disagree where no security group acts: allow virtual network access, or probe",
                    ),
                )
            },
        };
        step.read(&broken.half, broken.pointer.clone())
    }

    fn inbound(&self, leg: &mut Leg, near: &End, far: &End, receiver: &Receiver) {
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        if !is_endpoint {
            self.admin(leg, Stage::FilterIn, Direction::Inbound);
        }
        let group = match far.group() {
            Ok(Some(group)) => group,
            Ok(None) => return leg.forward.push(open_step(Stage::FilterIn, far)),
            Err(missing) => return leg.forward.push(Step::unknown(Stage::FilterIn, missing)),
        };
        let acts = if is_endpoint { rules_act_on_endpoints(far.subnet) } else { Some(true) };
        if acts == Some(false) {
            let detail = format!(
                "rules of `{}` do not act on private endpoints in `{}`",
                group.name(),
                far.id.name()
            );
            let place = format!("{}/privateEndpointNetworkPolicies", far.subnet.fields);
            return leg
                .forward
                .push(Step::pass(Stage::FilterIn, Some(far.id), detail).read(far.id, place));
        }
        match self.filter(group, Direction::Inbound, (near, far), receiver) {
            Ok(decision) if acts.is_none() && !decision.denied.is_empty() => {
                let missing = Missing::field(far.id, "privateEndpointNetworkPolicies");
                leg.forward.push(Step::unknown(Stage::FilterIn, missing));
            }
            Ok(decision) => {
                leg.forward.push(filter_step(Stage::FilterIn, group, &decision));
                leg.inbound = Some((group.clone(), decision));
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::FilterIn, missing)),
        }
    }

    /// Rules let answers of an open connection pass, so only routes can lose them.
    fn way_back(&self, leg: &mut Leg, near: &End, far: &End) {
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        let Some(first) = near.addresses.first().filter(|_| !is_endpoint) else {
            leg.back.push(Step::pass(Stage::Return, None, "answers belong to the open connection"));
            return;
        };
        let vnet = self.estate.get::<Vnet>(near.vnet);
        let length = vnet.map_or(0, |vnet| route::range_length(vnet, first));
        let routed =
            route::to_address(self.estate, (far.id, far.subnet), first, OwnRoute::Network(length));
        let mut step = route_step(far.id, &routed, &first.to_string());
        step.stage = Stage::Return;
        leg.back.push(step);
        leg.route_back = Some(routed);
    }
}

/// Whether security rules act on private endpoints in a subnet; `None` when not observed.
fn rules_act_on_endpoints(subnet: &Subnet) -> Option<bool> {
    match subnet.endpoint_policies.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("disabled" | "routetableenabled") => Some(false),
        Some("enabled" | "networksecuritygroupenabled") => Some(true),
        Some(_) | None => None,
    }
}

fn open_step(stage: Stage, end: &End) -> Step {
    let detail = format!("subnet `{}` has no security group", end.id.name());
    Step::pass(stage, Some(end.id), detail).read(end.id, end.subnet.fields)
}

/// The front door of a server for a copier that has no network of its own.
pub fn front_door(estate: &Estate, id: &ResourceId, server: &Server, gate: Gate) -> Leg {
    let mut leg = Leg::new(Way::Public);
    leg.forward.push(gate_step(estate, id, server, &gate));
    leg.gate = Some(gate);
    leg
}
