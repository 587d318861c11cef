//! Unlogged tables of a standby.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    if !facts.source.facts.is_standby {
        return Ok(Vec::new());
    }
    let all = database.objects(Census::Unlogged)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("a standby does not have what is unlogged: {}", some_of(&names));
    let finding = Finding::blocks(message, "unlogged tables are not replicated")
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice("name the primary as the source, or make them LOGGED there, or drop them");
    Ok(vec![finding])
}
