//! A run from beginning to end: inspect, roles, every database, report.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Instant;

use flexway_core::migrate::{DatabaseFacts, MoveError, Phase, Remedy, Sample};
use flexway_core::port::{Databases, Servers};
use serde::{Deserialize, Serialize};

use crate::database::{self, Outcome};
use crate::failure::Failure;
use crate::inspect::{self, Inspected};
use crate::ledger::{ItemKind, Ledger, LedgerError, RunEnd, Word};
use crate::observe::{Event, Observer};
use crate::report::{
    CompareReport, DatabaseReport, FoundDifference, MoveReport, Problem, Roles, RunReport,
};
use crate::retry::RetryPolicy;
use crate::workers::Workers;

/// How the engine reaches the servers.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The servers as wholes.
    pub servers: &'a dyn Servers,
    /// Their databases.
    pub databases: &'a dyn Databases,
}

/// What is to be moved, and how. Recorded in the ledger, so that `resume` needs only the servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Names of databases; empty for all of the source.
    pub databases: Vec<String>,
    /// Tables and indexes that are worked on side by side, at least one.
    pub jobs: usize,
    /// Whether target databases that hold something are emptied first.
    pub overwrite: bool,
    /// Whether roles are carried, and compared.
    pub roles: bool,
    /// Whether everything is compared in the end.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Which share of the rows of large tables that comparison reads; all of them without.
    #[serde(default)]
    pub sample: Option<Sample>,
    /// What builds of indexes may take of the target's memory together, bytes; without, what its settings tell.
    #[serde(default)]
    pub build_memory_bytes: Option<u64>,
    /// How often failed steps are tried again.
    #[serde(skip)]
    pub retry: RetryPolicy,
}

/// Ledgers of older versions do not say it.
fn yes() -> bool {
    true
}

/// A run that did not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something speaks against the move; nothing was changed.
    #[error("{}", refused(.0))]
    Refused(Vec<MoveError>),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

fn refused(reasons: &[MoveError]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// An offline move.
pub struct Run<'a> {
    ports: Ports<'a>,
    options: &'a RunOptions,
    ledger: &'a Ledger,
    workers: Workers<'a>,
}

impl<'a> Run<'a> {
    /// Moves the databases, or goes on with what earlier runs of the ledger left; returns when it
    /// is over, well or not.
    ///
    /// Setting `stop` makes it end after cancelling what runs: copies, indexes, comparisons of
    /// tables. What was cancelled is done again by the next run.
    ///
    /// # Errors
    /// [`RunError`] when the move did not begin. Failures after that are in the report.
    pub fn start(
        ports: Ports<'a>,
        options: &'a RunOptions,
        ledger: &'a Ledger,
        observer: &'a dyn Observer,
        stop: &'a AtomicBool,
    ) -> Result<MoveReport, RunError> {
        let started = Instant::now();
        let jobs = options.jobs.max(1);
        let losses = &AtomicUsize::new(0);
        let workers = Workers { jobs, retry: &options.retry, observer, stop, losses };
        let run = Run { ports, options, ledger, workers };
        let inspected = inspect::inspect(ports, options, ledger)?;
        let id = ledger.begin_run(&inspected.source.label, &inspected.target.label, options)?;
        let mut verified_before = HashSet::new();
        for facts in &inspected.databases {
            ledger.add_database(&facts.name, facts.size_bytes)?;
            if ledger.database(&facts.name)?.phase == Some(Phase::Verified) {
                verified_before.insert(facts.name.clone());
            }
        }
        run.tell_accepted(&inspected);
        let mut word = Word {
            verify: CompareReport::of(options.sample),
            notes: inspected.notes.clone(),
            ..Word::default()
        };
        let end = run.all(&inspected.databases, &mut word);
        let summary = (end != RunEnd::Done).then(|| summary(&word));
        ledger.end_run(id, end, summary.as_deref(), &word)?;
        let mut report = run.report(id, &inspected, end)?;
        for database in &mut report.databases {
            database.by_earlier_run = verified_before.contains(&database.name);
        }
        report.notes = word.notes;
        report.open = word.open;
        report.errors = word.errors;
        report.verify = word.verify;
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    fn tell_accepted(&self, inspected: &Inspected) {
        let databases: Vec<String> =
            inspected.databases.iter().map(|facts| facts.name.clone()).collect();
        self.workers.tell(&Event::Accepted {
            source: &inspected.source,
            target: &inspected.target,
            tools: Some(&inspected.tools),
            databases: &databases,
            notes: &inspected.notes,
        });
    }

    /// Roles, then one database after the other. A database that somebody has to act on does not
    /// keep the others from being moved; servers that stay away do.
    fn all(&self, databases: &[DatabaseFacts], word: &mut Word) -> RunEnd {
        let Word { verify, notes, open, errors: problems } = word;
        if let Err(failure) = self.roles() {
            take(problems, None, failure);
        } else {
            for facts in databases {
                let failure = match self.database(&facts.name) {
                    Ok(mut outcome) => {
                        let left = std::mem::take(&mut outcome.open);
                        open.extend(
                            left.iter().map(|error| Problem::new(Some(&facts.name), error)),
                        );
                        notes.extend(inspect::of_database(&facts.name, verify.add(outcome)));
                        continue;
                    }
                    Err(failure) => failure,
                };
                let remedy = failure.remedy();
                take(problems, Some(&facts.name), failure);
                if !remedy.is_alone() || self.workers.is_stopping() {
                    break;
                }
            }
        }
        verify.skipped = !self.options.verify;
        if problems.is_empty()
            && let Err(failure) = self.compare_roles(verify)
        {
            take(problems, None, failure);
        }
        // Ctrl-C reaches child processes too: what fails after it is no news.
        let is_stopped = !problems.is_empty() && self.workers.is_stopping();
        if is_stopped {
            problems.clear();
            take(problems, None, Failure::stopped());
        }
        let finds_nothing = problems.is_empty() && open.is_empty() && verify.differences.is_empty();
        verify.judge(finds_nothing);
        match (is_stopped, problems.is_empty(), finds_nothing) {
            (true, _, _) => RunEnd::Stopped,
            (false, false, _) => RunEnd::Failed,
            (false, true, false) => RunEnd::Differs,
            (false, true, true) => RunEnd::Done,
        }
    }

    fn roles(&self) -> Result<(), Failure> {
        self.workers.go_on()?;
        if !self.options.roles {
            return Ok(());
        }
        let RunOptions { databases, overwrite, .. } = self.options;
        let earlier = self.ledger.roles()?;
        let Some(databases) = Roles::left(earlier.as_ref(), databases, *overwrite) else {
            return Ok(());
        };
        let report =
            self.workers.attempt(|| self.ports.servers.copy_roles(&databases, *overwrite))?;
        let mut not_carried = Vec::new();
        if !report.different.is_empty() {
            not_carried = role_differences(self.ports, &databases, self.workers)?;
            not_carried.retain(|found| report.different.contains(&found.name));
        }
        let roles = Roles::after(earlier, &report, not_carried);
        self.ledger.record_roles(&Roles { databases, overwrite: *overwrite, ..roles })?;
        self.workers.tell(&Event::RolesCarried(&report));
        Ok(())
    }

    /// Compares roles; without a comparison at least those that could not be carried, as long as they differ.
    fn compare_roles(&self, verify: &mut CompareReport) -> Result<(), Failure> {
        if !self.options.roles {
            return Ok(());
        }
        let known = self.ledger.roles()?.unwrap_or_default().not_carried;
        if verify.skipped && known.is_empty() {
            return Ok(());
        }
        self.workers.go_on()?;
        let mut found = role_differences(self.ports, &self.options.databases, self.workers)?;
        found.retain(|difference| !verify.skipped || known.contains(difference));
        verify.differences.extend(found);
        Ok(())
    }

    /// One database, opened anew as long as that helps.
    fn database(&self, name: &str) -> Result<Outcome, Failure> {
        let started = Instant::now();
        self.workers.go_on()?;
        let before = self.ledger.database(name)?;
        self.workers.tell(&Event::DatabaseBegins { database: name, reached: before.phase });
        let mut waits = self.options.retry.round_waits.iter();
        let result = loop {
            let job = database::Job {
                name,
                databases: self.ports.databases,
                overwrite: self.options.overwrite,
                verify: self.options.verify,
                sample: self.options.sample,
                build_memory_bytes: self.options.build_memory_bytes,
                ledger: self.ledger,
                workers: self.workers,
            };
            match job.run() {
                Err(failure) if matches!(failure.remedy(), Remedy::Retry | Remedy::Contended) => {
                    match waits.next() {
                        Some(wait) if self.workers.wait_after(failure.first(), *wait) => {}
                        _ => break Err(failure),
                    }
                }
                other => break other,
            }
        };
        let text = match &result {
            Err(_) if self.workers.is_stopping() => None,
            Ok(Outcome { open, differences, .. }) => {
                let left = open.first().map(|error| format!("left open: {error}"));
                left.or_else(|| {
                    let found = differences.first()?;
                    let count = differences.len();
                    Some(format!("{count} differences, first {} {}", found.kind, found.name))
                })
            }
            Err(failure) => Some(failure.first().to_string()),
        };
        self.ledger.leave_database(name, started.elapsed().as_secs_f64(), text.as_deref())?;
        self.workers.tell(&Event::DatabaseEnds {
            database: name,
            reached: self.ledger.database(name)?.phase,
            error: result.as_ref().err().map(Failure::first),
        });
        result
    }

    fn report(
        &self,
        id: i64,
        inspected: &Inspected,
        end: RunEnd,
    ) -> Result<MoveReport, LedgerError> {
        let (started, ended) = self.ledger.run_times(id)?;
        let databases = inspected
            .databases
            .iter()
            .map(|facts| self.database_report(&facts.name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(MoveReport {
            run: RunReport {
                id,
                source: inspected.source.label.clone(),
                source_version: inspected.source.version,
                target: inspected.target.label.clone(),
                target_version: inspected.target.version,
                state: end.word().to_owned(),
                started,
                ended,
            },
            databases,
            roles: if self.options.roles { self.ledger.roles()? } else { None },
            verify: CompareReport::default(),
            notes: Vec::new(),
            open: Vec::new(),
            errors: Vec::new(),
            seconds: 0.0,
            ledger: self.ledger.path().display().to_string(),
        })
    }

    fn database_report(&self, name: &str) -> Result<DatabaseReport, LedgerError> {
        let record = self.ledger.database(name)?;
        let (tables, mut others): (Vec<_>, Vec<_>) = self
            .ledger
            .copied_items(name)?
            .into_iter()
            .partition(|item| item.kind == ItemKind::Table.word());
        let large_objects = others.pop();
        Ok(DatabaseReport {
            name: name.to_owned(),
            phase: record.phase.map(Phase::word),
            by_earlier_run: false,
            verified: self.ledger.verified_at(name)?,
            rows: tables.iter().map(|table| table.rows).sum(),
            bytes: tables.iter().chain(&large_objects).map(|item| item.bytes).sum(),
            tables,
            large_objects,
            statistics: self.ledger.statistics(name)?,
            seconds: record.seconds,
        })
    }
}

pub(crate) fn role_differences(
    ports: Ports<'_>,
    databases: &[String],
    workers: Workers<'_>,
) -> Result<Vec<FoundDifference>, Failure> {
    let found = workers.attempt(|| ports.servers.role_differences(databases))?;
    Ok(found.into_iter().map(|difference| FoundDifference::new(None, difference)).collect())
}

pub(crate) fn take(problems: &mut Vec<Problem>, database: Option<&str>, failure: Failure) {
    let errors = failure.into_errors();
    problems.extend(errors.iter().map(|error| Problem::new(database, error)));
}

/// One line for the ledger: the first thing that went wrong, and how many more there are.
fn summary(word: &Word) -> String {
    let problems = if word.errors.is_empty() { &word.open } else { &word.errors };
    match problems.first() {
        Some(first) if problems.len() == 1 => format!("{}: {}", first.what, first.why),
        Some(first) => {
            format!("{}: {} (and {} more)", first.what, first.why, problems.len() - 1)
        }
        None => format!("{} differences found", word.verify.differences.len()),
    }
}
