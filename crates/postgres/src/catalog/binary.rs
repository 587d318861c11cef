//! Tables whose rows can travel in COPY's binary format: every column's type writes and reads it alike on every server.

use std::collections::HashSet;

use crate::Session;
use crate::ask::{Outcome, number, query};
use crate::catalog::USER_SCHEMAS;

/// Built-in types whose binary form has been the same since 9.5. Not among them: what holds OIDs that a move changes (`regclass`,
/// `oidvector`), what hangs on settings (`money`, `xml`), what was reported to break (`tsvector`, `tsquery`).
const SAFE: &[&str] = &[
    "bool",
    "bytea",
    "char",
    "name",
    "int8",
    "int2",
    "int4",
    "text",
    "oid",
    "json",
    "jsonb",
    "point",
    "lseg",
    "path",
    "box",
    "polygon",
    "line",
    "float4",
    "float8",
    "circle",
    "macaddr",
    "inet",
    "cidr",
    "bpchar",
    "varchar",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "timetz",
    "bit",
    "varbit",
    "numeric",
    "uuid",
    "macaddr8",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
];

/// OIDs of ordinary tables whose columns are all of safe types, arrays of them, domains over either, or enums, whose binary form is
/// their label. An array of enums is not: it names its elements' type by an OID that the target has otherwise.
pub(crate) fn tables(session: &mut Session) -> Outcome<HashSet<u64>> {
    let what = "read the types of columns";
    let sql = format!(
        "{} SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND {USER_SCHEMAS} AND EXISTS (SELECT 1 FROM pg_attribute a \
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
         AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 \
           AND NOT a.attisdropped AND a.atttypid NOT IN (SELECT oid FROM usable))",
        usable()
    );
    query(session, what, &sql)?.iter().map(|row| number(what, row, 0)).collect()
}

/// `WITH` for a query that reads the OIDs of such types from `usable`.
pub(crate) fn usable() -> String {
    let names = SAFE.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    format!(
        "WITH safe AS (SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
           WHERE n.nspname = 'pg_catalog' AND t.typname IN ({names})), \
         plain AS (SELECT oid FROM safe UNION ALL SELECT t.oid FROM pg_type t WHERE t.typtype = 'e' \
           UNION ALL SELECT t.oid FROM pg_type t JOIN safe s ON s.oid = t.typelem WHERE t.typcategory = 'A'), \
         usable AS (SELECT oid FROM plain UNION ALL \
           SELECT t.oid FROM pg_type t JOIN plain p ON p.oid = t.typbasetype WHERE t.typtype = 'd')"
    )
}

/// Whether both servers write dates and times alike; before 10 that was a choice of the build.
pub(crate) fn is_possible(source: &Session, target: &Session) -> bool {
    let integer = |session: &Session| session.parameter("integer_datetimes") == Some("on");
    integer(source) && integer(target)
}
