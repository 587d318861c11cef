//! The rows: one table from source to target in one transaction, and what follows when all are
//! there.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{Contents, Copied, CopyProgress, MoveError, Table};

use crate::ask::{Outcome, act, flag, query, relay_failed, run, run_unless, text};
use crate::pool::Pool;
use crate::refresh::refresh_all;
use crate::{RelayError, Session, quote_ident, quote_literal, relay};

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

/// Copies one table. `condition` is an extension's `WHERE ...` for its configuration table: then
/// only the rows that it names are replaced, since the others came with the extension.
pub(crate) fn copy_table(
    source: &mut Session,
    target: &mut Session,
    table: &Table,
    condition: Option<&str>,
    progress: &CopyProgress,
    stop: &AtomicBool,
) -> Outcome<Copied> {
    let what = format!("copy table {}", plain(table));
    let name = qualified(&table.schema, &table.name);
    run(target, &what, "BEGIN")?;
    match condition {
        None => run(target, &what, &format!("TRUNCATE ONLY {name}"))?,
        Some(condition) => run(target, &what, &format!("DELETE FROM ONLY {name} {condition}"))?,
    }
    let copy_out = copy_out(table, &columns(table), condition);
    let copied = match relay(source, &copy_out, target, &copy_in(table, condition), progress, stop)
    {
        Ok(copied) => copied,
        Err(error) => return Err(copy_failed(&what, table, error)),
    };
    run(target, &what, "COMMIT")?;
    Ok(Copied { rows: copied.rows, bytes: copied.bytes })
}

/// `COPY (SELECT ...) TO STDOUT` of the table's own rows. A table without columns gives empty
/// lines.
pub(crate) fn copy_out(table: &Table, columns: &str, condition: Option<&str>) -> String {
    let name = qualified(&table.schema, &table.name);
    format!("COPY (SELECT {columns} FROM ONLY {name} {}) TO STDOUT", condition.unwrap_or(""))
}

fn columns(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| quote_ident(&column.name)).collect();
    names.join(", ")
}

/// FREEZE spares the target a later rewrite of every page; it is allowed where this transaction
/// emptied the table.
fn copy_in(table: &Table, condition: Option<&str>) -> String {
    let name = qualified(&table.schema, &table.name);
    // A list of no columns is no syntax; without a list, generated columns are left out as well.
    let list =
        if table.columns.is_empty() { String::new() } else { format!("({})", columns(table)) };
    let freeze = if condition.is_none() { " WITH (FREEZE)" } else { "" };
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
    let mut failure = relay_failed(what, error);
    if missing {
        failure.help = format!(
            "create {} again, or start a new move: the schema changed meanwhile",
            plain(table)
        );
    }
    failure
}

/// Sets the sequences to where the source's are, refreshes materialized views and gathers
/// statistics.
pub(crate) fn finish(
    source: &Pool,
    target: &Pool,
    contents: &Contents,
    stop: &AtomicBool,
) -> Outcome<()> {
    for group in contents.sequences.chunks(SEQUENCES_PER_STATEMENT) {
        source.with(|source| target.with(|target| set_sequences(source, target, group)))?;
    }
    refresh_all(target, &contents.materialized_views, stop)?;
    target.with(|target| run_unless(stop, target, "gather statistics", "ANALYZE"))
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
            copy_out(&table, &columns(&table), None),
            "COPY (SELECT \"a\", \"B c\" FROM ONLY \"s p\".\"t\"\"x\" ) TO STDOUT"
        );
        assert_eq!(
            copy_in(&table, None),
            "COPY \"s p\".\"t\"\"x\" (\"a\", \"B c\") FROM STDIN WITH (FREEZE)"
        );
    }

    #[test]
    fn a_table_without_columns_has_no_list() {
        let table = table(&[]);
        assert_eq!(copy_in(&table, Some("")), "COPY \"s p\".\"t\"\"x\"  FROM STDIN");
    }
}
