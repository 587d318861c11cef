//! One database from its last complete phase to the end.

use std::sync::Mutex;

use flexway_core::migrate::{Contents, Finished, MoveError, Phase, Remedy, Sample};
use flexway_core::port::{Database, Databases};

use crate::clock::Stopwatch;
use crate::compare::Read;
use crate::failure::Failure;
use crate::ledger::{DatabaseRecord, Ledger, recorded};
use crate::memory::Memory;
use crate::observe::Event;
use crate::report::{FoundDifference, Sampled};
use crate::workers::{Workers, guard};
use crate::{compare, failpoint, fill};

/// What a comparison of a database came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) differences: Vec<FoundDifference>,
    /// What is worth knowing and no difference, a sentence each.
    pub(crate) notes: Vec<String>,
    /// Steps that failed and that nothing else needed.
    pub(crate) open: Vec<MoveError>,
    pub(crate) tables_compared: u64,
    pub(crate) rows_compared: u64,
    /// What of it was a sample.
    pub(crate) sampled: Sampled,
}

/// Everything that moving one database needs.
pub(crate) struct Job<'a> {
    pub(crate) name: &'a str,
    pub(crate) databases: &'a dyn Databases,
    pub(crate) overwrite: bool,
    pub(crate) verify: bool,
    pub(crate) sample: Option<Sample>,
    pub(crate) build_memory_bytes: Option<u64>,
    pub(crate) ledger: &'a Ledger,
    pub(crate) workers: Workers<'a>,
}

impl Job<'_> {
    /// Goes on from the last complete phase. What is recorded as done is not done again.
    pub(crate) fn run(&self) -> Result<Outcome, Failure> {
        let record = self.ledger.database(self.name)?;
        if record.phase == Some(Phase::Verified) {
            return Ok(Outcome {
                tables_compared: record.tables_compared,
                rows_compared: record.rows_compared,
                ..Outcome::default()
            });
        }
        self.prepare(&record)?;
        self.workers.go_on()?;
        let database = self.workers.attempt(|| self.databases.open(self.name))?;
        self.pre_data(&record, database.as_ref())?;
        let Finished { mut notes, open, .. } = self.fill(&record, database.as_ref())?;
        self.note(&notes);
        if !self.verify {
            return Ok(Outcome { notes, open, ..Outcome::default() });
        }
        let mut outcome = self.verify(database.as_ref(), open.is_empty())?;
        self.note(&outcome.notes);
        notes.append(&mut outcome.notes);
        Ok(Outcome { notes, open, ..outcome })
    }

    fn note(&self, notes: &[String]) {
        for text in notes {
            self.workers.tell(&Event::Noted { database: self.name, text });
        }
    }

    /// Makes the target database. One in which a broken run may have left objects is emptied: they
    /// are this ledger's own.
    fn prepare(&self, record: &DatabaseRecord) -> Result<(), Failure> {
        let is_needed = record.phase < Some(Phase::Prepared)
            || (record.phase < Some(Phase::PreData) && (record.is_touched || self.overwrite));
        if !is_needed {
            return Ok(());
        }
        self.workers.go_on()?;
        let overwrite = self.overwrite || record.is_touched;
        self.phase(Phase::Prepared, || {
            let ended = self.workers.attempt(|| self.databases.prepare(self.name, overwrite))?;
            if ended > 0 {
                self.workers.tell(&Event::SessionsEnded { database: self.name, count: ended });
            }
            recorded(self.ledger.set_touched(self.name, false))
        })
    }

    /// Makes the schema before the data, in one transaction.
    ///
    /// It is not tried again at once: when the connection is lost nobody knows whether the
    /// transaction was committed. The mark makes the next round, or the next run, begin with an
    /// emptied database.
    fn pre_data(&self, record: &DatabaseRecord, database: &dyn Database) -> Result<(), Failure> {
        if record.phase >= Some(Phase::PreData) {
            return Ok(());
        }
        self.workers.go_on()?;
        self.ledger.set_touched(self.name, true)?;
        let result = self.phase(Phase::PreData, || database.schema().pre_data(self.workers.jobs));
        if let Err(failure) = &result
            && failure.remedy() == Remedy::Act
        {
            self.ledger.set_touched(self.name, false)?;
        }
        result
    }

    /// Rows, indexes and the rest, sequences. A phase that leaves something open is not complete, nor is a later one.
    fn fill(&self, record: &DatabaseRecord, database: &dyn Database) -> Result<Finished, Failure> {
        if record.phase >= Some(Phase::Finished) {
            return Ok(Finished::default());
        }
        let mut open = Vec::new();
        self.workers.go_on()?;
        let contents: Contents = self.workers.attempt(|| database.data().contents())?;
        if record.phase < Some(Phase::PostData) {
            let watch = Stopwatch::start();
            let reached = |phase| self.end_phase(phase, watch);
            let memory = self.build_memory(database)?;
            let job = fill::Job {
                workers: self.workers,
                ledger: self.ledger,
                name: self.name,
                record,
                database,
                contents: &contents,
                memory: &memory,
            };
            open = job.fill(&reached)?;
        }
        self.workers.go_on()?;
        let Workers { jobs, stop, .. } = self.workers;
        let watch = Stopwatch::start();
        let mut finished =
            self.workers.attempt(|| database.data().finish(&contents, jobs, stop))?;
        for error in &finished.open {
            self.workers.tell(&Event::LeftOpen { database: self.name, error });
        }
        let statistics = &finished.statistics;
        self.workers.tell(&Event::StatisticsSettled { database: self.name, statistics });
        self.ledger.set_statistics(self.name, statistics)?;
        finished.open.splice(..0, open);
        if finished.open.is_empty() {
            self.workers.attempt(|| database.schema().last(stop))?;
            self.end_phase(Phase::Finished, watch)?;
        }
        Ok(finished)
    }

    fn build_memory(&self, database: &dyn Database) -> Result<Memory, Failure> {
        let mut target = self.workers.attempt(|| database.schema().build_memory())?;
        target.all_bytes = self.build_memory_bytes.unwrap_or(target.all_bytes);
        Ok(Memory::new(target, self.workers.jobs))
    }

    fn verify(&self, database: &dyn Database, is_finished: bool) -> Result<Outcome, Failure> {
        self.workers.go_on()?;
        let watch = Stopwatch::start();
        let sent = self.ledger.sent(self.name)?;
        let spans = Mutex::new(Vec::new());
        let record = |span| guard(&spans).push(span);
        let read = self.sample.map_or(Read::All(&sent), Read::Share);
        let outcome = compare::compare(self.workers, self.name, database.compare(), read, &record);
        self.ledger.add_spans(&guard(&spans))?;
        let outcome = outcome?;
        // After a sample it is not known to be equal: a later run may compare it all.
        if outcome.differences.is_empty() && self.sample.is_none() && is_finished {
            let (tables, rows) = (outcome.tables_compared, outcome.rows_compared);
            self.ledger.set_compared(self.name, tables, rows)?;
            self.end_phase(Phase::Verified, watch)?;
        }
        Ok(outcome)
    }

    /// Does the work of a phase and records it as complete.
    fn phase<E>(&self, phase: Phase, work: impl FnOnce() -> Result<(), E>) -> Result<(), Failure>
    where
        Failure: From<E>,
    {
        let watch = Stopwatch::start();
        work()?;
        self.end_phase(phase, watch)
    }

    fn end_phase(&self, phase: Phase, watch: Stopwatch) -> Result<(), Failure> {
        failpoint::reach(phase.word());
        self.ledger.set_phase(self.name, phase, &watch)?;
        self.workers.tell(&Event::PhaseEnds {
            database: self.name,
            phase,
            seconds: watch.seconds(),
        });
        Ok(())
    }
}
