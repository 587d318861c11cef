//! Partitions whose rows may belong into other partitions on the target, since their hash hangs on
//! what no move keeps.

use std::collections::HashMap;

use crate::ask::{Outcome, number, query, text};
use crate::catalog::{USER_SCHEMAS, not_of_extension};
use crate::{Session, quote_literal};

/// First version that partitions by hash.
const SINCE: u32 = 110_000;

/// First version that has collations which take different bytes for equal.
const NONDETERMINISTIC_SINCE: u32 = 120_000;

/// First object id that is a user's. Source: PostgreSQL 18, `FirstNormalObjectId` in transam.h.
pub(crate) const USERS_OID_MIN: u32 = 16_384;

/// A leaf partition by schema and name.
pub(crate) type Leaf = (String, String);

/// Leaf partitions, by oid, that belong to a table whose rows can only be moved as one: the oid of
/// the topmost such table.
///
/// Hashes of enums hang on their OIDs; those of arrays, ranges and rows on what these hold; those
/// of an extension's or a user's operator class on anything; those of text under a nondeterministic
/// collation on the version of ICU; those of floats on how a version hashes a NaN.
/// Source: PostgreSQL 18, pg_dump's `forcePartitionRootLoad`, which looks for enums.
pub(crate) fn leaves_by_oid(session: &mut Session) -> Outcome<HashMap<u64, u64>> {
    let version = session.version().number;
    if version < SINCE {
        return Ok(HashMap::new());
    }
    let what = "look for partitions by hash";
    let collation = if version >= NONDETERMINISTIC_SINCE {
        "OR EXISTS (SELECT 1 FROM pg_collation l WHERE NOT l.collisdeterministic \
         AND l.oid = ANY (p.partcollation::oid[]))"
    } else {
        ""
    };
    let rows = query(
        session,
        what,
        &format!(
            "WITH RECURSIVE hashed AS (SELECT p.partrelid AS oid FROM pg_partitioned_table p \
               WHERE p.partstrat = 'h' AND (EXISTS (SELECT 1 FROM pg_opclass o \
                 JOIN pg_type t ON t.oid = o.opcintype WHERE o.oid = ANY (p.partclass::oid[]) \
                 AND (t.typtype = 'p' OR t.oid IN ('float4'::regtype, 'float8'::regtype) \
                      OR o.oid >= {USERS_OID_MIN})) {collation})), \
             below (root, oid) AS (SELECT oid, oid FROM hashed \
               UNION ALL SELECT b.root, i.inhrelid FROM below b \
               JOIN pg_inherits i ON i.inhparent = b.oid) \
             SELECT b.oid, b.root FROM below b JOIN pg_class c ON c.oid = b.oid \
             WHERE c.relkind = 'r' \
               AND b.root NOT IN (SELECT o.oid FROM below o WHERE o.oid <> o.root)"
        ),
    )?;
    rows.iter().map(|row| Ok((number(what, row, 0)?, number(what, row, 1)?))).collect()
}

/// Leaf partitions of one table as they are now; foreign tables are none.
pub(crate) fn leaves_of(session: &mut Session, (schema, name): &Leaf) -> Outcome<Vec<Leaf>> {
    let sql = format!(
        "WITH RECURSIVE below (oid) AS (SELECT c.oid FROM pg_class c \
           JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE n.nspname = {} AND c.relname = {} \
           UNION SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid) \
         SELECT n.nspname, c.relname FROM below b JOIN pg_class c ON c.oid = b.oid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r' AND {USER_SCHEMAS} AND {} ORDER BY 1, 2",
        quote_literal(schema),
        quote_literal(name),
        not_of_extension("pg_class", "c.oid")
    );
    let rows = query(session, &format!("list the partitions of {schema}.{name}"), &sql)?;
    Ok(rows.iter().map(|row| (text(row, 0).to_owned(), text(row, 1).to_owned())).collect())
}
