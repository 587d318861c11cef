//! One connection to one database, used by one thread: simple queries with text results.

pub(crate) mod connect;
mod exchange;
mod version;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use flexway_core::probes::Rung;

use crate::ask::flag;
use crate::canceller::Canceller;
use crate::connect_error::ConnectError;
use crate::conninfo::ConnInfo;
use crate::dial::{self, Keepalive};
use crate::pg_error::{PgError, ServerError};
use crate::watch::Watch;
use crate::wire::{self, Wire};

use connect::Connection;
pub(crate) use exchange::copy_fail;
use exchange::read_row;
pub use version::ServerVersion;

/// The values of a row as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Rows that [`Session::rows`] returns at most: catalogs of a million objects fit, tables do not
/// and are for COPY.
const ROWS_MAX: usize = 4_000_000;
/// Bytes of values that [`Session::rows`] returns at most.
const ROW_BYTES_MAX: usize = 1 << 30;

/// What every session sets, so that text results do not depend on server, database or role: values
/// read back exactly, names resolve in `pg_catalog` only, row security raises an error instead of
/// hiding rows, and no time-out of the server ends a long move.
const SETTINGS: &str = "\
    SET DateStyle = 'ISO, MDY'; SET IntervalStyle = postgres; SET TimeZone = 'UTC'; \
    SET extra_float_digits = 3; SET bytea_output = hex; SET standard_conforming_strings = on; \
    SET xmloption = content; SET row_security = off; SET search_path = ''; \
    SET default_tablespace = ''; SET synchronize_seqscans = off";

/// Has the server look whether we are still there, as we look after it: a session that a dead path cut off would hold its locks for hours.
fn keepalives(info: &ConnInfo) -> String {
    let Keepalive { idle, interval, count } = info.keepalive();
    let (idle, interval) = (idle.as_secs(), interval.as_secs());
    format!(
        "SET tcp_keepalives_idle = {idle}; SET tcp_keepalives_interval = {interval}; \
         SET tcp_keepalives_count = {count}"
    )
}

/// Lifts the limits that server, database or role put on the time that something may take.
const NO_TIME_OUTS: &str = "\
    SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN \
    ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', \
    'idle_session_timeout', 'transaction_timeout')";

/// First version in which superusers, and whom they let, may switch event triggers off for a session.
pub(crate) const EVENT_TRIGGERS_SET_SINCE: u32 = 170_000;

/// An expression for whether the login may do that.
pub(crate) fn may_silence(version: u32) -> &'static str {
    match version {
        EVENT_TRIGGERS_SET_SINCE.. => "has_parameter_privilege('event_triggers', 'SET')",
        _ => "false",
    }
}

/// The stop of what is not stopped.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

fn not_opened(info: &ConnInfo, why: String, fix: &str) -> ConnectError {
    ConnectError::new(Rung::Startup, format!("open a session on {}", info.label()), why, fix)
}

fn settings_failed(info: &ConnInfo, error: &PgError) -> ConnectError {
    not_opened(info, format!("the session's settings failed: {error}"), "")
}

/// A connection and its state.
#[derive(Debug)]
pub struct Session {
    pub(crate) wire: Wire,
    label: String,
    version: ServerVersion,
    parameters: BTreeMap<String, String>,
    canceller: Canceller,
    silence_time_max: Option<Duration>,
    is_lost: bool,
    /// The encoding of rows in COPY's text format, where it is not that of all else.
    pub(crate) row_encoding: Option<String>,
    notice_count: u64,
}

impl Session {
    /// Connects, logs in, and makes text results independent of the server's settings: ISO dates in
    /// UTC, exact floats, empty `search_path`, row security an error rather than a filter, no
    /// server-side time-outs.
    ///
    /// # Errors
    /// The rung that failed, why, and what to do. Each rung takes at most 10 seconds, or what
    /// `connect_timeout` says; a server that is starting up is waited for up to 30 seconds.
    pub fn connect(info: &ConnInfo) -> Result<Session, ConnectError> {
        let mut session = Session::connect_as_configured(info)?;
        session
            .lift_limits()
            .and_then(|()| session.execute(&format!("{SETTINGS}; {}", keepalives(info))))
            .map_err(|error| settings_failed(info, &error))?;
        Ok(session)
    }

    /// As [`Session::connect`], but with the settings that server, database and role give.
    pub(crate) fn connect_as_configured(info: &ConnInfo) -> Result<Session, ConnectError> {
        let mut session = Session::on(connect::connect(info)?, info);
        let version = session
            .rows("SHOW server_version_num")
            .map_err(|error| settings_failed(info, &error))?;
        session.version = ServerVersion::from_rows(&version).ok_or_else(|| {
            let fix = "check that it is PostgreSQL";
            not_opened(info, "the server gave no version".to_owned(), fix)
        })?;
        if session.version.number >= EVENT_TRIGGERS_SET_SINCE && !info.is_quiet() {
            let sql = format!("SELECT pg_catalog.{}", may_silence(session.version.number));
            let answer = session.rows(&sql).map_err(|error| settings_failed(info, &error))?;
            if answer.first().is_some_and(|row| flag(row, 0)) {
                info.keep_quiet();
            }
        }
        Ok(session)
    }

    /// A session that speaks the commands of replication beside simple queries.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub fn for_replication(info: &ConnInfo) -> Result<Session, ConnectError> {
        let info = info.for_replication();
        Ok(Session::on(connect::connect(&info)?, &info))
    }

    /// A session on a logged-in connection, its version not asked for yet.
    pub(crate) fn on(connection: Connection, info: &ConnInfo) -> Session {
        let watch = Watch::over(info, &connection.address);
        Session {
            wire: connection.wire.watched(watch),
            label: info.label(),
            version: ServerVersion { number: 0 },
            parameters: connection.login.parameters,
            canceller: Canceller {
                place: info.place(),
                limit: dial::rung_time_max(info),
                address: connection.address,
                tls: connection.tls,
                backend_pid: connection.login.backend_pid,
                cancel_key: connection.login.cancel_key,
            },
            silence_time_max: None,
            row_encoding: None,
            is_lost: false,
            notice_count: 0,
        }
    }

    /// Ends all limits on the time that a statement, a lock or a transaction may take.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn lift_limits(&mut self) -> Result<(), PgError> {
        self.execute(NO_TIME_OUTS)
    }

    /// The server's version.
    pub fn version(&self) -> ServerVersion {
        self.version
    }

    /// Process id of the server's backend, as in `pg_stat_activity`.
    pub fn backend_pid(&self) -> u32 {
        self.canceller.backend_pid
    }

    /// `host:port/database as user`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.canceller.tls.is_some()
    }

    /// Whether the connection is known to be gone.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// A setting that the server reports on its own, such as `server_encoding`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Notices and warnings received so far.
    pub fn notice_count(&self) -> u64 {
        self.notice_count
    }

    /// A handle that cancels this session's running statement from another thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Bounds how long the server may stay silent during a statement; `None`, the default, waits as
    /// long as keepalives show the path alive. A statement that exceeds it loses the connection.
    pub fn set_silence_time_max(&mut self, limit: Option<Duration>) {
        self.silence_time_max = limit;
    }

    /// Runs one or more statements and discards their rows.
    ///
    /// Several statements in one text are one transaction unless they say otherwise.
    ///
    /// # Errors
    /// The first error; what follows it in the text was not run.
    pub fn execute(&mut self, sql: &str) -> Result<(), PgError> {
        self.query(sql, &NEVER, &mut |_| Ok(())).map(drop)
    }

    /// As [`Session::execute`], but cancels the running statement soon after `stop` was set;
    /// `false` then. The session stays usable; a transaction that it was in has failed or goes on.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub fn execute_unless(&mut self, stop: &AtomicBool, sql: &str) -> Result<bool, PgError> {
        self.query(sql, stop, &mut |_| Ok(()))
    }

    /// Runs one or more statements and returns all their rows, in order.
    ///
    /// # Errors
    /// As [`Session::execute`]; also more than 4 million rows or 1 GiB.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Row>, PgError> {
        let mut rows = Vec::new();
        let mut room = ROW_BYTES_MAX;
        self.query(sql, &NEVER, &mut |body| {
            if rows.len() == ROWS_MAX || body.len() > room {
                return Err("it returns more rows than a query may; read them by COPY");
            }
            room -= body.len();
            rows.push(read_row(body)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Sends `sql` and gives every `DataRow` to `each` until that fails; then reads on to the end,
    /// so that the session stays usable. `false` when `stop` was set and the statement cancelled.
    fn query(
        &mut self,
        sql: &str,
        stop: &AtomicBool,
        each: &mut dyn FnMut(&[u8]) -> Result<(), &'static str>,
    ) -> Result<bool, PgError> {
        self.send_query(sql)?;
        let mut outcome = Ok(());
        loop {
            let Some(message) = self.next_unless(stop)? else {
                self.cancel_own();
                self.settle();
                return Ok(false);
            };
            match message.tag {
                b'Z' => return outcome.map(|()| true),
                b'D' if outcome.is_ok() => {
                    let result = each(message.body);
                    outcome = result.map_err(|why| self.misuse(why));
                }
                b'E' => {
                    let error = ServerError::read(message.body);
                    let error = self.server_error(error);
                    outcome = outcome.and(Err(error));
                    if self.is_lost {
                        return outcome.map(|()| true);
                    }
                }
                b'G' => {
                    self.send(&copy_fail("not started by a copy"))?;
                    outcome = Err(self.misuse("it wants rows by COPY"));
                }
                b'H' => outcome = Err(self.misuse("it sends rows by COPY")),
                _ => {}
            }
        }
    }
}

impl Drop for Session {
    /// Says goodbye, so that the server logs no broken connection; never waits for it.
    fn drop(&mut self) {
        if !self.is_lost {
            let mut goodbye = Vec::new();
            wire::frame(&mut goodbye, Some(b'X'), |_| {});
            let _ = self.wire.send_some(&goodbye);
        }
    }
}
