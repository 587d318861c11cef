//! Extensions that the target's login may not create.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::provider::Power;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let offered = facts.target.extensions.as_ref().map_err(Clone::clone)?;
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    if facts.target.may(Power::Extension) == Some(true) {
        return Ok(Vec::new());
    }
    let stands = |name: &str| standing.as_ref().is_some_and(|one| one.extensions.contains(name));
    let closed: Vec<&str> = database
        .extensions
        .iter()
        .map(|one| one.name.as_str())
        .filter(|name| offered.get(*name).is_some_and(|one| !one.is_trusted) && !stands(name))
        .collect();
    if closed.is_empty() {
        return Ok(Vec::new());
    }
    let login = &facts.target.login.name;
    let message =
        format!("the target's login {login} may not create extension {}", some_of(&closed));
    let why = "extensions that are not trusted are created by superusers only";
    let mut fixes = Vec::new();
    if standing.is_none() {
        let (name, owner) = (quoted(&database.name), quoted(login));
        fixes.push(format!(
            "CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING '{}' LC_COLLATE '{}' \
             LC_CTYPE '{}'",
            database.encoding, database.locales[0], database.locales[1]
        ));
    }
    fixes.extend(closed.iter().map(|name| format!("CREATE EXTENSION {}", quoted(name))));
    let advice = format!(
        "let a superuser of the target do that, the extensions in database {}; what stands is used",
        database.name
    );
    Ok(vec![Finding::blocks(message, why).fixes(Place::Target, fixes).advice(advice)])
}
