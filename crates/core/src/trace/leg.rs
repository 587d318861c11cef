//! One way to a server, gate by gate: through a private endpoint, to its public front door, or to its address in a network.

use crate::address::AddressSet;
use crate::estate::filter::Direction;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::endpoint::View;
use crate::trace::filter::{self, Decision, Receiver};
use crate::trace::gate::{self, Gate};
use crate::trace::hop::{self, Joined};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::step::{Stage, Step};
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

impl Walker<'_> {
    /// The way through a private endpoint.
    pub fn endpoint(&self, view: &View) -> Leg {
        let mut leg = Leg::new(Way::Endpoint(Box::new(view.clone())));
        match view.subnet.clone().and_then(|subnet| Ok((view.vnet()?, subnet))) {
            Ok((vnet, subnet)) => {
                self.private(&mut leg, &vnet, &subnet, view.addresses.as_deref().ok())
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
            Some(vnet) => self.private(&mut leg, &vnet, subnet, None),
            None => {
                leg.forward.push(Step::unknown(Stage::Route, Missing::resource("subnet", subnet)))
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
        match self.estate.get::<Subnet>(&self.start.subnet) {
            Ok(subnet) => {
                self.outbound(&mut leg, subnet, &Receiver::Gateway(location.clone()));
                let routed = route::to_gateway(self.estate, subnet, location.as_deref());
                leg.forward.push(route_step(
                    &self.start.subnet,
                    &routed,
                    "the server's public front door",
                ));
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
        far_vnet: &ResourceId,
        far_subnet: &ResourceId,
        addresses: Option<&[std::net::Ipv4Addr]>,
    ) {
        let near = match self.estate.get::<Subnet>(&self.start.subnet) {
            Ok(subnet) => subnet,
            Err(missing) => return leg.forward.push(Step::unknown(Stage::Route, missing)),
        };
        let far = self.estate.get::<Subnet>(far_subnet);
        let known = addresses.and_then(|list| list.first().copied());
        let receiver = match (known, &far) {
            (Some(address), _) => filter::to_address(address),
            (None, Ok(subnet)) => Receiver::Addresses(AddressSet::of(&subnet.prefixes)),
            (None, Err(missing)) => {
                return leg.forward.push(Step::unknown(Stage::Route, (*missing).clone()));
            }
        };
        self.outbound(leg, near, &receiver);
        self.route_and_hop(
            leg,
            near,
            (far_vnet, far_subnet),
            &receiver,
            far.as_ref().ok().copied(),
        );
        match far {
            Ok(subnet) => {
                self.inbound(leg, near, (far_vnet, far_subnet, subnet), &receiver);
                self.way_back(leg, near, subnet, far_vnet);
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::FilterIn, missing)),
        }
    }

    fn outbound(&self, leg: &mut Leg, near: &Subnet, receiver: &Receiver) {
        let Some(group) = &near.security_group else {
            let detail = format!("subnet `{}` has no security group", self.start.subnet.name());
            let step = Step::pass(Stage::FilterOut, Some(&self.start.subnet), detail);
            return leg.forward.push(step.read(&self.start.subnet, near.fields));
        };
        let decision = filter::network_tag(self.estate, &self.start.vnet, near).and_then(|tag| {
            let senders = AddressSet::of(&near.prefixes);
            filter::decide(
                self.estate,
                group,
                Direction::Outbound,
                &senders,
                receiver,
                self.port,
                &tag,
            )
        });
        match decision {
            Ok(decision) => {
                leg.forward.push(filter_step(Stage::FilterOut, group, &decision));
                leg.outbound = Some((group.clone(), decision));
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::FilterOut, missing)),
        }
    }

    fn route_and_hop(
        &self,
        leg: &mut Leg,
        near: &Subnet,
        (far_vnet, far_subnet): (&ResourceId, &ResourceId),
        receiver: &Receiver,
        far: Option<&Subnet>,
    ) {
        let joined =
            hop::join(self.estate, (&self.start.vnet, &self.start.subnet), (far_vnet, far_subnet));
        let address = match receiver {
            Receiver::Addresses(set) => set.first(),
            Receiver::Gateway(_) => None,
        };
        if let Some(address) = address {
            let range = self
                .estate
                .get::<Vnet>(far_vnet)
                .map_or(0, |vnet| route::range_length(vnet, address));
            let own = match leg.way {
                Way::Endpoint(_) => {
                    let policy =
                        far.and_then(|subnet| subnet.endpoint_policies.as_deref()).unwrap_or("");
                    let on = ["enabled", "routetableenabled"]
                        .contains(&policy.to_ascii_lowercase().as_str());
                    OwnRoute::Endpoint { range_length: range, policy_on: on }
                }
                Way::Injected(_) | Way::Public => OwnRoute::Network(range),
            };
            let routed = route::to_address(self.estate, near, address, own);
            leg.forward.push(route_step(&self.start.subnet, &routed, &address.to_string()));
            leg.route = Some(routed);
        }
        leg.forward.push(hop_step(&joined, &self.start.vnet, far_vnet));
        leg.joined = Some(joined);
    }

    fn inbound(
        &self,
        leg: &mut Leg,
        near: &Subnet,
        (far_vnet, far_id, far): (&ResourceId, &ResourceId, &Subnet),
        receiver: &Receiver,
    ) {
        let Some(group) = &far.security_group else {
            let detail = format!("subnet `{}` has no security group", far_id.name());
            return leg
                .forward
                .push(Step::pass(Stage::FilterIn, Some(far_id), detail).read(far_id, far.fields));
        };
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        let policy = far.endpoint_policies.as_deref().map(str::to_ascii_lowercase);
        let place = format!("{}/privateEndpointNetworkPolicies", far.fields);
        if is_endpoint && matches!(policy.as_deref(), Some("disabled" | "routetableenabled")) {
            let detail = format!(
                "rules of `{}` do not act on private endpoints in `{}`",
                group.name(),
                far_id.name()
            );
            return leg
                .forward
                .push(Step::pass(Stage::FilterIn, Some(far_id), detail).read(far_id, place));
        }
        let decision = filter::network_tag(self.estate, far_vnet, far).and_then(|tag| {
            let senders = AddressSet::of(&near.prefixes);
            filter::decide(
                self.estate,
                group,
                Direction::Inbound,
                &senders,
                receiver,
                self.port,
                &tag,
            )
        });
        match decision {
            Ok(decision) if is_endpoint && policy.is_none() && !decision.denied.is_empty() => {
                let missing = Missing::field(far_id, "privateEndpointNetworkPolicies");
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
    fn way_back(&self, leg: &mut Leg, near: &Subnet, far: &Subnet, far_vnet: &ResourceId) {
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        let Some(first) = AddressSet::of(&near.prefixes).first().filter(|_| !is_endpoint) else {
            leg.back.push(Step::pass(Stage::Return, None, "answers belong to the open connection"));
            return;
        };
        let length = self
            .estate
            .get::<Vnet>(&self.start.vnet)
            .map_or(0, |vnet| route::range_length(vnet, first));
        let routed = route::to_address(self.estate, far, first, OwnRoute::Network(length));
        let mut step = route_step(far_vnet, &routed, &first.to_string());
        step.stage = Stage::Return;
        leg.back.push(step);
        leg.route_back = Some(routed);
    }
}

/// The front door of a server for a copier that has no network of its own.
pub fn front_door(estate: &Estate, id: &ResourceId, server: &Server, gate: Gate) -> Leg {
    let mut leg = Leg::new(Way::Public);
    leg.forward.push(gate_step(estate, id, server, &gate));
    leg.gate = Some(gate);
    leg
}
