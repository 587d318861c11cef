//! What is closed on the ways to one place, whatever the name leads to.

use super::name::Name;
use super::place_of;
use super::verdict::{Blocker, Gate};
use super::walk::Walk;
use super::world::World;
use crate::id::ResourceId;

/// Gates that drop packets from some address of the copier.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    /// On whichever way they take.
    pub always: Vec<Blocker>,
    /// On one way at least that they may take.
    pub perhaps: Vec<Blocker>,
}

/// What is closed on the ways through a private endpoint, or else to the server's own address or front door: several, where it is not known
/// which address that is. Nothing for a copier that is in no network.
pub fn closed_on(
    world: &World,
    copier: &ResourceId,
    (server, port): (&ResourceId, u16),
    endpoint: Option<&ResourceId>,
) -> Closed {
    let (copier, server) = (&*copier.key(), &*server.key());
    let walk = Walk::new(world, copier, server, port);
    let name = match (endpoint, &walk.home) {
        (Some(endpoint), _) => Name::Endpoint(endpoint.key().to_string()),
        (None, Some(_)) => Name::Own,
        (None, None) => Name::Public,
    };
    let mut closed = Closed::default();
    let Ok(Some((subnet, all))) = place_of(world, copier) else { return closed };
    let add = |list: &mut Vec<Blocker>, one: &Blocker| {
        if !list.contains(one) {
            list.push(one.clone());
        }
    };
    for (from, _) in all {
        let ways: Vec<Vec<Blocker>> =
            walk.ways(&name, &subnet, Some(from)).into_iter().map(drops).collect();
        ways.iter().flatten().for_each(|one| add(&mut closed.perhaps, one));
        on_all(ways).iter().for_each(|one| add(&mut closed.always, one));
    }
    closed
}

fn drops(gates: Vec<Gate>) -> Vec<Blocker> {
    let drop = |gate| if let Gate::Drop(one) = gate { Some(one) } else { None };
    gates.into_iter().filter_map(drop).collect()
}

/// Gates that are closed on each of some ways, with all that may decide there.
fn on_all(ways: Vec<Vec<Blocker>>) -> Vec<Blocker> {
    let shared = |sum: Vec<Blocker>, way: Vec<Blocker>| {
        // Of one direction each group is a gate; of routes one decides.
        let is_same = |one: &Blocker, other: &Blocker| {
            one.stage == other.stage
                && (one.resource == other.resource || ["route", "return"].contains(&one.stage))
        };
        let with = |one: Blocker| {
            let other = way.iter().find(|other| is_same(&one, other))?;
            Some(one.or(other))
        };
        sum.into_iter().filter_map(with).collect()
    };
    ways.into_iter().reduce(shared).unwrap_or_default()
}
