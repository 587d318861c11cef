//! Database names that need care.

use crate::assess::facts::{Database, Facts};
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if database.name.chars().all(is_plain) {
        return Ok(Vec::new());
    }
    let message = format!("the name of database {:?} needs quotes", database.name);
    let why = "it is carried as it is; portals and scripts of services may not take it, and in a URL \
               it has to be percent-encoded";
    Ok(vec![Finding::note(message, why)])
}
