//! Ways to mend the join of the copier's network with the next one on a leg.

use ipnet::Ipv4Net;

use crate::change::terms::Terms;
use crate::change::{Change, peering, route};
use crate::estate::Estate;
use crate::estate::network::{NextHop, Peering, Subnet, Vnet};
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::breaks::{Break, BreakKind};
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::leg::{Leg, Way};
use crate::trace::outward::Outward;
use crate::trace::route::Routed;
use crate::trace::words::lone_half;

/// The copier's network, or that of the firewall which takes its packets on, and the next one that a leg leads into.
pub(super) fn ends(path: &Path, leg: &Leg) -> Option<(ResourceId, ResourceId)> {
    Some((near_subnet(path, leg)?.parent()?, leg.next.as_ref()?.parent()?))
}

fn near_subnet<'p>(path: &'p Path, leg: &'p Leg) -> Option<&'p ResourceId> {
    let copiers = || path.start.as_ref().map(|start| &start.subnet);
    leg.onward.as_ref().map(|onward| &onward.subnet).or_else(copiers)
}

/// What breaks the join of a leg, of one kind.
pub(super) fn broken(leg: &Leg, kind: BreakKind) -> impl Iterator<Item = &Break> {
    let breaks = leg.joined.iter().flat_map(Joined::breaks);
    breaks.filter(move |one| one.kind == kind)
}

/// A fault of the join, which counts as possible where another way may lead there or past it, or it is not known whether the way leads
/// on beyond it.
pub(super) fn fault_of(leg: &Leg, finding: Finding) -> Finding {
    let is_doubtful = leg.outward.as_ref().is_some_and(|outward| {
        matches!(outward, Outward::Severed { .. }) && !outward.is_surely_severed()
    });
    let has_other_way = matches!(&leg.joined, Some(Joined::Apart { other_way: Some(_), .. }));
    match is_doubtful || has_other_way || leg.is_perhaps_led_past {
        true => finding.possible(),
        false => finding,
    }
}

/// Whether a half is in a state.
pub(super) fn is_in_state(facts: &Peering, state: &str) -> bool {
    facts.state.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(state))
}

/// Whether a half waits for another one that is not there: it says so, or it is declared and no input tells what became of it. Azure
/// always tells the state of a half that it has.
pub(super) fn waits_alone(facts: &Peering) -> bool {
    facts.state.is_none() || is_in_state(facts, "initiated")
}

/// Everything that the join of a leg lacks. `None` where it lacks nothing, or what nobody can make.
pub(super) fn mend(path: &Path, leg: &Leg) -> Option<Fix> {
    let mut changes = match leg.joined.as_ref()? {
        Joined::Apart { overlap: None, .. } | Joined::Broken(..) => whole(path, leg),
        _ => return None,
    };
    if changes.is_empty() {
        changes.extend(synced(path, leg));
        changes.extend(with_subnets(path, leg));
    }
    (!changes.is_empty()).then(|| Fix::of(changes))
}

/// Makes both halves stand and count each other: those that are lost are deleted, and those that are not there then created.
pub(super) fn whole(path: &Path, leg: &Leg) -> Vec<Change> {
    match (near_subnet(path, leg), &leg.next) {
        (Some(near), Some(next)) => whole_between(path, leg, (near, next)),
        _ => Vec::new(),
    }
}

/// The same of the networks of two subnets.
fn whole_between(path: &Path, leg: &Leg, ends: (&ResourceId, &ResourceId)) -> Vec<Change> {
    let (Some(near), Some(far)) = (ends.0.parent(), ends.1.parent()) else { return Vec::new() };
    let both = [hop::half(path.estate, &near, &far), hop::half(path.estate, &far, &near)];
    let is_any = |state| both.iter().flatten().any(|(_, half)| is_in_state(half, state));
    // Two halves that are there and do not count each other are both made anew: with one the other is lost too. One that waits for a
    // lost one waits for any other as well.
    let are_strangers =
        both.iter().flatten().count() == 2 && is_any("initiated") && !is_any("disconnected");
    let is_lost = |half: &Peering| are_strangers || is_in_state(half, "disconnected");
    let pairs = [(&near, &far), (&far, &near)];
    let mut changes = Vec::new();
    let mut without = path.estate.clone();
    for (owner, remote) in pairs {
        if let Some((id, facts)) = hop::half(path.estate, owner, remote)
            && is_lost(facts)
        {
            let change = peering::delete_half(id);
            without = change.apply(&without);
            changes.push(change);
        }
    }
    let lacking =
        pairs.into_iter().filter(|(owner, remote)| hop::half(&without, owner, remote).is_none());
    let made = lacking.map(|(owner, remote)| {
        peering::create_half(&without, owner, remote, &terms(path, leg, ends, *owner == near))
    });
    changes.extend(made);
    changes
}

/// What a new half says: as the lost one did, or as the other one asks; and what this leg needs of it.
fn terms(path: &Path, leg: &Leg, ends: (&ResourceId, &ResourceId), is_near: bool) -> Terms {
    let mut terms = Terms::default();
    let (Some(near), Some(far)) = (ends.0.parent(), ends.1.parent()) else { return terms };
    let (owner, remote) = if is_near { (&near, &far) } else { (&far, &near) };
    terms = Terms::of(path.estate, owner, remote);
    let ways_out = leg.outward.iter().chain(&leg.unused);
    if ways_out.into_iter().any(|way| matches!(way, Outward::Severed { .. })) {
        terms.uses_remote_gateway |= is_near;
        terms.lends_gateway |= !is_near;
    }
    // What a firewall sends on keeps its sender, in which direction ever.
    let hub = if leg.onward.is_some() { &near } else { &far };
    terms.allows_forwarded |= owner != hub && leg.leads_to_firewall(path.estate);
    if let Some((own, other)) = &mut terms.subnets {
        let (near, far) = (ends.0.name(), ends.1.name());
        let (here, there) = if is_near { (near, far) } else { (far, near) };
        for (names, name) in [(own, here), (other, there)] {
            if !names.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                names.push(name.to_owned());
            }
        }
    }
    terms
}

/// Lets the halves learn the address space that they do not route.
pub(super) fn synced(path: &Path, leg: &Leg) -> Vec<Change> {
    broken(leg, BreakKind::OutOfSync).map(|one| peering::sync(path.estate, &one.half)).collect()
}

/// Adds the subnets of both ends to halves that carry others only.
pub(super) fn with_subnets(path: &Path, leg: &Leg) -> Vec<Change> {
    let (Some(near), Some(next)) = (near_subnet(path, leg), &leg.next) else { return Vec::new() };
    let add = |one: &Break| {
        let (own, other) = if one.is_near { (near, next) } else { (next, near) };
        peering::add_subnets(path.estate, &one.half, own, other)
    };
    broken(leg, BreakKind::SubnetExcluded).map(add).collect()
}

/// Peers the copier's network and another one, of which neither holds a half.
pub(super) fn peered(estate: &Estate, near: &ResourceId, far: &ResourceId) -> Vec<Change> {
    let create = |owner, remote| peering::create_half(estate, owner, remote, &Terms::default());
    vec![create(near, far), create(far, near)]
}

/// Peers a network with one whose gateway it shall use: that one lends it first.
pub(super) fn lent(estate: &Estate, near: &ResourceId, lender: &ResourceId) -> Fix {
    let lends = Terms { lends_gateway: true, ..Terms::default() };
    let uses = Terms { uses_remote_gateway: true, ..Terms::default() };
    Fix::of(vec![
        peering::create_half(estate, lender, near, &lends),
        peering::create_half(estate, near, lender, &uses),
    ])
}

/// The subnet in which the dialled server or its endpoint stands.
pub(super) fn far_subnet(leg: &Leg) -> Option<ResourceId> {
    match &leg.way {
        Way::Endpoint(view) => view.subnet.clone().ok(),
        Way::Injected(subnet) => Some(subnet.clone()),
        Way::Machine(machine) => Some(machine.subnet.clone()),
        Way::Public | Way::Beyond(_) => None,
    }
}

/// Takes away the route that hands packets to a firewall without a way on, where the two ends are joined without it.
pub(super) fn past_the_firewall(path: &Path, leg: &Leg) -> Option<Fix> {
    let (start, end, _) = (path.start.as_ref()?, far_subnet(leg)?, leg.onward.as_ref()?);
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let far = end.parent()?;
    let ends = (Shore::of(&start.vnet, &start.subnet), Shore::of(&far, &end));
    let is_joined = matches!(hop::join(path.estate, ends.0, ends.1), Joined::Peered { .. });
    is_joined.then(|| Fix::of(vec![route::delete(path.estate, &route.table, &route.name)]))
}

/// A peering of the copier's network with the server's, where none is there, and its own route is longer than one that leads astray.
pub(super) fn direct(path: &Path, leg: &Leg, astray: Ipv4Net) -> Option<Fix> {
    let (start, end) = (path.start.as_ref()?, far_subnet(leg)?);
    let (near, far) = (&start.vnet, end.parent()?);
    let space = &path.estate.find::<Vnet>(&far)?.space;
    let is_longer = space.iter().all(|net| net.prefix_len() > astray.prefix_len())
        || has_own_route(path.estate, leg, &end) && astray.prefix_len() < 32;
    let joined = hop::join(path.estate, Shore::of(near, &start.subnet), Shore::of(&far, &end));
    let is_held = [(near, &far), (&far, near)]
        .into_iter()
        .any(|(owner, remote)| hop::half(path.estate, owner, remote).is_some());
    let is_free = matches!(joined, Joined::Apart { overlap: None, .. }) && !is_held;
    (is_longer && is_free).then(|| Fix::of(peered(path.estate, near, &far)))
}

/// Whether a private endpoint has a route of its own in networks that are peered with its, which no shorter one replaces.
fn has_own_route(estate: &Estate, leg: &Leg, end: &ResourceId) -> bool {
    let subnet = || estate.find::<Subnet>(end);
    let yields = || subnet().is_none_or(|one| one.routes_act_on_endpoints() != Some(false));
    matches!(leg.way, Way::Endpoint(_)) && !yields()
}

/// What keeps a peering from carrying packets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lack {
    /// A half is in this state.
    State(&'static str),
    /// One of the halves.
    Half,
    /// The near half does not route the other subnet.
    Space,
}

/// The peering of the copier's network with the server's that lacks something, where a route that Azure's own would beat takes the packets
/// to an appliance instead. If that one surely has no way on, this is why nothing arrives.
pub(super) fn beside_the_appliance(path: &Path, lack: Lack) -> Option<Finding> {
    let (start, leg) = (path.start.as_ref()?, path.intended.as_ref()?);
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let end = far_subnet(leg)?;
    let far = end.parent().filter(|far| *far != start.vnet)?;
    let taken: Ipv4Net = route.prefix.parse().ok()?;
    let space = &path.estate.find::<Vnet>(&far)?.space;
    if !space.iter().all(|net| net.prefix_len() > taken.prefix_len()) {
        return None;
    }
    let pairs = [(&start.vnet, &far), (&far, &start.vnet)];
    let halves = pairs.map(|(owner, remote)| hop::half(path.estate, owner, remote));
    let is_any = |state| halves.iter().flatten().any(|(_, half)| is_in_state(half, state));
    let name =
        |half: &ResourceId| format!("peering `{}` of network `{}`", half.name(), half.name_at(0));
    let lone = match halves {
        [Some((half, _)), None] => Some(lone_half(path.estate, half, &far)),
        [None, Some((half, _))] => Some(lone_half(path.estate, half, &start.vnet)),
        _ => None,
    };
    let (half, pointer, fault) = match (lack, halves) {
        (Lack::State("initiated"), _) if is_any("disconnected") => return None,
        (Lack::State(state), _) => {
            let mut all = halves.iter().flatten();
            let half = all.find(|(_, half)| is_in_state(half, state))?.0;
            let fault = lone.unwrap_or_else(|| format!("{} is {state}", name(half)));
            (half.clone(), path.estate.locate(half, "", "peeringState"), fault)
        }
        (Lack::Half, [Some((half, facts)), None] | [None, Some((half, facts))])
            if !facts.is_down() =>
        {
            (half.clone(), String::new(), lone?)
        }
        (Lack::Space, [Some(..), Some(..)]) => {
            let (near, far) = (Shore::of(&start.vnet, &start.subnet), Shore::of(&far, &end));
            let joined = hop::join(path.estate, near, far);
            let Joined::Broken(breaks, None) = joined else { return None };
            let is_it = |one: &&Break| one.kind == BreakKind::OutOfSync && one.is_near;
            let outside = breaks.iter().find(is_it).filter(|one| one.lost_part.is_none())?;
            let fault = format!("{} {}", name(&outside.half), outside.words());
            (outside.half.clone(), outside.pointer.clone(), fault)
        }
        (Lack::Half | Lack::Space, _) => return None,
    };
    let message =
        format!("{fault}, so that route `{}` takes the packets to an appliance", route.name);
    let why = "the route of a peering is longer: while it stands, packets go straight to the other network";
    let mend = match lack {
        Lack::Space => vec![peering::sync(path.estate, &half)],
        Lack::State(_) | Lack::Half => whole_between(path, leg, (&start.subnet, &end)),
    };
    let finding = Finding::blocks(message, why).at(&half, pointer).fix(Fix::of(mend));
    let is_lost = leg.onward.as_ref().is_some_and(|onward| onward.dropped.is_none());
    Some(if is_lost || is_refused(leg) { finding } else { finding.possible() })
}

/// Whether the rules of the firewall that has the packets let none of them pass.
fn is_refused(leg: &Leg) -> bool {
    let ruling = leg.guard.as_ref().and_then(|guard| guard.ruling.as_ref().ok());
    ruling.is_some_and(|one| {
        !one.denied.is_empty() && one.allowed.is_empty() && one.unknown.is_empty()
    })
}

/// Whether the direct peering is why the firewall of a hub has the packets, which has no way on or lets none pass.
pub(super) fn is_beside_the_appliance(path: &Path) -> bool {
    let is_lost = |leg: &Leg| leg.onward.is_some() || is_refused(leg);
    let lacks = [Lack::State("disconnected"), Lack::State("initiated"), Lack::Half, Lack::Space];
    path.intended.as_ref().is_some_and(is_lost)
        && lacks.into_iter().any(|lack| beside_the_appliance(path, lack).is_some())
}

/// The subnets of an appliance that takes the packets and of the other end, where the appliance stands in a third network.
pub(super) fn past_a_third(path: &Path) -> Option<(ResourceId, ResourceId)> {
    let (start, leg) = (path.start.as_ref()?, path.intended.as_ref()?);
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    if !matches!(route.next_hop, NextHop::Appliance(_)) {
        return None;
    }
    let home = || leg.appliance.as_ref()?.subnet(path.estate);
    let middle = leg.guard.as_ref().map(|guard| guard.home.clone()).or_else(home)?;
    let end = far_subnet(leg)?;
    // An appliance in the network of one end passes on what comes from there, or what stays there.
    let vnet = middle.parent()?;
    (vnet != start.vnet && Some(&vnet) != end.parent().as_ref()).then_some((middle, end))
}

/// A peering that lacks something, where an appliance takes the packets: that which would spare it, or that which it needs.
pub(super) fn at_the_appliance(path: &Path, lack: Lack) -> Option<Finding> {
    beside_the_appliance(path, lack).or_else(|| behind_the_appliance(path, lack))
}

/// The peering of that third network with the other end's, which lacks something: the appliance may know another way.
fn behind_the_appliance(path: &Path, lack: Lack) -> Option<Finding> {
    let (middle, end) = past_a_third(path)?;
    let (hub, far) = (middle.parent()?, end.parent()?);
    let joined = hop::join(path.estate, Shore::of(&hub, &middle), Shore::of(&far, &end));
    if !joined.is_cut() {
        return None;
    }
    let halves = [hop::half(path.estate, &hub, &far), hop::half(path.estate, &far, &hub)];
    let down = halves.iter().flatten().find(|(_, half)| half.is_down());
    let (place, fault) = match (lack, down) {
        (Lack::State(state), Some((id, half))) if is_in_state(half, state) => {
            (*id, format!("peering `{}` of network `{}` is {state}", id.name(), id.name_at(0)))
        }
        (Lack::Half, None) if matches!(joined, Joined::Apart { .. }) => {
            (&hub, format!("networks `{}` and `{}` are not peered", hub.name(), far.name()))
        }
        _ => return None,
    };
    let message = format!("{fault}, and the appliance of `{}` takes the packets", hub.name());
    let why = "what an appliance passes on needs a way into the source's network: a peering with both halves connected, \
               or one that the appliance keeps itself";
    let advice = format!(
        "peer `{}` with `{}`, unless the appliance has another way there",
        hub.name(),
        far.name()
    );
    Some(Finding::blocks(message, why).possible().at(place, "").fix(Fix::advice(advice)))
}
