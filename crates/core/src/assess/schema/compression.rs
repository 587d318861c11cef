//! Columns that ask for a compression which the target's server lacks.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Compressions)?;
    let Some(first) = all.first() else { return Ok(Vec::new()) };
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("the target was built without {}: {}", first.detail, some_of(&names));
    Ok(vec![
        Finding::blocks(message, "its server takes no column that asks for this compression")
            .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
            .advice("or take a target with it"),
    ])
}
