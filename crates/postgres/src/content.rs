//! The rows: a table, or a part of it, from source to target in one transaction, and what follows when
//! all are there.

mod failed;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{Contents, Copied, CopyProgress, Finished, Part, Table};

use crate::ask::{Outcome, act, failed, flag, query, run, text};
use crate::catalog::tables::Rows;
use crate::catalog::trees::Leaf;
use crate::copy::Format;
use crate::pool::{DURABLY, Pool};
use crate::refresh::refresh_all;
use crate::{RelayError, Session, quote_ident, quote_literal, relay};
use crate::{owners_path, parts, statistics};

/// Sequences read or set with one statement.
const SEQUENCES_PER_STATEMENT: usize = 100;

/// `"schema"."name"`.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_ident(schema), quote_ident(name))
}

/// `app.orders`, as people read it.
pub(crate) fn plain(table: &Table) -> String {
    format!("{}.{}", table.schema, table.name)
}

/// Tables from this size on are frozen as they are filled, which spares the target a later rewrite of every page. It costs a new
/// file for the table and its TOAST table each, which for small tables is more than the rows.
const FREEZE_BYTES_MIN: u64 = 1 << 20;

/// Copies a part of a table's `rows` and records on the target that it arrived, in one transaction.
pub(crate) fn copy_part(
    source: &mut Session,
    target: &mut Session,
    job: &Job,
    progress: &CopyProgress,
    stop: &AtomicBool,
) -> Outcome<Copied> {
    let Job { table, rows, part, .. } = *job;
    let what = format!("copy table {}", plain(table));
    let condition = parts::condition(source, part)?;
    let rows_of_part = if condition.is_empty() { rows } else { Rows::Where(&condition) };
    let all = columns(table);
    let attempt = |source: &mut Session, target: &mut Session, format, path: &str| {
        let copy_out = in_format(copy_out(table, &all, rows_of_part), format, source);
        let encoding = target.row_encoding.as_deref();
        let copy_in = filling((table, rows, part), (format, encoding), path);
        relay(source, &copy_out, target, &copy_in, progress, stop)
    };
    let mut path = String::new();
    let mut copied = attempt(source, target, job.format, &path);
    if copied.as_ref().is_err_and(is_lack_of_name) {
        path = owners_path::take(&table.schema, &table.name);
        run(target, &what, "ROLLBACK")?;
        copied = attempt(source, target, job.format, &path);
    }
    if job.format == Format::Binary && copied.as_ref().is_err_and(is_refusal_of_binary) {
        run(target, &what, "ROLLBACK")?;
        copied = attempt(source, target, Format::Text, &path);
    }
    let copied = copied.map_err(|error| failed::copy_failed(&what, table, error))?;
    match target.execute(&format!("{}; COMMIT", parts::record(table, part, &copied))) {
        Ok(()) => Ok(copied),
        // It had arrived before: the answer to that COMMIT was lost.
        Err(error) if error.code() == Some(UNIQUE_VIOLATION) => {
            run(target, &what, "ROLLBACK")?;
            Ok(copied)
        }
        Err(error) => Err(failed(&what, &error)),
    }
}

/// Whether the target did not find something by its name, which a constraint may have looked for.
fn is_lack_of_name(error: &RelayError) -> bool {
    matches!(error, RelayError::Target(error) if owners_path::lacks_name(error))
}

/// Whether the target does not take a type's binary form. What the source refuses has ended its transaction, and is told as it is.
/// Source: PostgreSQL 18, appendix A.
fn is_refusal_of_binary(error: &RelayError) -> bool {
    const CODES: [&str; 4] = [
        "22P03", // invalid_binary_representation
        "22021", // character_not_in_repertoire
        "42883", // undefined_function: no binary input or output
        "0A000", // feature_not_supported
    ];
    let RelayError::Target(error) = error else { return false };
    error.code().is_some_and(|code| CODES.contains(&code))
}

const UNIQUE_VIOLATION: &str = "23505";

/// What is copied, and how.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) table: &'a Table,
    pub(crate) rows: Rows<'a>,
    pub(crate) part: &'a Part,
    pub(crate) format: Format,
}

/// Begins the transaction of a part, with the statement `path`, and copies into it. Rows that an extension brought along are replaced.
fn filling(
    (table, rows, part): (&Table, Rows, &Part),
    (format, encoding): (Format, Option<&str>),
    path: &str,
) -> String {
    let name = qualified(&table.schema, &table.name);
    let is_frozen =
        matches!(rows, Rows::Own) && part.blocks.is_none() && table.size_bytes >= FREEZE_BYTES_MIN;
    // FREEZE is allowed where this transaction emptied the table, and that is no partitioned one.
    let emptying = match rows {
        Rows::Own if is_frozen => format!("TRUNCATE ONLY {name}; "),
        Rows::Where(condition) => format!("DELETE FROM ONLY {name} {condition}; "),
        Rows::Own | Rows::OfLeaves(_) => String::new(),
    };
    let mut options = options_of(format, encoding);
    if is_frozen {
        options.push("FREEZE".to_owned());
    }
    let (list, options) = (list(table), with(&options));
    format!("BEGIN; {path}{emptying}COPY {name} {list} FROM STDIN{options}")
}

/// A `COPY ... TO STDOUT` in this format, as the session has its rows written.
pub(crate) fn in_format(copy_out: String, format: Format, session: &Session) -> String {
    copy_out + &with(&options_of(format, session.row_encoding.as_deref()))
}

fn options_of(format: Format, encoding: Option<&str>) -> Vec<String> {
    match format {
        Format::Text => encoding.map(|name| format!("ENCODING '{name}'")).into_iter().collect(),
        Format::Binary => vec!["FORMAT binary".to_owned()],
    }
}

fn with(options: &[String]) -> String {
    if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) }
}

/// `COPY ... TO STDOUT` of the `rows`; `columns` are those of the table, or expressions. A table without columns gives empty lines.
///
/// Where the table is named instead of a query, the server plans nothing: planning looks into the functions of indexes, which may find
/// what they call only by another `search_path`.
pub(crate) fn copy_out(table: &Table, columns: &str, rows: Rows) -> String {
    let of = |schema: &str, name: &str, condition: &str| {
        format!("SELECT {columns} FROM ONLY {} {condition}", qualified(schema, name))
    };
    let query = match rows {
        Rows::Own if columns == self::columns(table) => {
            return format!(
                "COPY {} {} TO STDOUT",
                qualified(&table.schema, &table.name),
                list(table)
            );
        }
        // A partitioned table has no rows of its own.
        Rows::Own | Rows::OfLeaves([]) => of(&table.schema, &table.name, ""),
        Rows::Where(condition) => of(&table.schema, &table.name, condition),
        Rows::OfLeaves(leaves) => {
            let parts: Vec<String> =
                leaves.iter().map(|(schema, name)| of(schema, name, "")).collect();
            parts.join(" UNION ALL ")
        }
    };
    format!("COPY ({query}) TO STDOUT")
}

/// The columns as COPY takes them. A list of none is no syntax; without a list, generated columns are left out as well.
fn list(table: &Table) -> String {
    if table.columns.is_empty() { String::new() } else { format!("({})", columns(table)) }
}

pub(crate) fn columns(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| quote_ident(&column.name)).collect();
    names.join(", ")
}

/// Sets the sequences to where the source's are, refreshes materialized views, and gives the planner its statistics. `trees` are
/// tables whose partitions hold other rows on the target.
pub(crate) fn finish(
    [source, target]: [&Pool; 2],
    contents: &Contents,
    trees: &HashMap<(String, String), Vec<Leaf>>,
    jobs: usize,
    stop: &AtomicBool,
) -> Outcome<Finished> {
    for group in contents.sequences.chunks(SEQUENCES_PER_STATEMENT) {
        source.with(|source| target.with(|target| set_sequences(source, target, group)))?;
    }
    let open = refresh_all(target, &contents.materialized_views, stop)?;
    let mixed: HashSet<&Leaf> = trees.values().flatten().collect();
    let (statistics, notes) = statistics::settle([source, target], &mixed, jobs, stop)?;
    target.with(parts::end)?;
    Ok(Finished { statistics, notes, open })
}

fn set_sequences(
    source: &mut Session,
    target: &mut Session,
    group: &[(String, String)],
) -> Outcome<()> {
    let positions = positions(source, group)?;
    let calls: Vec<String> = group
        .iter()
        .zip(&positions)
        .map(|((schema, name), position)| {
            let sequence = quote_literal(&qualified(schema, name));
            format!("setval({sequence}, {}, {})", position.last_value, position.is_called)
        })
        .collect();
    let sql = format!("BEGIN; {DURABLY}SELECT {}; COMMIT", calls.join(", "));
    run(target, "set the sequences", &sql)
}

/// Where a sequence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// As the server writes it.
    pub(crate) last_value: String,
    /// Whether `last_value` was given out.
    pub(crate) is_called: bool,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.last_value, if self.is_called { "" } else { " (not given out yet)" })
    }
}

/// Reads where sequences stand, in their order. Sequences know no snapshots: this is their position
/// now.
pub(crate) fn positions(
    session: &mut Session,
    group: &[(String, String)],
) -> Outcome<Vec<Position>> {
    let what = "read the sequences";
    let reads: Vec<String> = group
        .iter()
        .enumerate()
        .map(|(index, (schema, name))| {
            format!("SELECT {index} AS n, last_value, is_called FROM {}", qualified(schema, name))
        })
        .collect();
    let sql = format!("{} ORDER BY n", reads.join(" UNION ALL "));
    let rows = query(session, what, &sql)?;
    if rows.len() != group.len() {
        return Err(act(what, "the server did not answer for each of them", ""));
    }
    Ok(rows
        .iter()
        .map(|row| Position { last_value: text(row, 1).to_owned(), is_called: flag(row, 2) })
        .collect())
}

#[cfg(test)]
mod tests {
    use flexway_core::migrate::Column;

    use super::*;

    fn table(columns: &[&str]) -> Table {
        Table {
            schema: "s p".to_owned(),
            name: "t\"x".to_owned(),
            columns: columns
                .iter()
                .map(|name| Column { name: (*name).to_owned(), type_name: "text".to_owned() })
                .collect(),
            size_bytes: 0,
        }
    }

    fn part() -> Part {
        Part { number: 0, blocks: None, size_bytes: 0, cut: String::new(), arrived: None }
    }

    #[test]
    fn names_are_quoted_and_columns_listed() {
        let table = table(&["a", "B c"]);
        assert_eq!(
            copy_out(&table, &columns(&table), Rows::Own),
            "COPY \"s p\".\"t\"\"x\" (\"a\", \"B c\") TO STDOUT"
        );
        assert_eq!(
            copy_out(&table, "1", Rows::Own),
            "COPY (SELECT 1 FROM ONLY \"s p\".\"t\"\"x\" ) TO STDOUT"
        );
        assert_eq!(
            filling((&table, Rows::Own, &part()), (Format::Text, None), ""),
            "BEGIN; COPY \"s p\".\"t\"\"x\" (\"a\", \"B c\") FROM STDIN"
        );
    }

    #[test]
    fn large_tables_are_frozen_unless_they_come_in_parts() {
        let large = Table { size_bytes: FREEZE_BYTES_MIN, ..table(&["a"]) };
        assert_eq!(
            filling((&large, Rows::Own, &part()), (Format::Binary, None), ""),
            "BEGIN; TRUNCATE ONLY \"s p\".\"t\"\"x\"; COPY \"s p\".\"t\"\"x\" (\"a\") FROM STDIN \
             WITH (FORMAT binary, FREEZE)"
        );
        let some = Part { blocks: Some((0, Some(7))), ..part() };
        let sql = filling((&large, Rows::Own, &some), (Format::Binary, None), "");
        assert!(sql.ends_with("(\"a\") FROM STDIN WITH (FORMAT binary)"), "{sql}");
    }

    #[test]
    fn leaves_are_read_apart_and_filled_through_their_root() {
        let table = table(&["a"]);
        let leaves = ["x", "y"].map(|name| ("s".to_owned(), name.to_owned()));
        let rows = Rows::OfLeaves(&leaves);
        assert_eq!(
            copy_out(&table, "\"a\"", rows),
            "COPY (SELECT \"a\" FROM ONLY \"s\".\"x\"  UNION ALL SELECT \"a\" FROM ONLY \
             \"s\".\"y\" ) TO STDOUT"
        );
        assert_eq!(
            filling((&table, rows, &part()), (Format::Text, None), ""),
            "BEGIN; COPY \"s p\".\"t\"\"x\" (\"a\") FROM STDIN"
        );
    }

    #[test]
    fn a_table_without_columns_has_no_list() {
        let table = table(&[]);
        assert_eq!(
            filling((&table, Rows::Where("WHERE x"), &part()), (Format::Text, None), ""),
            "BEGIN; DELETE FROM ONLY \"s p\".\"t\"\"x\" WHERE x; COPY \"s p\".\"t\"\"x\"  FROM STDIN"
        );
    }
}
