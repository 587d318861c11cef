//! Copies a database's rows: many tables at once, largest first.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flexway_core::migrate::{Contents, Copied, CopyProgress, MoveError, Remedy, Table};
use flexway_core::port::Data;

use crate::failure::Failure;
use crate::ledger::{ItemKind, Ledger, qualified, recorded};
use crate::observe::{Amount, Event, LARGE_OBJECTS, Work};
use crate::workers::{Workers, guard};

/// How often running counters go to the ledger for readers of the status: fresh for people, one
/// small transaction for the disk.
const TICK: Duration = Duration::from_secs(1);

/// One stream of rows.
struct Unit<'a> {
    kind: ItemKind,
    name: String,
    size_bytes: u64,
    /// `None` for the large objects.
    table: Option<&'a Table>,
}

/// Counters of the units that are being copied.
type Running = Mutex<BTreeMap<String, (ItemKind, Arc<CopyProgress>)>>;

/// Copies what the ledger does not know as copied.
pub(crate) fn copy(
    workers: Workers<'_>,
    ledger: &Ledger,
    database: &str,
    data: &dyn Data,
    contents: &Contents,
) -> Result<(), Failure> {
    let units = remaining(workers, ledger, database, contents)?;
    let running = Running::default();
    let one = |unit: &Unit<'_>| -> Result<(), MoveError> {
        recorded(ledger.begin_item(database, unit.kind, &unit.name))?;
        let progress = Arc::new(CopyProgress::default());
        guard(&running).insert(unit.name.clone(), (unit.kind, Arc::clone(&progress)));
        let result = copy_unit(workers, database, data, unit, &progress);
        guard(&running).remove(&unit.name);
        match result {
            Ok((copied, seconds)) => {
                recorded(ledger.finish_item(database, unit.kind, &unit.name, copied, seconds))
            }
            Err(error) => {
                if error.remedy != Remedy::Stopped {
                    recorded(ledger.fail_item(database, unit.kind, &unit.name, &error.why))?;
                }
                Err(error)
            }
        }
    };
    let (over, is_over) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(|| tick(ledger, database, &running, is_over));
        let result = in_rounds(workers, units, &one);
        drop(over);
        result
    });
    workers.tell(&Event::WorkEnds { database, work: Work::Copy });
    result
}

/// Copies the units; those that may need the rows of others (a check calls a function that reads
/// another table) once more after these, as long as that helps some.
fn in_rounds<'a>(
    workers: Workers<'_>,
    mut units: Vec<Unit<'a>>,
    one: &(dyn Fn(&Unit<'a>) -> Result<(), MoveError> + Sync),
) -> Result<(), Failure> {
    let mut errors = Vec::new();
    loop {
        let later = Mutex::new(Vec::new());
        let count = units.len();
        let result = workers.each(units, &|unit| match one(&unit) {
            Err(error) if error.remedy == Remedy::Later => {
                guard(&later).push((unit, error));
                Ok(())
            }
            other => other,
        });
        match result {
            Err(failure) if failure.remedy() == Remedy::Act => errors.extend(failure.into_errors()),
            other => other?,
        }
        let later = later.into_inner().unwrap_or_else(PoisonError::into_inner);
        if later.is_empty() || later.len() == count {
            errors.extend(later.into_iter().map(|(_, error)| error));
            return Failure::unless_empty(errors);
        }
        units = later.into_iter().map(|(unit, _)| unit).collect();
    }
}

/// Units in the order of work: large objects first, since nobody knows how long their one stream
/// takes; then tables, largest first.
fn remaining<'a>(
    workers: Workers<'_>,
    ledger: &Ledger,
    database: &str,
    contents: &'a Contents,
) -> Result<Vec<Unit<'a>>, Failure> {
    let mut tables: Vec<&Table> = contents.tables.iter().collect();
    tables.sort_by_key(|table| std::cmp::Reverse(table.size_bytes));
    let mut tables: Vec<Unit<'_>> = tables
        .into_iter()
        .map(|table| Unit {
            kind: ItemKind::Table,
            name: qualified(&table.schema, &table.name),
            size_bytes: table.size_bytes,
            table: Some(table),
        })
        .collect();
    let mut units: Vec<Unit<'_>> = (contents.large_object_count > 0)
        .then(|| Unit {
            kind: ItemKind::LargeObjects,
            name: LARGE_OBJECTS.to_owned(),
            size_bytes: 0,
            table: None,
        })
        .into_iter()
        .collect();
    let (count, size_bytes) = (tables.len(), total_bytes(&tables));
    retain_open(ledger, database, ItemKind::LargeObjects, &mut units)?;
    retain_open(ledger, database, ItemKind::Table, &mut tables)?;
    let amount = Amount {
        units: count,
        units_done: count - tables.len(),
        large_objects: if units.is_empty() { 0 } else { contents.large_object_count },
        size_bytes,
        size_done_bytes: size_bytes - total_bytes(&tables),
    };
    workers.tell(&Event::WorkBegins { database, work: Work::Copy, amount });
    units.extend(tables);
    Ok(units)
}

fn total_bytes(units: &[Unit<'_>]) -> u64 {
    units.iter().map(|unit| unit.size_bytes).sum()
}

/// Writes the units of one kind down and leaves those that the ledger does not know as copied.
fn retain_open(
    ledger: &Ledger,
    database: &str,
    kind: ItemKind,
    units: &mut Vec<Unit<'_>>,
) -> Result<(), Failure> {
    let items: Vec<(String, u64)> =
        units.iter().map(|unit| (unit.name.clone(), unit.size_bytes)).collect();
    let done = ledger.add_items(database, kind, &items)?;
    units.retain(|unit| !done.contains(&unit.name));
    Ok(())
}

/// Copies one unit, again when that helps: a repeated copy begins by emptying the table.
fn copy_unit(
    workers: Workers<'_>,
    database: &str,
    data: &dyn Data,
    unit: &Unit<'_>,
    progress: &Arc<CopyProgress>,
) -> Result<(Copied, f64), MoveError> {
    let (work, name) = (Work::Copy, unit.name.as_str());
    let started = Instant::now();
    let size_bytes = unit.size_bytes;
    workers.tell(&Event::UnitBegins { database, work, name, size_bytes, progress });
    let result = workers.attempt(|| {
        progress.rows.store(0, Ordering::Relaxed);
        progress.bytes.store(0, Ordering::Relaxed);
        match unit.table {
            Some(table) => data.copy_table(table, progress, workers.stop),
            None => data.copy_large_objects(progress, workers.stop),
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let told = result.as_ref().map(|copied| *copied);
    workers.tell(&Event::UnitEnds { database, work, name, result: told, seconds });
    result.map(|copied| (copied, seconds))
}

/// Writes running counters to the ledger until the work is over. A failed write is left to the next
/// record of the run to report.
fn tick(ledger: &Ledger, database: &str, running: &Running, is_over: mpsc::Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(TICK) {
        let counters: Vec<(ItemKind, String, Copied)> = guard(running)
            .iter()
            .map(|(name, (kind, progress))| {
                let copied = Copied {
                    rows: progress.rows.load(Ordering::Relaxed),
                    bytes: progress.bytes.load(Ordering::Relaxed),
                };
                (*kind, name.clone(), copied)
            })
            .collect();
        let _ = ledger.tick_items(database, &counters);
    }
}
