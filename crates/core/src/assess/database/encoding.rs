//! Encodings that do not fit.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    let mut found = Vec::new();
    if let Some(standing) = standing
        && standing.encoding != database.encoding
        && !(facts.overwrite && standing.may_drop)
    {
        let message = format!(
            "database {} stands on the target with encoding {}, the source's is {}",
            database.name, standing.encoding, database.encoding
        );
        let why = "text of the source may have no place in the target's encoding";
        found.push(
            Finding::blocks(message, why)
                .fix(Place::Target, format!("DROP DATABASE {}", quoted(&database.name)))
                .advice("it is created with the right one then"),
        );
    }
    if database.encoding == "SQL_ASCII" {
        let message =
            format!("database {} is in SQL_ASCII: its bytes have no encoding", database.name);
        let why =
            "the bytes are moved as they are; a driver that wants UTF-8 may refuse some of them";
        found.push(Finding::note(message, why));
    }
    Ok(found)
}
