//! Things that the source's login may not read.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Unreadable)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message =
        format!("the source's login {} may not read {}", facts.source.login.name, some_of(&names));
    let why = "what cannot be read cannot be moved";
    let finding = Finding::blocks(message, why)
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice("or use the owner, or a superuser, as the source's login");
    Ok(vec![finding])
}
