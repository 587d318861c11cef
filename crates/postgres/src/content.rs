//! The rows: one table from source to target in one transaction, and what follows when all are
//! there.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{Contents, Copied, CopyProgress, MoveError, Remedy, Table};

use crate::ask::{Outcome, act, flag, query, relay_failed, run, text};
use crate::catalog::tables::Rows;
use crate::pool::Pool;
use crate::refresh::refresh_all;
use crate::statistics;
use crate::{PgError, RelayError, Session, quote_ident, quote_literal, relay};

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

/// Copies one table, in place of what the target's holds of the same `rows`.
pub(crate) fn copy_table(
    source: &mut Session,
    target: &mut Session,
    table: &Table,
    rows: Rows,
    progress: &CopyProgress,
    stop: &AtomicBool,
) -> Outcome<Copied> {
    let what = format!("copy table {}", plain(table));
    run(target, &what, "BEGIN")?;
    for sql in emptying(table, rows) {
        run(target, &what, &sql)?;
    }
    let copy_out = copy_out(table, &columns(table), rows);
    let copied = match relay(source, &copy_out, target, &copy_in(table, rows), progress, stop) {
        Ok(copied) => copied,
        Err(error) => return Err(copy_failed(&what, table, error)),
    };
    run(target, &what, "COMMIT")?;
    Ok(Copied { rows: copied.rows, bytes: copied.bytes })
}

fn emptying(table: &Table, rows: Rows) -> Vec<String> {
    let name = qualified(&table.schema, &table.name);
    match rows {
        Rows::Own => vec![format!("TRUNCATE ONLY {name}")],
        Rows::Where(condition) => vec![format!("DELETE FROM ONLY {name} {condition}")],
        // One by one: the table may have a foreign partition, which is not ours to empty.
        Rows::OfLeaves(leaves) => leaves
            .iter()
            .map(|(schema, name)| format!("TRUNCATE ONLY {}", qualified(schema, name)))
            .collect(),
    }
}

/// `COPY (SELECT ...) TO STDOUT` of the `rows`. A table without columns gives empty lines.
pub(crate) fn copy_out(table: &Table, columns: &str, rows: Rows) -> String {
    let of = |schema: &str, name: &str, condition: &str| {
        format!("SELECT {columns} FROM ONLY {} {condition}", qualified(schema, name))
    };
    let query = match rows {
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

fn columns(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| quote_ident(&column.name)).collect();
    names.join(", ")
}

/// FREEZE spares the target a later rewrite of every page; it is allowed where this transaction
/// emptied the table, and that is no partitioned one.
fn copy_in(table: &Table, rows: Rows) -> String {
    let name = qualified(&table.schema, &table.name);
    // A list of no columns is no syntax; without a list, generated columns are left out as well.
    let list =
        if table.columns.is_empty() { String::new() } else { format!("({})", columns(table)) };
    let freeze = match rows {
        Rows::Own => " WITH (FREEZE)",
        Rows::Where(_) | Rows::OfLeaves(_) => "",
    };
    format!("COPY {name} {list} FROM STDIN{freeze}")
}

fn copy_failed(what: &str, table: &Table, error: RelayError) -> MoveError {
    // 42P01: the table was dropped on one side after it was listed.
    let missing = match &error {
        // With a line number, it is something that a constraint of the row looked for.
        RelayError::Source(error) | RelayError::Target(error) => {
            error.code() == Some("42P01") && !error.to_string().contains("; COPY ")
        }
        RelayError::Stopped => false,
    };
    let refused = refused(&error);
    let mut failure = relay_failed(what, error);
    match refused {
        Some(Refused::Partition) => {
            failure.help = "the target takes the row for another partition's: it sorts text otherwise \
                            than the source (another collation, or version of it); make the target's \
                            database with a collation that sorts alike, then begin anew"
                .to_owned();
        }
        Some(Refused::Check) => {
            failure.remedy = Remedy::Later;
            failure.help =
                "the source holds rows that the table's constraints refuse on the target: \
                            mend them on the source, or drop the constraint there, then begin anew"
                    .to_owned();
        }
        None => {}
    }
    if missing {
        failure.help = format!(
            "create {} again, or start a new move: the schema changed meanwhile",
            plain(table)
        );
    }
    failure
}

/// Why the target does not take a row that the source holds.
enum Refused {
    /// It belongs into another partition there.
    Partition,
    /// A check says no, or the function that it calls; perhaps that looks into a table that has no
    /// rows yet.
    Check,
}

fn refused(error: &RelayError) -> Option<Refused> {
    let RelayError::Target(PgError::Server(error)) = error else { return None };
    match error.code.as_str() {
        // A partition's bounds are the one constraint without a name.
        "23514" if error.constraint.is_none() => Some(Refused::Partition),
        // Also raise_exception and no_data_found.
        "23514" | "P0001" | "P0002" => Some(Refused::Check),
        _ => None,
    }
}

/// Sets the sequences to where the source's are, refreshes materialized views and gathers
/// statistics. Gives the tables of which none could be gathered, a sentence each.
pub(crate) fn finish(
    source: &Pool,
    target: &Pool,
    contents: &Contents,
    stop: &AtomicBool,
) -> Outcome<Vec<String>> {
    for group in contents.sequences.chunks(SEQUENCES_PER_STATEMENT) {
        source.with(|source| target.with(|target| set_sequences(source, target, group)))?;
    }
    refresh_all(target, &contents.materialized_views, stop)?;
    target.with(|target| statistics::gather(target, stop))
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
    run(target, "set the sequences", &format!("SELECT {}", calls.join(", ")))
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

    #[test]
    fn names_are_quoted_and_columns_listed() {
        let table = table(&["a", "B c"]);
        assert_eq!(
            copy_out(&table, &columns(&table), Rows::Own),
            "COPY (SELECT \"a\", \"B c\" FROM ONLY \"s p\".\"t\"\"x\" ) TO STDOUT"
        );
        assert_eq!(
            copy_in(&table, Rows::Own),
            "COPY \"s p\".\"t\"\"x\" (\"a\", \"B c\") FROM STDIN WITH (FREEZE)"
        );
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
        assert_eq!(emptying(&table, rows)[1], "TRUNCATE ONLY \"s\".\"y\"");
        assert_eq!(copy_in(&table, rows), "COPY \"s p\".\"t\"\"x\" (\"a\") FROM STDIN");
    }

    #[test]
    fn a_table_without_columns_has_no_list() {
        let table = table(&[]);
        assert_eq!(copy_in(&table, Rows::Where("")), "COPY \"s p\".\"t\"\"x\"  FROM STDIN");
    }
}
