//! Rights of roles that the source's service keeps for itself.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::ServiceGrants)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> =
        all.iter().map(|one| format!("{} (on {})", one.name, one.detail)).collect();
    let message = format!("rights of the source's service are not carried: {}", some_of(&names));
    let why = "these are roles of its own, which the target does not have";
    Ok(vec![Finding::risks(message, why)])
}
