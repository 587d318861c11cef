//! One way to a server, gate by gate: through a private endpoint, to its public front door, or to its address in a network.

use crate::address::AddressSet;
use crate::estate::filter::Direction;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::endpoint::{Status, View};
use crate::trace::filter::{self, Decision, Receiver};
use crate::trace::gate::{self, Gate};
use crate::trace::hop::{self, Joined};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::step::{Stage, Step};

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
            Ok((vnet, subnet)) => self.private(&mut leg, &vnet, &subnet, view.addresses.as_deref().ok()),
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
            None => leg.forward.push(Step::unknown(Stage::Route, Missing::resource("subnet", subnet))),
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
                leg.forward.push(route_step(&self.start.subnet, &routed, "the server's public front door"));
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
        self.route_and_hop(leg, near, (far_vnet, far_subnet), &receiver, far.as_ref().ok().copied());
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
            filter::decide(self.estate, group, Direction::Outbound, &senders, receiver, self.port, &tag)
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
            let range = self.estate.get::<Vnet>(far_vnet).map_or(0, |vnet| route::range_length(vnet, address));
            let own = match leg.way {
                Way::Endpoint(_) => {
                    let policy = far.and_then(|subnet| subnet.endpoint_policies.as_deref()).unwrap_or("");
                    let on = ["enabled", "routetableenabled"].contains(&policy.to_ascii_lowercase().as_str());
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
            return leg.forward.push(Step::pass(Stage::FilterIn, Some(far_id), detail).read(far_id, far.fields));
        };
        let is_endpoint = matches!(leg.way, Way::Endpoint(_));
        let policy = far.endpoint_policies.as_deref().map(str::to_ascii_lowercase);
        let place = format!("{}/privateEndpointNetworkPolicies", far.fields);
        if is_endpoint && matches!(policy.as_deref(), Some("disabled" | "routetableenabled")) {
            let detail = format!("rules of `{}` do not act on private endpoints in `{}`", group.name(), far_id.name());
            return leg.forward.push(Step::pass(Stage::FilterIn, Some(far_id), detail).read(far_id, place));
        }
        let decision = filter::network_tag(self.estate, far_vnet, far).and_then(|tag| {
            let senders = AddressSet::of(&near.prefixes);
            filter::decide(self.estate, group, Direction::Inbound, &senders, receiver, self.port, &tag)
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
        let length = self.estate.get::<Vnet>(&self.start.vnet).map_or(0, |vnet| route::range_length(vnet, first));
        let routed = route::to_address(self.estate, far, first, OwnRoute::Network(length));
        let mut step = route_step(far_vnet, &routed, &first.to_string());
        step.stage = Stage::Return;
        leg.back.push(step);
        leg.route_back = Some(routed);
    }
}

fn admit_step(view: &View) -> Step {
    let (resource, pointer) = &view.status_from;
    let name = view.id.name();
    let step = match (&view.status, &view.wrong_group) {
        (_, Some(group)) => Step::drop(
            Stage::Admit,
            Some(&view.id),
            format!("private endpoint `{name}` asks for `{group}`, not for PostgreSQL"),
        ),
        (Status::Approved, None) => {
            Step::pass(Stage::Admit, Some(&view.id), format!("private endpoint `{name}` is approved"))
        }
        (Status::Pending, None) => {
            Step::drop(Stage::Admit, Some(&view.id), format!("private endpoint `{name}` waits for approval"))
        }
        (Status::Rejected, None) => {
            Step::drop(Stage::Admit, Some(&view.id), format!("private endpoint `{name}` was rejected"))
        }
        (Status::Disconnected, None) => Step::drop(
            Stage::Admit,
            Some(&view.id),
            format!("private endpoint `{name}` was removed on the server's side"),
        ),
        (Status::Unknown(missing), None) => return Step::unknown(Stage::Admit, missing.clone()),
    };
    step.read(resource, pointer.clone())
}

fn gate_step(estate: &Estate, id: &ResourceId, server: &Server, gate: &Gate) -> Step {
    let drop = |detail: String| Step::drop(Stage::Admit, Some(id), detail);
    match gate {
        Gate::Open(rule) => {
            let detail = format!("rule `{}` of the server lets the subnet in", rule.name());
            Step::pass(Stage::Admit, Some(rule), detail).read(rule, estate.locate(rule, "", ""))
        }
        Gate::OpensItself => {
            let detail = "Azure's tool opens a public Single Server for a public target by itself";
            Step::pass(Stage::Admit, Some(id), detail).read(id, server.public_pointer.clone())
        }
        Gate::PublicDenied => {
            drop("the server denies public network access".to_owned()).read(id, server.public_pointer.clone())
        }
        Gate::RuleMissing { .. } => drop("no VNet rule of the server names the target's subnet".to_owned()),
        Gate::ServiceEndpointMissing(rule) => {
            let detail = "the VNet rule has no effect: the subnet's service endpoint Microsoft.Sql is off";
            drop(detail.to_owned()).read(rule, "")
        }
        Gate::RuleNotReady(rule, state) => {
            let place = estate.locate(rule, "", "state");
            drop(format!("the VNet rule `{}` is in state {state}", rule.name())).read(rule, place)
        }
        Gate::OtherRegion(rule, location) => {
            let detail = format!("the VNet rule has no effect: the network is in {location}, the server elsewhere");
            drop(detail).read(rule, "")
        }
        Gate::FirewallRuleMissing => drop("the server has no firewall rule at all".to_owned()),
        Gate::Unknown(missing) => Step::unknown(Stage::Admit, missing.clone()),
    }
}

fn route_step(subnet: &ResourceId, routed: &Routed, destination: &str) -> Step {
    match routed {
        Routed::Directly => {
            Step::pass(Stage::Route, Some(subnet), format!("no route of a user catches {destination}"))
        }
        Routed::ByUser(route) => {
            let detail = format!("route `{}` ({}) leads on", route.name, route.prefix);
            Step::pass(Stage::Route, Some(&route.table), detail).read(&route.resource, route.pointer.clone())
        }
        Routed::Dropped(route) => {
            let detail = format!("route `{}` ({}) drops packets to {destination}", route.name, route.prefix);
            Step::drop(Stage::Route, Some(&route.table), detail).read(&route.resource, route.pointer.clone())
        }
        Routed::Elsewhere(route, missing) => {
            let mut step = Step::unknown(Stage::Route, missing.clone());
            step.resource = Some(route.table.clone());
            step.detail = format!("route `{}` ({}): {}", route.name, route.prefix, step.detail);
            step.read(&route.resource, route.pointer.clone())
        }
        Routed::Unknown(missing) => Step::unknown(Stage::Route, missing.clone()),
    }
}

fn hop_step(joined: &Joined, near: &ResourceId, far: &ResourceId) -> Step {
    let (near_name, far_name) = (near.name(), far.name());
    match joined {
        Joined::Same => Step::pass(Stage::Hop, Some(near), format!("both ends are in network `{near_name}`")),
        Joined::Peered { near, far } => {
            let detail = format!("networks `{near_name}` and `{far_name}` are peered both ways");
            Step::pass(Stage::Hop, Some(near), detail).read(near, "").read(far, "")
        }
        Joined::Broken(broken) => {
            let detail = format!("peering `{}` does not carry this traffic ({})", broken.half.name(), broken.value);
            Step::drop(Stage::Hop, Some(&broken.half), detail).read(&broken.half, broken.pointer.clone())
        }
        Joined::Apart { other_way: Some(missing), .. } => Step::unknown(Stage::Hop, missing.clone()),
        Joined::Apart { near: near_half, far: far_half, other_way: None, .. } => {
            let detail = match (near_half, far_half) {
                (None, None) => format!("networks `{near_name}` and `{far_name}` are not peered"),
                (Some(half), None) => format!("`{far_name}` has no half of peering `{}`", half.name()),
                (_, Some(half)) => format!("`{near_name}` has no half of peering `{}`", half.name()),
            };
            Step::drop(Stage::Hop, Some(near), detail)
        }
        Joined::Unknown(missing) => Step::unknown(Stage::Hop, missing.clone()),
    }
}

fn filter_step(stage: Stage, group: &ResourceId, decision: &Decision) -> Step {
    let words = |list: &[(AddressSet, filter::Decider)]| {
        let (_, first) = list.first()?;
        Some(format!("rule `{}` (priority {}) of `{}`", first.name, first.priority, group.name()))
    };
    let read = |step: Step, list: &[(AddressSet, filter::Decider)]| {
        list.iter().fold(step, |step, (_, rule)| step.read(&rule.resource, rule.pointer.clone()))
    };
    if !decision.denied.is_empty() {
        let detail = format!("{} denies", words(&decision.denied).unwrap_or_default());
        let mut step = read(Step::drop(stage, Some(group), detail), &decision.denied);
        if !decision.allowed.is_empty() || !decision.unknown.is_empty() {
            step.detail = format!("{} {}", step.detail, decision.denied_senders());
            step.dropped_part = Some(decision.denied_senders());
        }
        return step;
    }
    if let Some((_, rule)) = decision.unknown.first() {
        let missing = Missing::other(
            format!("whether rule `{}` of `{}` catches these packets", rule.name, group.name()),
            "a tag in it has more than one reading: name the addresses in a rule of its own, or probe",
        );
        return read(Step::unknown(stage, missing), &decision.unknown);
    }
    let detail = format!("{} lets pass", words(&decision.allowed).unwrap_or_default());
    read(Step::pass(stage, Some(group), detail), &decision.allowed)
}

/// The front door of a server for a copier that has no network of its own.
pub fn front_door(estate: &Estate, id: &ResourceId, server: &Server, gate: Gate) -> Leg {
    let mut leg = Leg::new(Way::Public);
    leg.forward.push(gate_step(estate, id, server, &gate));
    leg.gate = Some(gate);
    leg
}
