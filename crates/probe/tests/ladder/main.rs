//! The ladder against real sockets, real servers, a real pooler and a real DNS server.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod child;
mod inside;
mod names;
mod pooler;
mod servers;
mod sockets;

use flexway_core::probes::{Moment, Observation, ProbePlan, Rung, RungOutcome, Symptom};
use flexway_postgres::ConnInfo;

/// Some moment.
const NOW: Moment = Moment(1_795_652_321);

fn info(text: &str) -> ConnInfo {
    ConnInfo::parse(text, &|_| None).unwrap()
}

/// Climbs from this machine.
fn climb(text: &str) -> Observation {
    climb_as(&ProbePlan::of(text), text)
}

fn climb_as(plan: &ProbePlan, text: &str) -> Observation {
    let observation = flexway_probe::climb(plan, &info(text), NOW, None);
    // Every rung is there once, in order, and its JSON reads back.
    let rungs: Vec<Rung> = observation.rungs.iter().map(|report| report.rung).collect();
    assert_eq!(rungs, Rung::ALL);
    let json = serde_json::to_value(std::slice::from_ref(&observation)).unwrap();
    assert!(!json.to_string().contains("s3cret"), "{json}");
    let read = flexway_core::probes::read_observations(json).unwrap();
    assert_eq!(read, std::slice::from_ref(&observation));
    observation
}

/// The failed rung, its symptom, and its detail.
fn failure(observation: &Observation) -> (Rung, Symptom, String) {
    let failed = observation.rungs.iter().find(|report| report.outcome == RungOutcome::Fail);
    let failed = failed.unwrap_or_else(|| panic!("{observation:#?}"));
    (failed.rung, failed.symptom.unwrap(), failed.detail.clone())
}

/// The ladder has to end at this rung with this symptom.
fn assert_fails(text: &str, rung: Rung, symptom: Symptom) -> Observation {
    let observation = climb(text);
    let (found_rung, found, detail) = failure(&observation);
    assert_eq!((found_rung, found), (rung, symptom), "{text}: {detail}");
    observation
}
