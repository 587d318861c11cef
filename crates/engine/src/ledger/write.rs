//! Writing a ledger: what a run records, and what it asks of earlier runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flexway_core::migrate::{Phase, Statistics};
use rusqlite::{Connection, OptionalExtension, params};

use super::{LedgerError, Word, lock, schema};
use crate::clock::now_ms;
use crate::report::Roles;
use crate::run::RunOptions;

/// Readers never block a writer in WAL mode; the only other writer is a checkpoint, which is over
/// in far less.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A ledger opened for a run. While it lives, no other process can open it for one. One that was
/// created and with which no run was begun is removed in the end.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Dropped last: the connection must be closed before its file can be removed.
    files: Files,
}

/// The files of a ledger, locked.
#[derive(Debug)]
struct Files {
    path: PathBuf,
    /// Whether they were created here and hold nothing yet.
    are_unused: AtomicBool,
    lock: lock::Lock,
}

impl Drop for Files {
    fn drop(&mut self) {
        if !self.are_unused.load(Ordering::Relaxed) {
            return;
        }
        // SQLite's own helpers stay when somebody reads the status just now.
        for suffix in ["-wal", "-shm", ""] {
            let mut name = self.path.as_os_str().to_owned();
            name.push(suffix);
            let _ = fs::remove_file(name);
        }
        // Last: from here on somebody else may make a new ledger.
        self.lock.remove_file();
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Everything is on the target and was found equal, or was not to be compared.
    Done,
    /// Everything is on the target, and the comparison found differences.
    Differs,
    /// Something failed.
    Failed,
    /// It was asked to stop.
    Stopped,
}

impl RunEnd {
    /// The word in the ledger and in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            RunEnd::Done => "done",
            RunEnd::Differs => "differs",
            RunEnd::Failed => "failed",
            RunEnd::Stopped => "stopped",
        }
    }
}

/// What the ledger knows of a database.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DatabaseRecord {
    /// The last complete phase.
    pub phase: Option<Phase>,
    /// Whether objects of this move may stand on the target.
    pub is_touched: bool,
    /// Seconds spent on it in all runs.
    pub seconds: f64,
    /// Tables found equal by the comparison that was passed.
    pub tables_compared: u64,
    /// Their rows.
    pub rows_compared: u64,
}

impl Ledger {
    /// Opens the ledger at `path`, creating it and its folder when they are not there.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while another process has it open; [`LedgerError::NotALedger`] for
    /// other files.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        let io = |error| LedgerError::Io { path: path.to_owned(), error };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(io)?;
        }
        refuse_other_files(path)?;
        let lock = lock::take(path)?;
        let are_unused = AtomicBool::new(!path.exists());
        let files = Files { path: path.to_owned(), are_unused, lock };
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // No lock is left beside a file that is none of ours.
        schema::prepare(&mut connection).inspect_err(|_| files.lock.remove_file())?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A finished table that the ledger forgets would only be copied again, but the ledger is
        // small: be durable.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Ledger { path: path.to_owned(), connection: Mutex::new(connection), files })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The options of the last run, if there was one.
    pub fn last_options(&self) -> Result<Option<RunOptions>, LedgerError> {
        let text: Option<String> = self
            .lock()
            .query_row("SELECT options FROM run ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
            .optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Refuses the ledger when its move is between other servers. The login may differ.
    pub fn check_servers(&self, source: &str, target: &str) -> Result<(), LedgerError> {
        let recorded: Option<(String, String)> = self
            .lock()
            .query_row("SELECT source, target FROM run ORDER BY id LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match recorded {
            Some((source_label, target_label))
                if server(&source_label) != server(source)
                    || server(&target_label) != server(target) =>
            {
                Err(LedgerError::OtherServers { source_label, target_label })
            }
            _ => Ok(()),
        }
    }

    /// Refuses the ledger when its move is to another server.
    pub(crate) fn check_target(&self, target: &str) -> Result<(), LedgerError> {
        let sql = "SELECT source FROM run ORDER BY id LIMIT 1";
        let source: Option<String> = self.lock().query_row(sql, [], |row| row.get(0)).optional()?;
        source.map_or(Ok(()), |source| self.check_servers(&source, target))
    }

    /// Records that the move was given up: nothing of what is not verified is known any more.
    pub(crate) fn cancel(&self) -> Result<(), LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let open = "phase IS DISTINCT FROM 'verified'";
        transaction.execute(
            &format!("DELETE FROM item WHERE database IN (SELECT name FROM database WHERE {open})"),
            [],
        )?;
        transaction.execute(
            &format!(
                "UPDATE database SET phase = NULL, touched = 0, statistics = NULL, error = NULL \
                 WHERE {open}"
            ),
            [],
        )?;
        transaction.execute(
            "UPDATE run SET state = 'cancelled', ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') \
             WHERE id = (SELECT max(id) FROM run)",
            [],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Records that a run begins; returns its number. A run that never ended is marked as
    /// interrupted: its lock is gone.
    pub(crate) fn begin_run(
        &self,
        source: &str,
        target: &str,
        options: &RunOptions,
    ) -> Result<i64, LedgerError> {
        let options = serde_json::to_string(options).unwrap_or_default();
        self.files.are_unused.store(false, Ordering::Relaxed);
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("UPDATE run SET state = 'interrupted' WHERE state = 'running'", [])?;
        transaction.execute("UPDATE item SET state = 'pending' WHERE state = 'running'", [])?;
        transaction.execute("UPDATE database SET pace = NULL", [])?;
        transaction.execute(
            "INSERT INTO run (source, target, options, pid, began_ms, started, state) \
             VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'running')",
            params![source, target, options, std::process::id(), whole(now_ms())],
        )?;
        let id = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(id)
    }

    /// Records how the run ended, and what it found. What was being worked on is to be done again.
    pub(crate) fn end_run(
        &self,
        id: i64,
        end: RunEnd,
        error: Option<&str>,
        word: &Word,
    ) -> Result<(), LedgerError> {
        let word = serde_json::to_string(word).ok();
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("UPDATE item SET state = 'pending' WHERE state = 'running'", [])?;
        transaction.execute(
            "UPDATE run SET state = ?2, error = ?3, report = ?4, ended_ms = max(began_ms, ?5), \
             ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?1",
            params![id, end.word(), error, word, whole(now_ms())],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Start and end of a run, UTC.
    pub(crate) fn run_times(&self, id: i64) -> Result<(String, Option<String>), LedgerError> {
        Ok(self.lock().query_row("SELECT started, ended FROM run WHERE id = ?1", [id], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?)
    }

    /// What became of the roles, if they were carried.
    pub(crate) fn roles(&self) -> Result<Option<Roles>, LedgerError> {
        let text: Option<String> =
            self.lock().query_row("SELECT report FROM roles", [], |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Records that the roles were carried.
    pub(crate) fn record_roles(&self, roles: &Roles) -> Result<(), LedgerError> {
        let text = serde_json::to_string(roles).unwrap_or_default();
        self.lock().execute("INSERT OR REPLACE INTO roles VALUES (1, ?1)", [text])?;
        Ok(())
    }

    /// Makes sure that the ledger has a row for the database.
    pub(crate) fn add_database(&self, name: &str, size_bytes: u64) -> Result<(), LedgerError> {
        self.lock().execute(
            "INSERT INTO database (name, size_bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![name, whole(size_bytes)],
        )?;
        Ok(())
    }

    /// What the ledger knows of the database; nothing is a fresh record.
    pub fn database(&self, name: &str) -> Result<DatabaseRecord, LedgerError> {
        let found = self
            .lock()
            .query_row(
                "SELECT phase, touched, seconds, tables_compared, rows_compared \
                 FROM database WHERE name = ?1",
                [name],
                |row| {
                    Ok(DatabaseRecord {
                        phase: row.get::<_, Option<String>>(0)?.and_then(|word| phase(&word)),
                        is_touched: row.get(1)?,
                        seconds: row.get(2)?,
                        tables_compared: row.get::<_, i64>(3)?.unsigned_abs(),
                        rows_compared: row.get::<_, i64>(4)?.unsigned_abs(),
                    })
                },
            )
            .optional()?;
        Ok(found.unwrap_or_default())
    }

    /// Names of the databases that earlier runs began with.
    pub(crate) fn database_names(&self) -> Result<Vec<String>, LedgerError> {
        let ledger = self.lock();
        let mut statement = ledger.prepare("SELECT name FROM database")?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    }

    /// Records whether objects of this move may stand on the target.
    pub(crate) fn set_touched(&self, database: &str, touched: bool) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE database SET touched = ?2 WHERE name = ?1",
            params![database, touched],
        )?;
        Ok(())
    }

    /// Adds to the seconds spent on a database and records what went wrong there, if anything.
    pub(crate) fn leave_database(
        &self,
        database: &str,
        seconds: f64,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE database SET seconds = seconds + ?2, error = ?3 WHERE name = ?1",
            params![database, seconds, error],
        )?;
        Ok(())
    }

    /// Records where the planner's statistics come from.
    pub(crate) fn set_statistics(
        &self,
        database: &str,
        statistics: &Statistics,
    ) -> Result<(), LedgerError> {
        let text = serde_json::to_string(statistics).ok();
        self.lock().execute(
            "UPDATE database SET statistics = ?2 WHERE name = ?1",
            params![database, text],
        )?;
        Ok(())
    }

    /// Where the planner's statistics come from, once it has any.
    pub(crate) fn statistics(&self, database: &str) -> Result<Option<Statistics>, LedgerError> {
        let sql = "SELECT statistics FROM database WHERE name = ?1";
        let text: Option<Option<String>> =
            self.lock().query_row(sql, [database], |row| row.get(0)).optional()?;
        Ok(text.flatten().and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Records a passed comparison.
    pub(crate) fn set_compared(
        &self,
        database: &str,
        tables: u64,
        rows: u64,
    ) -> Result<(), LedgerError> {
        self.lock().execute(
            "UPDATE database SET tables_compared = ?2, rows_compared = ?3, \
             verified = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE name = ?1",
            params![database, whole(tables), whole(rows)],
        )?;
        Ok(())
    }

    /// When the database was found equal, UTC.
    pub(crate) fn verified_at(&self, database: &str) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT verified FROM database WHERE name = ?1";
        Ok(self.lock().query_row(sql, [database], |row| row.get(0)).optional()?.flatten())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that SQLite would write into must be empty, absent or SQLite's own.
fn refuse_other_files(path: &Path) -> Result<(), LedgerError> {
    use std::io::Read;
    let Ok(mut file) = fs::File::open(path) else { return Ok(()) };
    let mut head = Vec::new();
    let read = file.by_ref().take(16).read_to_end(&mut head);
    read.map_err(|error| LedgerError::Io { path: path.to_owned(), error })?;
    if head.is_empty() || head == b"SQLite format 3\0" {
        Ok(())
    } else {
        Err(LedgerError::NotALedger)
    }
}

/// The part of a label that names the server: `host:port` of `host:port as user`.
fn server(label: &str) -> &str {
    label.split_once(" as ").map_or(label, |(server, _)| server)
}

fn phase(word: &str) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| phase.word() == word)
}

/// SQLite's integers are signed; no count of ours comes near the limit.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
