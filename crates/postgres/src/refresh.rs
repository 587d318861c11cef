//! Materialized views are filled under the settings of their database and owner, as these would do
//! it themselves: time zone and date style decide what many of them hold.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{MoveError, Remedy};

use crate::Session;
use crate::ask::{Outcome, attempt, failed, flag, query, run, run_unless, text};
use crate::content::qualified;
use crate::pool::{NO_EVENT_TRIGGERS, Pool};
use crate::quote_literal;

/// Refreshes those of the target's views that hold no data yet, in their order. Those that fail are tried again after the others, as
/// long as that helps one: a function may read a view that comes later. Gives what fails in the end, of [`Remedy::Open`].
///
/// # Errors
/// The connection is lost; `stop` was set.
pub(crate) fn refresh_all(
    target: &Pool,
    views: &[(String, String)],
    stop: &AtomicBool,
) -> Outcome<Vec<MoveError>> {
    let there = target.with(standing)?;
    let is_empty = |view: &&(String, String)| there.get(*view).is_none_or(|one| !one.is_populated);
    let mut left: Vec<&(String, String)> = views.iter().filter(is_empty).collect();
    let mut current: Option<(&str, Session)> = None;
    loop {
        let (mut failed, mut errors) = (Vec::new(), Vec::new());
        for view in &left {
            let owner = there.get(*view).map_or("", |one| one.owner.as_str());
            let mut session = match current.take() {
                Some((of, session)) if of == owner => session,
                _ => session_of(target, owner)?,
            };
            match refresh(&mut session, view, stop) {
                Ok(()) => {}
                Err(error) if error.remedy == Remedy::Act && !session.is_lost() => {
                    failed.push(*view);
                    errors.push(MoveError { remedy: Remedy::Open, ..error });
                }
                Err(error) => return Err(error),
            }
            current = Some((owner, session));
        }
        if failed.is_empty() || failed.len() == left.len() {
            return Ok(errors);
        }
        left = failed;
    }
}

/// A materialized view of the target.
pub(crate) struct Standing {
    pub(crate) owner: String,
    is_populated: bool,
}

/// The materialized views, by schema and name.
pub(crate) fn standing(target: &mut Session) -> Outcome<HashMap<(String, String), Standing>> {
    let rows = query(
        target,
        "read the owners of the materialized views",
        "SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relispopulated FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm'",
    )?;
    let owned = |row, index| text(row, index).to_owned();
    let one = |row| Standing { owner: owned(row, 2), is_populated: flag(row, 3) };
    Ok(rows.iter().map(|row| ((owned(row, 0), owned(row, 1)), one(row))).collect())
}

/// A session with the settings that the server gives to `owner` in this database. What the login of
/// the move has set for itself, and `owner` has not, stays: nobody tells what was before.
pub(crate) fn session_of(target: &Pool, owner: &str) -> Outcome<Session> {
    let what = format!("take the settings of role {owner}");
    let settings = target.with(|session| {
        query(
            session,
            &what,
            &format!(
                "SELECT split_part(s.line, '=', 1), substr(s.line, strpos(s.line, '=') + 1) FROM \
                 (SELECT unnest(d.setconfig) AS line, d.setrole, d.setdatabase \
                  FROM pg_db_role_setting d LEFT JOIN pg_roles r ON r.oid = d.setrole \
                  WHERE (d.setrole = 0 OR r.rolname = {}) AND (d.setdatabase = 0 OR d.setdatabase = \
                  (SELECT oid FROM pg_database WHERE datname = current_database()))) s \
                 WHERE split_part(s.line, '=', 1) !~ \
                 '^(role|session_authorization|exit_on_error|.*_timeout)$' \
                 ORDER BY s.setrole <> 0, s.setdatabase <> 0",
                quote_literal(owner)
            ),
        )
    })?;
    let mut session = target.configured()?;
    attempt(&mut session, &what, NO_EVENT_TRIGGERS)?;
    for row in &settings {
        let (name, value) = (quote_literal(text(row, 0)), quote_literal(text(row, 1)));
        let sql = format!("SELECT pg_catalog.set_config({name}, {value}, false)");
        attempt(&mut session, &what, &sql)?;
    }
    session.lift_limits().map_err(|error| failed(&what, &error))?;
    run(
        &mut session,
        &what,
        &format!(
            "SET client_encoding = '{}'; SET client_min_messages = warning; \
             SET default_transaction_read_only = off; SET synchronous_commit = off",
            target.encoding()
        ),
    )?;
    Ok(session)
}

/// The statement that refreshes a view.
pub(crate) fn statement(schema: &str, name: &str) -> String {
    format!("REFRESH MATERIALIZED VIEW {}", qualified(schema, name))
}

fn refresh(
    session: &mut Session,
    (schema, name): &(String, String),
    stop: &AtomicBool,
) -> Outcome<()> {
    let what = format!("refresh materialized view {schema}.{name}");
    run_unless(stop, session, &what, &statement(schema, name)).map_err(|error| {
        let help = help(&error);
        MoveError { help, ..error }
    })
}

fn help(error: &MoveError) -> String {
    let help = match error.why.as_str() {
        // The server's hint, in any language.
        why if why.contains("REFRESH MATERIALIZED VIEW") => {
            "it reads a view that holds no data yet"
        }
        // Names that are not found.
        why if ["42P01", "42883", "42704", "3F000"].iter().any(|code| why.contains(code)) => {
            "functions that the view calls must name schemas in full (or set their own search_path): \
             PostgreSQL 17 and newer refresh it with an empty one"
        }
        _ if error.help.is_empty() && error.remedy == Remedy::Act => {
            "mend what the view reads or calls, on source and target; one that fails on the source too can \
             be dropped there"
        }
        _ => &error.help,
    };
    help.to_owned()
}
