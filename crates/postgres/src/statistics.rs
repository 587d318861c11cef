//! Statistics for the planner, without which a database is slow but whole.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{MoveError, Remedy};

use crate::Session;
use crate::ask::{Outcome, flag, query, query_one, run_unless, text};
use crate::catalog::USER_SCHEMAS;
use crate::content::qualified;

const WHAT: &str = "gather statistics";

/// Whether the table is to blame: the connection holds, and nobody asked to stop. A foreign partition
/// that cannot be reached fails with codes of lost connections.
fn is_of_table(target: &Session, error: &MoveError) -> bool {
    !target.is_lost() && error.remedy != Remedy::Stopped
}

/// Gathers them for the whole database, and where one table fails (a function of an index or of
/// extended statistics may), for all others one by one. Gives the tables that failed, a sentence
/// each.
///
/// # Errors
/// The connection is lost; `stop` was set.
pub(crate) fn gather(target: &mut Session, stop: &AtomicBool) -> Outcome<Vec<String>> {
    // Without a list it asks the servers of foreign tables too, which may be far or silent.
    let foreign = "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relkind = 'f')";
    if !flag(&query_one(target, WHAT, foreign)?, 0) {
        match run_unless(stop, target, WHAT, "ANALYZE") {
            Err(error) if is_of_table(target, &error) => {}
            other => return other.map(|()| Vec::new()),
        }
    }
    let sql = format!(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {USER_SCHEMAS} \
         ORDER BY 1, 2"
    );
    let mut notes = Vec::new();
    for row in query(target, WHAT, &sql)? {
        let (schema, name) = (text(&row, 0), text(&row, 1));
        match run_unless(stop, target, WHAT, &format!("ANALYZE {}", qualified(schema, name))) {
            Err(error) if is_of_table(target, &error) => notes.push(format!(
                "the statistics of table {schema}.{name} were not gathered, without which queries \
                 may be slow: {}; mend that (a function of an index may need its own search_path), \
                 then: ANALYZE {}",
                error.why,
                qualified(schema, name)
            )),
            other => other?,
        }
    }
    Ok(notes)
}
