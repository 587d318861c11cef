//! Creates thousands of tables by several sessions, where one transaction for all would leave the target's other processors idle.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use flexway_core::migrate::{MoveError, SchemaEntry};

use crate::ask::Outcome;
use crate::pool::{Pool, connect, prepare, side_by_side};
use crate::schema::apply;
use crate::schema::entries::Dump;

/// Fewer tables are made in one transaction, within a second.
const TABLES_MIN: usize = 200;

/// Settings that a dump changes between its entries, and that decide what the next tables are.
const SETTINGS: [&str; 3] =
    ["SET default_tablespace = ", "SET default_table_access_method = ", "SET default_with_oids = "];

/// Whether a dump has so many tables that sessions beside each other pay.
pub(crate) fn pays(dump: &Dump) -> bool {
    dump.entries.iter().filter(|entry| entry.kind == "TABLE").count() >= TABLES_MIN
}

/// When an entry is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// First and in order: what tables may need.
    Before,
    /// Tables and sequences, beside each other.
    Tables,
    /// What hangs on one of those.
    OnTables,
    /// Last and in order: what may need any of them.
    After,
}

/// Makes all entries, a few a transaction. What fails beside the others, since it needs one that comes later, is tried again in its
/// place in the dump's order. Gives the first error that counts.
///
/// # Errors
/// A connection is lost.
pub(crate) fn create(target: &Pool, dump: &Dump, jobs: usize) -> Outcome<Option<MoveError>> {
    let entries = with_settings(&dump.entries);
    let mut rounds = rounds(&entries);
    let of = |rounds: &[Round], round| -> Vec<usize> {
        (0..entries.len()).filter(|&index| rounds[index] == round).collect()
    };
    let mut session = connect(target.info())?;
    prepare(&mut session, target.encoding())?;
    let part = |list: Vec<usize>| Dump {
        prologue: dump.prologue.clone(),
        entries: list.into_iter().map(|index| entries[index].clone()).collect(),
    };
    let before = apply::apply_in_pieces(&mut session, &part(of(&rounds, Round::Before)))?;
    for round in [Round::Tables, Round::OnTables] {
        for index in beside(target, dump, &entries, of(&rounds, round), jobs)? {
            rounds[index] = Round::After;
        }
    }
    let after = apply::apply_in_pieces(&mut session, &part(of(&rounds, Round::After)))?;
    Ok(before.or(after))
}

/// Makes entries by several sessions; gives those that failed.
fn beside(
    target: &Pool,
    dump: &Dump,
    entries: &[SchemaEntry],
    list: Vec<usize>,
    jobs: usize,
) -> Outcome<Vec<usize>> {
    let pieces: VecDeque<Vec<usize>> =
        list.chunks(apply::ENTRIES_PER_PIECE).map(<[usize]>::to_vec).collect();
    let queue = Mutex::new(pieces);
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let work = || -> Outcome<Vec<usize>> {
        let mut session = connect(target.info())?;
        prepare(&mut session, target.encoding())?;
        apply::begin_pieces(&mut session, dump)?;
        let mut failed = Vec::new();
        while let Some(piece) = take() {
            let some: Vec<&SchemaEntry> = piece.iter().map(|&index| &entries[index]).collect();
            if apply::apply_piece(&mut session, &some)?.is_some() {
                for (index, entry) in piece.into_iter().zip(some) {
                    if apply::apply_piece(&mut session, &[entry])?.is_some() {
                        failed.push(index);
                    }
                }
            }
        }
        Ok(failed)
    };
    side_by_side(jobs.max(1), work)
}

fn rounds(entries: &[SchemaEntry]) -> Vec<Round> {
    let is_table = |entry: &SchemaEntry| matches!(entry.kind.as_str(), "TABLE" | "SEQUENCE");
    let first = entries.iter().position(is_table).unwrap_or(entries.len());
    let round = |(index, entry): (usize, &SchemaEntry)| match entry.kind.as_str() {
        _ if index < first => Round::Before,
        "TABLE" => Round::Tables,
        // Sequences of identity columns come with their table.
        "SEQUENCE" if entry.sql.starts_with("CREATE ") => Round::Tables,
        "SEQUENCE" | "SEQUENCE OWNED BY" | "DEFAULT" => Round::OnTables,
        _ => Round::After,
    };
    entries.iter().enumerate().map(round).collect()
}

/// Entries that each bring the settings in force with them.
fn with_settings(entries: &[SchemaEntry]) -> Vec<SchemaEntry> {
    let mut current = [const { String::new() }; SETTINGS.len()];
    entries
        .iter()
        .map(|entry| {
            let sql = format!("{}{}", current.concat(), entry.sql);
            let changes = entry.sql.lines().rev().map_while(|line| {
                let place = SETTINGS.iter().position(|setting| line.starts_with(setting));
                (line.trim().is_empty() || place.is_some()).then_some(place.map(|at| (at, line)))
            });
            let mut changes: Vec<(usize, &str)> = changes.flatten().collect();
            changes.reverse();
            for (place, line) in changes {
                current[place] = format!("{line}\n");
            }
            SchemaEntry { sql, ..entry.clone() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, sql: &str) -> SchemaEntry {
        let (schema, name) = ("s".to_owned(), "n".to_owned());
        SchemaEntry { kind: kind.to_owned(), schema, name, table: None, sql: sql.to_owned() }
    }

    #[test]
    fn each_entry_brings_the_settings_in_force() {
        let heap = "SET default_table_access_method = heap;";
        let other = "SET default_table_access_method = other;";
        let entries = [
            entry("FUNCTION", &format!("CREATE f AS '\nSET default_tablespace = x;\n';\n\n{heap}")),
            entry("TABLE", &format!("CREATE TABLE a;\n\n\n{other}\n")),
            entry("TABLE", "CREATE TABLE b;"),
            entry("TABLE", "CREATE TABLE c;"),
        ];
        let sql: Vec<String> = with_settings(&entries).into_iter().map(|one| one.sql).collect();
        assert_eq!(sql[0], entries[0].sql);
        assert_eq!(sql[1], format!("{heap}\n{}", entries[1].sql));
        assert_eq!(sql[2], format!("{other}\nCREATE TABLE b;"));
        assert_eq!(sql[3], format!("{other}\nCREATE TABLE c;"));
    }

    #[test]
    fn what_tables_need_comes_first_and_what_needs_tables_last() {
        let kinds = [
            ("SCHEMA", ""),
            ("SEQUENCE", "CREATE SEQUENCE a"),
            ("FUNCTION", ""),
            ("TABLE", ""),
            ("SEQUENCE", "ALTER TABLE t ALTER COLUMN"),
            ("DEFAULT", ""),
            ("VIEW", ""),
        ];
        let entries: Vec<SchemaEntry> = kinds.iter().map(|(kind, sql)| entry(kind, sql)).collect();
        use Round::{After, Before, OnTables, Tables};
        assert_eq!(rounds(&entries), [Before, Tables, After, Tables, OnTables, OnTables, After]);
    }
}
