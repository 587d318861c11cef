//! Locales that the target does not have.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place, distinct};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    let replaced = facts.overwrite && standing.as_ref().is_some_and(|one| one.may_drop);
    if let Some(standing) = standing
        && !replaced
    {
        if standing.collate == database.locales[0] {
            return Ok(Vec::new());
        }
        let message = format!(
            "database {} of the target sorts by {}, the source's by {}",
            database.name, standing.collate, database.locales[0]
        );
        let why = "order of text, and ranges over it, may be others";
        return Ok(vec![Finding::risks(message, why)]);
    }
    let lacks = |name: &&String| facts.target.locales.get(*name) == Some(&false);
    let absent = distinct(database.locales.iter().filter(lacks).map(String::as_str));
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!(
        "the target's system has no locale {}, which database {} is made with",
        absent.join(", "),
        database.name
    );
    let why = "CREATE DATABASE asks the operating system for it";
    let make = format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING '{}' LC_COLLATE 'C' LC_CTYPE 'C'",
        quoted(&database.name),
        database.encoding
    );
    let advice = "install the locale, or create the database by hand with one that sorts alike";
    Ok(vec![Finding::blocks(message, why).fix(Place::Target, make).advice(advice)])
}
