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
    let icu: Vec<_> = all.iter().filter(|one| one.detail == "icu").collect();
    if !icu.is_empty() && !facts.target.has_icu()? {
        let names: Vec<&str> = icu.iter().map(|one| one.name.as_str()).collect();
        let message = format!("the target was built without ICU: {}", some_of(&names));
        let finding = Finding::blocks(message, "such collations cannot be created there")
            .fixes(Place::Source, icu.iter().map(|one| one.sql.clone()))
            .advice("give columns that use them another collation first, or take another target");
        found.push(finding);
    }
    Ok(found)
}
