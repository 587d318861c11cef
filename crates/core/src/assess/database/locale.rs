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
        if standing.sorts_by == database.sorts_by {
            return Ok(Vec::new());
        }
        let message = format!(
            "database {} of the target sorts by {}, the source's by {}",
            database.name, standing.sorts_by, database.sorts_by
        );
        let why = "order of text, and ranges over it, may be others";
        return Ok(vec![Finding::risks(message, why)]);
    }
    let by_hand = |finding: Finding| {
        let make = format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING '{}' LC_COLLATE 'C' LC_CTYPE 'C'",
            quoted(&database.name),
            database.encoding
        );
        finding.fix(Place::Target, make)
    };
    let mut found = Vec::new();
    if database.provider == "icu" && !facts.target.has_icu()? {
        let message = format!(
            "the target was built without ICU, by which database {} sorts: {}",
            database.name, database.sorts_by
        );
        let advice = "take another target, or create the database by hand: text sorts by bytes in this \
                      one, and a range of it may hold other rows";
        let finding = Finding::blocks(message, "such a database cannot be created there");
        found.push(by_hand(finding).advice(advice));
    }
    let lacks = |name: &&String| facts.target.locales.get(*name) == Some(&false);
    let absent = distinct(database.locales.iter().filter(lacks).map(String::as_str));
    if !absent.is_empty() {
        let message = format!(
            "the target's system has no locale {}, which database {} is made with",
            absent.join(", "),
            database.name
        );
        let why = "CREATE DATABASE asks the operating system for it";
        let advice = "install the locale, or create the database by hand with one that sorts alike";
        found.push(by_hand(Finding::blocks(message, why)).advice(advice));
    }
    Ok(found)
}
