//! Things of users in schemas of the system.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::SystemSchemas)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("not carried, as its schema is the system's: {}", some_of(&names));
    let users: Vec<&str> =
        all.iter().map(|one| one.detail.as_str()).filter(|user| !user.is_empty()).collect();
    let why = "pg_dump takes everything in pg_catalog and information_schema for the server's own";
    let finding = match users.as_slice() {
        [] => Finding::risks(message, why),
        users => Finding::blocks(message, format!("{why}; needed by {}", some_of(users))),
    };
    let moves = all.iter().map(|one| one.sql.clone());
    Ok(vec![finding.fixes(Place::Source, moves).advice("or drop it, if nobody needs it")])
}
