//! Terraform states and plans: what they say of Azure, as resources with ids. What they do not tell is marked, never guessed.

mod aside;
mod balancers;
mod bodies;
mod configuration;
mod fields;
mod firewall;
mod identity;
mod instance;
mod members;
mod network;
mod service;
mod subscription;
mod surroundings;
mod world;

use serde_json::{Map, Value};

use super::nested::{self, Nested};
use super::read::{Found, Standing};
use super::what_if::Planned;
use super::{Origin, Problem};
use aside::say_data;
pub(crate) use aside::{emptied, say_deferred, say_unread};
use fields::without_untold;
use instance::{Instance, Side};
pub(crate) use members::Memberships;
pub(crate) use subscription::{Groups, UNKNOWN};
use world::World;

/// Whether an object with these fields is a state file, or what `terraform show -json` prints of a state or a plan.
pub(crate) fn is_terraform(has: impl Fn(&str) -> bool) -> bool {
    is_plan(&has) || is_state_file(&has) || is_shown_state(&has)
}

/// Whether it is a plan.
pub(crate) fn is_plan(has: impl Fn(&str) -> bool) -> bool {
    has("planned_values") || has("resource_changes")
}

fn is_state_file(has: impl Fn(&str) -> bool) -> bool {
    has("lineage") && has("terraform_version")
}

fn is_shown_state(has: impl Fn(&str) -> bool) -> bool {
    has("format_version") && has("values")
}

/// Instances as the input leaves them: of a plan, as they are after it.
fn instances_after(object: &Map<String, Value>) -> Vec<Instance> {
    let has = |name: &str| object.contains_key(name);
    if is_state_file(has) {
        return instance::of_state_file(object);
    }
    if is_shown_state(has) && !is_plan(has) {
        return instance::of_values(object.get("values"), "/values");
    }
    match has("resource_changes") {
        true => instance::of_changes(object, Side::After),
        false => instance::of_values(object.get("planned_values"), "/planned_values"),
    }
}

/// The resources, and how many instances decide nothing here.
pub(crate) fn read(
    object: &Map<String, Value>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> (Vec<Found>, usize) {
    let standing = if is_plan(|name| object.contains_key(name)) {
        Standing::Wanted
    } else {
        say_data(object, origin, problems);
        Standing::Remembered
    };
    let instances = instances_after(object);
    let before = instance::of_changes(object, Side::Before);
    let subscriptions =
        subscription::known(object, &[&instances, &before], &Groups::new(), origin, problems);
    let mut world = World::new(&instances, &subscriptions, origin, problems);
    // The problems of what stood there before are not those of the outcome.
    let old = World::new(&before, &subscriptions, origin, &mut Vec::new());
    world.unbind(&old);
    world.mark_unplaced();
    world.mark_untold(&old);
    world.join_members();
    world.take_members();
    let ended = old.pieces.iter().filter(|(id, piece)| {
        piece.is_owner && world.pieces.get(id).is_none_or(|after| !after.is_owner)
    });
    for (id, _) in ended.collect::<Vec<_>>() {
        reflect(&mut world, id, Nested::Gone);
    }
    for (id, piece) in world.pieces.clone() {
        if piece.is_owner {
            reflect(&mut world, &id, Nested::Is(&piece.body));
        }
    }
    let ignored = world.ignored_count;
    let found = world.pieces.into_iter().map(|(id, piece)| {
        let pointer = format!("{}{}", origin.pointer, piece.pointer);
        let origin = Origin { file: origin.file.clone(), pointer };
        Found { id, body: piece.body, origin, standing }
    });
    (found.collect(), ignored)
}

/// Lets the list inside a parent say the same as the child.
fn reflect(world: &mut World, id: &crate::id::ResourceId, child: Nested) {
    let Some(parent) = id.parent() else { return };
    if let Some(piece) = world.pieces.get_mut(&parent) {
        nested::reflect(&mut piece.body, id, child);
    }
}

/// What a plan does to each resource. `captured` are the groups of the estate, for resources whose subscription the plan does not tell.
pub(crate) fn planned(
    object: &Map<String, Value>,
    captured: &Groups,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> Vec<Planned> {
    let (before, after) = (instance::of_changes(object, Side::Before), instances_after(object));
    let known = subscription::known(object, &[&after, &before], captured, origin, problems);
    let mut old = World::new(&before, &known, origin, &mut Vec::new());
    let mut new = World::new(&after, &known, origin, problems);
    old.join_members();
    new.join_members();
    new.unbind(&old);
    new.mark_unplaced();
    let mut planned = Vec::new();
    for (id, piece) in &new.pieces {
        let was = old.pieces.get(id);
        planned.push(Planned {
            id: id.clone(),
            before: was.map(|was| without_untold(&was.body)),
            after: Some(without_untold(&piece.body)),
            origin: at(origin, &piece.pointer),
            is_made: piece.is_new,
            is_replaced: piece.is_replaced,
            memberships: Some(new.memberships_since(&old, id)),
        });
    }
    for (id, piece) in old.pieces.iter().filter(|(id, _)| !new.pieces.contains_key(id)) {
        // Where nothing but a binding ends, the resource that it was bound to stays.
        let bare = serde_json::json!({ "id": id.as_str(), "properties": {} });
        planned.push(Planned {
            id: id.clone(),
            before: Some(without_untold(&piece.body)),
            after: (!piece.is_owner).then_some(bare),
            origin: at(origin, &piece.pointer),
            is_made: false,
            is_replaced: false,
            memberships: Some(new.memberships_since(&old, id)),
        });
    }
    planned
}

fn at(origin: &Origin, pointer: &str) -> Origin {
    Origin { file: origin.file.clone(), pointer: format!("{}{pointer}", origin.pointer) }
}
