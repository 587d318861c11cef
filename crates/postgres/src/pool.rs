//! Sessions of one database on both sides: prepared for copying, used by one thread at a time,
//! thrown away after an error.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use flexway_core::migrate::{MoveError, Remedy};

use crate::ConnInfo;
use crate::ask::{Outcome, attempt, failed, query, query_one, run, text, try_within};
use crate::session::EVENT_TRIGGERS_SET_SINCE;
use crate::{ConnectError, Session, locks};

/// Runs work on as many threads, each with a session of its own, and puts together what they give.
///
/// # Errors
/// The first of what they failed by, in the order in which they were started.
pub(crate) fn side_by_side<T: Send>(
    jobs: usize,
    work: impl Fn() -> Outcome<Vec<T>> + Sync,
) -> Outcome<Vec<T>> {
    let results: Vec<Outcome<Vec<T>>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(&work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    });
    let mut all = Vec::new();
    for result in results {
        all.extend(result?);
    }
    Ok(all)
}

/// Idle sessions that a side keeps. A session is in use only while a caller's thread uses it, so
/// their number is bounded by the caller's threads; 32 is more than the cores of most servers.
const IDLE_SESSIONS_MAX: usize = 32;

/// Which server a session belongs to, and what it therefore must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Side {
    /// Reads within the exported snapshot of this id.
    Source {
        /// Id that `pg_export_snapshot()` gave.
        snapshot: String,
    },
    /// Writes.
    Target,
}

/// Prepared sessions of one side.
#[derive(Debug)]
pub(crate) struct Pool {
    info: ConnInfo,
    side: Side,
    encoding: String,
    row_encoding: Option<String>,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    /// A pool without sessions; they are opened when asked for. Of both sides, `encoding` is the client encoding, and rows
    /// travel in `row_encoding` where that is another.
    pub(crate) fn new(
        info: ConnInfo,
        side: Side,
        (encoding, row_encoding): (&str, Option<&str>),
    ) -> Pool {
        let row_encoding = row_encoding.map(str::to_owned);
        Pool { info, side, encoding: encoding.to_owned(), row_encoding, idle: Mutex::default() }
    }

    /// Where the sessions go to.
    pub(crate) fn info(&self) -> &ConnInfo {
        &self.info
    }

    /// Client encoding of the sessions.
    pub(crate) fn encoding(&self) -> &str {
        &self.encoding
    }

    /// A new session as server, database and login configure it; it belongs to no pool.
    pub(crate) fn configured(&self) -> Outcome<Session> {
        let mut session = connect_as_configured(&self.info)?;
        session.row_encoding.clone_from(&self.row_encoding);
        Ok(session)
    }

    /// Takes a session, uses it, and keeps it when `work` succeeds. After a lost connection the
    /// idle ones are dropped too: what cut one (a restart, a firewall) has most likely cut them
    /// all.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Session) -> Outcome<T>) -> Outcome<T> {
        let mut session = self.take()?;
        let result = work(&mut session);
        if result.is_ok() {
            self.put(session);
        } else if session.is_lost() {
            self.idle().clear();
        }
        result.map_err(|error| locks::explained(&self.info, error))
    }

    /// As [`Pool::with`], for what is not worth a long wait for somebody's lock: a comparison.
    pub(crate) fn compare_with<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Outcome<T>,
    ) -> Outcome<T> {
        let bound = |session: &mut Session, limit: &str| {
            run(session, "bound the wait for locks", &format!("SET lock_timeout = '{limit}'"))
        };
        self.with(|session| {
            bound(session, locks::WAIT_MAX)?;
            let result = work(session)?;
            bound(session, "0")?;
            Ok(result)
        })
    }

    /// A session of one's own, prepared.
    fn take(&self) -> Outcome<Session> {
        let idle = self.idle().pop();
        idle.map_or_else(|| self.open(), Ok)
    }

    /// Keeps a session that is as it was when taken.
    fn put(&self, session: Session) {
        let mut idle = self.idle();
        if idle.len() < IDLE_SESSIONS_MAX {
            idle.push(session);
        }
    }

    /// A thread that panicked while it held the lock left the list whole: it is pushed and popped
    /// only.
    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Outcome<Session> {
        let mut session = connect(&self.info)?;
        prepare(&mut session, &self.encoding)?;
        session.row_encoding.clone_from(&self.row_encoding);
        match &self.side {
            Side::Source { snapshot } => import(&mut session, snapshot)?,
            Side::Target => make_writer(&mut session)?,
        }
        Ok(session)
    }
}

/// Opens a session that may write and waits for no lock for long; the error names the rung of the ladder that failed. A database
/// or role may say that its transactions only read, and a move copies that setting.
pub(crate) fn connect(info: &ConnInfo) -> Outcome<Session> {
    let mut session = Session::connect(info).map_err(unreachable)?;
    let sql = format!(
        "SET default_transaction_read_only = off; SET lock_timeout = '{}'",
        locks::WAIT_MAX
    );
    run(&mut session, "prepare the session", &sql)?;
    Ok(session)
}

/// Opens a session with the settings that server, database and login give.
pub(crate) fn connect_as_configured(info: &ConnInfo) -> Outcome<Session> {
    Session::connect_as_configured(info).map_err(unreachable)
}

/// What was tried on the rung that failed, why it failed, and the advice: each once.
fn unreachable(error: ConnectError) -> MoveError {
    let remedy = if error.may_pass() { Remedy::Retry } else { Remedy::Act };
    MoveError { what: error.what, why: error.why, help: error.fix, remedy }
}

/// The client encoding that loses nothing: UTF8, unless the database does not say what its bytes
/// mean.
pub(crate) fn client_encoding(session: &mut Session) -> Outcome<&'static str> {
    Ok(if server_encoding(session)? == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" })
}

/// The encoding in which text rows travel where it is not the client's: that of both databases. Some keep bytes that stand for no
/// character, which no other encoding can hold.
pub(crate) fn row_encoding(source: &mut Session, target: &mut Session) -> Outcome<Option<String>> {
    let encoding = server_encoding(source)?;
    let is_own = encoding != "UTF8" && encoding != "SQL_ASCII";
    Ok(if is_own && server_encoding(target)? == encoding { Some(encoding) } else { None })
}

fn server_encoding(session: &mut Session) -> Outcome<String> {
    let row = query_one(session, "read the encoding", "SHOW server_encoding")?;
    Ok(text(&row, 0).to_owned())
}

/// What a copying session needs beyond the settings that every [`Session`] has.
pub(crate) fn prepare(session: &mut Session, encoding: &str) -> Outcome<()> {
    let version = session.version().number;
    let mut sql = format!(
        "SET client_encoding = '{encoding}'; SET lc_monetary = 'C'; \
         SET client_min_messages = warning; \
         SET check_function_bodies = off"
    );
    if version >= 90_600 {
        sql.push_str("; SET max_parallel_workers_per_gather = 0");
    }
    if version >= 110_000 {
        sql.push_str("; SET jit = off");
    }
    run(session, "prepare the session", &sql)
}

/// Joins the pinned snapshot. A reader waits for a lock only where somebody else waits for a stronger one, which the session that
/// pinned the snapshot keeps from him: neither would ever end, and the server sees no deadlock. So the bound of [`connect`] stays.
fn import(session: &mut Session, snapshot: &str) -> Outcome<()> {
    let sql = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'"
    );
    session.execute(&sql).map_err(|error| {
        let mut failure = failed("read as of the pinned snapshot", &error);
        // 22023, 42704 since 17: the session that exported it is gone, or the server was promoted
        // or restarted.
        if matches!(error.code(), Some("22023" | "42704")) {
            failure.remedy = Remedy::Reopen;
            failure.help =
                "the session that pinned the snapshot is gone; run the command again".to_owned();
        }
        failure
    })
}

/// Has a transaction of a [writer](make_writer) wait for the target's disk.
pub(crate) const DURABLY: &str = "SET LOCAL synchronous_commit = on; ";

fn make_writer(session: &mut Session) -> Outcome<()> {
    let what = "prepare the session";
    // What is built side by side may wait for each other.
    run(session, what, "SET synchronous_commit = off; SET lock_timeout = 0")?;
    // Triggers and rules must not fire on copied rows. They are created after the data anyway, so a
    // login that may not set this loses nothing but a second safeguard.
    attempt(session, what, "SET session_replication_role = replica")?;
    attempt(session, what, NO_EVENT_TRIGGERS)
}

/// A comparison makes views and functions again, in vain, when the database has its event triggers. Superusers may set it, since 17.
pub(crate) const NO_EVENT_TRIGGERS: &str = "SET event_triggers = off";

/// The same on older servers, for a transaction that is rolled back: event triggers never see what happens to themselves. A login that
/// does not own one leaves it as it is.
pub(crate) fn silence_event_triggers(session: &mut Session, what: &str) -> Outcome<()> {
    if session.version().number >= EVENT_TRIGGERS_SET_SINCE {
        return Ok(());
    }
    let sql = "SELECT format('ALTER EVENT TRIGGER %I DISABLE', evtname) FROM pg_event_trigger \
               WHERE evtenabled <> 'D'";
    for row in query(session, what, sql)? {
        let _refusal = try_within(session, what, |session| run(session, what, text(&row, 0)))?;
    }
    Ok(())
}
