//! A login that may not create databases.

use crate::assess::facts::Facts;
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let (login, target) = (&facts.target.login, &facts.target.facts);
    if target.is_superuser || login.can_create_databases {
        return Ok(Vec::new());
    }
    let mut absent = Vec::new();
    for database in &facts.databases {
        if database.standing.as_ref().map_err(Clone::clone)?.is_none() {
            absent.push(database.name.as_str());
        }
    }
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    let message =
        format!("the target's login {} may not create databases: {}", login.name, some_of(&absent));
    let fix = format!("ALTER ROLE {} CREATEDB", quoted(&login.name));
    let finding = Finding::blocks(message, "CREATE DATABASE needs the attribute CREATEDB")
        .fix(Place::Target, fix)
        .advice("or create them empty, owned by the login");
    Ok(vec![finding])
}
