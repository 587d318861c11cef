//! What a picture shows: the two ends with their networks, the gates between them, and which
//! sentences and changes belong to which.

use crate::address::private;
use crate::change::Change;
use crate::diagnose::{Copier, Question, Report, SECOND_FLOW};
use crate::estate::Estate;
use crate::estate::firewall::Firewall;
use crate::estate::gateway::Gateway;
use crate::estate::network::{Subnet, Vnet};
use crate::finding::Finding;
use crate::id::ResourceId;
use crate::trace::leg::Way;
use crate::trace::outward::Outward;
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::{self, Path};

/// Where a gate stands in the picture, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Zone {
    /// In the copier's network.
    Near,
    /// Between the two networks.
    Between,
    /// In the source's network, or outside all of them.
    Far,
    /// At the server, outside every network.
    End,
}

/// A network with the subnet that matters in it.
#[derive(Debug, Clone)]
pub(super) struct Net {
    pub(super) id: ResourceId,
    /// Such as "network `hub` 10.0.0.0/16".
    pub(super) label: String,
    /// Such as "subnet `pg` 10.0.1.0/28".
    pub(super) subnet: String,
}

/// The side that is dialled.
#[derive(Debug, Clone)]
pub(super) enum FarSide {
    /// Through a private endpoint in a network; the server itself is outside. The text names
    /// endpoint and address.
    Endpoint(Option<Net>, String),
    /// The server is in a network.
    Injected(Option<Net>),
    /// Outside every network of the estate. The text says where.
    Outside(String),
}

impl FarSide {
    /// What is written over its box.
    pub(super) fn title(&self) -> &str {
        match self {
            FarSide::Endpoint(Some(net), _) | FarSide::Injected(Some(net)) => &net.label,
            FarSide::Endpoint(None, _) | FarSide::Injected(None) => {
                "a network that was not observed"
            }
            FarSide::Outside(place) => place,
        }
    }
}

/// One gate.
#[derive(Debug)]
pub(super) struct Station<'r> {
    pub(super) step: &'r Step,
    pub(super) zone: Zone,
    /// Marks of the causes or changes that belong here.
    pub(super) badges: Vec<String>,
    /// A change opened it, or made it.
    pub(super) is_changed: bool,
}

/// What the server is at the end of that way.
const TARGET: &str = "target";

/// One way from left to right, and back.
pub(super) struct Lane<'r> {
    pub(super) copier: String,
    pub(super) server: String,
    /// What the server is in the move.
    pub(super) role: &'static str,
    pub(super) near: Option<Net>,
    pub(super) far: FarSide,
    /// The network of a firewall between the two, with its gates there, first and last.
    pub(super) hub: Option<(Net, usize, usize)>,
    pub(super) there: Vec<Station<'r>>,
    pub(super) back: Vec<Station<'r>>,
}

/// The stations of a report, one lane a flow: a runtime server has two.
pub(super) fn lanes<'r>(estate: &Estate, report: &'r Report) -> Vec<Lane<'r>> {
    let flows = flows(&report.question);
    let parts = split(&report.forward);
    let backs: Vec<&[Step]> = match parts.len() {
        0 | 1 => vec![&report.back],
        // Each flow has one step back.
        count => report.back.chunks(report.back.len().div_ceil(count).max(1)).collect(),
    };
    let mut lanes = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let Some((from, to, port, role)) = flows.get(index.min(flows.len().saturating_sub(1)))
        else {
            continue;
        };
        let back = backs.get(index).copied().unwrap_or_default();
        let lane = lane(estate, (from.as_ref(), to, *port), part, back);
        lanes.push(Lane { role, ..lane });
    }
    lanes
}

/// Who dials whom: ids where both ends are servers of the estate, and the name of the one that is dialled.
type Flow = (Option<ResourceId>, String, u16, &'static str);

fn flows(question: &Question) -> Vec<Flow> {
    let source = question.source.text().to_owned();
    match &question.copier {
        Copier::Target => vec![(Some(question.target.clone()), source, question.port, "source")],
        Copier::Relay => vec![(None, source, question.port, "source")],
        Copier::Runtime(id) | Copier::Host(id) => vec![
            (Some(id.clone()), source, question.port, "source"),
            (Some(id.clone()), question.target.to_string(), trace::PORT, TARGET),
        ],
    }
}

/// A new flow starts with a step of its own mode after other gates.
fn split(steps: &[Step]) -> Vec<&[Step]> {
    steps.chunk_by(|one, next| !(next.stage == Stage::Mode && one.stage != Stage::Mode)).collect()
}

fn lane<'r>(
    estate: &Estate,
    (from, to, port): (Option<&ResourceId>, &str, u16),
    there: &'r [Step],
    back: &'r [Step],
) -> Lane<'r> {
    let to_id = ResourceId::parse(to);
    let path = match (from, &to_id) {
        (Some(from), Some(to)) => trace::path(estate, from, to, port).ok(),
        (Some(from), None) => trace::path_to_host(estate, from, to, port).ok(),
        (None, _) => None,
    };
    let start = path.as_ref().and_then(|path| path.start.clone());
    let server = to_id.map_or(to.to_owned(), |id| id.name().to_owned());
    let door = || FarSide::Outside(format!("public front door of `{server}`"));
    let far = path.as_ref().and_then(|path| far_side(estate, path)).unwrap_or_else(door);
    let station = |step: &'r Step| Station {
        step,
        zone: zone(step.stage, &far),
        badges: Vec::new(),
        is_changed: false,
    };
    let near = start.map(|start| net(estate, &start.subnet));
    let hub = hub(estate, (near.as_ref(), &far), there);
    Lane {
        copier: from.map_or("relay host".to_owned(), |id| id.name().to_owned()),
        server,
        role: "source",
        near,
        hub,
        there: there.iter().map(&station).collect(),
        back: back.iter().map(&station).collect(),
        far,
    }
}

/// The network of the Azure Firewall that packets pass, where it is neither end's.
fn hub(
    estate: &Estate,
    (near, far): (Option<&Net>, &FarSide),
    there: &[Step],
) -> Option<(Net, usize, usize)> {
    let far = match far {
        FarSide::Endpoint(net, _) | FarSide::Injected(net) => net.as_ref(),
        FarSide::Outside(_) => None,
    };
    let firewall = |step: &Step| {
        let id = step.resource.as_ref().filter(|_| step.stage == Stage::Hop)?;
        estate.find::<Firewall>(id)?.frontends.first()?.subnet.clone()
    };
    let first = there.iter().position(|step| firewall(step).is_some())?;
    let last = there.iter().rposition(|step| firewall(step).is_some())?;
    let hub = net(estate, &firewall(&there[first])?);
    let is_end = near.into_iter().chain(far).any(|net| net.id == hub.id);
    (!is_end).then_some((hub, first, last))
}

/// `None` for a public front door, and where no way is known.
fn far_side(estate: &Estate, path: &Path) -> Option<FarSide> {
    let leg = path.taken().or(path.intended.as_ref())?;
    match &leg.way {
        Way::Public => None,
        Way::Beyond(address) if private().contains(*address) => {
            let beyond = leg.outward.as_ref().and_then(|way| beyond(estate, way));
            let place =
                beyond.unwrap_or_else(|| "outside every network that was observed".to_owned());
            Some(FarSide::Outside(place))
        }
        Way::Beyond(_) => Some(FarSide::Outside("the internet".to_owned())),
        Way::Machine(machine) => Some(FarSide::Injected(Some(net(estate, &machine.subnet)))),
        Way::Injected(subnet) => Some(FarSide::Injected(Some(net(estate, subnet)))),
        Way::Endpoint(view) => {
            let address = view.addresses.as_ref().ok().and_then(|list| list.first());
            let address = address.map_or(String::new(), |one| format!(" {one}"));
            let label = format!("private endpoint `{}`{address}", view.id.name());
            let subnet = view.subnet.as_ref().ok().map(|subnet| net(estate, subnet));
            Some(FarSide::Endpoint(subnet, label))
        }
    }
}

/// What lies beyond a gateway, where one is known that leads there or may.
fn beyond(estate: &Estate, way: &Outward) -> Option<String> {
    let (gateway, line) = match way {
        Outward::Through(line) | Outward::Claimed { line, .. } => (&line.gateway, Some(line)),
        Outward::NotLent { gateway, line, .. } | Outward::KeptOut { gateway, line, .. } => {
            (gateway, line.as_ref())
        }
        Outward::Learned(gateway, _) => (gateway, None),
        Outward::Severed { beyond: way, .. } => return beyond(estate, way),
        Outward::Perhaps(_) | Outward::Nowhere => return None,
    };
    let place = line.map_or("on premises".to_owned(), |line| line.prefix.to_string());
    let facts = estate.find::<Gateway>(gateway);
    let hub = facts.and_then(|facts| facts.vnets().next());
    let hub = hub.map_or(String::new(), |hub| format!(" of network `{}`", hub.name()));
    Some(format!("{place}, beyond gateway `{}`{hub}", gateway.name()))
}

fn net(estate: &Estate, subnet: &ResourceId) -> Net {
    let id = subnet.parent().unwrap_or_else(|| subnet.clone());
    let list = |prefixes: &[ipnet::Ipv4Net]| {
        let words: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        if words.is_empty() { String::new() } else { format!(" {}", words.join(", ")) }
    };
    let space = estate.get::<Vnet>(&id).map_or(String::new(), |vnet| list(&vnet.space));
    let own = estate.get::<Subnet>(subnet).map_or(String::new(), |one| list(&one.prefixes));
    Net {
        label: format!("network `{}`{space}", id.name()),
        subnet: format!("subnet `{}`{own}", subnet.name()),
        id,
    }
}

fn zone(stage: Stage, far: &FarSide) -> Zone {
    match (stage, far) {
        (Stage::Mode | Stage::Name | Stage::FilterOut | Stage::Route, _) => Zone::Near,
        (Stage::Hop, _) => Zone::Between,
        (Stage::FilterIn | Stage::Admit | Stage::Return, _) => Zone::Far,
        (Stage::Listen | Stage::Tls | Stage::Auth, FarSide::Endpoint(..)) => Zone::End,
        (Stage::Listen | Stage::Tls | Stage::Auth, FarSide::Injected(_) | FarSide::Outside(_)) => {
            Zone::Far
        }
    }
}

impl Lane<'_> {
    /// All gates, there and back.
    pub(super) fn stations(&self) -> impl Iterator<Item = &Station<'_>> {
        self.there.iter().chain(&self.back)
    }

    /// Ties a cause to the gate that it closes, or to the one that leads the wrong way; the cause that the way to the target is closed
    /// to all its closed gates.
    pub(super) fn blame(&mut self, mark: &str, report: &Report, cause: &Finding) {
        let is_second = cause.fault == SECOND_FLOW;
        let (to_source, to_target) = report.flows_of(cause);
        if !(if self.role == TARGET { to_target } else { to_source }) {
            return;
        }
        let mut all: Vec<&mut Station> = self.there.iter_mut().chain(&mut self.back).collect();
        if is_second {
            let is_own = |step: &Step| step.shown() == Outcome::Drop && !step.is_consequence;
            if all.iter().any(|one| is_own(one.step)) {
                let closed = all.into_iter().filter(|one| is_own(one.step));
                return closed.for_each(|one| one.badges.push(mark.to_owned()));
            }
        }
        let stages = cause.stages();
        all.retain(|one| is_second || stages.contains(&one.step.stage));
        let place = cause.place.as_ref().map(|place| &place.resource);
        // A gate of which something is not known does not stand for a cause where another one is closed.
        let drops = |step: &Step| step.shown() == Outcome::Drop && !step.is_consequence;
        let is_closed = cause.is_cause() && all.iter().any(|one| drops(one.step));
        let is_its = |step: &Step| match is_closed {
            true => drops(step),
            false => step.shown() != Outcome::Pass,
        };
        if let Some(station) = most_fitting(all, place, is_its) {
            station.badges.push(mark.to_owned());
        }
    }

    /// Ties a change to the first gate of its sort that is another one in `without`, the same lane when the change alone is left out.
    /// Says whether there is one.
    pub(super) fn credit(&mut self, mark: &str, change: &Change, without: &Lane<'_>) -> bool {
        let stages = stages_of_change(change);
        let differs = |one: &Station, others: &[Station], nth: usize| {
            let mut same = others.iter().filter(|other| other.step.stage == one.step.stage);
            same.nth(nth).is_none_or(|other| other.step.shown() != one.step.shown())
        };
        let mut found = None;
        for (is_back, own, others) in
            [(false, &self.there, &without.there), (true, &self.back, &without.back)]
        {
            for (index, one) in own.iter().enumerate() {
                let nth =
                    own[..index].iter().filter(|two| two.step.stage == one.step.stage).count();
                if found.is_none() && stages.contains(&one.step.stage) && differs(one, others, nth)
                {
                    found = Some((is_back, index));
                }
            }
        }
        let Some((is_back, index)) = found else { return false };
        let station = if is_back { &mut self.back[index] } else { &mut self.there[index] };
        station.badges.push(mark.to_owned());
        station.is_changed = true;
        true
    }

    /// Ties a change that opens no gate by itself to one of its sort; `before` is the same lane without all changes.
    pub(super) fn attach(&mut self, mark: &str, change: &Change, before: Option<&Lane<'_>>) {
        let stages = stages_of_change(change);
        let was_shut = |step: &Step| {
            let mut old = before.iter().flat_map(|lane| lane.stations()).map(|one| one.step);
            old.any(|old| old.stage == step.stage && old.shown() != Outcome::Pass)
        };
        // A peering lends a gateway: that opens the route out of the network, where no network is entered. Without an address there is
        // no route, and a rule opens the way to whoever knows it.
        let choices = [stages, &[Stage::Route], &[Stage::Name]];
        let has_one =
            |stages: &&[Stage]| self.stations().any(|one| stages.contains(&one.step.stage));
        let stages = choices.into_iter().find(has_one).unwrap_or(stages);
        let mut all: Vec<&mut Station> = self.there.iter_mut().chain(&mut self.back).collect();
        all.retain(|one| stages.contains(&one.step.stage));
        if let Some(station) = most_fitting(all, change.resource.parent().as_ref(), was_shut) {
            station.badges.push(mark.to_owned());
            station.is_changed = true;
        }
    }

    /// Whether a change may have opened a gate of this lane: one of its sort is closed, between its networks.
    pub(super) fn is_opened_by(&self, change: &Change) -> bool {
        let stages = stages_of_change(change);
        let is_shut =
            |one: &Station| stages.contains(&one.step.stage) && one.step.shown() != Outcome::Pass;
        let far = match &self.far {
            FarSide::Endpoint(net, _) | FarSide::Injected(net) => net.as_ref(),
            FarSide::Outside(_) => None,
        };
        let nets = || self.near.iter().chain(far).map(|net| &net.id);
        let is_between = |id: ResourceId| nets().any(|net| *net == id);
        let joins = change.request.body["properties"]["remoteVirtualNetwork"]["id"].as_str();
        let joins_these = joins.and_then(ResourceId::parse).is_none_or(is_between);
        joins_these && self.stations().any(is_shut)
    }
}

/// The station whose gate is of a resource, or else the first that some word holds for, or the first at all.
fn most_fitting<'s, 'r>(
    mut all: Vec<&'s mut Station<'r>>,
    resource: Option<&ResourceId>,
    holds: impl Fn(&Step) -> bool,
) -> Option<&'s mut Station<'r>> {
    let is_of = |one: &Station| resource.is_some() && one.step.resource.as_ref() == resource;
    let index = all
        .iter()
        .position(|one| holds(one.step) && is_of(one))
        .or_else(|| all.iter().position(|one| holds(one.step)))
        .unwrap_or(0);
    (index < all.len()).then(|| all.swap_remove(index))
}

fn stages_of_change(change: &Change) -> &'static [Stage] {
    let kind = change.resource.resource_type();
    let is_outbound = change.request.body["properties"]["direction"] == "Outbound";
    match kind.rsplit('/').next().unwrap_or_default() {
        "privatednszones" | "virtualnetworklinks" | "a" | "privatednszonegroups" => &[Stage::Name],
        "securityrules" if is_outbound => &[Stage::FilterOut],
        "securityrules" => &[Stage::FilterIn],
        "routes" | "routetables" | "networkinterfaces" => &[Stage::Route, Stage::Return],
        "virtualnetworkpeerings" => &[Stage::Hop, Stage::Return],
        "azurefirewalls" | "rulecollectiongroups" => &[Stage::Hop],
        "configurations" => &[Stage::Listen],
        _ => &[Stage::Admit],
    }
}
