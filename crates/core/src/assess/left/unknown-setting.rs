//! Settings of databases, and of roles in them, that the target does not know.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::LostSettings)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> =
        all.iter().map(|one| format!("{} of {}", one.detail, one.name)).collect();
    let message = format!("PostgreSQL {} has no {}", facts.target.major(), some_of(&names));
    let why = "it is not carried, and the comparison does not look for it";
    Ok(vec![
        Finding::risks(message, why).fixes(Place::Source, all.iter().map(|one| one.sql.clone())),
    ])
}
