//! A move that is given up: what runs is stopped, and the target is left as the user chooses.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use flexway_core::migrate::{MoveError, Remedy};
use flexway_core::port::Databases;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use crate::ledger::{DatabaseView, Ledger, LedgerError, LedgerView};
use crate::report::Problem;
use crate::retry::RetryPolicy;
use crate::run::{Ports, RunError};

/// A run that is asked to stop cancels its statements, which servers take seconds for at most.
const STOP_LIMIT: Duration = Duration::from_secs(120);
const STOP_POLL: Duration = Duration::from_millis(200);

/// What became of the target.
#[derive(Debug, Clone, Serialize)]
pub struct CancelReport {
    /// Databases of the move that the target had something of.
    pub databases: Vec<CancelledDatabase>,
    /// What could not be done. The move is not cancelled then.
    pub errors: Vec<Problem>,
}

/// One database on the target.
#[derive(Debug, Clone, Serialize)]
pub struct CancelledDatabase {
    /// Its name.
    pub name: String,
    /// `complete`: it was verified and stays; `kept`: it stays as far as it had come; `dropped`.
    pub outcome: &'static str,
    /// The last complete phase.
    pub phase: Option<String>,
    /// Tables with all their rows.
    pub tables_done: u64,
    /// Tables of the source.
    pub tables: u64,
    /// Indexes, keys and other entries that were built.
    pub entries_done: u64,
    /// Those of the source, as far as they were known.
    pub entries: u64,
}

/// Opens the ledger at `path`; a run that works with it is asked to stop first, and waited for.
///
/// # Errors
/// As [`Ledger::open`]; [`LedgerError::Busy`] when the run does not end.
pub fn stop_and_open(path: &Path) -> Result<Ledger, LedgerError> {
    let mut last = Ledger::open(path);
    let Err(LedgerError::Busy { pid: Some(pid) }) = last else { return last };
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // One that has just ended needs no signal.
        let _ = kill_process(pid, Signal::INT);
    }
    let end = Instant::now() + STOP_LIMIT;
    while matches!(last, Err(LedgerError::Busy { .. })) && Instant::now() < end {
        thread::sleep(STOP_POLL);
        last = Ledger::open(path);
    }
    last
}

/// Gives the move of the ledger up. With `drop` its unfinished databases are removed from the target, else they stay as they are.
///
/// # Errors
/// [`RunError`] when the ledger cannot be used, or belongs to another target.
pub fn cancel(ports: Ports<'_>, ledger: &Ledger, drop: bool) -> Result<CancelReport, RunError> {
    let target = ports.servers.target(&[]).map_err(|error| RunError::Refused(vec![error]))?;
    ledger.check_target(&target.label)?;
    let view = LedgerView::read(ledger.path())?;
    let touched: Vec<&DatabaseView> =
        view.databases.iter().filter(|one| one.phase.is_some()).collect();
    let is_complete = |one: &DatabaseView| one.phase.as_deref() == Some("verified");
    let open: Vec<String> =
        touched.iter().filter(|one| !is_complete(one)).map(|one| one.name.clone()).collect();
    if !open.is_empty() {
        ports.databases.reserve(&open).map_err(|error| RunError::Refused(vec![error]))?;
    }
    let mut report = CancelReport { databases: Vec::new(), errors: Vec::new() };
    for one in touched {
        let outcome = match (is_complete(one), drop) {
            (true, _) => "complete",
            (false, true) => "dropped",
            (false, false) => "kept",
        };
        if !is_complete(one)
            && let Err(error) = abandon(ports.databases, &one.name, drop)
        {
            report.errors.push(Problem::new(Some(&one.name), &error));
            continue;
        }
        report.databases.push(CancelledDatabase {
            name: one.name.clone(),
            outcome,
            phase: one.phase.clone(),
            tables_done: one.tables_done,
            tables: one.tables,
            entries_done: one.entries_done,
            entries: one.entries,
        });
    }
    if report.errors.is_empty() {
        ledger.cancel()?;
    }
    Ok(report)
}

/// A killed run's sessions may take a moment to go.
fn abandon(databases: &dyn Databases, name: &str, drop: bool) -> Result<(), MoveError> {
    for wait in RetryPolicy::default().step_waits {
        match databases.abandon(name, drop) {
            Err(error) if matches!(error.remedy, Remedy::Retry | Remedy::Contended) => {
                thread::sleep(wait)
            }
            other => return other,
        }
    }
    databases.abandon(name, drop)
}
