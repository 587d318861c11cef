//! Tables whose changes name no row.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::NoIdentity)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("tables have no replica identity: {}", some_of(&names));
    let why =
        "updates and deletes of them are refused by the source while a publication names them";
    let finding = Finding::risks(message, why)
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice("better: give them a primary key");
    Ok(vec![finding])
}
