//! The vendor's guide to ST008: which of its five rows a pair is in, and the state of each of its steps.

use serde::Serialize;

use crate::change::whole_place;
use crate::estate::dns::Link;
use crate::estate::endpoint::Endpoint;
use crate::estate::network::Subnet;
use crate::estate::server::ServerKind;
use crate::estate::{Estate, Key, Missing};
use crate::finding::Finding;
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::door_rules::is_vnet_rule;
use crate::trace::endpoint::Status;
use crate::trace::gate::Gate;
use crate::trace::hop::Joined;
use crate::trace::resolve;
use crate::trace::step::{Outcome, Stage, Verdict};
use crate::trace::unproven;
use crate::trace::{Access, Leads, Path};

/// State of a step of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Done.
    Met,
    /// Not done.
    NotMet,
    /// The estate does not tell.
    Unknown,
    /// Does not concern this pair.
    NotApplicable,
}

/// One step of the guide.
#[derive(Debug, Clone, Serialize)]
pub struct GuideStep {
    /// Its number in the guide.
    pub step: u8,
    /// What it asks for.
    pub title: &'static str,
    /// Whether that holds.
    pub state: State,
    /// Whether the flow needs it. The guide asks for more than the flow needs.
    pub on_path: bool,
}

/// The guide's view of a pair.
#[derive(Debug, Clone, Serialize)]
pub struct Guide {
    /// Row of its table, 1 to 5.
    pub row: u8,
    /// Access of the source.
    pub source_access: &'static str,
    /// Access of the target.
    pub target_access: &'static str,
    /// What the row tells to do.
    pub advice: &'static str,
    /// Its steps; none in rows 1 and 2.
    pub steps: Vec<GuideStep>,
}

/// The guide's view, for a Single Server as source; `None` for other sources, and when the source's access was not observed.
pub fn view(path: &Path) -> Option<Guide> {
    if path.to.kind != ServerKind::Single {
        return None;
    }
    let source = path.to_access.clone().ok()?;
    let target = path.from_access.clone().ok()?;
    let (row, advice) = match (source, target) {
        (Access::Private, Access::Public | Access::PublicWithEndpoint) => (2, ADVICE[1]),
        (_, Access::Public | Access::PublicWithEndpoint) => (1, ADVICE[0]),
        (Access::Public, Access::Private) => (3, ADVICE[2]),
        (Access::PublicWithEndpoint, Access::Private) => (4, ADVICE[3]),
        (Access::Private, Access::Private) => (5, ADVICE[4]),
    };
    let mut steps = match row {
        3 => front_door_steps(path),
        4 | 5 => endpoint_steps(path),
        _ => Vec::new(),
    };
    // What a flow lacks that passes, it does not need.
    if path.verdict() == Verdict::Reachable {
        let lacking = steps.iter_mut().filter(|step| step.state == State::NotMet);
        lacking.for_each(|step| step.on_path = false);
    }
    Some(Guide { row, source_access: source.word(), target_access: target.word(), advice, steps })
}

const ADVICE: [&str; 5] = [
    "nothing to do: the tool connects the two servers by itself",
    "not supported by Azure's tool: copy through a relay host, or dump and restore",
    "let the target's delegated subnet in by a VNet rule of the source",
    "traffic goes through the private endpoint: follow the steps of a private source",
    "join the networks, let port 5432 pass, and let the source's name lead to its private endpoint",
];

fn step(step: u8, title: &'static str, state: State, on_path: bool) -> GuideStep {
    GuideStep { step, title, state, on_path }
}

fn front_door_steps(path: &Path) -> Vec<GuideStep> {
    let gate = path.intended.as_ref().and_then(|leg| leg.gate.as_ref());
    let (state, on_path) = match gate {
        Some(Gate::Open(rules)) if rules.iter().any(is_vnet_rule) => (State::Met, true),
        Some(Gate::Open(_)) => (State::NotMet, false),
        Some(Gate::Unknown(_) | Gate::Unsure(..)) | None => (State::Unknown, true),
        Some(_) => (State::NotMet, true),
    };
    let open = match path.to.public_access {
        Some(true) => State::Met,
        Some(false) => State::NotMet,
        None => State::Unknown,
    };
    vec![
        step(1, "the source's front door takes VNet rules", open, true),
        step(2, "a VNet rule in force lets the target's delegated subnet in", state, on_path),
    ]
}

fn endpoint_steps(path: &Path) -> Vec<GuideStep> {
    let endpoint = match path.endpoint().map(|view| (&view.status, &view.subnet)) {
        None => State::NotMet,
        Some((Status::Unknown(_), _) | (_, Err(_))) => State::Unknown,
        Some((Status::Approved, Ok(_))) => State::Met,
        Some(_) => State::NotMet,
    };
    let target =
        path.start.as_ref().map(|start| path.estate.find::<Subnet>(&start.subnet).is_some());
    let target = if target == Some(true) { State::Met } else { State::Unknown };
    let (own, _) = own_zone(path);
    let (attached, record) = (attached(path), record(path));
    let (linked, link_needed) = linked(path);
    let attach_needed = record != State::Met;
    // Where the name leads to an open front door, no step of the private way is needed.
    let is_private = !(path.leads == Leads::Fallback && path.verdict() == Verdict::Reachable);
    let mut steps = vec![
        step(1, "the source has an approved private endpoint in a known subnet", endpoint, true),
        step(2, "the target's network and delegated subnet are known", target, true),
        step(
            3,
            "the networks are one or peered, and no security rule blocks the port",
            joined(path),
            true,
        ),
        step(4, "the target's own private DNS zone is linked to both networks", own, false),
        step(
            5,
            "a private DNS zone is attached to the source's private endpoint",
            attached,
            attach_needed,
        ),
        step(6, "that zone is linked to both networks", linked, link_needed),
        step(7, "that zone has an A record of the source with its private address", record, true),
    ];
    steps.iter_mut().for_each(|step| step.on_path &= is_private);
    steps
}

fn joined(path: &Path) -> State {
    let Some(leg) = &path.intended else { return State::NotApplicable };
    let mut state = match &leg.joined {
        Some(Joined::Same | Joined::Peered { .. }) => State::Met,
        Some(Joined::Unknown(_) | Joined::Apart { other_way: Some(_), .. }) | None => {
            State::Unknown
        }
        Some(Joined::Apart { .. } | Joined::Broken(..)) => return State::NotMet,
    };
    for one in
        leg.forward.iter().filter(|one| matches!(one.stage, Stage::FilterOut | Stage::FilterIn))
    {
        match one.outcome {
            Outcome::Drop => return State::NotMet,
            Outcome::Unknown => state = State::Unknown,
            Outcome::Pass => {}
        }
    }
    state
}

/// Networks of the two ends; the far one is that of the private endpoint.
fn networks(path: &Path) -> (Option<ResourceId>, Option<ResourceId>) {
    let near = path.start.as_ref().map(|start| start.vnet.clone());
    (near, path.endpoint().and_then(|view| view.vnet().ok()))
}

fn is_linked(path: &Path, zone: &ResourceId, vnet: &ResourceId) -> bool {
    let mut links = path.estate.list::<Link>(Key::LinksOf(vnet.clone()));
    links.any(|(id, _)| id.parent().as_ref() == Some(zone))
}

/// Whether the state of a link of the zone was not observed, or is one that passes.
fn has_unread_link(estate: &Estate, zone: &ResourceId) -> bool {
    // A zone may have hundreds of links, and as many questions that go through it.
    estate.remember("unread link", &[zone], |estate| {
        resolve::links_of(estate, zone).any(|(id, link)| resolve::unread_state(id, link).is_some())
    })
}

/// State of the guide's step 4, with the network that is not linked.
fn own_zone(path: &Path) -> (State, Option<(ResourceId, ResourceId)>) {
    let Some(zone) = path.from.and_then(|from| from.private_zone.as_ref()) else {
        return (State::NotApplicable, None);
    };
    if !path.estate.has_zone(zone) {
        return (State::Unknown, None);
    }
    let (near, far) = networks(path);
    let missing =
        [near.clone(), far.clone()].into_iter().flatten().find(|vnet| !is_linked(path, zone, vnet));
    match (missing, near.is_some() && far.is_some()) {
        (Some(vnet), _) => (State::NotMet, Some((zone.clone(), vnet))),
        (None, true) => (State::Met, None),
        (None, false) => (State::Unknown, None),
    }
}

fn attached(path: &Path) -> State {
    let Some(view) = path.endpoint() else { return State::NotApplicable };
    if path.estate.find::<Endpoint>(&view.id).is_none() && view.zone_group.is_none() {
        return State::Unknown;
    }
    let name = path.zone_name_meant().unwrap_or_default();
    let zones = view.zone_group.iter().flatten();
    let is_right = zones.into_iter().any(|zone| zone.name().eq_ignore_ascii_case(&name));
    match is_right {
        true => State::Met,
        false if unread_group(path).is_some() => State::Unknown,
        false => State::NotMet,
    }
}

/// The zone group of an endpoint that may have one: nobody captured it, nor the records of the zone that it would write to.
fn unread_group(path: &Path) -> Option<Missing> {
    let id = &path.endpoint().filter(|view| view.zone_group.is_none())?.id;
    path.unseen_record(&path.zone_meant()?)?;
    Some(Missing {
        what: format!("the zone group of private endpoint `{}`", id.name()),
        resource: Some(id.clone()),
        help: format!(
            "add the output of `az network private-endpoint dns-zone-group list {} --endpoint-name {}` to the estate",
            whole_place(id),
            quoted(id.name())
        ),
    })
}

/// State of a step about the endpoint's zone, where the estate holds none of that name.
fn no_zone(path: &Path) -> State {
    match path.endpoint() {
        None => State::NotApplicable,
        Some(view) if path.estate.find::<Endpoint>(&view.id).is_none() => State::Unknown,
        Some(_) => State::NotMet,
    }
}

/// State of the guide's step 6, and whether what is not met is on the path.
fn linked(path: &Path) -> (State, bool) {
    let Some(zone) = path.zone_meant() else { return (no_zone(path), true) };
    if !path.estate.has_zone(&zone) {
        return (State::Unknown, true);
    }
    let (near, far) = networks(path);
    let near_linked = near.is_some_and(|vnet| is_linked(path, &zone, &vnet));
    let far_linked = far.as_ref().map(|vnet| is_linked(path, &zone, vnet));
    if has_unread_link(path.estate, &zone) {
        return (State::Unknown, true);
    }
    match (near_linked, far_linked) {
        (false, _) if unproven::are_links_incomplete(path.estate, &zone) => (State::Unknown, true),
        (false, _) => (State::NotMet, true),
        (true, Some(true)) => (State::Met, true),
        (true, Some(false)) => (State::NotMet, false),
        (true, None) => (State::Unknown, false),
    }
}

fn record(path: &Path) -> State {
    let Some(zone) = path.zone_meant() else { return no_zone(path) };
    if !path.estate.has_zone(&zone) {
        return State::Unknown;
    }
    match path.record_meant() {
        None if path.is_kept(&zone) || path.unseen_record(&zone).is_some() => State::Unknown,
        None => State::NotMet,
        Some((_, addresses)) if path.is_stale(&addresses) => State::NotMet,
        Some((_, addresses)) => {
            let is_private =
                addresses.iter().all(|address| crate::address::private().contains(*address));
            if is_private && !addresses.is_empty() { State::Met } else { State::NotMet }
        }
    }
}

/// Notes about steps that the guide asks for and the flow does not need: its step 4, and the source's side of its step 6.
pub fn notes(path: &Path) -> Vec<Finding> {
    let mut notes = Vec::new();
    if path.start.is_none() || path.endpoint().is_none() {
        return notes;
    }
    notes.extend(detached_note(path));
    let note = |zone: &ResourceId, vnet: &ResourceId, step: u8, why: &str| {
        let message = format!(
            "private DNS zone `{}` is not linked to network `{}`: step {step} of the guide asks for it, this flow does not \
             need it",
            zone.name(),
            vnet.name()
        );
        let mut finding = Finding::blocks(message, why).note().at(zone, "");
        finding.fault = "dns/zone-not-linked";
        finding.repeats_guide = true;
        finding
    };
    if let (State::NotMet, Some((zone, vnet))) = own_zone(path) {
        notes.push(note(
            &zone,
            &vnet,
            4,
            "nobody asks for the target's name on the way from the target to the source",
        ));
    }
    if let ((State::NotMet, false), Some(zone), (_, Some(far))) =
        (linked(path), path.zone_meant(), networks(path))
    {
        notes.push(note(
            &zone,
            &far,
            6,
            "only the network that asks for the name needs the link, and that is the target's",
        ));
    }
    notes
}

/// The note about a private endpoint without a zone, where the record is right all the same: step 5 of the guide.
fn detached_note(path: &Path) -> Option<Finding> {
    let view = path.endpoint()?;
    if attached(path) != State::NotMet || record(path) != State::Met {
        return None;
    }
    let message = format!(
        "no private DNS zone is attached to private endpoint `{}`: step 5 of the guide asks for it, this flow does not need it",
        view.id.name()
    );
    let why = "the record is there and right; without a zone group nobody keeps it so when the endpoint's address changes";
    let mut finding = Finding::blocks(message, why).note().at(&view.id, "");
    finding.fault = "dns/record-missing";
    Some(finding)
}

/// What the guide would need to see and the estate does not hold.
pub fn missing(path: &Path) -> Vec<Missing> {
    // What a machine lets in is no setting of Azure: the path says what to probe.
    let access = path.to_access.as_ref().err().filter(|_| !path.to_id.is_outside());
    access.cloned().into_iter().chain(unread_group(path)).collect()
}
