//! Large objects.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let count = *database.large_object_count.as_ref().map_err(Clone::clone)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let message = format!("database {} has {count} large objects", database.name);
    let why = "they are carried one by one with owners and grants, which takes longer than rows do";
    let advice = "vacuumlo removes those that no row refers to";
    Ok(vec![
        Finding::note(message, why)
            .fix(Place::Shell, format!("vacuumlo -n {}", quoted(&database.name)))
            .advice(advice),
    ])
}
