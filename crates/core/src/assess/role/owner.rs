//! Owners that the target's login may not act for.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place, distinct};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let there = facts.target.roles.as_ref().map_err(Clone::clone)?;
    let carried = facts.source.roles.as_ref().map_err(Clone::clone)?;
    let login = &facts.target.login.name;
    let owners = database.objects(Census::Owners)?.iter().map(|one| one.name.as_str());
    // Who may act for the database's owner may for that role, which takes no other members.
    let wanted =
        owners.filter(|name| *name != "pg_database_owner").chain([database.owner.as_str()]);
    let (mut closed, mut absent) = (Vec::new(), Vec::new());
    for owner in distinct(wanted) {
        match there.iter().find(|role| role.name == owner) {
            Some(_) if facts.target.facts.is_superuser => {}
            Some(role) if role.may_become || facts.with_roles && role.may_join => {}
            Some(_) => closed.push(owner),
            None if facts.with_roles && carried.iter().any(|role| role.name == owner) => {}
            None => absent.push(owner),
        }
    }
    let mut found = Vec::new();
    if !closed.is_empty() {
        let message = format!(
            "things of database {} belong to {}: the target's login {login} may not become that role",
            database.name,
            some_of(&closed)
        );
        let grants =
            closed.iter().map(|name| format!("GRANT {} TO {}", quoted(name), quoted(login)));
        found.push(
            Finding::blocks(message, "only a member of a role gives things to it")
                .fixes(Place::Target, grants)
                .advice("or give them to another role on the source: REASSIGN OWNED"),
        );
    }
    if !absent.is_empty() {
        let message = format!(
            "things of database {} belong to {}, which the target does not have and which is not carried",
            database.name,
            some_of(&absent)
        );
        let creations = absent.iter().map(|name| format!("CREATE ROLE {}", quoted(name)));
        found.push(
            Finding::blocks(message, "an object is created with its owner")
                .fixes(Place::Target, creations)
                .advice("or give them to another role on the source: REASSIGN OWNED"),
        );
    }
    Ok(found)
}
