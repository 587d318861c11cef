//! Whether a table can be queried, or only be copied as a whole.

use flexway_core::migrate::Table;

use crate::Session;
use crate::ask::{Outcome, run, try_within};
use crate::content::{plain, qualified};

/// Whether the server can plan a query of the table, asked within a transaction.
///
/// Planning looks into the functions of indexes and statistics. One that finds what it calls by `search_path` alone makes every query
/// fail in our sessions; a COPY of the whole table, which nobody plans, goes well.
pub(crate) fn can_be_queried(session: &mut Session, table: &Table) -> Outcome<bool> {
    let what = format!("plan a query of {}", plain(table));
    let sql = format!("EXPLAIN SELECT FROM ONLY {}", qualified(&table.schema, &table.name));
    Ok(try_within(session, &what, |session| run(session, &what, &sql))?.is_ok())
}
