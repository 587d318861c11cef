//! Collations of users.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Collations)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message =
        format!("database {} has collations of its own: {}", database.name, some_of(&names));
    let why = "Flexway carries them where the target knows their locale; Azure's own service refuses \
               them";
    let mut found = vec![Finding::note(message, why)];
    let there = facts.target.collations.as_ref().map_err(Clone::clone)?;
    // Every server with ICU has its collations by these names.
    let has_icu = there.iter().any(|name| name.ends_with("-x-icu"));
    let icu: Vec<_> = all.iter().filter(|one| one.detail == "icu").collect();
    if !has_icu && !icu.is_empty() {
        let names: Vec<&str> = icu.iter().map(|one| one.name.as_str()).collect();
        let message = format!("the target was built without ICU: {}", some_of(&names));
        let finding = Finding::blocks(message, "such collations cannot be created there")
            .fixes(Place::Source, icu.iter().map(|one| one.sql.clone()))
            .advice("give columns that use them another collation first, or take another target");
        found.push(finding);
    }
    Ok(found)
}
