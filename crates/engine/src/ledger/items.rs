//! Items of a ledger: the tables, schema entries and large objects of a database, one by one.

use std::collections::{BTreeMap, HashMap, HashSet};

use flexway_core::history::Span;
use flexway_core::migrate::{Copied, RowsHash};
use rusqlite::params;

use super::write::whole;
use super::{Ledger, LedgerError, spans};
use crate::pacing::Paced;
use crate::report::ItemReport;

/// What kind of work an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// Rows of one table.
    Table,
    /// One entry of the schema after the data.
    Entry,
    /// All large objects of a database.
    LargeObjects,
}

impl ItemKind {
    /// The word in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            ItemKind::Table => "table",
            ItemKind::Entry => "entry",
            ItemKind::LargeObjects => "large-objects",
        }
    }
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// It is being worked on.
    Running,
    /// It is on the target, for good; what was moved, and how long it took in seconds.
    Done(Copied, f64),
    /// It failed with this.
    Failed(String),
}

impl Ledger {
    /// Makes sure that the items stand in the ledger; returns the names of those that are done.
    pub(crate) fn add_items(
        &self,
        database: &str,
        kind: ItemKind,
        items: &[(String, u64)],
    ) -> Result<HashSet<String>, LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO item (database, kind, name, state, size_bytes) \
                 VALUES (?1, ?2, ?3, 'pending', ?4) \
                 ON CONFLICT DO UPDATE SET size_bytes = excluded.size_bytes",
            )?;
            for (name, size_bytes) in items {
                insert.execute(params![database, kind.word(), name, whole(*size_bytes)])?;
            }
        }
        transaction.commit()?;
        let mut done = connection.prepare(
            "SELECT name FROM item WHERE database = ?1 AND kind = ?2 AND state = 'done'",
        )?;
        let names = done.query_map([database, kind.word()], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Records what became of items, and the work on them, all at once.
    pub(crate) fn mark_items(
        &self,
        database: &str,
        marks: &BTreeMap<(ItemKind, String), Mark>,
        spans: &[Span],
    ) -> Result<(), LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        spans::insert(&transaction, spans)?;
        {
            let set = |what: &str| {
                let place = "WHERE database = ?1 AND kind = ?2 AND name = ?3";
                transaction.prepare(&format!("UPDATE item SET {what} {place}"))
            };
            let mut running = set("state = 'running', rows = 0, bytes = 0, error = NULL")?;
            let mut done = set("state = 'done', rows = ?4, bytes = ?5, seconds = ?6, hash = ?7, \
                                is_binary = ?8, error = NULL")?;
            let mut failed = set("state = 'failed', error = ?4")?;
            for ((kind, name), mark) in marks {
                let kind = kind.word();
                match mark {
                    Mark::Running => running.execute(params![database, kind, name])?,
                    Mark::Done(copied, seconds) => {
                        let (rows, bytes) = (whole(copied.rows), whole(copied.bytes));
                        let hash = copied.hash.map(|hash| format!("{:032x}", hash.sum));
                        let is_binary = copied.hash.is_some_and(|hash| hash.is_binary);
                        done.execute(params![
                            database, kind, name, rows, bytes, seconds, hash, is_binary
                        ])?
                    }
                    Mark::Failed(why) => failed.execute(params![database, kind, name, why])?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Takes back that entries are built; those that stand are found to when they are built again.
    pub(crate) fn doubt_entries(&self, database: &str) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE item SET state = 'pending' WHERE database = ?1 AND kind = 'entry'",
            [database],
        )?;
        Ok(())
    }

    /// What was sent of each table that is done, by its name.
    pub(crate) fn sent(&self, database: &str) -> Result<HashMap<String, Copied>, LedgerError> {
        let connection = self.lock();
        let mut select = connection.prepare(
            "SELECT name, rows, bytes, hash, is_binary FROM item \
             WHERE database = ?1 AND kind = 'table' AND state = 'done' AND hash IS NOT NULL",
        )?;
        let rows = select.query_map([database], |row| {
            let is_binary = row.get(4)?;
            let sum = u128::from_str_radix(&row.get::<_, String>(3)?, 16).ok();
            let copied = Copied {
                rows: row.get::<_, i64>(1)?.unsigned_abs(),
                bytes: row.get::<_, i64>(2)?.unsigned_abs(),
                hash: sum.map(|sum| RowsHash { sum, is_binary }),
            };
            Ok((row.get(0)?, copied))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records how fast rows are being copied; `None` when they are not any more.
    pub(crate) fn set_pace(&self, database: &str, pace: Option<&Paced>) -> Result<(), LedgerError> {
        let text = pace.and_then(|pace| serde_json::to_string(pace).ok());
        let sql = "UPDATE database SET pace = ?2 WHERE name = ?1";
        self.lock().execute(sql, params![database, text])?;
        Ok(())
    }

    /// Records the counters of running items, for readers of the status.
    pub(crate) fn tick_items(
        &self,
        database: &str,
        running: &[(ItemKind, String, Copied)],
    ) -> Result<(), LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for (kind, name, copied) in running {
            transaction.execute(
                "UPDATE item SET rows = ?4, bytes = ?5 WHERE database = ?1 AND kind = ?2 \
                 AND name = ?3 AND state = 'running'",
                params![database, kind.word(), name, whole(copied.rows), whole(copied.bytes)],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Finished tables and large objects of a database, largest first.
    pub(crate) fn copied_items(&self, database: &str) -> Result<Vec<ItemReport>, LedgerError> {
        let connection = self.lock();
        let mut select = connection.prepare(
            "SELECT kind, name, rows, bytes, seconds FROM item WHERE database = ?1 \
             AND kind <> 'entry' AND state = 'done' ORDER BY bytes DESC, name",
        )?;
        let rows = select.query_map([database], |row| {
            Ok(ItemReport {
                kind: row.get(0)?,
                name: row.get(1)?,
                rows: row.get::<_, i64>(2)?.unsigned_abs(),
                bytes: row.get::<_, i64>(3)?.unsigned_abs(),
                seconds: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// `schema.name`, quoted where the words are not plain: unique, and fit for messages.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", word(schema), word(name))
}

fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}
