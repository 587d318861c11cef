//! Tables with oids.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Oids)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!(
        "the column oid of tables made WITH OIDS is not carried, newer servers have none: {}",
        some_of(&names)
    );
    let why = "PostgreSQL 12 took such columns away";
    let finding = Finding::risks(message, why)
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice("if its values count, copy them into a column of your own on the source first");
    Ok(vec![finding])
}
