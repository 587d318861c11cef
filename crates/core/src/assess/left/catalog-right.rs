//! What everybody may do on system catalogs, where the target's login has no say in it.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::CatalogGrants)?;
    let names: Vec<&str> =
        all.iter().filter(|one| one.detail == "PUBLIC").map(|one| one.name.as_str()).collect();
    if names.is_empty() || facts.target.facts.is_superuser {
        return Ok(Vec::new());
    }
    let message =
        format!("what everybody may do on system catalogs is not carried: {}", some_of(&names));
    let why = "catalogs belong to the target's superuser; the comparison does not look for it";
    Ok(vec![Finding::risks(message, why)])
}
