//! Columns of types that the target does not have any more.

use crate::assess::facts::{Census, Database, Facts, Object};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, distinct};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let there = facts.target.types.as_ref().map_err(Clone::clone)?;
    // A name that is left for something else, as `unknown` is since 10, is no type for a column.
    let is_gone = |one: &&Object| !there.get(&one.sql).copied().unwrap_or(false);
    let gone: Vec<&Object> =
        database.objects(Census::BuiltInTypes)?.iter().filter(is_gone).collect();
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let types = distinct(gone.iter().map(|one| one.detail.as_str()));
    let places: Vec<&str> = gone.iter().map(|one| one.name.as_str()).collect();
    let message = format!(
        "PostgreSQL {} has no type {}: {}",
        facts.target.major(),
        types.join(", "),
        some_of(&places)
    );
    let advice = "give them another type on the source first (ALTER TABLE ... ALTER COLUMN ... TYPE \
                  timestamptz or interval), or drop them";
    Ok(vec![Finding::blocks(message, "the table cannot be created there").advice(advice)])
}
