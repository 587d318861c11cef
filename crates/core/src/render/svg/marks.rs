//! Which gate of the repaired way each change opens.

use super::scene::{Gate, Sign, Track};
use crate::change::Change;
use crate::trace::step::Stage;

/// Puts the mark of a change at the gate that it opens or makes: where the causes stand that are there without it. `before` are the
/// flows without any change, `without` those with all other ones. One that is seen at no gate gets its mark at a gate of its sort, where
/// the way has one.
pub(super) fn credit(
    mark: &str,
    change: &Change,
    tracks: &mut [Track],
    (before, without): (&[Track], &[Track]),
) {
    if let Some((place, index)) = at_its_causes(change, tracks, without) {
        return mark_at(mark, &mut tracks[place].gates[index]);
    }
    let stages = stages_of(change);
    let mut best: Option<(usize, usize, u8)> = None;
    for (place, track) in tracks.iter().enumerate() {
        for (index, gate) in track.gates.iter().enumerate() {
            let same = |tracks: &[Track]| {
                let gates = tracks.get(place).map_or(&[][..], |track| &track.gates);
                twin(gate, nth(&track.gates, index), gates).map(Gate::sign)
            };
            let opens = gate.sign() != Sign::Drop && same(without) != Some(gate.sign());
            let was_shut = same(before) != Some(Sign::Pass);
            let is_written = gate.reads(&change.resource);
            let is_of_sort = stages.contains(&gate.stage());
            let points = match () {
                () if is_written && is_of_sort && opens => 6,
                () if is_of_sort && opens => 5,
                () if is_written && is_of_sort && was_shut => 4,
                () if is_of_sort && was_shut => 3,
                () if opens && was_shut => 2,
                () if is_written || is_of_sort => 1,
                () => 0,
            };
            if points > best.map_or(0, |one| one.2) {
                best = Some((place, index, points));
            }
        }
    }
    let found = |worth: u8| best.filter(|one| one.2 > worth).map(|one| (one.0, one.1));
    let place = found(1).or_else(|| rest_of_closed(tracks, before)).or_else(|| found(0));
    let Some((place, index)) = place else { return };
    mark_at(mark, &mut tracks[place].gates[index]);
}

fn mark_at(mark: &str, gate: &mut Gate) {
    gate.badges.push(mark.to_owned());
    gate.is_changed = true;
}

/// The gate at which a cause stands without a change: of its sort, or of what it writes, if there are several.
fn at_its_causes(change: &Change, tracks: &[Track], without: &[Track]) -> Option<(usize, usize)> {
    let stages = stages_of(change);
    let mut best: Option<((bool, bool), (usize, usize))> = None;
    for (place, (track, old)) in tracks.iter().zip(without).enumerate() {
        for (index, gate) in old.gates.iter().enumerate().filter(|(_, one)| !one.badges.is_empty())
        {
            let found = place_of(&old.gates, index, &track.gates);
            let points = (stages.contains(&gate.stage()), gate.reads(&change.resource));
            if let Some(found) = found
                && best.is_none_or(|(known, _)| points > known)
            {
                best = Some((points, (place, found)));
            }
        }
    }
    best.map(|(_, at)| at)
}

/// What is left of a gate that was closed for some, and told apart for them: it is one again.
fn rest_of_closed(tracks: &[Track], before: &[Track]) -> Option<(usize, usize)> {
    let mut pairs = tracks.iter().zip(before).enumerate();
    pairs.find_map(|(place, (track, old))| {
        let closed = old.gates.iter().filter(|one| matches!(one.sign(), Sign::Drop | Sign::Part));
        let mut left = closed.filter_map(|gate| {
            track.gates.iter().position(|one| is_alike(one, gate) && one.sign() == Sign::Pass)
        });
        left.next().map(|index| (place, index))
    })
}

/// Takes for changed whatever was shut before, and lets pass now.
pub(super) fn opened(tracks: &mut [Track], before: &[Track]) {
    for (track, old) in tracks.iter_mut().zip(before) {
        for index in 0..track.gates.len() {
            let gate = &track.gates[index];
            let was = twin(gate, nth(&track.gates, index), &old.gates).map(Gate::sign);
            let is_opened =
                gate.sign() == Sign::Pass && matches!(was, Some(Sign::Drop | Sign::Part));
            track.gates[index].is_changed |= is_opened;
        }
    }
}

/// Which of the gates of its stage, there or back, it is.
fn nth(gates: &[Gate], index: usize) -> usize {
    let is_alike = |one: &&Gate| is_alike(one, &gates[index]);
    gates[..index].iter().filter(is_alike).count()
}

fn is_alike(one: &Gate, other: &Gate) -> bool {
    (one.stage(), one.is_back) == (other.stage(), other.is_back)
}

/// Where the same gate is among others. One that is gone, as it told of nothing but a flaw, was one with the gate of its sort before it.
fn place_of(gates: &[Gate], index: usize, among: &[Gate]) -> Option<usize> {
    let gate = &gates[index];
    let is_same = |one: &Gate| is_alike(one, gate) && one.resource() == gate.resource();
    let last = gates[..index].iter().rev().find(|one| is_alike(one, gate));
    let detail = |one: &Gate| one.steps[0].detail.clone();
    let is_last =
        |one: &Gate| last.is_some_and(|last| is_alike(one, last) && detail(one) == detail(last));
    let mut alike = among.iter().enumerate().filter(|(_, one)| is_alike(one, gate));
    let by_turn = alike.nth(nth(gates, index)).map(|(place, _)| place);
    among.iter().position(is_same).or_else(|| among.iter().position(is_last)).or(by_turn)
}

/// The same gate among others: by the resource that decides, or else by its turn.
fn twin<'g, 'r>(gate: &Gate, nth: usize, among: &'g [Gate<'r>]) -> Option<&'g Gate<'r>> {
    let mut alike = among.iter().filter(|one| is_alike(one, gate));
    let by_resource = alike.clone().find(|one| one.resource() == gate.resource());
    by_resource.or_else(|| alike.nth(nth))
}

fn stages_of(change: &Change) -> &'static [Stage] {
    let kind = change.resource.resource_type();
    let is_outbound = change.request.body["properties"]["direction"] == "Outbound";
    match kind.rsplit('/').next().unwrap_or_default() {
        "privatednszones" | "virtualnetworklinks" | "a" | "privatednszonegroups" => &[Stage::Name],
        "securityrules" if is_outbound => &[Stage::FilterOut],
        "securityrules" => &[Stage::FilterIn],
        "routes" | "routetables" | "networkinterfaces" | "subnets" => {
            &[Stage::Route, Stage::Return, Stage::Admit]
        }
        "virtualnetworkpeerings" => &[Stage::Hop, Stage::Route, Stage::Return],
        "azurefirewalls" | "rulecollectiongroups" => &[Stage::Hop],
        "configurations" => &[Stage::Listen],
        _ => &[Stage::Admit],
    }
}
