//! What belongs to a server rather than to a database's contents, and therefore stays behind.

use crate::ask::{Outcome, query, text};
use crate::{Session, quote_literal};

/// Sentences about the subscriptions and tablespaces of these databases of the source; of all
/// databases when none is named.
pub(crate) fn notes(session: &mut Session, databases: &[String]) -> Outcome<Vec<String>> {
    let what = "list subscriptions and tablespaces";
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let is_chosen = match names.as_slice() {
        [] => "true".to_owned(),
        names => format!("d.datname IN ({})", names.join(", ")),
    };
    let mut notes = Vec::new();
    if session.version().number >= 100_000 {
        let sql = format!(
            "SELECT s.subname, d.datname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid \
             WHERE {is_chosen} ORDER BY 2, 1"
        );
        notes.extend(query(session, what, &sql)?.iter().map(|row| {
            format!(
                "subscription {} of database {} was not carried: it would pull the same changes a \
                 second time, and its text holds a password; create it on the target (copy_data = \
                 false) once the source's is dropped",
                text(row, 0),
                text(row, 1)
            )
        }));
    }
    let sql = format!(
        "SELECT t.spcname, string_agg(d.datname, ', ' ORDER BY d.datname) \
         FROM pg_tablespace t CROSS JOIN LATERAL pg_tablespace_databases(t.oid) AS used (oid) \
         JOIN pg_database d ON d.oid = used.oid \
         WHERE t.spcname NOT IN ('pg_default', 'pg_global') AND {is_chosen} GROUP BY 1 ORDER BY 1"
    );
    notes.extend(query(session, what, &sql)?.iter().map(|row| {
        format!(
            "tablespace {} was not carried: what lies in it (of {}) goes to the default tablespace \
             of the target's database",
            text(row, 0),
            text(row, 1)
        )
    }));
    Ok(notes)
}
