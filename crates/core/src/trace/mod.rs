//! The path from the copier to a server: what the name leads to, and every gate of the way there and back.

pub mod endpoint;
pub mod filter;
pub mod gate;
pub mod hop;
pub mod leg;
mod naming;
pub mod resolve;
pub mod route;
pub mod step;
mod words;

use crate::estate::server::{Server, ServerKind};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use endpoint::{Status, View};
use gate::Gate;
use hop::Joined;
use leg::{Leg, Start, Walker, Way};
use resolve::Resolution;
use step::{Outcome, Stage, Step, Verdict};

/// How a server can be reached from outside itself, in the guide's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// At its public front door.
    Public,
    /// At its public front door and through private endpoints.
    PublicWithEndpoint,
    /// From inside networks only.
    Private,
}

impl Access {
    /// The word in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Access::Public => "public",
            Access::PublicWithEndpoint => "public-with-endpoint",
            Access::Private => "private",
        }
    }
}

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
    /// The server that the copier runs on.
    pub from_id: ResourceId,
    /// Its facts.
    pub from: &'e Server,
    /// The server that is dialled.
    pub to_id: ResourceId,
    /// Its facts.
    pub to: &'e Server,
    /// The port.
    pub port: u16,
    /// The copier's network; `None` for a copier without one.
    pub start: Option<Start>,
    /// How the dialled server can be reached.
    pub to_access: Result<Access, Missing>,
    /// How the copier's own server can be reached.
    pub from_access: Access,
    /// Private endpoints of the dialled server.
    pub endpoints: Vec<View>,
    /// What the copier's resolver answers.
    pub name: Option<Resolution>,
    /// Where that leads.
    pub leads: Leads,
    /// The way that is meant; `None` when there is none at all.
    pub intended: Option<Leg>,
    /// The public way, where the name leads there instead.
    pub fallback: Option<Leg>,
    /// Steps before the way.
    pub opening: Vec<Step>,
}

/// Looks at the flow from a server's place to another server.
///
/// # Errors
/// [`Missing`] when one of the servers was not observed.
pub fn path<'e>(
    estate: &'e Estate,
    from_id: &ResourceId,
    to_id: &ResourceId,
    port: u16,
) -> Result<Path<'e>, Missing> {
    let from = estate.get::<Server>(from_id)?;
    let to = estate.get::<Server>(to_id)?;
    let endpoints = endpoint::of_server(estate, to_id, to);
    let start = from
        .delegated_subnet
        .as_ref()
        .and_then(|subnet| Some(Start { vnet: subnet.parent()?, subnet: subnet.clone() }));
    let mut path = Path {
        estate,
        from_id: from_id.clone(),
        from,
        to_id: to_id.clone(),
        to,
        port,
        to_access: access(to_id, to, !endpoints.is_empty()),
        from_access: target_access(estate, from_id, from),
        endpoints,
        name: None,
        leads: Leads::Publicly,
        intended: None,
        fallback: None,
        opening: Vec::new(),
        start,
    };
    path.walk();
    Ok(path)
}

fn access(id: &ResourceId, server: &Server, has_endpoint: bool) -> Result<Access, Missing> {
    if server.delegated_subnet.is_some() {
        return Ok(Access::Private);
    }
    match server.public_access {
        None => Err(Missing::field(id, "publicNetworkAccess")),
        Some(false) => Ok(Access::Private),
        Some(true) if has_endpoint => Ok(Access::PublicWithEndpoint),
        Some(true) => Ok(Access::Public),
    }
}

fn target_access(estate: &Estate, id: &ResourceId, server: &Server) -> Access {
    match server.delegated_subnet {
        Some(_) => Access::Private,
        None if endpoint::of_server(estate, id, server).is_empty() => Access::Public,
        None => Access::PublicWithEndpoint,
    }
}

impl Path<'_> {
    fn walk(&mut self) {
        let Some(start) = self.start.clone() else { return self.walk_from_outside() };
        self.opening.push(Step::pass(
            Stage::Mode,
            Some(&self.from_id),
            format!(
                "the copier runs in subnet `{}` of network `{}`",
                start.subnet.name(),
                start.vnet.name()
            ),
        ));
        let to_id = self.to_id.clone();
        let walker = Walker {
            estate: self.estate,
            start: &start,
            server_id: &to_id,
            server: self.to,
            port: self.port,
        };
        let chosen = self.choose_endpoint(&start);
        self.intended = match (&self.to.delegated_subnet, &chosen, &self.to_access) {
            (Some(subnet), ..) => Some(walker.injected(subnet)),
            (None, Some(view), _) => Some(walker.endpoint(view)),
            (None, None, Ok(Access::Public)) => Some(walker.public()),
            (None, None, _) => None,
        };
        self.ask_name(&start);
        if self.leads == Leads::Fallback {
            self.fallback = Some(walker.public());
        }
        // The record may lead through another endpoint than the one that seemed best.
        if let Some(view) = self.named_endpoint()
            && chosen.as_ref().is_none_or(|chosen| chosen.id != view.id)
        {
            self.intended = Some(walker.endpoint(&view));
        }
    }

    /// A copier on a public server: Azure's tool supports public sources only.
    fn walk_from_outside(&mut self) {
        let detail =
            "the copier runs on a server with public access, outside every network of the customer";
        let step = match &self.to_access {
            Ok(Access::Private) => Step::drop(
                Stage::Mode,
                Some(&self.from_id),
                "a copier outside the networks cannot reach a server without public access",
            ),
            Ok(_) => Step::pass(Stage::Mode, Some(&self.from_id), detail),
            Err(missing) => Step::unknown(Stage::Mode, missing.clone()),
        };
        let place = self.estate.locate(&self.from_id, "", "network");
        self.opening.push(
            step.read(&self.from_id, place).read(&self.to_id, self.to.public_pointer.clone()),
        );
        if !matches!(self.to_access, Ok(Access::Public | Access::PublicWithEndpoint)) {
            return;
        }
        let gate = match self.to.kind {
            ServerKind::Single => Gate::OpensItself,
            ServerKind::Flexible => {
                let rules =
                    self.estate.children::<crate::estate::server::FirewallRule>(&self.to_id);
                let rules: Vec<_> = rules.collect();
                match rules.iter().find(|(_, rule)| rule.is_all_of_azure() || rule.is_everything())
                {
                    Some((id, _)) => Gate::Open((*id).clone()),
                    None if rules.is_empty() => Gate::FirewallRuleMissing,
                    None => Gate::Unknown(Missing::other(
                        format!("the public address of `{}`", self.from_id.name()),
                        "resolve its name and compare it with the source's firewall rules",
                    )),
                }
            }
        };
        self.intended = Some(leg::front_door(self.estate, &self.to_id, self.to, gate));
    }

    /// The endpoint that a repair would lead to: approved before pending, near before far.
    fn choose_endpoint(&self, start: &Start) -> Option<View> {
        let rank = |view: &View| {
            let status = match view.status {
                Status::Approved => 0,
                Status::Unknown(_) => 1,
                Status::Pending => 2,
                Status::Rejected | Status::Disconnected => 3,
            };
            let distance = match (&view.subnet, view.vnet()) {
                (Ok(subnet), Ok(vnet)) => {
                    let near = (&start.vnet, &start.subnet);
                    match hop::join(self.estate, near, (&vnet, subnet)) {
                        Joined::Same => 0,
                        Joined::Peered { .. } => 1,
                        Joined::Unknown(_) => 2,
                        Joined::Broken(_) | Joined::Apart { .. } => 3,
                    }
                }
                _ => 2,
            };
            (status, distance)
        };
        self.endpoints.iter().min_by_key(|view| rank(view)).cloned()
    }

    /// The endpoint that the meant way goes through.
    pub fn endpoint(&self) -> Option<&View> {
        match &self.intended.as_ref()?.way {
            Way::Endpoint(view) => Some(view),
            Way::Public | Way::Injected(_) => None,
        }
    }

    /// The way that packets really take, as far as the name tells.
    pub fn taken(&self) -> Option<&Leg> {
        match self.leads {
            Leads::Fallback => self.fallback.as_ref(),
            _ => self.intended.as_ref(),
        }
    }

    /// Steps there: the opening, then the way that is taken.
    pub fn forward(&self) -> Vec<Step> {
        let mut steps = self.opening.clone();
        steps.extend(self.taken().into_iter().flat_map(|leg| leg.forward.clone()));
        steps.extend(self.listen_step());
        steps
    }

    /// Steps back.
    pub fn back(&self) -> Vec<Step> {
        self.taken().map(|leg| leg.back.clone()).unwrap_or_default()
    }

    /// Whether the server is up, where its body tells; a probe tells the rest.
    fn listen_step(&self) -> Option<Step> {
        let state = self.to.state.as_deref()?;
        let detail = format!("server `{}` is in state {state}", self.to_id.name());
        let step = match state.eq_ignore_ascii_case("ready") {
            true => Step::pass(Stage::Listen, Some(&self.to_id), detail),
            false => Step::drop(Stage::Listen, Some(&self.to_id), detail),
        };
        Some(step.read(&self.to_id, self.to.state_pointer.clone()))
    }

    /// Whether the copier can reach the server.
    pub fn verdict(&self) -> Verdict {
        let mut steps = self.forward();
        steps.extend(self.back());
        let verdict = step::verdict(&steps);
        // With two ways open, one closed way proves nothing.
        let two_ways = matches!(self.leads, Leads::Unknown(_))
            && matches!(self.to_access, Ok(Access::PublicWithEndpoint) | Err(_));
        if verdict == Verdict::Unreachable && two_ways {
            let decisive = |one: &Step| one.outcome == Outcome::Drop && one.stage == Stage::Listen;
            return if steps.iter().any(decisive) { verdict } else { Verdict::Undetermined };
        }
        verdict
    }
}
