//! Whether a table can be queried, or only be copied as a whole.

use flexway_core::migrate::{Remedy, Table};

use crate::Session;
use crate::ask::{Outcome, failed, run};
use crate::content::{plain, qualified};

/// Whether the server can plan a query of the table, asked within a transaction.
///
/// Planning looks into the functions of indexes and statistics. One that finds what it calls by `search_path` alone makes every query
/// fail in our sessions; a COPY of the whole table, which nobody plans, goes well.
pub(crate) fn can_be_queried(session: &mut Session, table: &Table) -> Outcome<bool> {
    let what = format!("plan a query of {}", plain(table));
    run(session, &what, "SAVEPOINT plan")?;
    let name = qualified(&table.schema, &table.name);
    let planned = session.execute(&format!("EXPLAIN SELECT FROM ONLY {name}"));
    let refused = planned.err().map(|error| failed(&what, &error));
    match refused {
        Some(failure) if failure.remedy != Remedy::Act => Err(failure),
        refused => {
            run(session, &what, "ROLLBACK TO plan; RELEASE plan")?;
            Ok(refused.is_none())
        }
    }
}
