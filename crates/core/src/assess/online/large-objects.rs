//! Large objects, which decoding does not have.

use crate::assess::facts::{Database, Facts};
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let count = *database.large_object_count.as_ref().map_err(Clone::clone)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let message = format!(
        "changes of the {count} large objects of database {} are not followed",
        database.name
    );
    let why = "logical decoding does not see them";
    let advice = "do not write to them while the move goes on, or move offline";
    Ok(vec![Finding::risks(message, why).advice(advice)])
}
