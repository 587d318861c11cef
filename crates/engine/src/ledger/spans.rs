//! Who did what and when: stretches of work in the ledger, and the history that they and the rest of it make.

use std::path::Path;

use flexway_core::history::{Ending, History, Moved, Run, Span, SpanKind};
use flexway_core::migrate::Phase;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::view;
use super::write::whole;
use super::{Ledger, LedgerError};
use crate::clock::Stopwatch;
use crate::report::{CompareReport, Problem, Roles};

/// Stretches of work that a report reads for one run, the longest ones: a ledger can hold millions.
const SPANS_MAX: i64 = 200_000;

/// What a run says in the end, as the ledger keeps it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Word {
    pub(crate) verify: CompareReport,
    pub(crate) notes: Vec<String>,
    #[serde(default)]
    pub(crate) open: Vec<Problem>,
    pub(crate) errors: Vec<Problem>,
}

impl Ledger {
    /// Records stretches of work of the run that goes on.
    pub(crate) fn add_spans(&self, spans: &[Span]) -> Result<(), LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        insert(&transaction, spans)?;
        transaction.commit()?;
        Ok(())
    }

    /// Records a complete phase, and that it went on since `watch` or since the phase before it ended.
    pub(crate) fn set_phase(
        &self,
        database: &str,
        phase: Phase,
        watch: &Stopwatch,
    ) -> Result<(), LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "UPDATE database SET phase = ?2 WHERE name = ?1",
            params![database, phase.word()],
        )?;
        let before: i64 = transaction.query_row(
            "SELECT coalesce(max(ended_ms), 0) FROM span WHERE database = ?1 AND kind = 'phase'
                AND run = (SELECT max(id) FROM run)",
            [database],
            |row| row.get(0),
        )?;
        let mut span = watch.span(database, SpanKind::Phase, phase.word());
        span.began_ms = span.began_ms.max(before.unsigned_abs()).min(span.ended_ms);
        span.is_done = true;
        insert(&transaction, &[span])?;
        transaction.commit()?;
        Ok(())
    }
}

/// Inserts within a transaction of the caller's.
pub(super) fn insert(transaction: &Transaction<'_>, spans: &[Span]) -> Result<(), LedgerError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO span
            (run, database, kind, name, part, worker, began_ms, ended_ms, rows, bytes, is_done)
         VALUES ((SELECT max(id) FROM run), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for span in spans {
        insert.execute(params![
            span.database,
            span.kind.word(),
            span.name,
            span.part,
            span.worker,
            whole(span.began_ms),
            whole(span.ended_ms),
            whole(span.rows),
            whole(span.bytes),
            span.is_done
        ])?;
    }
    Ok(())
}

/// Reads all that the ledger at `path` knows of its move, in one read transaction; `None` when no move was begun with it.
///
/// # Errors
/// As [`super::LedgerView::read`].
pub fn history(path: &Path) -> Result<Option<History>, LedgerError> {
    let mut connection = view::connect(path)?;
    let transaction = connection.transaction()?;
    let Some(last) = view::run(&transaction, path)? else { return Ok(None) };
    let mut runs = runs(&transaction)?;
    if let Some(run) = runs.last_mut() {
        run.state = last.state;
    }
    let databases = databases(&transaction)?;
    let word: Option<String> = transaction
        .query_row("SELECT report FROM run ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .optional()?
        .flatten();
    let word: Option<Word> = word.and_then(|text| serde_json::from_str(&text).ok());
    let roles: Option<String> =
        transaction.query_row("SELECT report FROM roles", [], |row| row.get(0)).optional()?;
    let roles: Roles = roles.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let of_roles = roles.not_carried.iter().map(ToString::to_string);
    Ok(Some(History {
        source: last.source,
        target: last.target,
        runs,
        databases,
        ending: word.map(ending),
        roles_not_carried: roles.notes.iter().cloned().chain(of_roles).collect(),
    }))
}

fn ending(word: Word) -> Ending {
    let problem = |one: &Problem| {
        let database = one.database.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let help = if one.help.is_empty() { String::new() } else { format!(" ({})", one.help) };
        format!("{database}{}: {}{help}", one.what, one.why)
    };
    Ending {
        is_skipped: word.verify.skipped,
        is_equal: word.verify.equal,
        sample: word.verify.sample.filter(|sample| sample.agrees).map(|sample| sample.to_string()),
        differences: word.verify.differences.iter().map(ToString::to_string).collect(),
        notes: word.notes,
        open: word.open.iter().map(problem).collect(),
        errors: word.errors.iter().map(problem).collect(),
    }
}

fn runs(connection: &Connection) -> Result<Vec<Run>, LedgerError> {
    let mut select =
        connection.prepare("SELECT id, state, began_ms, ended_ms FROM run ORDER BY id")?;
    let rows = select.query_map([], |row| {
        Ok(Run {
            id: row.get(0)?,
            state: row.get(1)?,
            began_ms: row.get::<_, i64>(2)?.unsigned_abs(),
            ended_ms: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
            spans: Vec::new(),
        })
    })?;
    let mut runs = rows.collect::<Result<Vec<Run>, _>>()?;
    for run in &mut runs {
        run.spans = spans(connection, run.id)?;
    }
    Ok(runs)
}

fn spans(connection: &Connection, run: i64) -> Result<Vec<Span>, LedgerError> {
    let mut select = connection.prepare(
        "SELECT database, kind, name, part, worker, began_ms, ended_ms, rows, bytes, is_done
         FROM (SELECT * FROM span WHERE run = ?1 ORDER BY ended_ms - began_ms DESC LIMIT ?2)
         ORDER BY began_ms, ended_ms, kind, name, part",
    )?;
    let rows = select.query_map([run, SPANS_MAX], |row| {
        let count = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
        let word: String = row.get(1)?;
        let kind = SpanKind::ALL.into_iter().find(|kind| kind.word() == word);
        Ok(Span {
            database: row.get(0)?,
            // The table's check lets no other word in.
            kind: kind.unwrap_or(SpanKind::Phase),
            name: row.get(2)?,
            part: row.get(3)?,
            worker: row.get(4)?,
            began_ms: count(5)?,
            ended_ms: count(6)?,
            rows: count(7)?,
            bytes: count(8)?,
            is_done: row.get(9)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn databases(connection: &Connection) -> Result<Vec<Moved>, LedgerError> {
    let mut compared = connection
        .prepare("SELECT verified, tables_compared, rows_compared FROM database WHERE name = ?1")?;
    let views = view::databases(connection)?;
    views
        .into_iter()
        .map(|view| {
            let (verified, tables_compared, rows_compared) =
                compared.query_row([&view.name], |row| {
                    let count = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
                    Ok((row.get(0)?, count(1)?, count(2)?))
                })?;
            Ok(Moved {
                name: view.name,
                phase: view.phase,
                tables_done: view.tables_done,
                tables: view.tables,
                rows: view.rows,
                large_objects: view.large_objects,
                bytes: view.bytes,
                entries_done: view.entries_done,
                entries: view.entries,
                statistics: view.statistics,
                verified,
                tables_compared,
                rows_compared,
            })
        })
        .collect()
}
