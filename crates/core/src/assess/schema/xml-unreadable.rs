//! Values of xml that the target's server cannot read.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Xml)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("the target was built without libxml, and xml is in {}", some_of(&names));
    let mends = all.iter().map(|one| one.sql.clone()).filter(|sql| !sql.is_empty());
    Ok(vec![
        Finding::blocks(message, "its server reads no value of type xml but NULL")
            .fixes(Place::Source, mends)
            .advice("or take a target with libxml"),
    ])
}
