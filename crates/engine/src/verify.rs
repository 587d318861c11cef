//! The comparison of two servers by itself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Instant;

use flexway_core::migrate::{Difference, Sample};

use crate::compare::{self, Read};
use crate::database::Outcome;
use crate::failure::Failure;
use crate::inspect;
use crate::observe::{Event, Observer};
use crate::report::{CompareReport, FoundDifference, VerifyReport};
use crate::run::{Ports, RunError, RunOptions, role_differences, take};
use crate::workers::Workers;

/// Compares the databases of two servers, changing nothing.
///
/// # Errors
/// [`RunError::Refused`] when a server cannot be inspected or a named database is not on the
/// source.
pub fn verify(
    ports: Ports<'_>,
    options: &RunOptions,
    observer: &dyn Observer,
    stop: &AtomicBool,
) -> Result<VerifyReport, RunError> {
    let started = Instant::now();
    let losses = &AtomicUsize::new(0);
    let workers =
        Workers { jobs: options.jobs.max(1), retry: &options.retry, observer, stop, losses };
    let inspect::Compared { source, target, databases: names, mut notes } =
        inspect::inspect_for_comparison(ports, options)?;
    workers.tell(&Event::Accepted {
        source: &source,
        target: &target,
        tools: None,
        databases: &names,
        notes: &notes,
    });
    let mut compared = CompareReport::of(options.sample);
    let mut errors = Vec::new();
    for name in &names {
        if !target.databases.iter().any(|facts| facts.name == *name) {
            let detail = "is not on the target".to_owned();
            let difference = Difference { kind: "database", name: name.clone(), detail };
            let difference = FoundDifference::new(Some(name), difference);
            compared.differences.push(difference);
            continue;
        }
        match compare_database(ports, workers, name, options.sample) {
            Ok(outcome) => {
                let told = compared.add(outcome);
                for text in &told {
                    workers.tell(&Event::Noted { database: name, text });
                }
                notes.extend(inspect::of_database(name, told));
            }
            Err(failure) => {
                let remedy = failure.remedy();
                take(&mut errors, Some(name), failure);
                if !remedy.is_alone() {
                    break;
                }
            }
        }
    }
    if options.roles && errors.is_empty() {
        match role_differences(ports, &options.databases, workers) {
            Ok(found) => compared.differences.extend(found),
            Err(failure) => take(&mut errors, None, failure),
        }
    }
    compared.judge(errors.is_empty() && compared.differences.is_empty());
    Ok(VerifyReport {
        compared,
        databases: names,
        notes,
        errors,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn compare_database(
    ports: Ports<'_>,
    workers: Workers<'_>,
    name: &str,
    sample: Option<Sample>,
) -> Result<Outcome, Failure> {
    workers.go_on()?;
    let database = workers.attempt(|| ports.databases.open(name))?;
    let nothing = HashMap::new();
    let read = sample.map_or(Read::All(&nothing), Read::Share);
    compare::compare(workers, name, database.compare(), read, &|_| {})
}
