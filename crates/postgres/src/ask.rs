//! Asks a session something for a named purpose and turns its failure into the engine's words.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{MoveError, Remedy};

use crate::{PgError, RelayError, Row, Session};

/// Result of everything that the engine sees.
pub(crate) type Outcome<T> = Result<T, MoveError>;

/// Runs a query; `what` completes "failed to".
pub(crate) fn query(session: &mut Session, what: &str, sql: &str) -> Outcome<Vec<Row>> {
    session.rows(sql).map_err(|error| failed(what, &error))
}

/// Runs statements whose rows do not matter; `what` completes "failed to".
pub(crate) fn run(session: &mut Session, what: &str, sql: &str) -> Outcome<()> {
    session.execute(sql).map_err(|error| failed(what, &error))
}

/// Runs a statement that the server may refuse: it sets what the login may not set, or what an older server does not know.
pub(crate) fn attempt(session: &mut Session, what: &str, sql: &str) -> Outcome<()> {
    match session.execute(sql) {
        Err(error) if error.code().is_none() => Err(failed(what, &error)),
        _ => Ok(()),
    }
}

/// Does something within a transaction, which goes on if the server refuses it: then the refusal is given.
pub(crate) fn try_within<T>(
    session: &mut Session,
    what: &str,
    work: impl FnOnce(&mut Session) -> Outcome<T>,
) -> Outcome<Outcome<T>> {
    run(session, what, "SAVEPOINT trial")?;
    match work(session) {
        Ok(done) => run(session, what, "RELEASE trial").map(|()| Ok(done)),
        Err(refusal) if refusal.remedy == Remedy::Act => {
            run(session, what, "ROLLBACK TO trial; RELEASE trial")?;
            Ok(Err(refusal))
        }
        Err(failure) => Err(failure),
    }
}

/// As [`run`], for what may take long: the statement is cancelled when `stop` is set.
pub(crate) fn run_unless(
    stop: &AtomicBool,
    session: &mut Session,
    what: &str,
    sql: &str,
) -> Outcome<()> {
    match session.execute_unless(stop, sql) {
        Ok(true) => Ok(()),
        Ok(false) => Err(stopped(what)),
        Err(error) => Err(failed(what, &error)),
    }
}

/// Runs a query that gives exactly one row.
pub(crate) fn query_one(session: &mut Session, what: &str, sql: &str) -> Outcome<Row> {
    let mut rows = query(session, what, sql)?;
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => Ok(row),
        _ => Err(act(what, "the server gave not exactly one row", "")),
    }
}

/// Text of a column that the query never lets be NULL; NULL reads as empty.
pub(crate) fn text(row: &Row, index: usize) -> &str {
    optional(row, index).unwrap_or("")
}

/// Text of a column that may be NULL.
pub(crate) fn optional(row: &Row, index: usize) -> Option<&str> {
    row.get(index).and_then(Option::as_deref)
}

/// A boolean column; NULL is false.
pub(crate) fn flag(row: &Row, index: usize) -> bool {
    text(row, index) == "t"
}

/// A column that is a whole number, zero or more.
pub(crate) fn number(what: &str, row: &Row, index: usize) -> Outcome<u64> {
    text(row, index)
        .parse()
        .map_err(|_| act(what, "the server answered with something that is no number", ""))
}

/// An error that somebody has to act upon.
pub(crate) fn act(what: &str, why: impl Into<String>, help: impl Into<String>) -> MoveError {
    MoveError { what: what.to_owned(), why: why.into(), help: help.into(), remedy: Remedy::Act }
}

/// A step that ended because it was asked to.
pub(crate) fn stopped(what: &str) -> MoveError {
    MoveError {
        what: what.to_owned(),
        why: "the run was asked to stop".to_owned(),
        help: String::new(),
        remedy: Remedy::Stopped,
    }
}

/// The engine's words for a failed statement.
pub(crate) fn failed(what: &str, error: &PgError) -> MoveError {
    let (remedy, help) = match error {
        PgError::Connection(_) => (Remedy::Retry, ""),
        PgError::Misuse(_) => (Remedy::Act, ""),
        PgError::Server(error) => (remedy_of(&error.code), help_of(&error.code)),
    };
    MoveError { what: what.to_owned(), why: error.to_string(), help: help.to_owned(), remedy }
}

/// The engine's words for rows that could not be read from the session's server.
pub(crate) fn read_failed(what: &str, session: &Session, error: RelayError) -> MoveError {
    match error {
        RelayError::Source(error) | RelayError::Target(error) => {
            failed(&format!("{what} of {}", session.label()), &error)
        }
        RelayError::Stopped => stopped(what),
    }
}

/// The engine's words for a failed copy; says which side failed.
pub(crate) fn relay_failed(what: &str, error: RelayError) -> MoveError {
    match error {
        RelayError::Source(error) => failed(&format!("{what} (reading the source)"), &error),
        RelayError::Target(error) => failed(&format!("{what} (writing the target)"), &error),
        RelayError::Stopped => stopped(what),
    }
}

/// Whether the same statement can succeed later without anybody's help.
/// Source: PostgreSQL 18, appendix A (error codes).
fn remedy_of(code: &str) -> Remedy {
    match code {
        // serialization_failure, deadlock_detected, object_in_use (a session of a broken run still ends), lock_not_available
        "40001" | "40P01" | "55006" | "55P03" => Remedy::Contended,
        // too_many_connections, admin_shutdown, crash_shutdown, cannot_connect_now
        "53300" | "57P01" | "57P02" | "57P03" => Remedy::Retry,
        _ if code.starts_with("08") => Remedy::Retry,
        _ => Remedy::Act,
    }
}

pub(crate) fn help_of(code: &str) -> &'static str {
    match code {
        "42501" => {
            "grant the login what it lacks, or use the owner of the object or an administrator"
        }
        "55P03" => {
            "another session holds a lock there, or waits for one: `SELECT pid, query FROM pg_stat_activity WHERE \
             wait_event_type = 'Lock'` names who waits; end that session, or let it do its work first"
        }
        "40001" | "40P01" => {
            "other sessions work on the same objects of that server, whose log names them: let them end, \
             or end them, then resume"
        }
        "53100" => "give the server more disk space, then resume",
        "53200" => "raise max_locks_per_transaction or the server's memory, then resume",
        "42704" | "42883" | "42P01" => {
            "create what is missing on the target (a role, a type, an extension), then resume. If it \
             is there, a function of a constraint, default or index finds it by search_path, which is \
             empty during a move: ALTER FUNCTION ... SET search_path = ... on source and target, then \
             resume; a move begun anew with --overwrite takes the source's function as it is then"
        }
        "0A000" | "58P01" => {
            "install the extension or feature on the target (on managed servers: allow it first), \
             then resume"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_connections_and_deadlocks_are_retried() {
        assert_eq!(remedy_of("40P01"), Remedy::Contended);
        assert_eq!(remedy_of("08006"), Remedy::Retry);
        assert_eq!(remedy_of("42501"), Remedy::Act);
    }

    #[test]
    fn a_null_reads_as_empty_and_as_no_number() {
        let row: Row = vec![None, Some("7".to_owned()), Some("t".to_owned())];
        assert_eq!(text(&row, 0), "");
        assert!(number("x", &row, 0).is_err());
        assert_eq!(number("x", &row, 1).ok(), Some(7));
        assert!(flag(&row, 2) && !flag(&row, 0));
    }
}
