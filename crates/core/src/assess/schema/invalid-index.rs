//! Indexes that are not valid.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::InvalidIndexes)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("indexes are not valid and are not carried: {}", some_of(&names));
    let why = "a concurrent build failed and left them";
    let finding =
        Finding::risks(message, why).fixes(Place::Source, all.iter().map(|one| one.sql.clone()));
    Ok(vec![finding])
}
