//! Database names that need care.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if database.name.chars().all(is_plain) {
        return Ok(Vec::new());
    }
    if database.name.contains(['\n', '\r']) {
        let message = format!("the name of database {:?} has a line's end in it", database.name);
        let renamed = database.name.replace(['\n', '\r'], "_");
        let rename =
            format!("ALTER DATABASE {} RENAME TO {}", quoted(&database.name), quoted(&renamed));
        return Ok(vec![
            Finding::blocks(message, "pg_dump takes no such name")
                .fix(Place::Source, rename)
                .advice("connect to another database of the source for that"),
        ]);
    }
    let message = format!("the name of database {:?} needs quotes", database.name);
    let why = "it is carried as it is; portals and scripts of services may not take it, and in a URL \
               it has to be percent-encoded";
    Ok(vec![Finding::note(message, why)])
}
