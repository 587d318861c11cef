//! Reading a ledger while a run writes it: never creates, locks or changes anything.

use std::path::Path;
use std::time::Duration;

use flexway_core::migrate::Statistics;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{LedgerError, lock, schema};
use crate::pacing::Paced;

/// Readers of a WAL file wait only while it is being opened or recovered.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a ledger says at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerView {
    /// The latest run; `None` when the ledger was opened but nothing was begun.
    pub run: Option<RunView>,
    /// In order of name.
    pub databases: Vec<DatabaseView>,
}

/// The latest run.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    /// Number of the run in this ledger, from 1.
    pub id: i64,
    /// `host:port as user`.
    pub source: String,
    /// `host:port as user`.
    pub target: String,
    /// `running`, `done`, `differs`, `failed`, `stopped`, `cancelled`; `interrupted` when its process ended
    /// without a word.
    pub state: String,
    /// Its process.
    pub pid: i64,
    /// UTC.
    pub started: String,
    /// UTC; `None` while it runs, or when it was interrupted.
    pub ended: Option<String>,
    /// What it failed with.
    pub error: Option<String>,
}

/// One database of the move.
#[derive(Debug, Clone, Serialize)]
pub struct DatabaseView {
    /// Its name.
    pub name: String,
    /// The last complete phase; `None` before the first.
    pub phase: Option<String>,
    /// Tables that are on the target.
    pub tables_done: u64,
    /// Tables known so far; zero before the copy has begun.
    pub tables: u64,
    /// Rows copied, including those of running tables.
    pub rows: u64,
    /// Large objects copied.
    pub large_objects: u64,
    /// Bytes copied, including those of running tables.
    pub bytes: u64,
    /// Size of the tables that are done, as their server counts it.
    pub size_done_bytes: u64,
    /// Size of all tables, as their server counts it.
    pub size_bytes: u64,
    /// Schema entries after the data that stand on the target.
    pub entries_done: u64,
    /// Schema entries after the data.
    pub entries: u64,
    /// Tables, large objects and entries that are being worked on or failed.
    pub items: Vec<ItemView>,
    /// How fast its rows are being copied; `None` while they are not, or nobody does it any more.
    pub pace: Option<Paced>,
    /// Where the planner's statistics on the target come from; `None` before it has any.
    pub statistics: Option<Statistics>,
    /// What it failed with.
    pub error: Option<String>,
}

/// An item that is being worked on, or that failed.
#[derive(Debug, Clone, Serialize)]
pub struct ItemView {
    /// `table`, `entry` or `large-objects`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `running` or `failed`.
    pub state: String,
    /// Rows so far.
    pub rows: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// What it failed with.
    pub error: Option<String>,
}

impl LedgerView {
    /// Reads the ledger at `path` in one read transaction.
    ///
    /// # Errors
    /// [`LedgerError::Io`] when there is no such file, [`LedgerError::NotALedger`] when it is
    /// something else.
    pub fn read(path: &Path) -> Result<LedgerView, LedgerError> {
        let mut connection = connect(path)?;
        let transaction = connection.transaction()?;
        let run = run(&transaction, path)?;
        let mut databases = databases(&transaction)?;
        if run.as_ref().is_none_or(|run| run.state != "running") {
            databases.iter_mut().for_each(|database| database.pace = None);
        }
        Ok(LedgerView { run, databases })
    }
}

/// Opens the ledger at `path` for reading alone.
pub(super) fn connect(path: &Path) -> Result<Connection, LedgerError> {
    std::fs::metadata(path).map_err(|error| LedgerError::Io { path: path.to_owned(), error })?;
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match schema::is_ledger(&connection) {
        Ok(true) => Ok(connection),
        Ok(false) => Err(LedgerError::NotALedger),
        Err(LedgerError::Sqlite(error))
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
        {
            Err(LedgerError::NotALedger)
        }
        Err(error) => Err(error),
    }
}

/// The latest run; one that still counts as running while nobody holds the ledger was interrupted.
pub(super) fn run(connection: &Connection, path: &Path) -> Result<Option<RunView>, LedgerError> {
    let mut run = connection
        .query_row(
            "SELECT id, source, target, state, pid, started, ended, error FROM run \
             ORDER BY id DESC LIMIT 1",
            [],
            |row| {
                Ok(RunView {
                    id: row.get(0)?,
                    source: row.get(1)?,
                    target: row.get(2)?,
                    state: row.get(3)?,
                    pid: row.get(4)?,
                    started: row.get(5)?,
                    ended: row.get(6)?,
                    error: row.get(7)?,
                })
            },
        )
        .optional()?;
    if let Some(run) = run.as_mut().filter(|run| run.state == "running")
        && !lock::is_held(path)
    {
        run.state = "interrupted".to_owned();
    }
    Ok(run)
}

pub(super) fn databases(connection: &Connection) -> Result<Vec<DatabaseView>, LedgerError> {
    let mut select = connection.prepare(
        "SELECT d.name, phase, d.error,
            count(*) FILTER (WHERE kind = 'table' AND state = 'done'),
            count(*) FILTER (WHERE kind = 'table'),
            coalesce(sum(rows) FILTER (WHERE kind = 'table'), 0),
            coalesce(sum(rows) FILTER (WHERE kind = 'large-objects'), 0),
            coalesce(sum(bytes), 0),
            coalesce(sum(i.size_bytes) FILTER (WHERE state = 'done'), 0),
            coalesce(sum(i.size_bytes), 0),
            count(*) FILTER (WHERE kind = 'entry' AND state = 'done'),
            count(*) FILTER (WHERE kind = 'entry'),
            d.pace, d.statistics
         FROM database d LEFT JOIN item i ON i.database = d.name
         GROUP BY d.name ORDER BY d.name",
    )?;
    let mut views = select
        .query_map([], |row| {
            let count = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            Ok(DatabaseView {
                name: row.get(0)?,
                phase: row.get(1)?,
                error: row.get(2)?,
                tables_done: count(3)?,
                tables: count(4)?,
                rows: count(5)?,
                large_objects: count(6)?,
                bytes: count(7)?,
                size_done_bytes: count(8)?,
                size_bytes: count(9)?,
                entries_done: count(10)?,
                entries: count(11)?,
                items: Vec::new(),
                pace: json(row, 12)?,
                statistics: json(row, 13)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for view in &mut views {
        view.items = items(connection, &view.name)?;
    }
    Ok(views)
}

/// A column that holds JSON; text that is none counts as nothing.
fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(index)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn items(connection: &Connection, database: &str) -> Result<Vec<ItemView>, LedgerError> {
    let mut select = connection.prepare(
        "SELECT kind, name, state, rows, bytes, error FROM item \
         WHERE database = ?1 AND state IN ('running', 'failed') ORDER BY state, bytes DESC, name",
    )?;
    let items = select.query_map([database], |row| {
        Ok(ItemView {
            kind: row.get(0)?,
            name: row.get(1)?,
            state: row.get(2)?,
            rows: row.get::<_, i64>(3)?.unsigned_abs(),
            bytes: row.get::<_, i64>(4)?.unsigned_abs(),
            error: row.get(5)?,
        })
    })?;
    Ok(items.collect::<Result<_, _>>()?)
}
