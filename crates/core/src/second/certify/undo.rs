//! Whether what takes changes back brings back what was there: all changes and then their inverses, made in the raw bodies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::apply::{Outcome, Request};
use super::super::world::World;
use super::read::Change;
use super::settings::{body_of, differing, is_untold, named, state_of};
use super::{Check, Judge, short, summed};
use crate::id::ResourceId;

/// What was written: by which change, last.
type Writers<'p> = BTreeMap<String, &'p Change>;

pub(super) fn check(judge: &Judge<'_>) -> Check {
    let (wrong, left) = undone(judge.world, &judge.plan.changes);
    let good = match left.as_slice() {
        [] => "taken back, the changes leave everything as it was".to_owned(),
        left => {
            format!("taken back, all is as it was but for what Azure keeps: {}", left.join("; "))
        }
    };
    summed("undo", &wrong, &[], good)
}

/// What is wrong with what takes changes back, and what stays different for good.
pub(super) fn undone(given: &World, changes: &[Change]) -> (Vec<String>, Vec<String>) {
    let mut wrong = Vec::new();
    let start = with_holders(given, changes);
    let mut world = start.clone();
    wrong.extend(changes.iter().filter_map(untold));
    let mut writers = Writers::new();
    let mut last: BTreeSet<String> = BTreeSet::new();
    for change in changes {
        let before = world.clone();
        if let Outcome::Refused(_) = change.request.apply(&mut world) {
            // The facts say so.
            continue;
        }
        let written = differing(&before, &world);
        if change.inverse.is_none() {
            if !is_for_good(&before, &change.request) {
                wrong.push(format!("nothing is said that takes \"{}\" back", change.title));
            }
            last.extend(written.iter().cloned());
        }
        writers.extend(written.into_iter().map(|key| (key, change)));
    }
    for change in changes.iter().rev() {
        let Some(inverse) = &change.inverse else { continue };
        if id_of(&change.request) != id_of(inverse) || query(&change.request) != query(inverse) {
            wrong.push(format!("what takes \"{}\" back does something else", change.title));
        } else if let Outcome::Refused(why) = inverse.apply(&mut world) {
            wrong.push(format!("\"{}\" cannot be taken back: {}", change.title, short(&why)));
        }
    }
    for change in changes.iter().rev() {
        let Some(restored) = &change.restored else { continue };
        if let Outcome::Refused(why) = restored.apply(&mut world) {
            let why = short(&why);
            wrong.push(format!("what \"{}\" wrote over cannot be put back: {why}", change.title));
        }
    }
    let mut left = Vec::new();
    for key in differing(&start, &world) {
        let what = left_of(given, &world, &key);
        match writers.get(&key) {
            _ if last.contains(&key) => left.push(what),
            Some(change) => wrong.push(format!(
                "what takes \"{}\" back does not bring back what was there: {what}",
                change.title
            )),
            None => wrong.push(format!("taken back, the changes leave something else: {what}")),
        }
    }
    left.extend(states_lost(given, &world));
    (wrong, left)
}

/// The world with what holds the things that a plan deletes or writes over, captured or not: it is there, and takes them again.
fn with_holders(world: &World, changes: &[Change]) -> World {
    let mut world = world.clone();
    let gone = changes.iter().map(|change| &change.request).filter(|one| one.method == "DELETE");
    let all = gone.chain(changes.iter().filter_map(|change| change.restored.as_ref()));
    for holder in all.filter_map(id_of).filter_map(|id| id.parent()) {
        if world.body(&holder.key()).is_none() {
            world.put(&holder.key(), &holder.resource_type(), json!({}));
        }
    }
    world
}

fn id_of(request: &Request) -> Option<ResourceId> {
    ResourceId::parse(request.path.split('?').next().unwrap_or(""))
}

/// The version of Azure's interface that a request is for; some ask for more.
fn query(request: &Request) -> Option<&str> {
    let asked = request.path.split_once('?')?.1;
    asked.split('&').find(|one| one.starts_with("api-version="))
}

/// A change whose requests repeat what was not captured: Azure refuses them.
fn untold(change: &Change) -> Option<String> {
    let taken_back = [&change.inverse, &change.restored].into_iter().flatten();
    let mut all = std::iter::once(&change.request).chain(taken_back);
    let is_untold = all.any(|one| is_untold(&one.body));
    is_untold.then(|| format!("\"{}\" repeats what was not captured", change.title))
}

/// Whether no request takes it back: an approval, an endpoint, a peering or a VNet rule that is gone, and the address space that a half
/// has learnt.
fn is_for_good(before: &World, request: &Request) -> bool {
    let Some(id) = id_of(request) else { return false };
    match (request.method.as_str(), id.resource_type().as_str()) {
        (
            "DELETE",
            "microsoft.network/privateendpoints"
            | "microsoft.network/virtualnetworks/virtualnetworkpeerings"
            | "microsoft.dbforpostgresql/servers/virtualnetworkrules",
        ) => true,
        // The server may tell of a connection in its own list alone.
        ("PUT", kind) if kind.ends_with("/privateendpointconnections") => true,
        ("PUT", _) if body_of(before, &id.key()).is_some() => {
            request.path.to_ascii_lowercase().contains("syncremoteaddressspace=true")
        }
        // What is new can be deleted; what goes along, such as the record that a zone group took over, can be written again.
        _ => false,
    }
}

/// What is different after all was taken back.
fn left_of(before: &World, after: &World, key: &str) -> String {
    match (body_of(before, key), body_of(after, key)) {
        (None, _) => format!("{} stays", named(key)),
        (_, None) => format!("{} is gone", named(key)),
        (Some(_), Some(_)) => format!("{} says something else", named(key)),
    }
}

/// Halves of peerings that waited or were connected, and are cut after all was taken back.
fn states_lost(before: &World, after: &World) -> Vec<String> {
    let halves = before.unlike(after).into_iter();
    let halves = halves.filter(|key| key.contains("/virtualnetworkpeerings/"));
    let lost = halves.filter_map(|key| {
        let (was, is) = (state_of(before, key)?, state_of(after, key)?);
        let is_lost = !was.eq_ignore_ascii_case(is);
        is_lost.then(|| format!("{} was {was} and is {is}", named(key)))
    });
    lost.collect()
}
