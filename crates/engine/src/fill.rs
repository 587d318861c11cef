//! Rows, and the indexes and keys on them: copied and built by the same threads, so that none waits while another table is copied.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError, mpsc};
use std::thread;

use flexway_core::migrate::{Contents, MoveError, Phase, Remedy, Table};
use flexway_core::port::Database;

use crate::copy::{self, Copy, Unit};
use crate::entries::{Beside, Builder, Entries};
use crate::failure::Failure;
use crate::ledger::{DatabaseRecord, Ledger};
use crate::marks::Marks;
use crate::memory::Memory;
use crate::observe::{Event, Work};
use crate::queue::{Queue, Taken, Task};
use crate::workers::{Workers, guard};

/// Weight of what goes before all tables: nobody knows how long the one stream of large objects takes, and no build can begin before
/// the list of them is there.
const FIRST: u64 = u64::MAX;

/// A target that crashes more often within one move needs somebody's eyes.
const PASSES_MAX: u32 = 20;

/// What the rows of one database and what is built on them need.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) workers: Workers<'a>,
    pub(crate) ledger: &'a Ledger,
    pub(crate) name: &'a str,
    pub(crate) record: &'a DatabaseRecord,
    pub(crate) database: &'a dyn Database,
    pub(crate) contents: &'a Contents,
    pub(crate) memory: &'a Memory,
}

impl Job<'_> {
    /// Copies and builds what the target lacks; `reached` is told when all rows are there and when all is built. Gives what is left
    /// open.
    ///
    /// A target that crashed may have lost what it had told to be done a moment before. So after a step that had to be tried again,
    /// all is looked through once more: what the target has by its own notes is left alone.
    pub(crate) fn fill(
        &self,
        reached: &(dyn Fn(Phase) -> Result<(), Failure> + Sync),
    ) -> Result<Vec<MoveError>, Failure> {
        for _ in 0..PASSES_MAX {
            let losses = || self.workers.losses.load(Ordering::SeqCst);
            let before = losses();
            let is_sure = || losses() == before;
            let copied = || if is_sure() { reached(Phase::Copied) } else { Ok(()) };
            let result = self.pass(&copied);
            if is_sure() {
                return match result {
                    Err(failure) if failure.remedy() == Remedy::Open => Ok(failure.into_errors()),
                    other => other.and_then(|()| reached(Phase::PostData)).map(|()| Vec::new()),
                };
            }
            self.ledger.doubt_entries(self.name)?;
            match result {
                // Rows that a crash took back leave errors behind, such as a key that misses what it refers to.
                Err(failure) if matches!(failure.remedy(), Remedy::Act | Remedy::Open) => {}
                other => other?,
            }
        }
        Err(Failure::from(MoveError {
            what: format!("fill database {}", self.name),
            why: "its connections break again and again".to_owned(),
            help: "look at the log of the target, then run the same command again".to_owned(),
            remedy: Remedy::Act,
        }))
    }

    /// Copies and builds once what the target lacks.
    fn pass(&self, copied: &(dyn Fn() -> Result<(), Failure> + Sync)) -> Result<(), Failure> {
        let Job { workers, ledger, name, record, database, contents, memory } = *self;
        let data = database.data();
        let marks = &Marks::new(ledger, name, data, workers);
        let copy = Copy { workers, database: name, data, marks };
        let builder = Builder { workers, database: name, schema: database.schema(), marks, memory };
        let is_copied = record.phase >= Some(Phase::Copied);
        let units = if is_copied { Vec::new() } else { copy::units(&copy, ledger, contents)? };
        let floor = Floor {
            workers,
            ledger,
            copy,
            builder,
            unit_of: unit_of(&units),
            sizes: sizes(contents),
            state: Mutex::new(State::new(&units)),
            entries: OnceLock::new(),
            changed: Condvar::new(),
            units,
        };
        let (over, is_over) = mpsc::channel::<()>();
        let result = thread::scope(|scope| {
            scope.spawn(move || marks.tick(&is_over));
            let result = floor.run(|| {
                if is_copied {
                    return Ok(());
                }
                workers.attempt(|| marks.write())?;
                copied()
            });
            drop(over);
            result
        });
        // Also after a failure: what was done is not to be done again.
        let written = workers.attempt(|| marks.write());
        result?;
        Ok(written?)
    }
}

/// Schema and name of a table.
type Name = (String, String);

/// How large each table is.
fn sizes(contents: &Contents) -> HashMap<Name, u64> {
    let name = |table: &Table| (table.schema.clone(), table.name.clone());
    contents.tables.iter().map(|table| (name(table), table.size_bytes)).collect()
}

/// Which unit copies a table.
fn unit_of(units: &[Unit<'_>]) -> HashMap<Name, usize> {
    let tables = units.iter().enumerate().filter_map(|(index, unit)| Some((index, unit.table?)));
    tables.map(|(index, table)| ((table.schema.clone(), table.name.clone()), index)).collect()
}

/// What the threads share.
struct State {
    queue: Queue,
    errors: Vec<MoveError>,
    /// Parts that may need the rows of others (a check calls a function that reads another table): tried once more after these, as
    /// long as that helps some.
    later: Vec<(Task, MoveError)>,
    /// How many parts were tried when the last such round began.
    tried: usize,
    /// Entries that failed beside the others.
    failed: Vec<usize>,
    /// The servers are away, or the run was asked to stop: nothing more is taken.
    is_halted: bool,
}

impl State {
    fn new(units: &[Unit<'_>]) -> State {
        let mut queue = Queue::default();
        queue.add(FIRST, Task::List);
        for (index, unit) in units.iter().enumerate() {
            let weight = if unit.table.is_some() { unit.size_bytes } else { FIRST };
            queue.add_unit(index, weight, unit.parts.len());
        }
        let tried = units.iter().map(|unit| unit.parts.len()).sum();
        let (errors, later, failed) = (Vec::new(), Vec::new(), Vec::new());
        State { queue, errors, later, tried, failed, is_halted: false }
    }

    /// Puts back what may succeed now, or gives it up.
    fn try_later_ones(&mut self, units: &[Unit<'_>]) {
        let later = std::mem::take(&mut self.later);
        if later.len() == self.tried {
            self.errors.extend(later.into_iter().map(|(_, error)| error));
            return;
        }
        self.tried = later.len();
        for (task, _) in later {
            if let Task::Copy { unit, .. } = task {
                self.queue.add(units[unit].size_bytes, task);
            }
        }
    }
}

struct Floor<'a> {
    workers: Workers<'a>,
    ledger: &'a Ledger,
    copy: Copy<'a>,
    builder: Builder<'a>,
    units: Vec<Unit<'a>>,
    unit_of: HashMap<Name, usize>,
    sizes: HashMap<Name, u64>,
    entries: OnceLock<Entries>,
    state: Mutex<State>,
    changed: Condvar,
}

impl Floor<'_> {
    /// Runs the queue dry, then builds the rest. `copied` is called once, when all rows are there.
    fn run(&self, copied: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
        thread::scope(|scope| {
            for worker in (1..).take(self.workers.jobs) {
                scope.spawn(move || self.work(worker));
            }
        });
        let database = self.copy.database;
        self.workers.tell(&Event::WorkEnds { database, work: Work::Copy });
        let (is_copied, errors, failed) = {
            let mut state = guard(&self.state);
            let errors = std::mem::take(&mut state.errors);
            (state.queue.is_copied(), errors, std::mem::take(&mut state.failed))
        };
        let result = Failure::unless_empty(errors)
            .and_then(|()| self.workers.go_on())
            .and_then(|()| if is_copied { copied() } else { Err(Failure::stopped()) })
            .and_then(|()| match self.entries.get() {
                Some(entries) => self.builder.rest(entries, failed),
                None => Err(Failure::stopped()),
            });
        self.workers.tell(&Event::WorkEnds { database, work: Work::Build });
        result
    }

    /// One thread: takes tasks until none is left and none can come.
    fn work(&self, worker: u32) {
        while let Some(taken) = self.take() {
            let result = self.one(taken, worker);
            let mut state = guard(&self.state);
            state.queue.ended(taken.task, result.is_ok());
            match (result, taken.task) {
                (Ok(()), Task::List) => self.add_builds(&mut state),
                (Ok(()), Task::Copy { .. } | Task::Build(_)) => {}
                (Err(error), Task::Build(entry))
                    if error.remedy.is_alone() || error.remedy == Remedy::Open =>
                {
                    state.failed.push(entry);
                }
                (Err(error), task) if error.remedy == Remedy::Later => {
                    state.later.push((task, error));
                }
                (Err(error), _) => {
                    state.is_halted |= !error.remedy.is_alone();
                    state.errors.push(error);
                }
            }
            self.changed.notify_all();
        }
    }

    fn one(&self, taken: Taken, worker: u32) -> Result<(), MoveError> {
        match taken.task {
            Task::List => {
                let entries = self.builder.list(self.ledger)?;
                // There is one such task.
                let _ = self.entries.set(entries);
                Ok(())
            }
            Task::Copy { unit, part } => self.copy.part(&self.units[unit], part, worker),
            Task::Build(entry) => match self.entries.get() {
                Some(entries) => {
                    let table_bytes = self.table_bytes(entries.table(entry));
                    let beside =
                        Beside { table_bytes, more: taken.more, may_spread: taken.may_spread };
                    self.builder.one(entries, entry, Some(beside), worker)
                }
                None => Ok(()),
            },
        }
    }

    fn take(&self) -> Option<Taken> {
        let mut state = guard(&self.state);
        loop {
            if state.is_halted || self.workers.is_stopping() {
                return None;
            }
            if state.queue.is_copy_idle() && !state.later.is_empty() {
                state.try_later_ones(&self.units);
            }
            if let Some(taken) = state.queue.take(self.workers.jobs) {
                return Some(taken);
            }
            if state.queue.is_idle() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How large a table is; of a partitioned one nobody knows.
    fn table_bytes(&self, table: Option<&Name>) -> u64 {
        table.and_then(|table| self.sizes.get(table)).copied().unwrap_or(0)
    }

    /// Puts the builds where they wait for their tables. Each weighs what its table does.
    fn add_builds(&self, state: &mut State) {
        let Some(entries) = self.entries.get() else { return };
        for (entry, table) in entries.independent() {
            let weight = self.table_bytes(table);
            match table.and_then(|table| self.unit_of.get(table)) {
                Some(&unit) => state.queue.add_build(entry, unit, weight),
                // Its rows came before.
                None if weight > 0 => state.queue.add(weight, Task::Build(entry)),
                None => state.queue.add_build_on_all(entry),
            }
        }
    }
}
