//! Columns that hold ids of catalog entries.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::RegTypes)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("columns hold names of catalog entries (reg types): {}", some_of(&names));
    let why = "each value is carried as a name, and the row is refused when nothing of that name stands yet: \
               indexes and constraints come after the rows";
    let finding = Finding::risks(message, why)
        .advice("turn such columns into text on the source where rows name indexes");
    Ok(vec![finding])
}
