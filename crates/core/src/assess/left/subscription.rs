//! Subscriptions.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Subscriptions)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("subscriptions are not carried: {}", some_of(&names));
    let why = "they would pull the same changes a second time, and their text holds a password";
    let finding = Finding::risks(message, why)
        .advice("create them on the target (copy_data = false) once the source's are dropped");
    Ok(vec![finding])
}
