//! Fault injection: healthy random worlds are broken on purpose, and the diagnosis has to name exactly what was broken.

#![allow(clippy::disallowed_methods, reason = "tests read the environment and write files")]

mod broken;
#[allow(dead_code, reason = "the other users need all of it")]
#[path = "../worlds/chance.rs"]
mod chance;
mod doors;
mod filters;
mod harmless;
mod healthy;
mod injectors;
mod masks;
mod metamorphic;
mod names;
mod score;
#[path = "../support/mod.rs"]
mod support;
mod ways;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use broken::{Broken, broken};
use chance::Chance;
use flexway_core::diagnose::{self, Report};
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;
use healthy::{KINDS, healthy};
use injectors::INJECTORS;
use masks::{MASKS, hidden};
use score::Score;
use serde_json::json;
use world::{Kind, World};

/// Broken worlds in a run: some ten seconds without optimisation.
const WORLDS: u64 = 3_000;

/// Of so many broken worlds one is planned for: a plan takes a hundred times as long as a diagnosis.
const PLANNED_EVERY: u64 = 53;

/// Healthy worlds in a run.
const HEALTHY: u64 = 600;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What a world is as long as nothing is broken: whether a machine answers is never told.
fn at_best(kind: Kind) -> Verdict {
    match kind {
        Kind::Machine | Kind::Office => Verdict::Undetermined,
        Kind::PrivateSingle
        | Kind::PublicSingle
        | Kind::Injected
        | Kind::PrivateFlexible
        | Kind::PublicFlexible => Verdict::Reachable,
    }
}

fn report(world: &World, chance: &mut Chance) -> Report {
    diagnose::check(&world::estate(&world::dressed(&world.resources, chance)), &world.question())
}

/// Writes a world where `INJECT_SAVE` says, so that it can be looked at.
fn save(name: &str, world: &World) {
    let Ok(folder) = std::env::var("INJECT_SAVE") else { return };
    std::fs::create_dir_all(&folder).expect("a folder");
    let question = world.question();
    let body = json!({ "source": question.source.text(), "target": question.target,
        "port": question.port, "resources": world.resources });
    let text = serde_json::to_string_pretty(&body).expect("JSON");
    std::fs::write(format!("{folder}/{}.json", name.replace('/', "_")), text).expect("written");
}

#[test]
fn nothing_is_found_in_healthy_worlds() {
    for seed in 0..HEALTHY {
        let mut chance = Chance::new(seed);
        let kind = KINDS[seed as usize % KINDS.len()];
        let world = healthy(kind, &mut chance);
        let report = report(&world, &mut chance);
        let causes: Vec<_> = report.causes().map(|one| (one.fault, &one.message)).collect();
        assert_eq!(report.verdict, at_best(kind), "{kind:?} {seed}: {:?}", report.missing);
        assert!(causes.is_empty(), "{kind:?} {seed}: {causes:?}");
    }
}

#[test]
fn the_diagnosis_names_exactly_what_was_injected() {
    let mut score = Score::default();
    let mut odd: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let mut used = BTreeSet::new();
    let (start, count) = (number("INJECT_FIRST", 0), number("INJECT", WORLDS));
    for seed in start..start + count {
        let broken = broken(seed);
        let report = report(&broken.world, &mut Chance::new(!seed));
        let found: BTreeSet<&str> = report.causes().map(|one| one.fault).collect();
        let (all, wanted) = (broken.faults(), broken.wanted());
        for (fault, mask) in hidden(broken.world.kind, &all) {
            score.hide(fault);
            used.insert(mask.why);
        }
        let is_exact = score.count(&wanted, &found);
        let is_broken = matches!(report.verdict, Verdict::Unreachable | Verdict::Partial);
        if !is_exact || !is_broken {
            let (lost, extra) = (wanted.difference(&found), found.difference(&wanted));
            let (lost, extra): (Vec<_>, Vec<_>) = (lost.collect(), extra.collect());
            let kind = broken.world.kind;
            let text =
                format!("{kind:?} {all:?}: {:?} lost {lost:?} extra {extra:?}", report.verdict);
            odd.entry(text).or_insert((0, seed)).0 += 1;
            save(&format!("{seed}"), &broken.world);
        }
    }
    println!("{count} broken worlds");
    score.print();
    odd.iter().for_each(|(text, (times, seed))| println!("{times} {text} (world {seed})"));
    assert!(odd.is_empty(), "{:#?}", score.imperfect());
    if count >= WORLDS {
        let stale: Vec<_> =
            MASKS.iter().filter(|mask| !used.contains(mask.why)).map(|m| m.by).collect();
        assert!(stale.is_empty(), "masks that no world needs: {stale:?}");
        let rare: Vec<_> = INJECTORS.iter().filter(|one| score.injected(one.fault) < 10).collect();
        assert!(rare.is_empty(), "faults that are hardly tried: {}", rare.len());
    }
}

/// Faults for which the analyser proposes nothing though a request mends them. Deleted when it does.
const UNPLANNED: [(&str, &str); 0] = [];

/// The changes are made in simulation; they are no more than the injected edits need, or they are cheaper.
fn mends(broken: &Broken, wrong: &mut Vec<String>, seed: u64) -> bool {
    let (estate, question) = (broken.world.estate(), broken.world.question());
    let plan = plan::plan(&estate, &question, &Policy::default());
    let is_repairable = broken.injected.iter().all(|one| one.edits > 0);
    let all = broken.faults();
    if plan.changes.is_empty() {
        let is_known = UNPLANNED.iter().any(|(fault, _)| all.contains(fault));
        if is_repairable && !is_known {
            wrong.push(format!("{seed} {all:?}: no plan: {:?}", plan.refusal));
        }
        return false;
    }
    if UNPLANNED.iter().any(|(fault, _)| all == [*fault]) {
        wrong.push(format!("{seed} {all:?}: there is a plan: take the fault out of UNPLANNED"));
    }
    let changed = plan.changes.iter().fold(estate, |estate, change| change.apply(&estate));
    let after = diagnose::check(&changed, &question).verdict;
    let again = plan::plan(&changed, &question, &Policy::default());
    if after != at_best(broken.world.kind) || !again.changes.is_empty() {
        wrong.push(format!("{seed} {all:?}: {after:?} after the plan"));
    }
    let budget: usize = broken.injected.iter().map(|one| one.edits).sum();
    let kinds: Vec<&str> = plan.changes.iter().map(|change| change.kind).collect();
    // More edits are fine where they cost less: they let less through.
    let others = plan.alternatives.iter().filter_map(|one| one.cost);
    let is_cheapest = plan.is_complete && others.min().is_none_or(|least| plan.cost <= least);
    if is_repairable && kinds.len() > budget && !is_cheapest {
        wrong.push(format!("{seed} {all:?}: {kinds:?} where {budget} edits do, {:?}", plan.cost));
    }
    true
}

#[test]
fn a_plan_mends_what_was_injected() {
    let mut wrong = Vec::new();
    let mut mended = 0;
    for seed in (0..number("INJECT", WORLDS)).step_by(PLANNED_EVERY as usize) {
        mended += usize::from(mends(&broken(seed), &mut wrong, seed));
    }
    println!("{mended} worlds were mended");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Worlds of which the plan mends more than the diagnosis names. Deleted when it does.
const HIDDEN: [(u64, &str); 0] = [];

#[test]
fn every_change_of_a_plan_belongs_to_a_cause_that_is_named() {
    let mut found = BTreeSet::new();
    for seed in (0..number("INJECT", WORLDS)).step_by(PLANNED_EVERY as usize) {
        let world = broken(seed).world;
        let (estate, question) = (world.estate(), world.question());
        let report = diagnose::check(&estate, &question);
        let plan = plan::repair_of(&estate, &report, &Policy::default());
        let hidden = support::hidden_causes(&estate, &report, &plan.changes);
        found.extend(hidden.into_iter().map(|fault| (seed, fault)));
    }
    assert_eq!(found, BTreeSet::from(HIDDEN), "what is known, and what is found");
}

/// Taking one resource away from a broken world never makes it look better.
#[test]
fn a_resource_taken_away_never_makes_a_broken_world_reachable() {
    let mut tried = 0;
    for seed in (0..number("INJECT", WORLDS)).step_by(PLANNED_EVERY as usize) {
        let world = broken(seed).world;
        for index in 0..world.resources.len() {
            let mut fewer = world.resources.clone();
            let gone = fewer.remove(index);
            let verdict = diagnose::check(&world::estate(&fewer), &world.question()).verdict;
            assert_ne!(verdict, Verdict::Reachable, "world {seed} without {}", gone["id"]);
            tried += 1;
        }
    }
    assert!(tried > 1_000, "{tried} deletions");
}
