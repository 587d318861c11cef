//! One way to a server, gate by gate: through a private endpoint, to its public front door, or to its address in a network.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::address::{AddressSet, private};
use crate::estate::firewall::Firewall;
use crate::estate::gateway::LoadBalancer;
use crate::estate::network::{NextHop, Vnet, region_key};
use crate::estate::server::{Server, ServerKind};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::admin::Ruled;
use crate::trace::appliance::{self, Appliance};
use crate::trace::balancer::Behind;
use crate::trace::decision::Decision;
use crate::trace::door_words::gate_step;
use crate::trace::egress::Egress;
use crate::trace::endpoint::View;
use crate::trace::filter::{Receiver, Service};
use crate::trace::firewall::onward::Onward;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::gate::{self, Caller, Gate};
use crate::trace::hop::Joined;
use crate::trace::outward::Outward;
use crate::trace::route::Routed;
use crate::trace::start::Start;
use crate::trace::step::{self, Stage, Step, Verdict};
use crate::trace::words::{admit_step, replies_step};

/// Which way a leg goes.
#[derive(Debug, Clone)]
pub enum Way {
    /// Through a private endpoint.
    Endpoint(Arc<View>),
    /// To the public front door.
    Public,
    /// To the address of an injected server in its subnet.
    Injected(ResourceId),
    /// To a machine in a network of Azure.
    Machine(Machine),
    /// To an address beyond a gateway, or in the internet.
    Beyond(Ipv4Addr),
}

/// A machine in a network of Azure.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its address.
    pub address: Ipv4Addr,
    /// The subnet it is in.
    pub subnet: ResourceId,
    /// The interface or load balancer that holds the address, where it was captured.
    pub holder: Option<ResourceId>,
}

/// One way, walked to its end: gates after a closed one are looked at too, since every fault counts.
#[derive(Debug, Clone)]
pub struct Leg {
    /// Which way.
    pub way: Way,
    /// Rules of the relay host's own interface; `None` where none apply.
    pub outbound_interface: Option<(ResourceId, Decision)>,
    /// Rules of the subnet that packets leave; `None` where it has no group.
    pub outbound: Option<(ResourceId, Decision)>,
    /// Routes of that subnet.
    pub route: Option<Routed>,
    /// A route of a user there drops all packets.
    pub drops_out: bool,
    /// A route of a user at the other end drops all answers.
    pub drops_back: bool,
    /// What stands behind the load balancer that is dialled.
    pub behind: Option<Behind>,
    /// No rule of the load balancer that is dialled takes the port.
    pub is_balanced_nowhere: bool,
    /// Routes of the subnet at the other end, for the answers.
    pub route_back: Option<Routed>,
    /// The two networks are not joined: rules that speak of the tag VirtualNetwork see less than they would.
    pub is_apart: bool,
    /// Which route the packets take is not known, and one of them may hand them to something that needs no peering.
    pub is_perhaps_led_past: bool,
    /// Whether the two networks are joined is not known.
    pub is_perhaps_joined: bool,
    /// Only a route that a gateway has learned takes packets on, and puts the address into the tag VirtualNetwork.
    pub needs_learned_route: bool,
    /// The join of the copier's network, or of the hub of `onward`, with the next one on the way; `None` where packets enter none.
    pub joined: Option<Joined>,
    /// The subnet in that next network: of the other end, or of a gateway or an appliance on the way there.
    pub next: Option<ResourceId>,
    /// Rules of the subnet that packets enter; `None` where none apply.
    pub inbound: Option<(ResourceId, Decision)>,
    /// Rules of the interface that packets enter; `None` where none apply.
    pub inbound_interface: Option<(ResourceId, Decision)>,
    /// How an address beyond the network is reached.
    pub outward: Option<Outward>,
    /// The gateway that the copier's network is to use and does not get, where none is known to lead to the address.
    pub unused: Option<Outward>,
    /// Why the firewall of a hub, which a route hands packets to, has no way on; `joined` is then the join of the hub.
    pub onward: Option<Onward>,
    /// The appliance that a route hands packets to.
    pub appliance: Option<Appliance>,
    /// The same where it is an Azure Firewall.
    pub guard: Option<Guard>,
    /// It has the packets handed to something else.
    pub is_handed_further: bool,
    /// Rules of that one's subnet and of its interface that deny the way in.
    pub into_appliance: [Option<(ResourceId, Decision)>; 2],
    /// The other end is a load balancer of the Basic sort in another region.
    pub is_basic_balancer_afar: bool,
    /// Addresses that the copier may have.
    pub senders: AddressSet,
    /// Security admin rules that drop packets, each with whether it surely does.
    pub admin_denials: Vec<(Ruled, bool)>,
    /// How the packets of a relay host get into the internet, where they have to.
    pub egress: Option<Egress>,
    /// The public addresses of a firewall or an appliance that a front door sees, where they are known.
    pub seen_as: Option<AddressSet>,
    /// The front door; `None` for a private way.
    pub gate: Option<Gate>,
    /// Steps there.
    pub forward: Vec<Step>,
    /// Steps back.
    pub back: Vec<Step>,
}

impl Leg {
    pub(super) fn new(way: Way) -> Leg {
        Leg {
            way,
            outbound_interface: None,
            outbound: None,
            route: None,
            drops_out: false,
            drops_back: false,
            behind: None,
            is_balanced_nowhere: false,
            route_back: None,
            is_apart: false,
            is_perhaps_led_past: false,
            is_perhaps_joined: false,
            needs_learned_route: false,
            joined: None,
            next: None,
            inbound: None,
            inbound_interface: None,
            outward: None,
            unused: None,
            onward: None,
            appliance: None,
            guard: None,
            is_handed_further: false,
            into_appliance: [None, None],
            is_basic_balancer_afar: false,
            senders: AddressSet::default(),
            admin_denials: Vec::new(),
            egress: None,
            seen_as: None,
            gate: None,
            forward: Vec::new(),
            back: Vec::new(),
        }
    }

    /// Whether its packets go into the internet.
    pub(super) fn is_public(&self) -> bool {
        match &self.way {
            Way::Public => true,
            Way::Beyond(address) => !private().contains(*address),
            Way::Endpoint(_) | Way::Injected(_) | Way::Machine(_) => false,
        }
    }

    /// Whether a route hands its packets to an appliance in a network that the copier's is not joined with, and that would forward them
    /// as far as the estate tells.
    pub fn leads_out_of_reach(&self, estate: &Estate) -> bool {
        matches!(&self.route, Some(Routed::Dead(_, Appliance::OutOfReach(id))) if !appliance::stands(estate, id))
    }

    /// Whether a route hands its answers to an appliance, in reach or not.
    pub fn is_led_back(&self) -> bool {
        matches!(self.route_back, Some(Routed::Elsewhere(..) | Routed::Dead(..)))
    }

    /// Whether a route hands its packets to an Azure Firewall, in reach or not.
    pub fn leads_to_firewall(&self, estate: &Estate) -> bool {
        let Some(Routed::Dead(_, Appliance::OutOfReach(subnet))) = &self.route else {
            return self.guard.is_some();
        };
        let mut frontends = estate.all::<Firewall>().flat_map(|(_, one)| &one.frontends);
        frontends.any(|one| one.subnet.as_ref() == Some(subnet))
    }

    /// Whether an appliance takes its packets to a private endpoint, which answers past it as far as is known.
    pub fn is_bypassed(&self, estate: &Estate) -> bool {
        let is_handed_over = matches!(&self.route, Some(Routed::Elsewhere(route, _))
            if matches!(route.next_hop, NextHop::Appliance(_)));
        let is_replaced = self.guard.as_ref().and_then(Guard::sends_on) == Some(Sender::Replaced);
        matches!(self.way, Way::Endpoint(_))
            && is_handed_over
            && !is_replaced
            && !appliance::takes_answers(estate, self.appliance.as_ref())
    }

    /// Whether its packets come to the join of the copier's own network, or to a gateway.
    pub fn is_joining(&self) -> bool {
        self.joined.is_some() && self.onward.is_none() || self.outward.is_some()
    }

    /// Takes down how the copier's network and the next one on the way are joined.
    pub(super) fn cross(&mut self, next: &ResourceId, joined: Joined, steps: Vec<Step>) {
        self.forward.extend(steps);
        self.next = Some(next.clone());
        self.joined = Some(joined);
    }

    /// The machine that packets come to, where they come to one.
    pub fn receiver(&self) -> Option<&Machine> {
        match &self.way {
            Way::Machine(machine) => {
                Some(self.behind.as_ref().map_or(machine, |behind| &behind.machine))
            }
            Way::Endpoint(_) | Way::Public | Way::Injected(_) | Way::Beyond(_) => None,
        }
    }

    /// All steps, there and back.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.forward.iter().chain(&self.back)
    }

    /// Whether its gates let pass.
    pub fn verdict(&self) -> Verdict {
        step::verdict(self.steps(), &self.senders)
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
    pub service: Service,
    /// The addresses of an injected server's subnet that count, where not all do.
    pub part: Option<&'e AddressSet>,
}

impl Walker<'_> {
    /// The way through a private endpoint.
    pub fn endpoint(&self, view: &Arc<View>) -> Leg {
        let mut leg = Leg::new(Way::Endpoint(view.clone()));
        match view.subnet.clone().and_then(|subnet| Ok((view.vnet()?, subnet))) {
            Ok((vnet, subnet)) => {
                let address = view.addresses.as_ref().ok().and_then(|list| list.first().copied());
                self.private(&mut leg, (&vnet, &subnet), address);
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::Route, missing)),
        }
        leg.forward.push(admit_step(self.estate, view));
        leg
    }

    /// The way to a machine in a network of Azure.
    pub fn machine(&self, machine: &Machine) -> Leg {
        let mut leg = Leg::new(Way::Machine(machine.clone()));
        match machine.subnet.parent() {
            Some(vnet) => {
                self.private(&mut leg, (&vnet, &machine.subnet), Some(machine.address));
                self.see_balancer(&mut leg, machine, &vnet);
            }
            None => {
                let missing = Missing::resource("subnet", &machine.subnet);
                leg.forward.push(Step::unknown(Stage::Route, missing));
            }
        }
        leg
    }

    /// A peering between regions does not carry packets to Basic load balancers.
    fn see_balancer(&self, leg: &mut Leg, machine: &Machine, vnet: &ResourceId) {
        let Some(id) = &machine.holder else { return };
        let Some(balancer) = self.estate.find::<LoadBalancer>(id) else { return };
        let region = |vnet: &ResourceId| {
            let vnet = self.estate.find::<Vnet>(vnet);
            vnet.and_then(|vnet| vnet.location.as_deref().map(region_key))
        };
        let is_basic = balancer.sku.as_deref().is_none_or(|sku| sku.eq_ignore_ascii_case("basic"));
        let regions = (region(&self.start.vnet), region(vnet));
        if let (true, (Some(near), Some(far))) = (is_basic, regions)
            && near != far
            && self.start.vnet != *vnet
        {
            let detail = format!(
                "load balancer `{}` is of the Basic sort and stands in {far}: peerings between regions do not reach it",
                id.name()
            );
            let place = self.estate.locate(id, "", "sku");
            leg.forward.push(Step::drop(Stage::Hop, Some(id), detail).read(id, place));
            leg.is_basic_balancer_afar = true;
        }
    }

    /// The way to an address that no captured network holds.
    pub fn beyond(&self, address: Ipv4Addr) -> Leg {
        let mut leg = Leg::new(Way::Beyond(address));
        match self.near() {
            Ok(near) => self.out_of_azure(&mut leg, &near, address),
            Err(missing) => leg.forward.push(Step::unknown(Stage::Route, missing)),
        }
        leg
    }

    /// The way to the public front door.
    pub fn public(&self) -> Leg {
        let mut leg = Leg::new(Way::Public);
        let location = self.server.location.clone();
        let is_flexible = self.server.kind == ServerKind::Flexible;
        match self.near() {
            Ok(near) => {
                leg.senders = near.addresses.clone();
                let receiver = Receiver::Gateway(location, is_flexible);
                self.outbound(&mut leg, &near, None, &receiver);
                let routed = self.to_front_door((near.id, near.subnet));
                let own = self.own_route_out(&near, true);
                let to = (&receiver, "the server's public front door");
                self.routed(&mut leg, &near, (routed, own), to);
                self.back_from_internet(&mut leg, &near);
            }
            Err(missing) => leg.forward.push(Step::unknown(Stage::Route, missing)),
        }
        let mut seen_as = None;
        let gate = match &leg.route {
            Some(Routed::Elsewhere(route, _) | Routed::Dead(route, _)) => {
                let egress = self.behind(&route.next_hop);
                if let Some(Egress::Known(addresses)) = &egress {
                    seen_as = Some(addresses.clone());
                }
                let caller = Caller { start: self.start, egress: egress.as_ref() };
                let caller = (&caller, &route.next_hop);
                gate::gate_behind(self.estate, self.server_id, self.server, caller)
            }
            _ => {
                self.see_egress(&mut leg, Some((self.server_id, self.server)));
                let caller = Caller { start: self.start, egress: leg.egress.as_ref() };
                let gate = gate::public_gate(self.estate, self.server_id, self.server, &caller);
                match &leg.route {
                    Some(Routed::Unknown(missing)) => gate.unless(&self.gate_of_anybody(), missing),
                    _ => gate,
                }
            }
        };
        leg.forward.push(gate_step(self.estate, self.server_id, self.server, &gate));
        leg.seen_as = seen_as;
        leg.gate = Some(gate);
        leg.back.push(replies_step());
        leg
    }

    /// What the front door does with packets that some appliance hands on.
    fn gate_of_anybody(&self) -> Gate {
        let caller = Caller { start: self.start, egress: None };
        let hop = NextHop::Appliance(String::new());
        gate::gate_behind(self.estate, self.server_id, self.server, (&caller, &hop))
    }
}

/// The way of a relay host to itself.
pub(super) fn to_itself(machine: Machine) -> Leg {
    let detail = "the source is the relay host itself: packets do not leave the machine";
    let senders = AddressSet::one(machine.address);
    let step = Step::pass(Stage::Route, machine.holder.as_ref(), detail);
    let back = vec![replies_step()];
    Leg { senders, forward: vec![step], back, ..Leg::new(Way::Machine(machine)) }
}

/// The front door of a server for a copier that has no network of its own.
pub fn front_door(estate: &Estate, id: &ResourceId, server: &Server, gate: Gate) -> Leg {
    let mut leg = Leg::new(Way::Public);
    leg.forward.push(gate_step(estate, id, server, &gate));
    leg.gate = Some(gate);
    leg
}
