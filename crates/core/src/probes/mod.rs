//! Probes as plain data: the rungs of the ladder, what can be met on them, and what was seen.
//!
//! A probe refutes, configuration names: four different faults give the same time-out.

pub mod message;
mod moment;
mod observation;
mod plan;
mod rung;
mod symptom;

pub use moment::Moment;
pub use observation::{
    Destination, OBSERVATION, Observation, PROBE, Place, RungOutcome, RungReport, Seen, Vantage,
    read_observations,
};
pub use plan::{PLAN, ProbePlan};
pub use rung::Rung;
pub use symptom::{Symptom, is_azure};
