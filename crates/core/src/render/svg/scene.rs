//! What a picture shows: for each flow the networks from the copier to the server, and the gates in them.

use crate::address::private;
use crate::diagnose::{Copier, Flow, Reach, Report, Spot};
use crate::estate::Estate;
use crate::estate::firewall::Firewall;
use crate::estate::gateway::Gateway;
use crate::estate::network::{Subnet, Vnet};
use crate::id::ResourceId;
use crate::trace::leg::Way;
use crate::trace::outward::Outward;
use crate::trace::step::{Outcome, Stage, Step, Verdict};
use crate::trace::{self, Path, owner};

/// Where a gate stands, in the order of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// In the copier's subnet.
    Near,
    /// Between two networks.
    Between,
    /// In the network of a firewall between the two.
    Hub,
    /// In the subnet that packets come to, or outside all networks.
    Far,
    /// At the server, behind its private endpoint.
    End,
}

/// A box: a network with the subnet that matters in it, or a place outside of all networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Net {
    /// `None` outside of all networks.
    pub(super) id: Option<ResourceId>,
    /// Such as "network `hub` 10.0.0.0/16".
    pub(super) label: String,
    /// Such as "subnet `pg` 10.0.1.0/28"; `None` outside of all networks.
    pub(super) subnet: Option<String>,
    /// What else to say of it, such as the private endpoint there.
    pub(super) extra: Option<String>,
}

/// One gate: a step, or those of one firewall about several senders.
#[derive(Debug)]
pub(super) struct Gate<'r> {
    pub(super) steps: Vec<&'r Step>,
    pub(super) zone: Zone,
    /// Whether it stands on the way back.
    pub(super) is_back: bool,
    /// What comes to it.
    pub(super) reach: Reach,
    /// What comes to what follows.
    pub(super) after: Reach,
    /// The senders that are left, where some are dropped here and others pass.
    pub(super) passing: Option<String>,
    /// Marks of the causes or changes that belong here.
    pub(super) badges: Vec<String>,
    /// A change opened it, or made it.
    pub(super) is_changed: bool,
}

/// What people see of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Packets go on.
    Pass,
    /// They end here.
    Drop,
    /// Those of some senders end here.
    Part,
    /// They end here because of another gate.
    Follows,
    /// Nobody knows.
    Unknown,
}

impl Gate<'_> {
    /// The worst of its steps.
    pub(super) fn sign(&self) -> Sign {
        let sign = |step: &&Step| match (step.shown(), &step.dropped_part) {
            (Outcome::Drop, _) if step.is_consequence => Sign::Follows,
            (Outcome::Drop, Some(_)) => Sign::Part,
            (Outcome::Drop, None) => Sign::Drop,
            (Outcome::Unknown, _) => Sign::Unknown,
            (Outcome::Pass, _) => Sign::Pass,
        };
        let signs: Vec<Sign> = self.steps.iter().map(sign).collect();
        let order = [Sign::Drop, Sign::Part, Sign::Unknown, Sign::Follows];
        order.into_iter().find(|one| signs.contains(one)).unwrap_or(Sign::Pass)
    }

    /// Which gate of the path it is.
    pub(super) fn stage(&self) -> Stage {
        self.steps[0].stage
    }

    /// The resource that decides.
    pub(super) fn resource(&self) -> Option<&ResourceId> {
        self.steps[0].resource.as_ref()
    }

    /// Whether one of its steps has read a resource.
    pub(super) fn reads(&self, id: &ResourceId) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.facts.iter().any(|fact| fact.resource == *id))
    }

    /// The word of the gate, with what stands there.
    pub(super) fn word(&self) -> &'static str {
        let is_of = |kind: &str| self.resource().is_some_and(|id| id.is_type(kind));
        match self.stage() {
            Stage::Hop if is_of("microsoft.network/azurefirewalls") => "firewall",
            Stage::Hop if self.steps[0].detail.starts_with("both ends") => "same network",
            Stage::Hop if is_of("microsoft.network/loadbalancers") => "load balancer",
            Stage::Hop => "peering",
            other => other.word(),
        }
    }
}

/// One flow, there and back.
#[derive(Debug)]
pub(super) struct Track<'r> {
    pub(super) copier: String,
    pub(super) server: String,
    pub(super) port: u16,
    /// What the server is in the move.
    pub(super) role: &'static str,
    pub(super) near: Net,
    pub(super) hub: Option<Net>,
    pub(super) far: Net,
    /// Whether the server itself is outside of that network, behind a private endpoint in it.
    pub(super) is_behind_endpoint: bool,
    pub(super) gates: Vec<Gate<'r>>,
    /// What comes to the server, and what comes back to the copier.
    pub(super) arrives: (Reach, Reach),
}

impl Track<'_> {
    /// Whether both ends are in one network.
    pub(super) fn is_one_network(&self) -> bool {
        self.near.id.is_some() && self.near.id == self.far.id
    }

    /// The step of a report at which a gate has its first one.
    fn gate_of(&self, index: usize) -> Option<usize> {
        let mut first = 0;
        self.gates.iter().position(|gate| {
            first += gate.steps.len();
            index < first
        })
    }
}

/// The flows of a report, each with the marks of its causes.
pub(super) fn tracks<'r>(estate: &Estate, report: &'r Report) -> Vec<Track<'r>> {
    let mut tracks: Vec<Track> =
        (0..report.flows.len()).map(|place| track(estate, report, place)).collect();
    for (number, spots) in report.spots().into_iter().enumerate() {
        for Spot { flow, step } in spots {
            let track = &mut tracks[flow];
            if let Some(gate) = track.gate_of(step) {
                track.gates[gate].badges.push((number + 1).to_string());
            }
        }
    }
    tracks
}

fn track<'r>(estate: &Estate, report: &'r Report, place: usize) -> Track<'r> {
    let (question, flow) = (&report.question, &report.flows[place]);
    let target = question.target.to_string();
    let (to, port, role) = match place {
        0 => (question.source.text(), question.port, "source"),
        _ => (target.as_str(), trace::PORT, "target"),
    };
    let to_id = ResourceId::parse(to);
    let from = (question.copier != Copier::Relay).then(|| question.copier_id());
    let path = from.as_ref().and_then(|from| match &to_id {
        Some(to) => trace::path(estate, from, to, port).ok(),
        None => trace::path_to_host(estate, from, to, port).ok(),
    });
    let near = path.as_ref().and_then(|path| path.start.clone());
    let near = near.map_or_else(|| outside(nowhere(flow)), |start| net(estate, &start.subnet));
    let server = match place {
        0 => report.given.source_name(question).to_owned(),
        _ => question.target.name().to_owned(),
    };
    let door = || outside(&format!("public front door of `{server}`"));
    let far = path.as_ref().and_then(|path| far_side(estate, path)).unwrap_or_else(door);
    let is_behind_endpoint = path.as_ref().is_some_and(|path| {
        matches!(
            path.taken().or(path.intended.as_ref()).map(|leg| &leg.way),
            Some(Way::Endpoint(_))
        )
    });
    let hub = hub(estate, (&near, &far), &flow.forward);
    let is_disputed = report.verdict == Verdict::Inconsistent;
    let (gates, arrives) = gates(flow, (hub.as_ref().map(|one| one.1), is_behind_endpoint));
    let gates = gates.into_iter().map(|gate| match is_disputed && gate.reach == Reach::All {
        true => Gate { reach: Reach::Perhaps, after: Reach::Perhaps, ..gate },
        false => gate,
    });
    Track {
        copier: report.given.copier_name(question).to_owned(),
        server,
        port,
        role,
        near,
        hub: hub.map(|one| one.0),
        far,
        is_behind_endpoint,
        gates: gates.collect(),
        arrives: if is_disputed { (Reach::Perhaps, Reach::Perhaps) } else { arrives },
    }
}

/// The gates with what comes to each; then what comes to the server, and back.
fn gates(
    flow: &Flow,
    (hub, has_endpoint): (Option<(usize, usize)>, bool),
) -> (Vec<Gate<'_>>, (Reach, Reach)) {
    let mut walk = flow.walk();
    let mut gates: Vec<Gate> = Vec::new();
    let mut at_server = walk.reach();
    for (index, step) in flow.steps().enumerate() {
        let is_back = index >= flow.forward.len();
        let reach = walk.reach();
        walk.pass(step);
        let after = walk.reach();
        if !is_back {
            at_server = after;
        }
        let has_part = step.shown() == Outcome::Drop && step.dropped_part.is_some();
        let passing = (has_part && after == Reach::Some).then(|| walk.passing().to_string());
        let is_same = |last: &Gate| {
            let is_firewall = |id: &ResourceId| id.is_type("microsoft.network/azurefirewalls");
            step.stage == Stage::Hop
                && last.stage() == Stage::Hop
                && step.resource.as_ref().is_some_and(is_firewall)
                && last.resource() == step.resource.as_ref()
        };
        if let Some(last) = gates.last_mut().filter(|last| is_same(last)) {
            last.steps.push(step);
            last.after = after;
            last.passing = passing.or(last.passing.take());
            continue;
        }
        let is_past = || gates.iter().any(|gate| gate.stage() == Stage::Hop);
        let zone = match hub {
            Some((first, last)) if !is_back && (first..=last).contains(&index) => Zone::Hub,
            // What a firewall sends on meets routes of its own.
            _ if step.stage == Stage::Route && is_past() => Zone::Between,
            _ => zone(step.stage, has_endpoint),
        };
        let (badges, is_changed) = (Vec::new(), false);
        let steps = vec![step];
        gates.push(Gate { steps, zone, is_back, reach, after, passing, badges, is_changed });
    }
    (gates, (at_server, walk.reach()))
}

fn zone(stage: Stage, has_endpoint: bool) -> Zone {
    match stage {
        Stage::Mode | Stage::Name | Stage::FilterOut | Stage::Route => Zone::Near,
        Stage::Hop => Zone::Between,
        Stage::FilterIn | Stage::Admit | Stage::Return => Zone::Far,
        Stage::Listen | Stage::Tls | Stage::Auth if has_endpoint => Zone::End,
        Stage::Listen | Stage::Tls | Stage::Auth => Zone::Far,
    }
}

/// Where a copier is that is in no network.
fn nowhere(flow: &Flow) -> &'static str {
    let is_known = flow.forward.iter().all(|step| step.shown() != Outcome::Unknown);
    if is_known { "outside every network of yours" } else { "not observed" }
}

fn outside(label: &str) -> Net {
    Net { id: None, label: label.to_owned(), subnet: None, extra: None }
}

/// The network of the Azure Firewall that packets pass, where it is neither end's, with its first and its last step.
fn hub(
    estate: &Estate,
    (near, far): (&Net, &Net),
    there: &[Step],
) -> Option<(Net, (usize, usize))> {
    let firewall = |step: &Step| {
        let id = step.resource.as_ref().filter(|_| step.stage == Stage::Hop)?;
        estate.find::<Firewall>(id)?.frontends.first()?.subnet.clone()
    };
    let first = there.iter().position(|step| firewall(step).is_some())?;
    let last = there.iter().rposition(|step| firewall(step).is_some())?;
    let hub = net(estate, &firewall(&there[first])?);
    let is_end = [near, far].iter().any(|net| net.id == hub.id);
    (!is_end).then_some((hub, (first, last)))
}

/// `None` for a public front door, and where no way is known.
fn far_side(estate: &Estate, path: &Path) -> Option<Net> {
    let leg = path.taken().or(path.intended.as_ref())?;
    match &leg.way {
        Way::Public => None,
        Way::Beyond(address) if private().contains(*address) => {
            let beyond = leg.outward.as_ref().and_then(|way| beyond(estate, way));
            let place =
                beyond.unwrap_or_else(|| "outside every network that was observed".to_owned());
            Some(outside(&place))
        }
        Way::Beyond(address) => match owner::place(estate, *address) {
            Some((subnet, own)) => {
                let extra = Some(format!("{own} in there, {address} in the internet"));
                Some(Net { extra, ..net(estate, &subnet) })
            }
            None => Some(outside("the internet")),
        },
        Way::Machine(machine) => {
            let extra = Some(machine.address.to_string());
            Some(Net { extra, ..net(estate, &machine.subnet) })
        }
        Way::Injected(subnet) => Some(net(estate, subnet)),
        Way::Endpoint(view) => {
            let address = view.addresses.as_ref().ok().and_then(|list| list.first());
            let address = address.map_or(String::new(), |one| format!(" {one}"));
            let extra = Some(format!("private endpoint `{}`{address}", view.id.name()));
            let unseen = || outside("a network that was not observed");
            let subnet = view.subnet.as_ref().ok().map_or_else(unseen, |one| net(estate, one));
            Some(Net { extra, ..subnet })
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
        subnet: Some(format!("subnet `{}`{own}", subnet.name())),
        extra: None,
        id: Some(id),
    }
}
