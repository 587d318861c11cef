//! The repair that the search finds is the cheapest one: every subset of the changes it knew of is tried, and none does for less.

use flexway_core::change::Change;
use flexway_core::checks;
use flexway_core::diagnose::{self, Question};
use flexway_core::estate::Estate;
use flexway_core::repair::search::apply;
use flexway_core::repair::{self, Cost, Found, Policy, safety};
use flexway_core::trace::step::Verdict;

use crate::support;

/// Changes of which all subsets are tried: 256 of eight. Worlds that offer more are left to the other oracles.
const CATALOGUE_MAX: usize = 8;

/// Every change that the search knew of, in the order in which it met them, moves of rules first.
fn catalogue(found: &Found) -> Vec<Change> {
    let sets = found.closed.iter().map(|one| &one.changes);
    let best = found.best.iter().chain(&found.others).map(|one| &one.changes);
    let mut all: Vec<Change> = Vec::new();
    for change in sets.chain(best).flatten() {
        if !all.contains(change) {
            all.push(change.clone());
        }
    }
    // A rule that moves leaves its number to others.
    all.sort_by_key(|change| change.kind != "move-rule");
    all
}

/// The cost of a set of changes that lets the copier reach the source; `None` for one that does not.
fn cost(estate: &Estate, question: &Question, changes: &[Change]) -> Option<Cost> {
    let after = apply(estate, changes);
    if diagnose::check(&after, question).verdict != Verdict::Reachable {
        return None;
    }
    let broken = safety::look(estate, &after, question).broken.len() as u32;
    Some(Cost { broken_flows: broken, ..Cost::of(changes) })
}

#[test]
fn no_subset_repairs_for_less() {
    let (mut worlds, mut subsets) = (0, 0);
    for check in checks::ALL {
        for example in support::examples(check.page) {
            let estate = support::estate(&example.resources);
            let question = example.question(&estate);
            let found = repair::search(&estate, &question, &Policy::default());
            let all = catalogue(&found);
            if all.is_empty() || all.len() > CATALOGUE_MAX {
                continue;
            }
            worlds += 1;
            let title = format!("{}: {}", check.fault, example.title);
            let mut cheapest: Option<(Cost, Vec<&str>)> = None;
            for bits in 0_usize..1 << all.len() {
                subsets += 1;
                let chosen = all.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
                let set: Vec<Change> = chosen.map(|(_, change)| change.clone()).collect();
                let Some(cost) = cost(&estate, &question, &set) else { continue };
                if cheapest.as_ref().is_none_or(|(least, _)| cost < *least) {
                    cheapest = Some((cost, set.iter().map(|change| change.kind).collect()));
                }
            }
            let known = found.best.as_ref().map(|best| best.cost);
            let least = cheapest.as_ref().map(|(cost, _)| *cost);
            if found.leaves_open {
                // It opens what is known to be closed; what leads there for sure may cost more.
                assert!(least.is_none() || known < least, "{title}: {known:?}, {cheapest:?}");
                continue;
            }
            assert_eq!(known, least, "{title}: {cheapest:?}");
        }
    }
    assert!(worlds > 40, "only {worlds} worlds have something to choose");
    println!("{subsets} subsets of {worlds} worlds");
}
