//! Extensions that the service offers and does not allow yet.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place, distinct};

/// The parameter of Azure that lists what may be created; empty for nothing.
const PARAMETER: &str = "azure.extensions";

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let Some(allowed) = facts.target.setting(PARAMETER)? else { return Ok(Vec::new()) };
    let list: Vec<&str> =
        allowed.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let has = |name: &str| list.iter().any(|one| one.eq_ignore_ascii_case(name));
    let absent: Vec<&str> =
        database.extensions.iter().map(|one| one.name.as_str()).filter(|name| !has(name)).collect();
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    // One command for all databases: the parameter is one list.
    let all = facts.databases.iter().flat_map(|one| &one.extensions).map(|one| one.name.as_str());
    let all: Vec<&str> = all.filter(|name| !has(name)).collect();
    let mut wanted = list.clone();
    wanted.extend(distinct(all));
    let message = format!("{PARAMETER} of the target does not list {}", some_of(&absent));
    let why = "a flexible server creates only extensions that the parameter names";
    let fix = facts.target.provider.set_parameter(PARAMETER, &wanted.join(","));
    Ok(vec![Finding::blocks(message, why).fix(Place::Shell, fix)])
}
