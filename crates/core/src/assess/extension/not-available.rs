//! Extensions that the target does not have.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let offered = facts.target.extensions.as_ref().map_err(Clone::clone)?;
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    let stands = |name: &str| standing.as_ref().is_some_and(|one| one.extensions.contains(name));
    let absent: Vec<&str> = database
        .extensions
        .iter()
        .map(|one| one.name.as_str())
        .filter(|name| !offered.contains_key(*name) && !stands(name))
        .collect();
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!(
        "the target has no extension {}, which database {} uses",
        some_of(&absent),
        database.name
    );
    let why = "CREATE EXTENSION needs the extension's files on the server";
    let drops = absent.iter().map(|name| format!("DROP EXTENSION {} CASCADE", quoted(name)));
    let advice = match facts.target.provider.administrators() {
        None => "install its package on the target, or drop it on the source with all that uses it",
        Some(_) => "the service does not offer it: drop it on the source with all that uses it",
    };
    Ok(vec![Finding::blocks(message, why).fixes(Place::Source, drops).advice(advice)])
}
