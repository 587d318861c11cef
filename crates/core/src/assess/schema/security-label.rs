//! Security labels.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::SecurityLabels)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("security labels are given: {}", some_of(&names));
    let why = "a label is refused where its provider is not loaded";
    let finding = Finding::risks(message, why)
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice(
            "load the provider on the target (shared_preload_libraries), or take the labels away",
        );
    Ok(vec![finding])
}
