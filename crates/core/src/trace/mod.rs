//! The path from the copier to a server: what the name leads to, and every gate of the way there and back.

mod access;
pub mod admin;
mod answers;
pub mod appliance;
mod asking;
pub mod balancer;
mod beyond;
pub mod breaks;
mod choice;
pub mod decision;
mod dns_proxy;
pub mod dns_servers;
pub mod door_rules;
mod door_words;
mod doubts;
pub mod egress;
pub mod endpoint;
pub mod filter;
pub mod firewall;
mod following;
pub mod forwarded;
pub mod forwarder;
pub mod front_route;
pub mod gate;
mod group;
pub mod hop;
mod host;
mod identity;
mod injected;
pub mod leg;
mod lines;
pub mod listen;
pub mod mesh;
mod misled;
mod naming;
pub mod near_miss;
mod new_endpoint;
pub mod outward;
mod own_route;
pub mod own_zone;
pub mod owner;
pub mod place;
pub mod platform_dns;
mod public_dns;
mod range;
mod records;
pub mod resolve;
pub mod route;
pub(crate) mod route_words;
mod rule_words;
pub(crate) mod rules;
pub(crate) mod sides;
mod single_gate;
pub mod start;
pub mod step;
pub mod tag;
pub mod told;
pub mod unproven;
mod unread;
mod verdict;
mod virtual_hub;
mod walk;
pub(crate) mod words;

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::address::AddressSet;
use crate::estate::filter::Direction;
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
pub use access::Access;
use access::{access, copier_access};
use endpoint::View;
use filter::Service;
pub use host::{keeper, path_to_host};
use leg::{Leg, Walker, Way};
pub use naming::default_name;
use place::Place;
use platform_dns::DnsDenial;
use resolve::Resolution;
use start::Start;
use step::{Stage, Step};

/// PostgreSQL's port.
pub const PORT: u16 = 5432;

/// Port of a flexible server's connection pooler.
pub const POOLER_PORT: u16 = 6432;

/// Where the server's name leads the copier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// Onto the way that is meant.
    Intended,
    /// To the public front door of a server whose endpoint is meant.
    Fallback,
    /// To nothing that answers.
    Nowhere,
    /// Configuration does not tell.
    Unknown(Missing),
    /// The copier has no network of its own: it resolves publicly.
    Publicly,
}

/// One flow, fully looked at.
#[derive(Debug, Clone)]
pub struct Path<'e> {
    /// The estate.
    pub estate: &'e Estate,
    /// The server that the copier runs on, or the network interface of the relay host that does.
    pub from_id: ResourceId,
    /// The server's facts.
    pub from: Option<&'e Server>,
    /// The server that is dialled.
    pub to_id: ResourceId,
    /// Its facts.
    pub to: Cow<'e, Server>,
    /// The port.
    pub port: u16,
    /// The copier's network; `None` for a copier without one.
    pub start: Option<Start>,
    /// How the dialled server can be reached.
    pub to_access: Result<Access, Missing>,
    /// How the copier's own server can be reached.
    pub from_access: Result<Access, Missing>,
    /// Private endpoints of the dialled server.
    pub endpoints: Vec<Arc<View>>,
    /// Answers that lead astray, by a forwarding rule or a zone that takes the name: what the copier gets first, then what it would
    /// get without that.
    pub astray: Vec<Resolution>,
    /// What the copier's resolver answers, or would answer if nothing led the question astray or kept it back.
    pub name: Option<Resolution>,
    /// Where that would lead.
    pub would_lead: Leads,
    /// Where the name leads.
    pub leads: Leads,
    /// The way that is meant; `None` when there is none at all.
    pub intended: Option<Leg>,
    /// The public way, where the name leads there instead.
    pub fallback: Option<Leg>,
    /// The way through another endpoint, out of reach, that the record names in place of the one that is meant.
    pub detour: Option<Leg>,
    /// The security rule that denies the copier's subnet, or a part of it, Azure's resolver.
    pub dns_denial: Option<DnsDenial>,
    /// Where the dialled machine is; `None` for servers of Azure, and while its address is not known.
    pub place: Option<Place>,
    /// A DNS server of the network's own that does not answer, be it a part of the subnet alone, and the way to it.
    pub dns_server: Option<(Ipv4Addr, Leg)>,
    /// The name does not exist here, and the public way would be open: nothing but the name is in the way.
    pub is_shadowed: bool,
    /// Steps before the way.
    pub opening: Vec<Step>,
}

/// Looks at the flow from the place of a server, or from the network interface of a relay host, to another server.
///
/// # Errors
/// [`Missing`] when one of them was not observed.
pub fn path<'e>(
    estate: &'e Estate,
    from_id: &ResourceId,
    to_id: &ResourceId,
    port: u16,
) -> Result<Box<Path<'e>>, Missing> {
    let to = estate.get::<Server>(to_id)?;
    let endpoints = endpoint::of_server(estate, to_id, to);
    let mut path = Path::new(estate, from_id, (to_id, Cow::Borrowed(to)), port, endpoints)?;
    path.walk();
    Ok(path)
}

/// Looks at the flow from some subnet to a server, as if the copier ran there.
///
/// # Errors
/// [`Missing`] when one of the servers was not observed.
pub fn path_from_subnet<'e>(
    estate: &'e Estate,
    from_id: &ResourceId,
    start: Start,
    to_id: &ResourceId,
) -> Result<Box<Path<'e>>, Missing> {
    let to = estate.get::<Server>(to_id)?;
    let endpoints = endpoint::of_server(estate, to_id, to);
    let mut path = Path::new(estate, from_id, (to_id, Cow::Borrowed(to)), PORT, endpoints)?;
    path.start = Some(start);
    path.walk();
    Ok(path)
}

impl<'e> Path<'e> {
    /// Whether it begins where the copier runs, and not with another client.
    pub fn starts_at_copier(&self) -> bool {
        Start::of(self.estate, &self.from_id).is_ok_and(|start| start == self.start)
    }

    fn new(
        estate: &'e Estate,
        from_id: &ResourceId,
        (to_id, to): (&ResourceId, Cow<'e, Server>),
        port: u16,
        endpoints: Vec<Arc<View>>,
    ) -> Result<Box<Path<'e>>, Missing> {
        let to_access = access(to_id, &to, !endpoints.is_empty());
        let start = Start::of(estate, from_id)?;
        let (from, from_access) = match start::is_interface(from_id) {
            true => (None, Ok(Access::Private)),
            false => {
                let from = estate.get::<Server>(from_id)?;
                (Some(from), copier_access(estate, from_id, from))
            }
        };
        // It is ten thousand bytes large.
        Ok(Box::new(Path {
            estate,
            from_id: from_id.clone(),
            from,
            to_id: to_id.clone(),
            to,
            port,
            to_access,
            from_access,
            dns_denial: None,
            place: None,
            dns_server: None,
            is_shadowed: false,
            endpoints,
            astray: Vec::new(),
            name: None,
            would_lead: Leads::Publicly,
            leads: Leads::Publicly,
            intended: None,
            fallback: None,
            detour: None,
            opening: Vec::new(),
            start,
        }))
    }
}

impl Path<'_> {
    fn walk(&mut self) {
        let Some(start) = self.start.clone() else { return self.walk_from_outside() };
        // Clients of another subnet need no server to run there.
        let is_home = |from: &Server| from.delegated_subnet.as_ref() == Some(&start.subnet);
        if start.interface.is_some() || self.from.is_some_and(is_home) {
            self.begin(&start);
        }
        self.adopt_misled();
        let (to_id, server) = (self.to_id.clone(), self.to.clone());
        let walker = Walker {
            estate: self.estate,
            start: &start,
            server_id: &to_id,
            server: &server,
            service: Service::tcp(self.port),
            part: None,
        };
        let chosen = self.choose_endpoint(&start);
        self.intended = match (&self.to.delegated_subnet, &chosen, &self.to_access) {
            (Some(subnet), ..) => Some(walker.injected(subnet)),
            (None, Some(view), _) => Some(walker.endpoint(view)),
            // The front door is the only one, be it shut: what else is closed on the way there is looked at as well.
            (None, None, Ok(Access::Public | Access::Private)) => Some(walker.public()),
            (None, None, _) => None,
        };
        if self.to_access == Ok(Access::PublicWithEndpoint) {
            self.fallback = Some(walker.public());
        }
        self.ask_name(&start);
        self.see_mixed(&walker);
        // The record may lead through another endpoint than the one that seemed best.
        if let Some(view) = self.named_endpoint()
            && chosen.as_ref().is_none_or(|chosen| chosen.id != view.id)
        {
            let leg = Some(walker.endpoint(&view));
            match self.is_overwritten(&view) {
                true => self.detour = leg,
                false => self.intended = leg,
            }
        }
        self.see_shadow();
    }

    fn begin(&mut self, start: &Start) {
        let detail = self.estate.words(|| {
            let (subnet, vnet) = (start.subnet.name(), start.vnet.name());
            let host =
                start.interface.as_ref().map(|id| format!("behind interface `{}` ", id.name()));
            let host = host.unwrap_or_default();
            format!("the copier runs {host}in subnet `{subnet}` of network `{vnet}`")
        });
        let step = Step::pass(Stage::Mode, Some(&self.from_id), detail);
        let place = |path: &str| self.estate.locate(&self.from_id, "", path);
        let place = match start.interface {
            Some(_) => place("ipConfigurations"),
            None => place("network/delegatedSubnetResourceId"),
        };
        self.opening.push(step.read(&self.from_id, place));
        self.opening.extend(self.copier_step());
    }

    /// The server that the copier runs in has to run.
    pub(super) fn copier_step(&self) -> Option<Step> {
        if let Some((id, machine, state)) =
            self.start.as_ref().and_then(|start| start.stopped(self.estate))
        {
            let detail = format!("the copier's machine `{}` is {state}", id.name());
            let step = Step::drop(Stage::Mode, Some(id), detail);
            return Some(step.read(id, &machine.power_pointer));
        }
        // What runs on a relay host is Flexway: it says so by running.
        let from = self.from?;
        let step = match from.state.as_deref() {
            None => Step::unknown(Stage::Mode, Missing::field(&self.from_id, "state")),
            Some(state) if state.eq_ignore_ascii_case("ready") => return None,
            Some(state) => {
                let detail =
                    format!("the copier's server `{}` is in state {state}", self.from_id.name());
                Step::drop(Stage::Mode, Some(&self.from_id), detail)
            }
        };
        Some(step.read(&self.from_id, &from.state_pointer))
    }

    /// Whether a Single Server knows the copier's subnet by its service endpoint: packets then keep their own addresses.
    pub(crate) fn is_identified(&self) -> bool {
        self.start
            .as_ref()
            .is_some_and(|start| identity::is_identified(self.estate, &self.to, start))
    }

    /// The ways that may be taken: the meant one first, and the public one beside it unless the name surely leads to the meant one.
    pub fn legs(&self) -> impl Iterator<Item = &Leg> {
        let other = self.fallback.as_ref().filter(|_| self.leads != Leads::Intended);
        self.intended.iter().chain(other)
    }

    /// The endpoint that the meant way goes through.
    pub fn endpoint(&self) -> Option<&View> {
        match &self.intended.as_ref()?.way {
            Way::Endpoint(view) => Some(view),
            Way::Public | Way::Injected(_) | Way::Machine(_) | Way::Beyond(_) => None,
        }
    }

    /// The way that packets really take, as far as the name tells.
    pub fn taken(&self) -> Option<&Leg> {
        match self.leads {
            Leads::Fallback => self.fallback.as_ref(),
            _ => self.detour.as_ref().or(self.intended.as_ref()),
        }
    }

    /// The same flow, as if the endpoint that the record names were the one that is meant.
    pub fn by_detour(&self) -> Option<Self> {
        let detour = self.detour.clone()?;
        Some(Path { intended: Some(detour), detour: None, ..self.clone() })
    }

    /// Steps there: the opening, then the way that is taken.
    pub fn forward(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.steps_there().cloned().collect();
        steps.extend(self.listen_step());
        steps
    }

    /// The same without the last one, whether a server listens.
    fn steps_there(&self) -> impl Iterator<Item = &Step> + Clone {
        self.opening.iter().chain(self.taken().into_iter().flat_map(|leg| &leg.forward))
    }

    /// Addresses that the copier may have; empty where it has no network of its own.
    pub fn senders(&self) -> AddressSet {
        self.taken().map(|leg| leg.senders.clone()).unwrap_or_default()
    }

    /// The port that security rules of a direction see: a load balancer may change it on the way in.
    pub fn port_at(&self, direction: Direction) -> u16 {
        let behind = self.intended.as_ref().and_then(|leg| leg.behind.as_ref());
        behind.filter(|_| direction == Direction::Inbound).map_or(self.port, |one| one.port)
    }

    /// Steps back.
    pub fn back(&self) -> Vec<Step> {
        self.taken().map(|leg| leg.back.clone()).unwrap_or_default()
    }
}
