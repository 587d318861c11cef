//! Collations of columns that the target does not have.

use crate::assess::facts::{Census, Database, Facts, Object};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place, distinct};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let there = facts.target.collations.as_ref().map_err(Clone::clone)?;
    let absent: Vec<&Object> = database
        .objects(Census::UsedCollations)?
        .iter()
        .filter(|one| !there.contains(&one.name))
        .collect();
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    let names = distinct(absent.iter().map(|one| one.name.as_str()));
    let places: Vec<&str> = absent.iter().map(|one| one.detail.as_str()).collect();
    let message = format!("the target has no collation {}: {}", names.join(", "), some_of(&places));
    let why = "collations of the system come with its operating system and the build of the server";
    let finding = Finding::blocks(message, why)
        .fixes(Place::Source, absent.iter().map(|one| one.sql.clone()))
        .advice("or have the locale installed on the target, then pg_import_system_collations()");
    Ok(vec![finding])
}
