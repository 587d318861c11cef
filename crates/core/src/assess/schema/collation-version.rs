//! Collations that changed below the source.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::CollationVersions)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!(
        "collations of the source's system changed since indexes were built: {}",
        some_of(&names)
    );
    let why = "indexes by them may be out of order; rows that break a unique index keep it from being built on \
               the target";
    let finding = Finding::risks(message, why)
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice("rebuild the indexes that use them first: REINDEX DATABASE");
    Ok(vec![finding])
}
