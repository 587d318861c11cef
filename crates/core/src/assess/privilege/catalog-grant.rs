//! Grants on system catalogs.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::CatalogGrants)?;
    // What concerns everybody is `left/catalog-right`.
    let all: Vec<_> = all.iter().filter(|one| one.detail != "PUBLIC").collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> =
        all.iter().map(|one| format!("{} to {}", one.name, one.detail)).collect();
    let message = format!("grants on system catalogs: {}", some_of(&names));
    let finding = if facts.target.facts.is_superuser {
        let why = "they are carried; newer versions may have hidden the catalog for a reason";
        Finding::note(message, why)
    } else {
        let why = "catalogs belong to the target's superuser, and the login may not grant on them";
        Finding::blocks(message, why)
    };
    Ok(vec![finding.fixes(Place::Source, all.iter().map(|one| one.sql.clone()))])
}
