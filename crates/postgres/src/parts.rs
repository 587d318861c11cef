//! How tables are cut into parts for copying, and the target's own record of what has arrived: each part and its row there are one
//! transaction, so nothing is copied twice and nothing is forgotten, whatever is killed.

use std::collections::HashMap;

use flexway_core::migrate::{Copied, MoveError, Part, Remedy, RowsHash, Table};

use crate::ask::{Outcome, act, failed, flag, number, optional, query, query_one, run, text};
use crate::catalog::queried::can_be_queried;
use crate::catalog::tables::{Rows, Tables};
use crate::content::qualified;
use crate::pool::DURABLY;
use crate::{Session, quote_literal};

/// The schema of the record; it stands on the target while rows are copied.
pub(crate) const SCHEMA: &str = "flexway_progress";

const WHAT: &str = "read which rows have arrived";

/// Smaller tables are one part: cutting would gain nothing, and a whole table can be frozen.
const CUT_BYTES_MIN: u64 = 64 << 20;
/// A part this small still takes a tenth of a second, beside which its transaction does not count.
const PART_BYTES_MIN: u64 = 16 << 20;
/// What is lost when a part has to be copied again.
const PART_BYTES_MAX: u64 = 256 << 20;
/// Parts of a table between those bounds: enough that workers end together.
const PARTS: u64 = 64;

/// Tables asked about with one statement.
const TABLES_PER_QUERY: usize = 500;

/// First version that reads a range of blocks without the rest of the table.
const RANGES_SINCE: u32 = 140_000;

/// Makes the record where there is none, and gives the parts of each table in their order, with those that have arrived.
pub(crate) fn begin(
    source: &mut Session,
    target: &mut Session,
    tables: &Tables,
) -> Outcome<Vec<Vec<Part>>> {
    refuse_namesake(source)?;
    make(target)?;
    let mut arrived = arrived(target)?;
    let mut found = Vec::with_capacity(tables.all.len());
    for (table, mut parts) in tables.all.iter().zip(cut(source, tables)?) {
        let key = (table.schema.clone(), table.name.clone());
        let theirs = arrived.remove(&key).unwrap_or_default();
        if theirs.iter().any(|one| one.cut != parts[0].cut) {
            forget(target, table)?;
        } else {
            for one in theirs {
                if let Some(part) = parts.iter_mut().find(|part| part.number == one.number) {
                    part.arrived = one.arrived;
                }
            }
        }
        found.push(parts);
    }
    Ok(found)
}

/// A crash empties `life`, for it is not logged: whether it still has its row tells whether commits since then may be lost.
fn make(target: &mut Session) -> Outcome<()> {
    let sql = format!(
        "BEGIN; {DURABLY}CREATE SCHEMA IF NOT EXISTS {SCHEMA}; \
         CREATE TABLE IF NOT EXISTS {SCHEMA}.part (schema_name text, table_name text, number integer, \
           cut text, row_count bigint, byte_count bigint, hash text, is_binary boolean, \
           PRIMARY KEY (schema_name, table_name, number)); \
         CREATE TABLE IF NOT EXISTS {SCHEMA}.mark (number bigint); \
         ALTER TABLE {SCHEMA}.mark REPLICA IDENTITY FULL; \
         INSERT INTO {SCHEMA}.mark SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {SCHEMA}.mark); \
         CREATE UNLOGGED TABLE IF NOT EXISTS {SCHEMA}.life (number integer); \
         INSERT INTO {SCHEMA}.life SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {SCHEMA}.life); COMMIT"
    );
    run(target, "make the record of what has arrived", &sql)
}

/// The source may be the target of another move that is not over.
fn refuse_namesake(source: &mut Session) -> Outcome<()> {
    let sql = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'");
    if query(source, WHAT, &sql)?.is_empty() {
        return Ok(());
    }
    Err(act(
        WHAT,
        format!("the source has a schema {SCHEMA}: a move into it is not over"),
        format!("finish or cancel that move, or drop the schema {SCHEMA} there"),
    ))
}

fn arrived(target: &mut Session) -> Outcome<HashMap<(String, String), Vec<Part>>> {
    let sql = format!(
        "SELECT schema_name, table_name, number, cut, row_count, byte_count, hash, is_binary \
         FROM {SCHEMA}.part"
    );
    let mut found: HashMap<(String, String), Vec<Part>> = HashMap::new();
    for row in query(target, WHAT, &sql)? {
        let hash = optional(&row, 6)
            .and_then(|hash| u128::from_str_radix(hash, 16).ok())
            .map(|sum| RowsHash { sum, is_binary: flag(&row, 7) });
        let (rows, bytes) = (number(WHAT, &row, 4)?, number(WHAT, &row, 5)?);
        let part = Part {
            number: u32::try_from(number(WHAT, &row, 2)?).unwrap_or(u32::MAX),
            blocks: None,
            size_bytes: 0,
            cut: text(&row, 3).to_owned(),
            arrived: Some(Copied { rows, bytes, hash }),
        };
        let key = (text(&row, 0).to_owned(), text(&row, 1).to_owned());
        found.entry(key).or_default().push(part);
    }
    Ok(found)
}

/// Empties a table that was cut otherwise before: its source was rewritten or has grown.
fn forget(target: &mut Session, table: &Table) -> Outcome<()> {
    let name = qualified(&table.schema, &table.name);
    let sql = format!(
        "BEGIN; TRUNCATE ONLY {name}; DELETE FROM {SCHEMA}.part WHERE {}; COMMIT",
        is_of(table)
    );
    run(target, &format!("begin table {name} anew"), &sql)
}

fn is_of(table: &Table) -> String {
    let (schema, name) = (quote_literal(&table.schema), quote_literal(&table.name));
    format!("schema_name = {schema} AND table_name = {name}")
}

/// What goes into the transaction of a part that was copied.
pub(crate) fn record(table: &Table, part: &Part, copied: &Copied) -> String {
    let hash = copied.hash.map_or("NULL".to_owned(), |hash| format!("'{:032x}'", hash.sum));
    format!(
        "INSERT INTO {SCHEMA}.part VALUES ({}, {}, {}, '{}', {}, {}, {hash}, {})",
        quote_literal(&table.schema),
        quote_literal(&table.name),
        part.number,
        part.cut,
        copied.rows,
        copied.bytes,
        copied.hash.is_some_and(|hash| hash.is_binary)
    )
}

/// Waits until all that was committed since [`begin`] is safe from a crash of the target. One that came meanwhile is an error to try
/// again after: what it took back is not told, so all has to be looked through.
pub(crate) fn make_durable(target: &mut Session) -> Outcome<()> {
    let alive = format!("SELECT 1 FROM {SCHEMA}.life");
    let sql =
        format!("BEGIN; {DURABLY}UPDATE {SCHEMA}.mark SET number = number + 1; {alive}; COMMIT");
    let what = "make sure that the target keeps what it has";
    match target.execute(&sql) {
        // 42P01 undefined_table: an earlier run had all rows, took the record away, and left other things open; or it knew no `life`.
        Err(error) if error.code() == Some("42P01") => {
            run(target, what, "ROLLBACK")?;
            make(target)?;
            run(target, what, &sql)?;
        }
        other => other.map_err(|error| failed(what, &error))?,
    }
    if !query(target, what, &alive)?.is_empty() {
        return Ok(());
    }
    make(target)?;
    Err(MoveError {
        what: what.to_owned(),
        why: "it crashed, and may have lost what it had told to be done a moment before".to_owned(),
        help: "look at the log of the target".to_owned(),
        remedy: Remedy::Retry,
    })
}

/// Removes the record, once nothing is left to copy.
pub(crate) fn end(target: &mut Session) -> Outcome<()> {
    let what = "remove the record of what has arrived";
    // Event triggers of the database may refuse to drop what is not there, too.
    let there = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'");
    if query(target, what, &there)?.is_empty() {
        return Ok(());
    }
    run(target, what, &format!("SET client_min_messages = warning; DROP SCHEMA {SCHEMA} CASCADE"))
}

/// Parts of each table, in the order of `tables`. A part is read by a query.
fn cut(source: &mut Session, tables: &Tables) -> Outcome<Vec<Vec<Part>>> {
    let is_large = |table: &Table| {
        table.size_bytes >= CUT_BYTES_MIN && matches!(tables.rows(table), Rows::Own)
    };
    let mut large = Vec::new();
    for table in tables.all.iter().filter(|table| is_large(table)) {
        if can_be_queried(source, table)? {
            large.push(table);
        }
    }
    let files = files(source, &large)?;
    let one = |table: &Table| {
        let key = (table.schema.clone(), table.name.clone());
        let file = files.get(&key).filter(|file| file.blocks > 0);
        file.map_or_else(|| vec![whole(table)], |file| file.cut(table.size_bytes))
    };
    Ok(tables.all.iter().map(one).collect())
}

fn whole(table: &Table) -> Part {
    let cut = "whole".to_owned();
    Part { number: 0, blocks: None, size_bytes: table.size_bytes, cut, arrived: None }
}

/// The main file of a table.
struct File {
    /// Changes when the table is rewritten, which moves its rows.
    node: u64,
    blocks: u64,
}

impl File {
    fn cut(&self, size_bytes: u64) -> Vec<Part> {
        let part_bytes = (size_bytes / PARTS).clamp(PART_BYTES_MIN, PART_BYTES_MAX);
        let count = (size_bytes / part_bytes).clamp(1, self.blocks);
        let step = self.blocks.div_ceil(count);
        let cut = format!("{}/{}/{step}", self.node, self.blocks);
        let count = self.blocks.div_ceil(step);
        let part = |number: u64| Part {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            blocks: Some((number * step, (number + 1 < count).then_some((number + 1) * step))),
            size_bytes: size_bytes / count,
            cut: cut.clone(),
            arrived: None,
        };
        (0..count).map(part).collect()
    }
}

fn files(source: &mut Session, tables: &[&Table]) -> Outcome<HashMap<(String, String), File>> {
    let mut found = HashMap::new();
    for group in tables.chunks(TABLES_PER_QUERY) {
        let literal = |table: &&Table| {
            format!("({}, {})", quote_literal(&table.schema), quote_literal(&table.name))
        };
        let names = group.iter().map(literal).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT n.nspname, c.relname, pg_relation_filenode(c.oid), \
               pg_relation_size(c.oid) / current_setting('block_size')::bigint \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE (n.nspname, c.relname) IN ({names})"
        );
        for row in query(source, WHAT, &sql)? {
            let file = File { node: number(WHAT, &row, 2)?, blocks: number(WHAT, &row, 3)? };
            found.insert((text(&row, 0).to_owned(), text(&row, 1).to_owned()), file);
        }
    }
    Ok(found)
}

/// The `WHERE ...` that names the rows of a part; empty for a whole table.
pub(crate) fn condition(source: &mut Session, part: &Part) -> Outcome<String> {
    let Some((first, end)) = part.blocks else { return Ok(String::new()) };
    if source.version().number >= RANGES_SINCE {
        let end = end.map_or(String::new(), |end| format!(" AND ctid < '({end},0)'::tid"));
        return Ok(format!("WHERE ctid >= '({first},0)'::tid{end}"));
    }
    let what = "read the size of a block";
    let row = query_one(source, what, "SELECT current_setting('block_size')::bigint")?;
    // Line pointers of four bytes, each with at least the 24 bytes of a row's head, after the page's head.
    // Source: PostgreSQL 18, `MaxHeapTuplesPerPage`.
    let rows_max = (number(what, &row, 0)? - 24) / 28;
    let (first, last) = match end {
        Some(end) => (first, end - 1),
        // Blocks that came after the cut hold nothing that the snapshot sees, or the cut would be another.
        None => (first, last_block(part)?),
    };
    Ok(format!(
        "WHERE ctid = ANY (ARRAY(SELECT ('(' || b || ',' || o || ')')::tid \
         FROM generate_series({first}, {last}) b, generate_series(1, {rows_max}) o))"
    ))
}

/// The last block of the table, which the cut names.
fn last_block(part: &Part) -> Outcome<u64> {
    let blocks = part.cut.split('/').nth(1).and_then(|blocks| blocks.parse::<u64>().ok());
    blocks
        .and_then(|blocks| blocks.checked_sub(1))
        .ok_or_else(|| act(WHAT, "a cut names no blocks", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_block_once_and_the_last_is_open() {
        for (blocks, size_bytes) in
            [(1, 1 << 40), (8192, 64 << 20), (131_072, 1 << 30), (777, 1 << 36)]
        {
            let parts = File { node: 7, blocks }.cut(size_bytes);
            let mut next = 0;
            for part in &parts {
                let (first, end) = part.blocks.expect("a range");
                assert_eq!(first, next);
                next = end.unwrap_or(blocks);
                assert!(next > first, "{blocks}");
            }
            assert_eq!(next, blocks);
            assert_eq!(parts.last().and_then(|part| part.blocks).map(|(_, end)| end), Some(None));
            assert_eq!(last_block(&parts[0]).ok(), Some(blocks - 1));
        }
    }
}
