//! Who locks tables so that nobody else can read them.

use flexway_core::migrate::MoveError;

use crate::ask::{Outcome, flag, query, text};
use crate::catalog::USER_SCHEMAS;
use crate::pool::connect;
use crate::{ConnInfo, Session};

/// How long one attempt waits for a lock. Steps are tried four times, so people hear soon what is waited for, and the end of it within a
/// minute or so.
pub(crate) const WAIT_MAX: &str = "10s";

/// Locks that a message names.
const SHOWN_MAX: usize = 3;

/// Adds to the error of a lock that did not come who has it, as far as the server tells.
pub(crate) fn explained(info: &ConnInfo, error: MoveError) -> MoveError {
    // 55P03 lock_not_available.
    if !error.why.starts_with("ERROR 55P03") || error.why.contains(HELD) {
        return error;
    }
    match connect(info).and_then(|mut session| holders(&mut session)) {
        Ok(Some(words)) => MoveError { why: format!("{}; {words}", error.why), ..error },
        _ => error,
    }
}

const HELD: &str = " is locked by ";

/// Which tables of the session's database nobody else can read now, and by whose doing; `None` when there are none.
pub(crate) fn holders(session: &mut Session) -> Outcome<Option<String>> {
    let sql = format!(
        "SELECT concat(n.nspname, '.', c.relname), l.granted, concat('server process ', l.pid, ' (', \
           nullif(a.application_name, '') || ' ', 'as ' || a.usename, ')') \
         FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
         JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid() \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND c.relkind IN ('r', 'p', 'm', 'v') AND {USER_SCHEMAS} \
         ORDER BY l.granted DESC, 1 LIMIT {SHOWN_MAX}"
    );
    let rows = query(session, "ask who holds the lock", &sql)?;
    let words: Vec<String> = rows
        .iter()
        .map(|row| {
            let held = if flag(row, 1) { HELD } else { " is waited for by " };
            format!("{}{held}{}", text(row, 0), text(row, 2))
        })
        .collect();
    Ok((!words.is_empty()).then(|| words.join(", ")))
}
