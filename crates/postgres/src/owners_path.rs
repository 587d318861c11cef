//! The `search_path` under which a table's owner works. Ours is empty, and functions of constraints and indexes may find what they
//! call by another one only.

use crate::{PgError, quote_literal};

/// Codes for names that lead nowhere: of a relation, a function, another object, a schema.
/// Source: PostgreSQL 18, appendix A.
const CODES: [&str; 4] = ["42P01", "42883", "42704", "3F000"];

/// First version whose index builds and refreshes have a path of their own, whatever the session has.
pub(crate) const CLOSED_SINCE: u32 = 170_000;

/// What to do about an index or a key whose function did not find something.
pub(crate) const HELP: &str = "a function that it calls, or the index that it belongs to, finds something by search_path, which is \
    empty here: ALTER FUNCTION ... SET search_path = ... on source and target, then run again";

/// Whether the server did not find something by its name.
pub(crate) fn lacks_name(error: &PgError) -> bool {
    error.code().is_some_and(|code| CODES.contains(&code))
}

/// The statement that gives a transaction the path of the table's owner: as set for the role, for the database, or for the server.
pub(crate) fn take(schema: &str, table: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config('search_path', replace(coalesce( \
         (SELECT substr(s.line, 13) FROM (SELECT unnest(d.setconfig) AS line, d.setrole, d.setdatabase \
          FROM pg_db_role_setting d WHERE d.setrole IN (0, c.relowner) AND d.setdatabase IN (0, \
          (SELECT oid FROM pg_database WHERE datname = current_database()))) s \
          WHERE s.line LIKE 'search\\_path=%' ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1), \
         (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), ''), \
         '\"$user\"', quote_ident(pg_get_userbyid(c.relowner))), true) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {}; ",
        quote_literal(schema),
        quote_literal(table)
    )
}
