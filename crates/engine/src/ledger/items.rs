//! Items of a ledger: the tables, schema entries and large objects of a database, one by one.

use std::collections::HashSet;

use flexway_core::migrate::Copied;
use rusqlite::params;

use super::write::whole;
use super::{Ledger, LedgerError};
use crate::report::ItemReport;

/// What kind of work an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Records that work on an item begins.
    pub(crate) fn begin_item(
        &self,
        database: &str,
        kind: ItemKind,
        name: &str,
    ) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE item SET state = 'running', rows = 0, bytes = 0, error = NULL \
             WHERE database = ?1 AND kind = ?2 AND name = ?3",
            params![database, kind.word(), name],
        )?;
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

    /// Records that an item is done.
    pub(crate) fn finish_item(
        &self,
        database: &str,
        kind: ItemKind,
        name: &str,
        copied: Copied,
        seconds: f64,
    ) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE item SET state = 'done', rows = ?4, bytes = ?5, seconds = ?6, error = NULL \
             WHERE database = ?1 AND kind = ?2 AND name = ?3",
            params![database, kind.word(), name, whole(copied.rows), whole(copied.bytes), seconds],
        )?;
        Ok(())
    }

    /// Records that an item failed.
    pub(crate) fn fail_item(
        &self,
        database: &str,
        kind: ItemKind,
        name: &str,
        error: &str,
    ) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE item SET state = 'failed', error = ?4 \
             WHERE database = ?1 AND kind = ?2 AND name = ?3",
            params![database, kind.word(), name, error],
        )?;
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
