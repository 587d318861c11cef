//! Compares one database on both sides: schema, tables that only one side has, and every table's
//! content.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use flexway_core::history::{Span, SpanKind};
use flexway_core::migrate::{
    Copied, CopyProgress, Difference, DifferingRows, MoveError, STALE_VIEW, Sample, Table,
    TableComparison,
};
use flexway_core::port::Compare;

use crate::clock::Stopwatch;
use crate::database::Outcome;
use crate::failure::Failure;
use crate::ledger::qualified;
use crate::observe::{Amount, Event, Work};
use crate::report::FoundDifference;
use crate::workers::{Workers, guard};

/// Which rows of a table are read.
#[derive(Clone, Copy)]
pub(crate) enum Read<'a> {
    /// All of them; by name what this move read of tables on the source.
    All(&'a HashMap<String, Copied>),
    /// A share of those of large tables.
    Share(Sample),
}

/// Compares everything; tables side by side, largest first. `record` is told who compared what and when.
pub(crate) fn compare(
    workers: Workers<'_>,
    database: &str,
    port: &dyn Compare,
    read: Read<'_>,
    record: &(dyn Fn(Span) + Sync),
) -> Result<Outcome, Failure> {
    let (stale, found): (Vec<Difference>, Vec<Difference>) =
        workers.attempt(|| port.schema())?.into_iter().partition(|found| found.kind == STALE_VIEW);
    let mut differences: Vec<FoundDifference> = found
        .into_iter()
        .map(|difference| FoundDifference::new(Some(database), difference))
        .collect();
    let (source, target) = workers.attempt(|| port.tables())?;
    let mut notes = reordered(&source, &target);
    notes.extend(
        stale.iter().map(|view| format!("materialized view {} {}", view.name, view.detail)),
    );
    let (common, one_sided) = pair(source, &target);
    differences.extend(
        one_sided.into_iter().map(|difference| FoundDifference::new(Some(database), difference)),
    );
    workers.tell(&Event::WorkBegins {
        database,
        work: Work::Compare,
        amount: Amount {
            units: common.len(),
            size_bytes: common.iter().map(|table| table.size_bytes).sum(),
            ..Amount::default()
        },
    });
    let outcome = Mutex::new(Outcome { differences, notes, ..Outcome::default() });
    let result = workers.each(common, &|table, worker| {
        let watch = Stopwatch::start();
        let result = compare_table(workers, database, port, &table, read);
        let name = qualified(&table.schema, &table.name);
        record(Span {
            worker: Some(worker),
            rows: result.as_ref().map_or(0, |comparison| comparison.source_rows),
            is_done: result.is_ok(),
            ..watch.span(database, SpanKind::Compare, &name)
        });
        let comparison = result?;
        let mut outcome = guard(&outcome);
        outcome.tables_compared += 1;
        outcome.rows_compared += comparison.rows_sampled.unwrap_or(comparison.source_rows);
        if let Some(rows) = comparison.rows_sampled {
            outcome.sampled.tables += 1;
            outcome.sampled.rows_read += rows;
            outcome.sampled.rows += comparison.source_rows;
        }
        if let Some(difference) = content_difference(&table, &comparison) {
            let difference = FoundDifference::new(Some(database), difference);
            outcome.differences.push(difference);
        }
        Ok(())
    });
    workers.tell(&Event::WorkEnds { database, work: Work::Compare });
    result?;
    let mut outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.differences.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Ok(outcome)
}

fn compare_table(
    workers: Workers<'_>,
    database: &str,
    port: &dyn Compare,
    table: &Table,
    read: Read<'_>,
) -> Result<TableComparison, MoveError> {
    let name = qualified(&table.schema, &table.name);
    let (work, name, size_bytes) = (Work::Compare, name.as_str(), table.size_bytes);
    let progress = &Arc::new(CopyProgress::default());
    let started = Instant::now();
    workers.tell(&Event::UnitBegins { database, work, name, size_bytes, progress });
    let stop = workers.stop;
    let result = workers.attempt(|| match read {
        Read::All(sent) => port.table(table, sent.get(name), progress, stop),
        Read::Share(sample) => port.sample(table, sample, progress, stop),
    });
    let read = result.as_ref().map(|comparison| Copied {
        rows: comparison.source_rows,
        bytes: progress.bytes.load(std::sync::atomic::Ordering::Relaxed),
        hash: None,
    });
    let seconds = started.elapsed().as_secs_f64();
    workers.tell(&Event::UnitEnds { database, work, name, result: read, seconds });
    result
}

/// Tables that both sides have with the same columns, largest first, and the differences of the
/// others.
fn pair(source: Vec<Table>, target: &[Table]) -> (Vec<Table>, Vec<Difference>) {
    let mut left: BTreeMap<(String, String), &Table> =
        target.iter().map(|table| ((table.schema.clone(), table.name.clone()), table)).collect();
    let mut common = Vec::new();
    let mut differences = Vec::new();
    for table in source {
        let other = left.remove(&(table.schema.clone(), table.name.clone()));
        let difference = match other {
            None => Some("is only on the source"),
            Some(other) if !has_same_columns(&table, other) => Some("has other columns"),
            Some(_) => None,
        };
        match difference {
            Some(detail) => differences.push(table_difference(&table, detail.to_owned())),
            None => common.push(table),
        }
    }
    for table in left.into_values() {
        differences.push(table_difference(table, "is only on the target".to_owned()));
    }
    common.sort_by_key(|table| std::cmp::Reverse(table.size_bytes));
    (common, differences)
}

/// Whether both have the same names. A type that differs shows in the schema, and in the content
/// where it matters.
fn has_same_columns(one: &Table, other: &Table) -> bool {
    let names = |table: &Table| -> BTreeSet<String> {
        table.columns.iter().map(|column| column.name.clone()).collect()
    };
    names(one) == names(other)
}

/// Sentences about tables whose columns stand in another order. Where that is no difference of the
/// schema, it comes from inheritance: a table made anew gets its parents' columns first.
fn reordered(source: &[Table], target: &[Table]) -> Vec<String> {
    let names = |table: &Table| -> Vec<String> {
        table.columns.iter().map(|column| column.name.clone()).collect()
    };
    let there: BTreeMap<(&str, &str), &Table> =
        target.iter().map(|table| ((table.schema.as_str(), table.name.as_str()), table)).collect();
    let pairs = source.iter().filter_map(|table| {
        Some((table, *there.get(&(table.schema.as_str(), table.name.as_str()))?))
    });
    pairs
        .filter(|(one, other)| has_same_columns(one, other) && names(one) != names(other))
        .map(|(table, _)| {
            format!(
                "the columns of table {} stand in another order on the target ({}): one that \
                 inherits gets its parents' columns first when it is made anew",
                qualified(&table.schema, &table.name),
                names(table).join(", ")
            )
        })
        .collect()
}

fn content_difference(table: &Table, comparison: &TableComparison) -> Option<Difference> {
    if comparison.is_equal() {
        return None;
    }
    let (source, target) = (comparison.source_rows, comparison.target_rows);
    let mut detail = if source == target {
        let place = if comparison.rows_sampled.is_some() { " in the sample" } else { "" };
        format!("the content differs{place}, {source} rows on both sides")
    } else {
        format!("{source} rows on the source, {target} on the target")
    };
    if let Some(differing) = &comparison.differing {
        detail.push_str(&format!(": {}", rows_words(differing)));
    }
    Some(table_difference(table, detail))
}

fn rows_words(rows: &DifferingRows) -> String {
    let counts = [
        (rows.changed.unwrap_or(0), "changed"),
        (rows.source_only, "only on the source"),
        (rows.target_only, "only on the target"),
    ];
    let mut words: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if rows.changed.is_none() {
        words.push("without a primary key a changed row is one of each".to_owned());
    }
    let words = words.join(", ");
    match &rows.query {
        Some(query) => format!("{words}; to see them among a few others, on both: {query}"),
        None => words,
    }
}

fn table_difference(table: &Table, detail: String) -> Difference {
    Difference { kind: "table", name: qualified(&table.schema, &table.name), detail }
}
