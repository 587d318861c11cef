//! Statistics for the planner, without which a database is slow but whole.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use flexway_core::migrate::{MoveError, Remedy};

use crate::Session;
use crate::ask::{Outcome, number, query, run_unless, text};
use crate::catalog::USER_SCHEMAS;
use crate::content::qualified;
use crate::pool::{Pool, side_by_side};

const WHAT: &str = "gather statistics";

/// Small tables that share a statement.
const TABLES_PER_STATEMENT: usize = 50;
/// Larger tables get a statement of their own, which takes a tenth of a second.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// First version whose `ANALYZE` takes several tables.
const LISTS_SINCE: u32 = 110_000;
/// First version that knows partitions.
const PARTITIONS_SINCE: u32 = 100_000;

/// Gathers them by `jobs` sessions, largest tables first. Gives the tables that failed (a function of an index or of extended
/// statistics may), a sentence each.
///
/// # Errors
/// The connection is lost; `stop` was set.
pub(crate) fn gather(target: &Pool, jobs: usize, stop: &AtomicBool) -> Outcome<Vec<String>> {
    let groups = target.with(groups)?;
    let jobs = jobs.clamp(1, groups.len().max(1));
    let queue = Mutex::new(VecDeque::from(groups));
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = || {
        let mut notes = Vec::new();
        while let Some(group) = take() {
            notes.extend(target.with(|target| analyze(target, &group, stop))?);
        }
        Ok(notes)
    };
    side_by_side(jobs, work)
}

/// Tables and materialized views, in groups for one statement each. Partitions come with the table that they are of.
fn groups(target: &mut Session) -> Outcome<Vec<Vec<String>>> {
    let version = target.version().number;
    let whole = if version >= PARTITIONS_SINCE { "NOT c.relispartition" } else { "true" };
    let sql = format!(
        "SELECT n.nspname, c.relname, pg_table_size(c.oid) + CASE WHEN c.relkind = 'p' THEN {SMALL_BYTES_MAX} ELSE 0 END \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {USER_SCHEMAS} AND {whole} \
         AND n.nspname <> '{}' ORDER BY 3 DESC, 1, 2",
        crate::parts::SCHEMA
    );
    let mut found = Vec::new();
    let mut small = Vec::new();
    for row in query(target, WHAT, &sql)? {
        let name = qualified(text(&row, 0), text(&row, 1));
        if number(WHAT, &row, 2)? < SMALL_BYTES_MAX && version >= LISTS_SINCE {
            small.push(name);
        } else {
            found.push(vec![name]);
        }
    }
    found.extend(small.chunks(TABLES_PER_STATEMENT).map(<[String]>::to_vec));
    Ok(found)
}

/// Whether the table is to blame: the connection holds, and nobody asked to stop. A foreign partition that cannot be reached fails with
/// codes of lost connections.
fn is_of_table(target: &Session, error: &MoveError) -> bool {
    !target.is_lost() && error.remedy != Remedy::Stopped
}

/// Tables of a group together, and where one fails, one by one.
fn analyze(target: &mut Session, group: &[String], stop: &AtomicBool) -> Outcome<Vec<String>> {
    match run_unless(stop, target, WHAT, &format!("ANALYZE {}", group.join(", "))) {
        Err(error) if is_of_table(target, &error) => {}
        other => return other.map(|()| Vec::new()),
    }
    let mut notes = Vec::new();
    for name in group {
        match run_unless(stop, target, WHAT, &format!("ANALYZE {name}")) {
            Err(error) if is_of_table(target, &error) => notes.push(format!(
                "the statistics of table {} were not gathered, without which queries may be slow: \
                 {}; mend that (a function of an index may need its own search_path), then: \
                 ANALYZE {name}",
                name.replace('"', ""),
                error.why,
            )),
            other => other?,
        }
    }
    Ok(notes)
}
