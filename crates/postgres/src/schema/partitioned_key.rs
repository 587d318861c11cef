//! Foreign keys of partitioned tables on targets that take none for new rows alone: where rows violate one, its partitions guard new
//! rows each by themselves.

use crate::ask::{Outcome, query, run, text};
use crate::catalog::trees::leaves_of;
use crate::content::qualified;
use crate::pool::DURABLY;
use crate::schema::foreign_key::Key;
use crate::{Session, quote_ident, quote_literal};

/// Gives each partition the key as `NOT VALID`. Those that have it keep it.
pub(super) fn guard(session: &mut Session, key: &Key) -> Outcome<()> {
    let what = format!("guard new rows of {}.{} by key {}", key.schema, key.table, key.name);
    let guarded = guarded(session, key)?;
    let mut leaves = leaves_of(session, &(key.schema.clone(), key.table.clone()))?;
    leaves.retain(|leaf| !guarded.contains(leaf));
    let adds = leaves.iter().map(|(schema, name)| {
        let (table, name) = (qualified(schema, name), quote_ident(&key.name));
        format!("ALTER TABLE ONLY {table} ADD CONSTRAINT {name}{} NOT VALID; ", key.definition)
    });
    run(session, &what, &format!("BEGIN; {DURABLY}{}COMMIT", adds.collect::<String>()))
}

/// Statements that take what [`guard`] gave: beside it the whole key would be another one.
pub(super) fn without_guards(session: &mut Session, key: &Key) -> Outcome<String> {
    let guarded = guarded(session, key)?;
    let drops = guarded.iter().map(|(schema, name)| {
        let (table, name) = (qualified(schema, name), quote_ident(&key.name));
        format!("ALTER TABLE ONLY {table} DROP CONSTRAINT {name}; ")
    });
    Ok(drops.collect())
}

/// Partitions that have such a key of their own.
fn guarded(session: &mut Session, key: &Key) -> Outcome<Vec<(String, String)>> {
    let sql = format!(
        "WITH RECURSIVE below (oid) AS (SELECT {}::regclass::oid \
           UNION SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid) \
         SELECT n.nspname, c.relname FROM below b JOIN pg_class c ON c.oid = b.oid \
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_constraint k ON k.conrelid = c.oid \
         WHERE c.relkind = 'r' AND k.contype = 'f' AND k.conname = {} AND NOT k.convalidated",
        quote_literal(&qualified(&key.schema, &key.table)),
        quote_literal(&key.name)
    );
    let rows = query(session, "look for keys of partitions", &sql)?;
    Ok(rows.iter().map(|row| (text(row, 0).to_owned(), text(row, 1).to_owned())).collect())
}
