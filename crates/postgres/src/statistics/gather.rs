//! Statistics that the target gathers by reading its own rows.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use flexway_core::migrate::{MoveError, Remedy};

use super::CARRIED_SINCE;
use super::facts::Relation;
use crate::ask::{Outcome, run_unless};
use crate::content::qualified;
use crate::pool::{Pool, side_by_side};
use crate::{Session, quote_ident};

const WHAT: &str = "gather statistics";

/// Small tables that share a statement.
const TABLES_PER_STATEMENT: usize = 50;
/// Larger tables get a statement of their own, which takes a tenth of a second.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// First version whose `ANALYZE` takes several tables.
const LISTS_SINCE: u32 = 110_000;

/// A table of which statistics are to be gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) schema: String,
    pub(super) name: String,
    /// The columns that it is about; empty for all, with what indexes and extended statistics are on.
    pub(super) columns: Vec<String>,
    pub(super) size_bytes: u64,
}

impl Task {
    /// All statistics of a table.
    pub(super) fn whole(relation: Relation) -> Task {
        let Relation { schema, name, size_bytes, .. } = relation;
        Task { schema, name, columns: Vec::new(), size_bytes }
    }

    /// Larger is later; of equal ones the first by name is.
    pub(super) fn order(&self) -> (u64, Reverse<(&str, &str)>) {
        (self.size_bytes, Reverse((&self.schema, &self.name)))
    }

    /// As people read it.
    pub(super) fn plain(&self) -> String {
        match self.columns.as_slice() {
            [] => format!("{}.{}", self.schema, self.name),
            columns => format!("{}.{} ({})", self.schema, self.name, columns.join(", ")),
        }
    }

    /// As it stands after `ANALYZE`.
    fn sql(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|name| quote_ident(name)).collect();
        let list =
            if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
        format!("{}{list}", qualified(&self.schema, &self.name))
    }
}

/// Gathers them by `jobs` sessions, in the order given. Gives the tables that failed, a sentence each.
pub(super) fn gather(
    target: &Pool,
    tasks: Vec<Task>,
    jobs: usize,
    stop: &AtomicBool,
) -> Outcome<Vec<String>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let version = target.with(|target| Ok(target.version().number))?;
    let groups = groups(tasks, version);
    let jobs = jobs.clamp(1, groups.len());
    let queue = Mutex::new(groups);
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    side_by_side(jobs, || {
        let mut notes = Vec::new();
        while let Some(group) = take() {
            notes.extend(target.with(|target| analyze(target, &group, stop))?);
        }
        Ok(notes)
    })
}

/// Tables in groups for one statement each.
fn groups(tasks: Vec<Task>, version: u32) -> VecDeque<Vec<Task>> {
    let is_small = |task: &Task| task.size_bytes < SMALL_BYTES_MAX && version >= LISTS_SINCE;
    let (small, large): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(is_small);
    let small = small.chunks(TABLES_PER_STATEMENT).map(<[Task]>::to_vec);
    large.into_iter().map(|task| vec![task]).chain(small).collect()
}

/// Whether the table is to blame: the connection holds, and nobody asked to stop. A foreign partition that cannot be reached fails with
/// codes of lost connections.
fn is_of_table(target: &Session, error: &MoveError) -> bool {
    !target.is_lost() && error.remedy != Remedy::Stopped
}

/// Tables of a group together, and where one fails, one by one. Where each partition is a task of its own, a table comes without them.
fn analyze(target: &mut Session, group: &[Task], stop: &AtomicBool) -> Outcome<Vec<String>> {
    let only = if target.version().number >= CARRIED_SINCE { "ONLY " } else { "" };
    let list: Vec<String> = group.iter().map(|task| format!("{only}{}", task.sql())).collect();
    match run_unless(stop, target, WHAT, &format!("ANALYZE {}", list.join(", "))) {
        Err(error) if is_of_table(target, &error) => {}
        other => return other.map(|()| Vec::new()),
    }
    let mut notes = Vec::new();
    for (task, sql) in group.iter().zip(list) {
        match run_unless(stop, target, WHAT, &format!("ANALYZE {sql}")) {
            Err(error) if is_of_table(target, &error) => notes.push(format!(
                "the statistics of table {} were not gathered, without which queries may be slow: \
                 {}; mend that (a function of an index may need its own search_path), then: \
                 ANALYZE {}",
                task.plain(),
                error.why,
                task.sql(),
            )),
            other => other?,
        }
    }
    Ok(notes)
}
