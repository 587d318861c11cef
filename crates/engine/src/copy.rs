//! Units of rows, each a table or all large objects: their parts, and what became of them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use flexway_core::history::{Span, SpanKind};
use flexway_core::migrate::{Contents, Copied, CopyProgress, MoveError, Part, Remedy, Table};
use flexway_core::port::Data;

use crate::clock::Stopwatch;
use crate::failpoint;
use crate::failure::Failure;
use crate::ledger::{ItemKind, Ledger, Mark, qualified};
use crate::marks::Marks;
use crate::observe::{Amount, Event, LARGE_OBJECTS, Work};
use crate::workers::{Workers, guard};

/// Rows that belong together.
pub(crate) struct Unit<'a> {
    kind: ItemKind,
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
    /// `None` for the large objects.
    pub(crate) table: Option<&'a Table>,
    /// Parts that are still to be copied; the large objects are one part without description.
    pub(crate) parts: Vec<Option<Part>>,
    /// Whether it has more parts than one, with those that the target has.
    is_cut: bool,
    /// What the target has, live.
    pub(crate) progress: Arc<CopyProgress>,
    state: Mutex<State>,
}

/// How far a unit has come.
struct State {
    /// What the target has of it.
    arrived: Option<Copied>,
    parts_left: usize,
    /// Set while it is being worked on, and when its end was told.
    started: Option<Instant>,
    is_over: bool,
}

impl<'a> Unit<'a> {
    /// A table with its parts.
    fn of_table(table: &'a Table, parts: Vec<Part>) -> Unit<'a> {
        let is_cut = parts.len() > 1;
        let (arrived, left): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| part.arrived.is_some());
        let arrived = arrived.iter().filter_map(|part| part.arrived).reduce(Copied::and);
        let name = qualified(&table.schema, &table.name);
        let mut left: Vec<Option<Part>> = left.into_iter().map(Some).collect();
        // Most tables have one part, and a list that grew has room for four.
        left.shrink_to_fit();
        let unit = Unit::new((ItemKind::Table, name), table.size_bytes, Some(table), left, arrived);
        Unit { is_cut, ..unit }
    }

    fn new(
        (kind, name): (ItemKind, String),
        size_bytes: u64,
        table: Option<&'a Table>,
        parts: Vec<Option<Part>>,
        arrived: Option<Copied>,
    ) -> Unit<'a> {
        let parts_left = parts.len();
        let progress = CopyProgress::default();
        let before = arrived.unwrap_or_default();
        progress.rows.store(before.rows, Ordering::Relaxed);
        progress.bytes.store(before.bytes, Ordering::Relaxed);
        let state = State { arrived, parts_left, started: None, is_over: false };
        let (progress, state) = (Arc::new(progress), Mutex::new(state));
        Unit { kind, name, size_bytes, table, parts, is_cut: false, progress, state }
    }
}

/// Rows of one database on their way.
pub(crate) struct Copy<'a> {
    pub(crate) workers: Workers<'a>,
    pub(crate) database: &'a str,
    pub(crate) data: &'a dyn Data,
    pub(crate) marks: &'a Marks<'a>,
}

impl Copy<'_> {
    /// Copies one part, again when that helps, and tells when the unit is over.
    pub(crate) fn part(&self, unit: &Unit<'_>, part: usize, worker: u32) -> Result<(), MoveError> {
        self.begin(unit);
        let watch = Stopwatch::start();
        let result = self.workers.attempt(|| match (unit.table, &unit.parts[part]) {
            (Some(table), Some(part)) => {
                self.data.copy_part(table, part, &unit.progress, self.workers.stop)
            }
            (None, _) | (_, None) => {
                unit.progress.rows.store(0, Ordering::Relaxed);
                unit.progress.bytes.store(0, Ordering::Relaxed);
                self.data.copy_large_objects(&unit.progress, self.workers.stop)
            }
        });
        let moved = result.as_ref().copied().unwrap_or_default();
        self.marks.span(Span {
            part: unit.parts[part].as_ref().map(|part| part.number).filter(|_| unit.is_cut),
            worker: Some(worker),
            rows: moved.rows,
            bytes: moved.bytes,
            is_done: result.is_ok(),
            ..watch.span(self.database, SpanKind::Copy, &unit.name)
        });
        match result {
            Ok(copied) => {
                failpoint::reach("part");
                let over = {
                    let mut state = guard(&unit.state);
                    let arrived = state.arrived.map_or(copied, |before| before.and(copied));
                    state.arrived = Some(arrived);
                    state.parts_left -= 1;
                    (state.parts_left == 0).then_some(arrived)
                };
                if let Some(arrived) = over {
                    self.end(unit, Ok(arrived));
                }
                Ok(())
            }
            Err(error) => {
                self.end(unit, Err(&error));
                Err(error)
            }
        }
    }

    fn begin(&self, unit: &Unit<'_>) {
        let mut state = guard(&unit.state);
        if state.started.is_some() && !state.is_over {
            return;
        }
        state.started = Some(Instant::now());
        state.is_over = false;
        self.marks.begin(unit.kind, &unit.name, Some(&unit.progress));
        self.workers.tell(&Event::UnitBegins {
            database: self.database,
            work: Work::Copy,
            name: &unit.name,
            size_bytes: unit.size_bytes,
            progress: &unit.progress,
        });
    }

    /// Tells the end of a unit once, even when several of its parts fail.
    fn end(&self, unit: &Unit<'_>, result: Result<Copied, &MoveError>) {
        let mut state = guard(&unit.state);
        if std::mem::replace(&mut state.is_over, true) {
            return;
        }
        let seconds = state.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
        let mark = match result {
            Ok(copied) => Some(Mark::Done(copied, seconds)),
            Err(error) if error.remedy == Remedy::Stopped => None,
            Err(error) => Some(Mark::Failed(error.why.clone())),
        };
        self.marks.end(unit.kind, &unit.name, mark);
        let (database, work, name) = (self.database, Work::Copy, unit.name.as_str());
        self.workers.tell(&Event::UnitEnds { database, work, name, result, seconds });
    }
}

/// The large objects, when there are any, then the tables, each with what is still to be copied. Those that the target has are
/// written down as done.
pub(crate) fn units<'a>(
    copy: &Copy<'_>,
    ledger: &Ledger,
    contents: &'a Contents,
) -> Result<Vec<Unit<'a>>, Failure> {
    let parts = copy.workers.attempt(|| copy.data.begin())?;
    let mut units: Vec<Unit<'a>> = contents
        .tables
        .iter()
        .zip(parts)
        .map(|(table, parts)| Unit::of_table(table, parts))
        .collect();
    let items: Vec<(String, u64)> =
        units.iter().map(|unit| (unit.name.clone(), unit.size_bytes)).collect();
    let known = ledger.add_items(copy.database, ItemKind::Table, &items)?;
    let (count, size_bytes) = (units.len(), total_bytes(&units));
    for unit in units.iter().filter(|unit| unit.parts.is_empty() && !known.contains(&unit.name)) {
        let arrived = guard(&unit.state).arrived.unwrap_or_default();
        copy.marks.end(unit.kind, &unit.name, Some(Mark::Done(arrived, 0.0)));
    }
    units.retain(|unit| !unit.parts.is_empty());
    copy.marks.expect(units.iter().map(|unit| (unit.name.clone(), unit.size_bytes)));
    let mut large_objects = contents.large_object_count;
    if large_objects > 0 {
        let kind = ItemKind::LargeObjects;
        let done = ledger.add_items(copy.database, kind, &[(LARGE_OBJECTS.to_owned(), 0)])?;
        if done.is_empty() {
            let unit = Unit::new((kind, LARGE_OBJECTS.to_owned()), 0, None, vec![None], None);
            units.insert(0, unit);
        } else {
            large_objects = 0;
        }
    }
    let tables_left = units.iter().filter(|unit| unit.table.is_some()).count();
    let amount = Amount {
        units: count,
        units_done: count - tables_left,
        large_objects,
        size_bytes,
        size_done_bytes: size_bytes - total_bytes(&units),
    };
    copy.workers.tell(&Event::WorkBegins { database: copy.database, work: Work::Copy, amount });
    Ok(units)
}

fn total_bytes(units: &[Unit<'_>]) -> u64 {
    units.iter().map(|unit| unit.size_bytes).sum()
}
