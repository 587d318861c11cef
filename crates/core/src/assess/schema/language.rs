//! Languages that the target does not have.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let mut found = Vec::new();
    for one in database.objects(Census::Languages)? {
        if facts.target.languages.contains(&one.name) {
            continue;
        }
        let message = format!("language {} was made without an extension", one.name);
        let why = "its handler is a library of the server, which the target may lack";
        let finding = match facts.target.facts.is_superuser {
            true => Finding::risks(message, why),
            false => Finding::blocks(message, why),
        };
        found.push(
            finding
                .fix(Place::Source, format!("CREATE EXTENSION {}", one.detail))
                .fix(Place::Source, format!("DROP LANGUAGE {} CASCADE", one.detail))
                .advice("make it an extension, or drop it with its functions"),
        );
    }
    Ok(found)
}
