//! Faults that are set, found, repaired by a plan that is made in the twin, and needed in full.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use flexway_core::diagnose::{self, Copier, Question, Source};
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{self, Request};
use flexway_core::trace::step::Verdict;
use flexway_lab::twin::faults::{self, Flow};
use flexway_lab::twin::look::Connected;
use flexway_lab::twin::standing::bodies_of;
use serde_json::Value;

use crate::fixture::{Built, estate, is_possible, resources};

/// The fixtures, with the name of the server that is dialled.
const FIXTURES: [(&str, &str); 3] =
    [("private-source", "old-db"), ("injected-source", "old-flex"), ("public-source", "old-db")];

fn question(resources: &[Value], source: &str) -> Question {
    let estate = estate(resources);
    Question {
        source: Source::Server(estate.find_server(source).expect("a source")),
        target: estate.find_server("new-db").expect("a target"),
        copier: Copier::Target,
        port: diagnose::PORT,
    }
}

/// Every fault that can be set in a fixture: fixture, server, fault, and the resources with it.
fn broken() -> Vec<(&'static str, &'static str, &'static str, Vec<Value>)> {
    let mut all = Vec::new();
    for (fixture, server) in FIXTURES {
        let healthy = estate(&resources(fixture));
        let flow = Flow {
            source: healthy.find_server(server).expect("a source"),
            target: healthy.find_server("new-db").expect("a target"),
        };
        for fault in faults::ids() {
            if let Ok(broken) = faults::set(&healthy, &flow, fault) {
                all.push((fixture, server, fault, broken));
            }
        }
    }
    all
}

#[test]
fn what_is_set_is_what_is_found() {
    let mut set = BTreeSet::new();
    for (fixture, server, fault, resources) in broken() {
        let report = diagnose::check(&estate(&resources), &question(&resources, server));
        let causes: Vec<&str> = report.causes().map(|cause| cause.fault).collect();
        assert_eq!(causes, [fault], "{fixture}, {:?}", report.verdict);
        set.insert(fault);
    }
    let never: Vec<&str> = faults::ids().filter(|id| !set.contains(id)).collect();
    assert_eq!(never, Vec::<&str>::new(), "no fixture can be broken so");
}

/// Whether the server answers at the end of its name.
fn answers(resources: &[Value], server: &str) -> bool {
    let built = Built::new(resources, "new-db");
    built.reach("new-db", server).1 == Some(Connected::Answers)
}

/// Twins that are looked at side by side: most of the time is spent waiting for what does not come.
const WORKERS: usize = 6;

#[test]
fn plans_made_in_the_twin_repair_and_hold_nothing_superfluous() {
    if !is_possible("plans_made_in_the_twin_repair_and_hold_nothing_superfluous") {
        return;
    }
    let (left, repaired) = (Mutex::new(broken()), AtomicUsize::new(0));
    let next = || left.lock().expect("a list").pop();
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((fixture, server, fault, resources)) = next() {
                    let is_repaired =
                        try_plan(&format!("{fault} in {fixture}"), server, &resources);
                    repaired.fetch_add(usize::from(is_repaired), Ordering::Relaxed);
                }
            });
        }
    });
    let repaired = repaired.into_inner();
    assert!(repaired > 20, "only {repaired} plans");
}

/// Makes the plan for a broken estate in its twin, and all of it but one change; false where there is no plan.
fn try_plan(title: &str, server: &str, resources: &[Value]) -> bool {
    let before = estate(resources);
    let plan = plan::plan(&before, &question(resources, server), &Policy::default());
    assert!(!answers(resources, server), "{title}: broken, and it answers");
    if plan.changes.is_empty() {
        return false;
    }
    assert_eq!(plan.after, Verdict::Reachable, "{title}");
    let requests = second::requests_of(&plan.to_json()).expect("a plan");
    let bodies = bodies_of(&before);
    let after = |requests: &[Request]| -> Result<Vec<Value>, String> {
        let bodies = second::enact(&bodies, requests)?;
        Ok(bodies.into_iter().map(|(_, body)| body).collect())
    };
    let whole = after(&requests).unwrap_or_else(|why| panic!("{title}: {why}"));
    assert!(answers(&whole, server), "{title}: repaired, and it does not answer");
    for left_out in 0..requests.len() {
        let mut fewer = requests.clone();
        let without = fewer.remove(left_out);
        // Azure refuses what builds on the change that is left out.
        if let Ok(bodies) = after(&fewer) {
            assert!(!answers(&bodies, server), "{title}: it answers without {}", without.path);
        }
    }
    true
}
