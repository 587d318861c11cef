//! Keeps two moves from filling the same database of a target.

use std::time::Duration;

use flexway_core::migrate::{MoveError, Remedy};

use crate::ask::{Outcome, act, flag, optional, query, query_one, text};
use crate::pool::connect;
use crate::{ConnInfo, Session, quote_literal};

/// First key of the advisory locks: "FLXW". The second is a hash of the database's name.
const LOCK_CLASS: u32 = 0x464c_5857;

/// Databases that nearly every server has and that no move drops. Advisory locks belong to a
/// database: all moves have to meet in one.
const MEETING_PLACES: [&str; 2] = ["postgres", "defaultdb"];

/// The session of a killed run ends within a moment; two seconds of trying is plenty.
const TRIES_MAX: u32 = 10;
const TRY_PAUSE: Duration = Duration::from_millis(200);

/// Locks on databases of the target, held by a session that does nothing else.
#[derive(Debug)]
pub(super) struct Reservation {
    target: ConnInfo,
    databases: Vec<String>,
    keeper: Session,
}

impl Reservation {
    /// Locks the databases, which need not exist.
    ///
    /// # Errors
    /// Another session holds one of the locks; says which.
    pub(super) fn take(target: &ConnInfo, databases: &[String]) -> Outcome<Reservation> {
        let mut keeper = meet(target)?;
        for database in databases {
            lock(&mut keeper, database)?;
        }
        Ok(Reservation { target: target.clone(), databases: databases.to_vec(), keeper })
    }

    /// Locks anew when the session was lost, as by a restart of the server. Where the path died, the server may take a while to notice
    /// that the lost session, which still holds the locks, has nobody any more.
    pub(super) fn renew(&mut self) -> Outcome<()> {
        if self.keeper.execute("SELECT").is_err() {
            let taken = Reservation::take(&self.target, &self.databases);
            *self = taken.map_err(|error| MoveError { remedy: Remedy::Retry, ..error })?;
        }
        Ok(())
    }
}

/// A session where all moves to this server meet: the login's own database where it may not connect
/// to the others.
fn meet(target: &ConnInfo) -> Outcome<Session> {
    for database in MEETING_PLACES.into_iter().filter(|name| *name != target.database()) {
        if let Ok(session) = connect(&target.with_database(database)) {
            return Ok(session);
        }
    }
    connect(target)
}

fn lock(keeper: &mut Session, database: &str) -> Outcome<()> {
    let what = format!("reserve database {database} of the target for this move");
    let name = quote_literal(database);
    let sql = format!("SELECT pg_try_advisory_lock({LOCK_CLASS}, hashtext({name}))");
    for _ in 1..TRIES_MAX {
        if flag(&query_one(keeper, &what, &sql)?, 0) {
            return Ok(());
        }
        std::thread::sleep(TRY_PAUSE);
    }
    if flag(&query_one(keeper, &what, &sql)?, 0) {
        return Ok(());
    }
    Err(taken(keeper, &what, &name)?)
}

/// Databases that somebody has reserved, each with who it is.
pub(super) fn at_work(target: &ConnInfo, databases: &[String]) -> Outcome<Vec<(String, String)>> {
    let mut session = meet(target)?;
    let what = "ask whether a move is at work on the target";
    let mut found = Vec::new();
    for database in databases {
        let holder = holder(&mut session, what, &quote_literal(database))?;
        found.extend(holder.map(|holder| (database.clone(), holder)));
    }
    Ok(found)
}

fn taken(keeper: &mut Session, what: &str, name: &str) -> Outcome<MoveError> {
    let holder = holder(keeper, what, name)?.unwrap_or_else(|| "another session".to_owned());
    let help = "wait until that move has ended, or stop it; when its machine is gone, end its session \
                with pg_terminate_backend";
    Ok(act(what, format!("{holder} moves something into it"), help))
}

/// Who holds the lock, as far as the login may see.
fn holder(keeper: &mut Session, what: &str, name: &str) -> Outcome<Option<String>> {
    let sql = format!(
        "SELECT a.application_name, l.pid, a.usename, host(a.client_addr) \
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {LOCK_CLASS} AND l.objsubid = 2 \
         AND l.objid::bigint = (hashtext({name})::bigint & 4294967295) \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    let rows = query(keeper, what, &sql)?;
    Ok(rows.first().map(|row| {
        let from = optional(row, 3).map(|host| format!(" from {host}")).unwrap_or_default();
        let user = optional(row, 2).map(|user| format!(" as {user}")).unwrap_or_default();
        format!("{} (server process {}{from}{user})", text(row, 0), text(row, 1))
    }))
}
