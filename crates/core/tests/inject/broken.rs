//! Broken worlds: a healthy one with some faults that do not write to the same things.

use std::collections::BTreeSet;

use crate::chance::Chance;
use crate::healthy::{KINDS, healthy};
use crate::injectors::{INJECTORS, Injector};
use crate::masks::hidden;
use crate::world::World;

/// A broken world and what broke it.
pub(crate) struct Broken {
    pub(crate) world: World,
    pub(crate) injected: Vec<&'static Injector>,
}

impl Broken {
    /// The ids of the faults that were injected.
    pub(crate) fn faults(&self) -> Vec<&'static str> {
        self.injected.iter().map(|one| one.fault).collect()
    }

    /// The faults that the diagnosis has to name: those that nothing hides.
    pub(crate) fn wanted(&self) -> BTreeSet<&'static str> {
        let all = self.faults();
        let hidden = hidden(self.world.kind, &all);
        all.into_iter().filter(|fault| !hidden.contains_key(fault)).collect()
    }
}

/// The world of a number: up to three faults, the first of them in turn so that each one comes up.
pub(crate) fn broken(seed: u64) -> Broken {
    let mut chance = Chance::new(seed);
    let first = &INJECTORS[seed as usize % INJECTORS.len()];
    let fitting: Vec<_> = KINDS.iter().copied().filter(|kind| first.kinds.contains(kind)).collect();
    let kind = chance.pick(&fitting);
    let mut injected = vec![first];
    for _ in 0..chance.below(3) {
        let fits = |one: &&Injector| {
            one.kinds.contains(&kind)
                && !injected.iter().any(|have| {
                    have.fault == one.fault
                        || have.slots.iter().any(|slot| one.slots.contains(slot))
                })
        };
        let free: Vec<&'static Injector> = INJECTORS.iter().filter(fits).collect();
        if !free.is_empty() {
            injected.push(free[chance.below(free.len())]);
        }
    }
    // Rules name the port that is asked for: it is chosen before them.
    injected.sort_by_key(|one| !one.slots.contains(&"port"));
    let mut world = healthy(kind, &mut chance);
    injected.iter().for_each(|one| (one.apply)(&mut world, &mut chance));
    Broken { world, injected }
}
