//! The tables of a ledger file and how a file is told from something else.

use rusqlite::Connection;

use super::LedgerError;

/// "FLXW": marks the file as a ledger, so that no other SQLite database is written into.
const APPLICATION_ID: i32 = 0x464c_5857;

/// Version of the tables below.
const VERSION: i32 = 5;

/// No column holds a password, a connection string or a row value.
const TABLES: &str = "
    -- report: what the run found in the end, as JSON.
    CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        options TEXT NOT NULL,
        pid INTEGER NOT NULL,
        started TEXT NOT NULL,
        ended TEXT,
        began_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        state TEXT NOT NULL
            CHECK (state IN ('running', 'done', 'differs', 'failed', 'stopped', 'interrupted', 'cancelled')),
        error TEXT,
        report TEXT
    ) STRICT;

    -- One row: what became of the roles, as JSON.
    CREATE TABLE roles (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        report TEXT NOT NULL
    ) STRICT;

    -- phase: the last complete one. touched: objects of this move may stand on the target.
    -- statistics: where those of the target's planner come from, as JSON.
    -- verified: when it was found equal. pace: how fast rows are being copied, as JSON.
    CREATE TABLE database (
        name TEXT PRIMARY KEY,
        size_bytes INTEGER NOT NULL,
        phase TEXT CHECK (phase IN
            ('prepared', 'pre-data', 'copied', 'post-data', 'finished', 'verified')),
        touched INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        tables_compared INTEGER NOT NULL DEFAULT 0,
        rows_compared INTEGER NOT NULL DEFAULT 0,
        statistics TEXT,
        verified TEXT,
        pace TEXT,
        error TEXT
    ) STRICT, WITHOUT ROWID;

    -- hash: of a table's rows as they were sent, in COPY's text or binary format.
    CREATE TABLE item (
        database TEXT NOT NULL REFERENCES database (name),
        kind TEXT NOT NULL CHECK (kind IN ('table', 'entry', 'large-objects')),
        name TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed')),
        size_bytes INTEGER NOT NULL DEFAULT 0,
        rows INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        hash TEXT,
        is_binary INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        error TEXT,
        PRIMARY KEY (database, kind, name)
    ) STRICT, WITHOUT ROWID;

    -- A stretch of work by one worker. Times are milliseconds since 1970.
    CREATE TABLE span (
        run INTEGER NOT NULL REFERENCES run (id),
        database TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('phase', 'copy', 'build', 'compare')),
        name TEXT NOT NULL,
        part INTEGER,
        worker INTEGER,
        began_ms INTEGER NOT NULL,
        ended_ms INTEGER NOT NULL CHECK (ended_ms >= began_ms),
        rows INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        is_done INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX span_of_run ON span (run, database, kind);
";

/// Creates the tables in a new file; leaves a ledger of this version alone; refuses anything else.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), LedgerError> {
    if is_ledger(connection)? {
        return Ok(());
    }
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if objects > 0 {
        return Err(LedgerError::NotALedger);
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Whether the file is a ledger of this version.
///
/// # Errors
/// [`LedgerError::OtherVersion`] for a ledger that another version of Flexway wrote.
pub(super) fn is_ledger(connection: &Connection) -> Result<bool, LedgerError> {
    let application_id: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application_id != APPLICATION_ID {
        return Ok(false);
    }
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Err(LedgerError::OtherVersion { found: version, known: VERSION });
    }
    Ok(true)
}
