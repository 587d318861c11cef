//! Unlogged tables.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Unlogged)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("changes of unlogged tables are not followed: {}", some_of(&names));
    let why = "they are not in the write-ahead log; their rows are copied once";
    let finding =
        Finding::risks(message, why).fixes(Place::Source, all.iter().map(|one| one.sql.clone()));
    Ok(vec![finding])
}
